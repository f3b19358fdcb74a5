//! Entries that AWS delivers without their body.

use super::claim::Batch;
use super::wait::{Wait, now};
use super::{EngineError, Outcome, WebhookEngine};
use crate::store::Store;
use crate::trace;

/// Entries by themselves.
impl<S: Store> WebhookEngine<S> {
    /// Stores one entry that came without its body, and sends its events:
    /// [`process`](Self::process), for AWS End User Messaging Social.
    ///
    /// AWS takes Meta's webhooks in your place and publishes each entry to an SNS
    /// topic, from which SQS or Lambda gets it. `entry` is the string
    /// `whatsAppWebhookEntry` of the SNS message. It is stored as a body with this
    /// entry alone, so that retries and dead letters are those of other webhooks.
    ///
    /// No signature is checked, since Meta's is not in the message. SNS's own signature
    /// takes its place: check that one if SNS posts to your web server. SQS and Lambda
    /// get none; the queue's policy and the function's permissions must admit your
    /// topic alone.
    ///
    /// While an outcome [should be retried](Outcome::should_retry), leave the message
    /// in the queue.
    ///
    /// # Errors
    ///
    /// When the text is no entry (see [`parse_entry`](crate::parse_entry)), or the
    /// store fails. In the first case the engine keeps nothing of it: leave the message
    /// to the dead-letter queue of SQS.
    ///
    /// # Examples
    ///
    /// ```
    /// use serde_json::Value;
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::{MemoryStore, StoreExt};
    ///
    /// // The body of a message in SQS: a notification of SNS, with the message as a string.
    /// # let entry = r#"{"id": "102290129340398", "changes": [{"field": "messages", "value": {
    /// #     "messages": [{"id": "wamid.A", "from": "15550101001", "type": "text", "text": {"body": "Hi"}}]
    /// # }}]}"#;
    /// # let message = serde_json::json!({"messageId": "1", "whatsAppWebhookEntry": entry});
    /// # let notification = serde_json::json!({"Type": "Notification", "Message": message.to_string()});
    /// # let notification = notification.to_string();
    /// let notification: Value = serde_json::from_str(&notification)?;
    /// // With raw message delivery, and as `Sns.Message` in Lambda, this is all.
    /// let message = notification["Message"].as_str().ok_or("no message")?;
    /// let message: Value = serde_json::from_str(message)?;
    /// let entry = message["whatsAppWebhookEntry"].as_str().ok_or("no entry")?;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let outcome = engine.process_entry(entry.as_bytes())?;
    /// assert_eq!((outcome.fired(), outcome.should_retry()), (1, false));
    ///
    /// // SNS and SQS deliver at least once.
    /// assert_eq!(engine.process_entry(entry.as_bytes())?.duplicate(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn process_entry(&self, entry: &[u8]) -> Result<Outcome, EngineError> {
        now(self.process_entry_with(Wait::Never, entry))
    }

    /// [`process_entry`](Self::process_entry), and waits for async receivers, as
    /// [`process_async`](Self::process_async) does.
    ///
    /// # Errors
    ///
    /// As of [`process_entry`](Self::process_entry).
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// async fn forward(_event: &MessageReceived) {}
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # pollster::block_on(async {
    /// # let entry = r#"{"id": "102290129340398", "changes": [{"field": "messages", "value": {
    /// #     "messages": [{"id": "wamid.A", "from": "15550101001", "type": "text", "text": {"body": "Hi"}}]
    /// # }}]}"#;
    /// # let message = serde_json::json!({"messageId": "1", "whatsAppWebhookEntry": entry});
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let entry = message["whatsAppWebhookEntry"].as_str().ok_or("no entry")?;
    /// assert_eq!(engine.process_entry_async(entry.as_bytes()).await?.failed(), 0);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub async fn process_entry_async(&self, entry: &[u8]) -> Result<Outcome, EngineError> {
        self.process_entry_with(self.waiting(), entry).await
    }

    async fn process_entry_with(&self, wait: Wait, entry: &[u8]) -> Result<Outcome, EngineError> {
        let parser = self.settings.parser;
        let body = parser.body_of(entry).inspect_err(trace::unreadable)?;
        // The limit was for the entry.
        let webhook = parser.max_len(usize::MAX).parse(body.as_bytes());
        let webhook = webhook.inspect_err(trace::unreadable)?;
        let batch = Batch::new(webhook.into_events());
        self.run_body(wait, batch, body.as_bytes()).await
    }
}
