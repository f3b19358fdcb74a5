use super::Payload;
use crate::json::object::object;
use crate::model::text_enum::text_enum;

object! {
    /// `business_username_updates`: the username of one of your numbers was
    /// approved, reserved or deleted.
    ///
    /// Meta also takes usernames away. [`context`](Self::context) is then
    /// `revoked`, with status `deleted`, or `approved` if Meta replaced the
    /// username by another one.
    ///
    /// Older spellings of the field are `business_username_update` and, with
    /// other members, `phone_number_username_update`.
    ///
    /// ```json
    /// {"display_phone_number": "15550100200", "username": "juniperyard", "status": "approved"}
    /// {"display_phone_number": "15550100200", "status": "deleted", "context": "revoked"}
    /// {"display_phone_number": "15550100200", "decision": "REJECTED",
    ///  "requested_username": "bikes", "rejection_reasons": ["…"]}
    /// ```
    ///
    /// Meta's page: [business-scoped user ids](https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids).
    ///
    /// ```
    /// use whatsapp_signals::event::{UsernameStatus, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/business-username-deleted.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::BusinessUsernameUpdate(change)] = webhook.events() else { panic!("one change") };
    /// assert_eq!(change.value.status, Some(UsernameStatus::Deleted));
    /// assert_eq!(change.value.username, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct BusinessUsernameUpdate {
        /// The number, as people see it.
        pub display_phone_number: Option<Box<str>>,
        /// The username; missing when it was deleted.
        pub username: Option<Box<str>>,
        /// What became of it.
        pub status: Option<UsernameStatus>,
        /// Cause of the status, if Meta changed it.
        pub context: Option<UsernameContext>,
        /// Older: what Meta decided about a request.
        pub decision: Option<Box<str>>,
        /// Older: the username that was asked for.
        pub requested_username: Option<Box<str>>,
        /// Older: why it was refused.
        pub rejection_reasons: Vec<Box<str>>,
    }
}

text_enum! {
    /// What became of a username.
    pub enum UsernameStatus {
        /// Users see it.
        Approved = "approved",
        /// It is kept for you and not shown yet.
        Reserved = "reserved",
        /// It is gone.
        Deleted = "deleted",
    }
}

text_enum! {
    /// Cause of a username's status.
    ///
    /// ```
    /// use whatsapp_signals::event::{UsernameContext, UsernameStatus, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/business-username-revoked.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::BusinessUsernameUpdate(lost), WebhookEvent::BusinessUsernameUpdate(replaced)] =
    ///     webhook.events()
    /// else {
    ///     panic!("two changes")
    /// };
    /// assert_eq!(lost.value.status, Some(UsernameStatus::Deleted));
    /// assert_eq!(lost.value.context, Some(UsernameContext::Revoked));
    /// assert_eq!(replaced.value.username.as_deref(), Some("juniperyard.repairs"));
    /// assert_eq!(replaced.value.context, Some(UsernameContext::Revoked));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub enum UsernameContext {
        /// Meta took the username away.
        Revoked = "revoked",
    }
}

impl Payload for BusinessUsernameUpdate {}
