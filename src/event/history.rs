use super::Payload;
use crate::json::object::object;
use crate::model::{HistoryProgress, MetaError};

object! {
    /// `history`: a piece of the old conversations of a business that joined
    /// with its WhatsApp Business app, or the news that it does not share them.
    ///
    /// Each message in it is a [`HistoryMessage`](super::HistoryMessage) of its
    /// own, right after this; the threads themselves are in the raw JSON.
    ///
    /// ```json
    /// {"metadata": {"phase": 0, "chunk_order": 1, "progress": 55}, "threads": [{"id": "15550101001",
    ///   "messages": [{"from": "15550101001", "id": "wamid.HBgL…", "timestamp": "1780000000",
    ///                 "type": "text", "text": {"body": "…"}, "history_context": {"status": "READ"}}]}]}
    /// {"errors": [{"code": 2593109, "title": "…"}]}
    /// ```
    ///
    /// Meta's page: [history webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/history).
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/history.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::History(chunk), WebhookEvent::HistoryMessage(first), ..] = webhook.events()
    /// else { panic!("a chunk and its messages") };
    /// assert!(chunk.value.metadata.unwrap().progress.is_some());
    /// assert_eq!(first.progress, chunk.value.metadata);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct History {
        /// Which piece, and how many are to come.
        pub metadata: Option<HistoryProgress>,
        /// Why there is nothing; 2593109: the business does not share it.
        pub errors: Vec<MetaError>,
    }
}

impl Payload for History {
    /// A chunk is numbered.
    fn has_id(&self) -> bool {
        self.metadata.is_some()
    }
}
