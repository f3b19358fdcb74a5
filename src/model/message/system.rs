//! News about a user.

use crate::model::object::object;
use crate::model::text_enum::text_enum;
use crate::model::{UserId, WaId};

object! {
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
    #[derive(Default, Eq, Hash)]
    pub struct System {
        /// What happened.
        #[serde(rename = "type")]
        pub kind: Option<SystemKind>,
        /// What the chat shows.
        pub body: Option<Box<str>>,
        /// The user's number from now on.
        pub wa_id: Option<WaId>,
        /// The same in older versions.
        pub new_wa_id: Option<WaId>,
        /// The user's id from now on.
        pub user_id: Option<UserId>,
        /// The user's parent id from now on.
        pub parent_user_id: Option<UserId>,
        /// The user's id until now.
        pub previous_user_id: Option<UserId>,
        /// The user's parent id until now.
        pub previous_parent_user_id: Option<UserId>,
        /// The hash of the user's new identity, in older versions.
        pub identity: Option<Box<str>>,
        /// The user, in older versions.
        pub customer: Option<WaId>,
        /// The user, in older versions still.
        pub user: Option<WaId>,
    }
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
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::System;
    ///
    /// let news: System = serde_json::from_str(r#"{"wa_id": "15550101002"}"#)?;
    /// assert_eq!(news.new_number().unwrap(), "15550101002");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn new_number(&self) -> Option<&WaId> {
        self.wa_id.as_ref().or(self.new_wa_id.as_ref())
    }
}
