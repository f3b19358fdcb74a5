//! What was said before a conversation was handed over.

use crate::json::object::object;

object! {
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
    #[derive(Default, Eq, Hash)]
    pub struct ConversationContext {
        /// `summary`.
        pub kind = "type": Option<Box<str>>,
        /// The summary.
        pub summary: Option<ConversationSummary>,
    }
}

object! {
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
    #[derive(Default, Eq, Hash)]
    pub struct ConversationSummary {
        /// Its words.
        pub text: Option<Box<str>>,
    }
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
