//! Meta's errors, as webhooks report them.

use super::ErrorCode;
use crate::json::object::object;

object! {
    /// Why Meta could not do something: a message that failed, a type that it
    /// cannot show you.
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
    #[derive(Default, Eq, Hash)]
    pub struct MetaError {
        /// What to match on.
        pub code: Option<ErrorCode>,
        /// A short name.
        pub title: Option<Box<str>>,
        /// A sentence; since v16.
        pub message: Option<Box<str>>,
        /// More about this case; since v16.
        pub error_data: Option<ErrorData>,
        /// Where versions before v16 had the details.
        pub bare_details = "details": Option<Box<str>>,
        /// Where Meta explains it.
        pub href: Option<Box<str>>,
    }
}

object! {
    /// The member `error_data` of a [`MetaError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::ErrorData;
    ///
    /// let data: ErrorData = serde_json::from_str(r#"{"details": "No such user"}"#)?;
    /// assert_eq!(data.details.as_deref(), Some("No such user"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct ErrorData {
        /// More about this case.
        pub details: Option<Box<str>>,
    }
}

impl MetaError {
    /// More about this case, wherever the version of the webhook has it.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::MetaError;
    ///
    /// let older: MetaError = serde_json::from_str(r#"{"code": 470, "details": "Too late"}"#)?;
    /// assert_eq!(older.details(), Some("Too late"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn details(&self) -> Option<&str> {
        let data = self
            .error_data
            .as_ref()
            .and_then(|data| data.details.as_deref());
        data.or(self.bare_details.as_deref())
    }
}
