//! Messages that you sent.

use super::record::Recorder;
use super::wait::{Wait, now};
use super::{EngineError, WebhookEngine};
use crate::event::MessageSent;
use crate::model::Timestamp;
use crate::signal::Report;
use crate::signals::MESSAGE_SENT;
use crate::store::{Mode, Store, Transaction, transact};
use crate::trace;

/// Messages that you sent.
impl<S: Store> WebhookEngine<S> {
    /// Stores a message that you sent, and fires
    /// [`MESSAGE_SENT`]: Django's
    /// `whatsapp_message_sent`. Statuses that have come already are the
    /// message's.
    ///
    /// # Errors
    ///
    /// When the store fails; then nothing is fired.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::event::MessageSent;
    /// use whatsapp_signals::model::{Content, Identity, Message};
    /// use whatsapp_signals::store::{MemoryStore, StoreExt};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let message = Message::outbound("wamid.HBgL", ada.clone(), Content::text("It is ready"));
    /// let report = engine.sent(&MessageSent::new(message.build()))?;
    /// assert!(report.is_ok());
    /// assert_eq!(engine.store().conversation(&ada, None, 50)?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sent(&self, event: &MessageSent) -> Result<Report, EngineError> {
        now(self.sent_with(Wait::Never, event))
    }

    /// [`sent`](Self::sent), and waits for async receivers. Nobody is asked
    /// again: what you sent is no webhook that comes once more.
    ///
    /// # Errors
    ///
    /// As of [`sent`](Self::sent).
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageSent;
    /// use whatsapp_signals::model::{Content, Identity, Message};
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_SENT};
    ///
    /// #[receiver(MESSAGE_SENT)]
    /// async fn log(_event: &MessageSent) {}
    ///
    /// # fn main() -> Result<(), whatsapp_signals::EngineError> {
    /// # pollster::block_on(async {
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let message = Message::outbound("wamid.HBgL", ada, Content::text("It is ready"));
    /// let report = engine.sent_async(&MessageSent::new(message.build())).await?;
    /// assert_eq!((report.called(), report.is_ok()), (1, true));
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub async fn sent_async(&self, event: &MessageSent) -> Result<Report, EngineError> {
        self.sent_with(self.waiting(), event).await
    }

    async fn sent_with(&self, wait: Wait, event: &MessageSent) -> Result<Report, EngineError> {
        let record = |tx: &mut dyn Transaction| {
            let mut recorder = Recorder::new(Timestamp::now());
            recorder.record_sent(tx, &event.message)
        };
        wait.block(|| transact(&self.store, Mode::Durable, record))?;
        let signal = MESSAGE_SENT.with(&self.settings.context);
        let report = match wait {
            Wait::Never => signal.send_robust(event),
            Wait::Async(_) => signal.asend_robust(event).await,
        };
        let failures = report.failures().iter();
        failures.for_each(|failure| trace::failed(0, failure));
        Ok(report)
    }
}
