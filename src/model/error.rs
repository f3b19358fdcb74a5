//! Meta's errors, as webhooks report them.

use super::ErrorCode;
use crate::json::object::json_object;

/// An error of Meta in a webhook: a failed message, an unsupported type of message.
///
/// # JSON
///
/// ```json
/// {"code": 131026, "title": "Message undeliverable", "message": "…",
///  "error_data": {"details": "…"}, "href": "https://…"}
/// ```
///
/// Meta's page: [error codes](https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes).
///
/// ```
/// use whatsapp_signals::model::MetaError;
///
/// let error: MetaError = serde_json::from_str(
///     r#"{"code": 131026, "title": "Undeliverable", "error_data": {"details": "No such user"}}"#,
/// )?;
/// assert_eq!(error.code.as_ref().and_then(|code| code.as_u32()), Some(131_026));
/// assert_eq!(error.details(), Some("No such user"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct MetaError {
    /// The code to match on.
    pub code: Option<ErrorCode>,
    /// The title.
    pub title: Option<Box<str>>,
    /// The message; since v16.
    pub message: Option<Box<str>>,
    /// The details; since v16.
    pub error_data: Option<ErrorData>,
    /// The details before v16.
    #[json(rename = "details")]
    pub bare_details: Option<Box<str>>,
    /// The address of Meta's explanation.
    pub href: Option<Box<str>>,
}

/// The member `error_data` of a [`MetaError`].
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct ErrorData {
    /// The details.
    pub details: Option<Box<str>>,
}

impl MetaError {
    /// Returns the details, in webhooks of any version.
    #[must_use]
    pub fn details(&self) -> Option<&str> {
        let data = self
            .error_data
            .as_ref()
            .and_then(|data| data.details.as_deref());
        data.or(self.bare_details.as_deref())
    }
}

/// The reason for which Meta refuses a request.
///
/// # JSON
///
/// ```json
/// {"message": "(#131047) Re-engagement message", "type": "OAuthException", "code": 131047,
///  "error_data": {"details": "More than 24 hours have passed …"},
///  "error_subcode": 2494010, "fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam"}
/// ```
///
/// Meta's page: [error codes](https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes).
///
/// ```
/// use whatsapp_signals::model::GraphError;
///
/// let error: GraphError = serde_json::from_str(
///     r#"{"code": 131047, "error_subcode": 2494010, "error_data": {"details": "24 hours"}}"#,
/// )?;
/// let code = |code: Option<&whatsapp_signals::model::ErrorCode>| code?.as_u32();
/// assert_eq!(code(error.code.as_ref()), Some(131_047));
/// assert_eq!(code(error.error_subcode.as_ref()), Some(2_494_010));
/// assert_eq!(error.details(), Some("24 hours"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct GraphError {
    /// The code to match on.
    pub code: Option<ErrorCode>,
    /// A finer code; mostly missing since v16.
    pub error_subcode: Option<ErrorCode>,
    /// `OAuthException`, …
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
    /// The code and its title.
    pub message: Option<Box<str>>,
    /// The details.
    pub error_data: Option<ErrorData>,
    /// A title to show to a person.
    pub error_user_title: Option<Box<str>>,
    /// A message to show to a person.
    pub error_user_msg: Option<Box<str>>,
    /// The same request may succeed later.
    pub is_transient: Option<bool>,
    /// The id of the request at Meta, for its support.
    pub fbtrace_id: Option<Box<str>>,
}

impl GraphError {
    /// Returns the details.
    #[must_use]
    pub fn details(&self) -> Option<&str> {
        self.error_data.as_ref()?.details.as_deref()
    }
}
