//! News about a user.

use serde::{Deserialize, Serialize};

use crate::model::text_enum::text_enum;
use crate::model::{UserId, WaId};

/// `system`: news about the user, which the chat shows to both sides.
///
/// ```json
/// {"type": "user_changed_number", "body": "…", "wa_id": "12195555358"}
/// {"type": "user_changed_user_id", "user_id": "US.13…", "previous_user_id": "US.99…"}
/// ```
///
/// Meta's page: [system messages](https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages/system).
///
/// ```
/// use whatsapp_signals::model::{System, SystemKind};
///
/// let older: System = serde_json::from_str(
///     r#"{"type": "customer_changed_number", "new_wa_id": "12195555358"}"#,
/// )?;
/// assert_eq!(older.kind, Some(SystemKind::CustomerChangedNumber));
/// assert_eq!(older.new_number().unwrap(), "12195555358");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct System {
    /// What happened.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<SystemKind>,
    /// What the chat shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<str>>,
    /// The user's number from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wa_id: Option<WaId>,
    /// The same in older versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_wa_id: Option<WaId>,
    /// The user's id from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The user's parent id from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_user_id: Option<UserId>,
    /// The user's id until now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_user_id: Option<UserId>,
    /// The user's parent id until now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_parent_user_id: Option<UserId>,
    /// The hash of the user's new identity, in older versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Box<str>>,
    /// The user, in older versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<WaId>,
    /// The user, in older versions still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<WaId>,
}

text_enum! {
    /// What a system message tells.
    pub enum SystemKind {
        /// The user has another phone number.
        UserChangedNumber = "user_changed_number",
        /// The user has another business-scoped user id.
        UserChangedUserId = "user_changed_user_id",
        /// The user has another phone number; older versions.
        CustomerChangedNumber = "customer_changed_number",
        /// The user has another device or identity; older versions.
        CustomerIdentityChanged = "customer_identity_changed",
    }
}

impl System {
    /// The user's number from now on, wherever the version of the webhook has
    /// it.
    #[must_use]
    pub fn new_number(&self) -> Option<&WaId> {
        self.wa_id.as_ref().or(self.new_wa_id.as_ref())
    }
}
