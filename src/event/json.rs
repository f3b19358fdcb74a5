//! Events as JSON, for a queue or a table of your own.

use thiserror::Error;

use super::WebhookEvent;

impl WebhookEvent {
    /// Its JSON, with the raw JSON in it, as a string: what
    /// [`from_json`](Self::from_json) reads again, in this version of the crate or
    /// a later one. It is personal data.
    ///
    /// # Errors
    ///
    /// Those of `serde_json`, which an event does not cause.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::WebhookEvent;
    ///
    /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/text.json")?)?;
    /// for event in &webhook {
    ///     let queued = event.to_json()?;
    ///     assert_eq!(&WebhookEvent::from_json(queued.as_bytes())?, event);
    /// }
    ///
    /// let error = WebhookEvent::from_json(br#"{"message_received": "Hi"}"#).unwrap_err();
    /// assert_eq!(error.to_string(), "not the JSON of an event, at line 1 column 25");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// When it is not the JSON of an event, or of one that a later version of the
    /// crate has added. Unlike that of `serde_json`, the error quotes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::WebhookEvent;
    ///
    /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/status-read.json")?)?;
    /// let row = webhook.events()[0].to_json()?;
    /// assert_eq!(WebhookEvent::from_json(row.as_bytes())?.name(), "message_status_changed");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_json(json: &[u8]) -> Result<Self, EventJsonError> {
        serde_json::from_slice(json).map_err(|error| EventJsonError {
            line: error.line(),
            column: error.column(),
        })
    }
}

/// Something is not the JSON of an event. As text it says where, and quotes nothing.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::WebhookEvent;
///
/// let error = WebhookEvent::from_json(b"{\n  no JSON").unwrap_err();
/// assert_eq!((error.line, error.column), (2, 3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("not the JSON of an event, at line {line} column {column}")]
#[non_exhaustive]
pub struct EventJsonError {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in bytes.
    pub column: usize,
}
