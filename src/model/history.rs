//! Earlier parts of a conversation: synced history, and the summary before a handover.

use super::text_enum::text_enum;
use crate::json::object::json_object;

/// The position of a history chunk.
///
/// ```
/// use whatsapp_signals::model::HistoryProgress;
///
/// let last: HistoryProgress = serde_json::from_str(r#"{"phase": 2, "progress": 100}"#)?;
/// assert!(last.is_complete());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Copy, Default, Eq, Hash)]
pub struct HistoryProgress {
    /// The phase. 0: the last day, 1: the last 90 days, 2: the last 180 days.
    pub phase: Option<u64>,
    /// The number of the chunk within the phase; chunks arrive in any order.
    pub chunk_order: Option<u64>,
    /// The progress of the whole history, in per cent.
    pub progress: Option<u64>,
}

impl HistoryProgress {
    /// Returns whether the history is complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.progress == Some(100)
    }
}

/// The last status of a history message, as an object.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct HistoryContext {
    /// The last status.
    pub status: Option<HistoryStatus>,
}

text_enum! {
    /// The last status of a history message.
    pub enum HistoryStatus {
        /// The message was not sent yet.
        Pending = "PENDING",
        /// The message was sent.
        Sent = "SENT",
        /// The message was delivered.
        Delivered = "DELIVERED",
        /// The message was read.
        Read = "READ",
        /// The voice message was played.
        Played = "PLAYED",
        /// The message was not delivered.
        Error = "ERROR",
    }
}

/// Meta's summary of a conversation before its handover.
///
/// A language model writes the summary: show it to a person, and do not let a program act on it.
///
/// ```json
/// {"type": "summary", "summary": {"text": "Ada asks whether her bike is ready."}}
/// ```
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
///
/// let body = &std::fs::read("tests/payloads/conversation-context.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let mut summaries = webhook.iter().filter_map(|event| match event {
///     WebhookEvent::MessageReceived(event) => event.conversation_context.as_ref()?.text(),
///     _ => None,
/// });
/// assert!(summaries.any(|text| text.starts_with("Ada's hub dynamo is dead")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct ConversationContext {
    /// `summary`.
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
    /// The summary.
    pub summary: Option<ConversationSummary>,
}

/// A summary of a conversation.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct ConversationSummary {
    /// The text of the summary.
    pub text: Option<Box<str>>,
}

impl ConversationContext {
    /// Returns the text of the summary.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.summary.as_ref()?.text.as_deref()
    }
}
