//! What a store has of an event.

use super::WebhookId;
use crate::model::Timestamp;

/// An event that came, by its [`dedup_key`](crate::Event::dedup_key).
///
/// It is finished when its progress says so, and also when its webhook has
/// nothing open, or is gone: a webhook of which all went well is closed as a
/// whole, and its events are left as they are. [`Inbox`](super::Inbox) has more of an example.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::Timestamp;
/// use whatsapp_signals::store::{EventRecord, Progress, WebhookId};
///
/// let mut event = EventRecord::new(WebhookId(1), Timestamp::now());
/// event.attempts += 1;
/// event.done.push("greet".into());
/// event.failed.push("archive".into());
/// assert_eq!(event.progress, Progress::Open, "one of them is yet to succeed");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct EventRecord {
    /// The webhook that it came in first.
    pub webhook: WebhookId,
    /// When it came.
    pub received_at: Timestamp,
    /// How far it is.
    pub progress: Progress,
    /// How often it has failed.
    pub attempts: u32,
    /// The receivers that have succeeded.
    pub done: Vec<String>,
    /// The receivers that failed the last time.
    pub failed: Vec<String>,
}

/// How far an event is.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::WebhookEngine;
/// use whatsapp_signals::store::{MemoryStore, Mode, Progress, Store};
///
/// let engine = WebhookEngine::new(MemoryStore::new());
/// engine.bury(b"{")?;
/// engine.store().transact(Mode::Read, &mut |tx| {
///     assert_eq!(tx.dead_events(1)?[0].1.progress, Progress::Dead);
///     Ok(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Progress {
    /// Some receiver has not succeeded yet.
    Open,
    /// Nothing is left to do.
    Finished,
    /// It was tried often enough: somebody must look at it.
    Dead,
}

impl EventRecord {
    /// An event that nobody has worked on.
    ///
    /// ```
    /// use whatsapp_signals::model::Timestamp;
    /// use whatsapp_signals::store::{EventRecord, Progress, WebhookId};
    ///
    /// let event = EventRecord::new(WebhookId(1), Timestamp::now());
    /// assert_eq!((event.progress, event.attempts), (Progress::Open, 0));
    /// ```
    #[must_use]
    pub fn new(webhook: WebhookId, received_at: Timestamp) -> Self {
        Self {
            webhook,
            received_at,
            progress: Progress::Open,
            attempts: 0,
            done: Vec::new(),
            failed: Vec::new(),
        }
    }
}
