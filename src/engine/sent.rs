//! Messages that the program sends, and those that Meta refuses.

use super::access::ready;
use super::{Call, EngineError, Outcome, WebhookEngine};
use crate::event::{MessageRefused, MessageSent, WebhookEvent};
use crate::signal::ReceiverMode;
use crate::store::{ReadyStore, Store};

/// Sent messages, for sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Stores a message that you sent, and delivers [`MESSAGE_SENT`](crate::signals::MESSAGE_SENT):
    /// Django's `whatsapp_message_sent`. Statuses that have come already are the message's.
    ///
    /// The event is delivered as those of webhooks are: once, however often the call is repeated,
    /// and to each receiver until it succeeds or gives up. A receiver that fails is called again by
    /// [`tend_async`](Self::tend_async) or [`retry_unfinished`](Self::retry_unfinished), and so is one
    /// that a killed program has not called. A repeated call changes nothing of the message, also if
    /// its event names another campaign.
    ///
    /// A message that [names a campaign](MessageSent::with_campaign) counts in it. A campaign that
    /// is not saved is added, as `running`.
    ///
    /// # Errors
    ///
    /// When the event has no account, or the store fails. Repeat the call then: the message is not
    /// stored, or its receivers have not all been called.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::event::MessageSent;
    /// use whatsapp_signals::model::{Account, Content, Identity, Message};
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let message = Message::outbound("wamid.HBgL", ada.clone(), Content::text("It is ready"));
    /// let account = Account::new("900800700600500").with_number("300200100500600", "15550100200");
    /// let sent = MessageSent::new(message.build()).with_account(account);
    /// assert!(!engine.process_sent(sent.clone())?.should_retry());
    /// assert_eq!(engine.process_sent(sent)?.duplicates(), 1);
    /// assert_eq!(engine.number("300200100500600").conversation(&ada, None, 50)?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn process_sent(&self, event: MessageSent) -> Result<Outcome, EngineError> {
        ready(self.call(ReceiverMode::Sync).process_own(event))
    }

    /// Delivers [`MESSAGE_REFUSED`](crate::signals::MESSAGE_REFUSED) for a message that Meta
    /// refused, as [`sent`](Self::process_sent) delivers that of an accepted one. No message is stored; the
    /// campaign that the event [names](MessageRefused::with_campaign) counts it as failed.
    ///
    /// # Errors
    ///
    /// As of [`sent`](Self::process_sent).
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageRefused;
    /// use whatsapp_signals::model::Account;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_REFUSED};
    ///
    /// #[receiver(MESSAGE_REFUSED)]
    /// fn alert(event: &MessageRefused) {
    ///     assert_eq!(event.error.code.as_ref().unwrap(), "131047");
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let request = r#"{"to": "15550101001", "text": {"body": "It is ready"}}"#;
    /// let response = r#"{"error": {"code": 131047, "fbtrace_id": "Az8or2yhqkZfEZ"}}"#;
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let account = Account::new("900800700600500").with_number("300200100500600", "15550100200");
    /// if let Some(refused) = MessageRefused::from_graph_error(request, response)? {
    ///     assert_eq!(engine.process_refused(refused.with_account(account))?.delivered(), 1);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn process_refused(&self, event: MessageRefused) -> Result<Outcome, EngineError> {
        ready(self.call(ReceiverMode::Sync).process_own(event))
    }
}

/// Sent messages.
impl<S: Store> WebhookEngine<S> {
    /// Stores and delivers as [`sent`](Self::process_sent) does, and awaits the store and async receivers.
    ///
    /// # Errors
    ///
    /// As of [`sent`](Self::process_sent).
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageSent;
    /// use whatsapp_signals::model::{Account, Content, Identity, Message};
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
    /// let event = MessageSent::new(message.build()).with_account(Account::new("900800700600500"));
    /// let outcome = engine.process_sent_async(event).await?;
    /// assert_eq!((outcome.delivered(), outcome.failed()), (1, 0));
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub async fn process_sent_async(&self, event: MessageSent) -> Result<Outcome, EngineError> {
        self.call(ReceiverMode::Async).process_own(event).await
    }

    /// Delivers as [`refused`](Self::process_refused) does, and awaits the store and async receivers.
    ///
    /// # Errors
    ///
    /// As of [`sent`](Self::process_sent).
    pub async fn process_refused_async(
        &self,
        event: MessageRefused,
    ) -> Result<Outcome, EngineError> {
        self.call(ReceiverMode::Async).process_own(event).await
    }
}

impl Call<'_> {
    async fn process_own(self, event: impl Into<WebhookEvent>) -> Result<Outcome, EngineError> {
        let event = event.into();
        self.process_event(&event.dedup_key(), event).await
    }
}
