//! Events that were tried often enough.

use std::fmt;

use crate::event::WebhookEvent;
use crate::model::Timestamp;

/// An event of which a receiver failed so often that it is not tried any more.
///
/// Its [`key`](Self::key) and [`event`](Self::event) are personal data, and
/// `Debug` leaves them out.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::store::MemoryStore;
/// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
///
/// #[receiver(MESSAGE_RECEIVED, uid = "archive")]
/// fn archive(_: &MessageReceived) -> Result<(), &'static str> {
///     Err("no archive")
/// }
///
/// # fn main() -> Result<(), whatsapp_signals::EngineError> {
/// let engine = WebhookEngine::new(MemoryStore::new()).max_attempts(1);
/// let outcome = engine.process(include_bytes!("../../tests/payloads/text.json"))?;
/// assert_eq!((outcome.dead(), outcome.should_retry()), (1, false));
///
/// let letters = engine.dead_letters(10)?;
/// assert_eq!(letters[0].failed, ["archive"]);
/// assert_eq!(letters[0].event.as_ref().unwrap().name(), "message_received");
///
/// assert!(engine.requeue(&letters[0].key)?); // and it is tried once more
/// assert_eq!(engine.retry_unfinished()?.failed(), 1);
/// assert!(engine.discard(&letters[0].key)?); // it was handled by hand
/// assert!(engine.dead_letters(10)?.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Its [`dedup_key`](crate::Event::dedup_key).
    pub key: String,
    /// When it came.
    pub received_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// The receivers that failed the last time, by uid or path. None when the
    /// program ended while they ran.
    pub failed: Vec<String>,
    /// The event. `None` when this version of the crate reads its webhook in
    /// another way than the one that stored it.
    pub event: Option<WebhookEvent>,
}

impl fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetter")
            .field("signal", &self.event.as_ref().map(WebhookEvent::name))
            .field("received_at", &self.received_at)
            .field("attempts", &self.attempts)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
