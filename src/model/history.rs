//! Earlier parts of a conversation: synced history, and the summary before a handover.

use super::text_enum::text_enum;
use crate::json::object::json_object;

/// Which piece of the history this is.
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
    /// 0: the last day, 1: the last 90 days, 2: the last 180 days.
    pub phase: Option<u64>,
    /// Its number within the phase; pieces come in any order.
    pub chunk_order: Option<u64>,
    /// How much of the whole is done, in per cent.
    pub progress: Option<u64>,
}

impl HistoryProgress {
    /// Whether the whole history has been sent.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::HistoryProgress;
    ///
    /// let mut progress = HistoryProgress::default();
    /// assert!(!progress.is_complete());
    /// progress.progress = Some(100);
    /// assert!(progress.is_complete());
    /// ```
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.progress == Some(100)
    }
}

/// How far an old message had come.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::{HistoryContext, HistoryStatus};
///
/// let context: HistoryContext = serde_json::from_str(r#"{"status": "READ"}"#)?;
/// assert_eq!(context.status, Some(HistoryStatus::Read));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct HistoryContext {
    /// Its last status.
    pub status: Option<HistoryStatus>,
}

text_enum! {
    /// The last status of an old message.
    pub enum HistoryStatus {
        /// Not sent yet.
        Pending = "PENDING",
        /// On its way.
        Sent = "SENT",
        /// On the other's phone.
        Delivered = "DELIVERED",
        /// Seen.
        Read = "READ",
        /// Listened to.
        Played = "PLAYED",
        /// Not delivered.
        Error = "ERROR",
    }
}

/// What was said in a conversation so far, in Meta's summary.
///
/// It is written by a language model: show it to a person, and do not let
/// a program act on it.
///
/// ```json
/// {"type": "summary", "summary": {"text": "Ada asks whether her bike is ready."}}
/// ```
///
/// ```
/// use whatsapp_signals::model::ConversationContext;
///
/// let context: ConversationContext =
///     serde_json::from_str(r#"{"type": "summary", "summary": {"text": "Ada asks."}}"#)?;
/// assert_eq!(context.text(), Some("Ada asks."));
/// # Ok::<(), serde_json::Error>(())
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
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::ConversationSummary;
///
/// let summary: ConversationSummary = serde_json::from_str(r#"{"text": "Ada asks for a price."}"#)?;
/// assert_eq!(summary.text.as_deref(), Some("Ada asks for a price."));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct ConversationSummary {
    /// Its words.
    pub text: Option<Box<str>>,
}

impl ConversationContext {
    /// The words of the summary.
    ///
    /// # Examples
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
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.summary.as_ref()?.text.as_deref()
    }
}
