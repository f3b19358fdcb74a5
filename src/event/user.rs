//! Updates of users: subscriptions, preferences, ids and address book.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::key::{hash, is_useful};
use super::{EventMeta, Payload};
use crate::json::object::object;
use crate::model::text_enum::text_enum;
use crate::model::{
    Account, Contact, Identity, Numbers, RawJson, Signup, SignupId, Timestamp, UserId, WaId,
};

/// A user tapped a signup link and agreed to get messages from you.
///
/// Three shapes of webhook fire it:
///
/// - field `user_preferences`, an item with `value: "signup"` and a
///   `signup_id`, which is what Meta documents;
/// - field `in_app_signup`, whose value has `wa_id` and `signup_id`;
/// - any other field whose value has a member `in_app_signup` with these two.
///
/// Meta's page: [user_preferences webhook](https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/user_preferences).
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::UserSubscribed;
/// use whatsapp_signals::{receiver, signals::USER_SUBSCRIBED};
///
/// #[receiver(USER_SUBSCRIBED)]
/// fn welcome(event: &UserSubscribed) {
///     assert!(event.contact.subscribed_via_signup);
///     assert!(!event.signup.signup_id.as_str().is_empty());
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let body = &std::fs::read("tests/payloads/signup-user-preferences.json")?;
/// let report = whatsapp_signals::parse(body)?.dispatch();
/// assert!(report.is_ok());
/// assert_eq!(report.called(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UserSubscribed {
    /// Who subscribed.
    pub contact: Arc<Contact>,
    /// What they subscribed to. The webhook has its id alone; a
    /// [`WebhookEngine`](crate::WebhookEngine) puts in what its store has of it.
    pub signup: Signup,
    /// The time of the signup: its own, or else that of its `entry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
    /// The number that they subscribed with.
    pub account: Arc<Account>,
    /// The item that told it.
    pub raw: RawJson,
    /// The id by which other events of the body name the user, if it is a better one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}

impl EventMeta for UserSubscribed {
    fn known_as(&self) -> Option<&str> {
        self.known_as.as_deref()
    }

    fn key(&self) -> String {
        hash(&[], self.timestamp, &self.raw)
    }

    fn repeats(&self) -> bool {
        !is_useful(self.timestamp)
    }

    fn account(&self) -> Option<&Account> {
        Some(&self.account)
    }

    fn contact(&self) -> Option<&Contact> {
        Some(&self.contact)
    }

    fn set_contact(&mut self, contact: Arc<Contact>) {
        self.contact = contact;
    }
}

object! {
    /// `user_preferences`: a user wants no more marketing messages, or wants
    /// them again.
    ///
    /// A preference `signup` fires [`USER_SUBSCRIBED`](crate::signals::USER_SUBSCRIBED)
    /// in place of this.
    ///
    /// ```json
    /// {"wa_id": "15550101001", "user_id": "US.7001", "category": "marketing_messages",
    ///  "value": "stop", "detail": "…", "timestamp": 1785000000}
    /// ```
    ///
    /// Meta's page: [user_preferences webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/user_preferences).
    ///
    /// ```
    /// use whatsapp_signals::event::{PreferenceValue, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/user-preferences-stop.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::UserPreference(change)] = webhook.events() else { panic!("one change") };
    /// assert_eq!(change.value.value, PreferenceValue::Stop);
    /// assert!(change.value.user().is_some());
    ///
    /// let body = &std::fs::read("tests/payloads/user-preferences-stop-signup.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::UserPreference(change)] = webhook.events() else { panic!("one change") };
    /// assert_eq!(change.value.signup_id.as_ref().unwrap(), "juniper-autumn-rides");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Eq, Hash)]
    pub struct UserPreference {
        /// The user's phone number, when Meta shows it.
        pub wa_id: Option<WaId>,
        /// The user's id within your portfolio.
        pub user_id: Option<UserId>,
        /// The user's id within the enterprise above it.
        pub parent_user_id: Option<UserId>,
        /// About what: `marketing_messages`.
        pub category: Option<Box<str>>,
        /// What they want.
        pub value: PreferenceValue,
        /// In words.
        pub detail: Option<Box<str>>,
        /// When.
        pub timestamp: Option<Timestamp>,
        /// The [signup](crate::model::Signup) that a
        /// [`Stop`](PreferenceValue::Stop) refers to.
        pub signup_id: Option<SignupId>,
    }
}

text_enum! {
    /// What a user wants.
    pub enum PreferenceValue {
        /// No more of these messages.
        Stop = "stop",
        /// These messages again.
        Resume = "resume",
        /// To subscribe.
        Signup = "signup",
    }
}

impl UserPreference {
    /// The user.
    #[must_use]
    pub fn user(&self) -> Option<Identity> {
        Identity::from_parts(
            self.wa_id.as_ref(),
            self.user_id.as_ref(),
            self.parent_user_id.as_ref(),
        )
    }
}

impl Payload for UserPreference {
    const IS_ABOUT_USER: bool = true;

    fn user(&self, _: Numbers<'_>) -> Option<Identity> {
        self.user()
    }

    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

object! {
    /// `user_id_update`: a user has another business-scoped user id.
    ///
    /// Meta tells this with a [`System`](crate::model::System) message
    /// nowadays; this field is what early versions had.
    ///
    /// ```json
    /// {"wa_id": "15550101001", "detail": "…", "timestamp": 1785000000,
    ///  "user_id": {"previous": "US.7001", "current": "US.7002"}}
    /// ```
    ///
    /// Meta's page: [business-scoped user ids](https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids).
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/user-id-update.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::UserIdUpdate(change)] = webhook.events() else { panic!("one change") };
    /// let ids = change.value.user_id.as_ref().unwrap();
    /// assert_ne!(ids.previous, ids.current);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct UserIdUpdate {
        /// The user's phone number, when Meta shows it.
        pub wa_id: Option<WaId>,
        /// The id within your portfolio.
        pub user_id: Option<IdChange>,
        /// The id within the enterprise above it.
        pub parent_user_id: Option<IdChange>,
        /// In words.
        pub detail: Option<Box<str>>,
        /// When.
        pub timestamp: Option<Timestamp>,
    }
}

object! {
    /// An id until now, and from now on.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::IdChange;
    ///
    /// let change: IdChange = serde_json::from_str(r#"{"previous": "US.7001", "current": "US.7002"}"#)?;
    /// assert_eq!(change.previous.unwrap(), "US.7001");
    /// assert_eq!(change.current.unwrap(), "US.7002");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct IdChange {
        /// Until now.
        pub previous: Option<UserId>,
        /// From now on.
        pub current: Option<UserId>,
    }
}

impl UserIdUpdate {
    /// The user, by the ids that hold from now on.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::UserIdUpdate;
    ///
    /// let update: UserIdUpdate = serde_json::from_str(
    ///     r#"{"user_id": {"previous": "US.7001", "current": "US.7002"}}"#,
    /// )?;
    /// assert_eq!(update.user().unwrap().user_id().unwrap(), "US.7002");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn user(&self) -> Option<Identity> {
        self.with(|change| change.current.as_ref())
    }

    /// Returns the user by the ids that held until now; `None` when the webhook has none of
    /// them.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::UserIdUpdate;
    ///
    /// let update: UserIdUpdate = serde_json::from_str(
    ///     r#"{"user_id": {"previous": "US.7001", "current": "US.7002"}}"#,
    /// )?;
    /// assert_eq!(update.previous_user().unwrap().user_id().unwrap(), "US.7001");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn previous_user(&self) -> Option<Identity> {
        self.with(|change| change.previous.as_ref())
    }

    fn with(&self, id: fn(&IdChange) -> Option<&UserId>) -> Option<Identity> {
        Identity::from_parts(
            self.wa_id.as_ref(),
            self.user_id.as_ref().and_then(id),
            self.parent_user_id.as_ref().and_then(id),
        )
    }
}

impl Payload for UserIdUpdate {
    const IS_ABOUT_USER: bool = true;

    fn user(&self, _: Numbers<'_>) -> Option<Identity> {
        self.previous_user().or_else(|| self.user())
    }

    fn renamed(&self) -> Option<Identity> {
        self.user()
            .filter(|user| Some(user) != self.previous_user().as_ref())
    }

    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

object! {
    /// `smb_app_state_sync`: somebody changed a contact in the address book of
    /// the WhatsApp Business app.
    ///
    /// ```json
    /// {"type": "contact", "action": "add", "metadata": {"timestamp": "1785000000"},
    ///  "contact": {"full_name": "Ada Okafor", "first_name": "Ada", "phone_number": "15550101001"}}
    /// ```
    ///
    /// Meta's page: [smb_app_state_sync webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/smb_app_state_sync).
    ///
    /// ```
    /// use whatsapp_signals::event::{SyncAction, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/app-state-sync.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::SmbAppStateSync(added), WebhookEvent::SmbAppStateSync(removed)] = webhook.events()
    /// else { panic!("two changes") };
    /// assert_eq!(added.value.action, SyncAction::Add);
    /// assert_eq!(removed.value.contact.as_ref().unwrap().full_name, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Eq, Hash)]
    pub struct SmbAppStateSync {
        /// What was changed: `contact`.
        pub kind = "type": Option<Box<str>>,
        /// How.
        pub action: SyncAction,
        /// The contact; without names when it was removed.
        pub contact: Option<SyncedContact>,
        /// When.
        pub metadata: Option<SyncMetadata>,
    }
}

text_enum! {
    /// How a contact was changed.
    pub enum SyncAction {
        /// Added or edited.
        Add = "add",
        /// Removed.
        Remove = "remove",
    }
}

object! {
    /// A contact in the address book of the WhatsApp Business app.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/app-state-sync.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::SmbAppStateSync(added), ..] = webhook.events() else { panic!("a change") };
    /// let contact = added.value.contact.as_ref().unwrap();
    /// assert_eq!(contact.full_name.as_deref(), Some("Ada Okafor"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct SyncedContact {
        /// The whole name there.
        pub full_name: Option<Box<str>>,
        /// The first name there.
        pub first_name: Option<Box<str>>,
        /// The phone number, when Meta shows it.
        pub phone_number: Option<WaId>,
        /// The id within your portfolio.
        pub user_id: Option<UserId>,
        /// The id within the enterprise above it.
        pub parent_user_id: Option<UserId>,
        /// The username.
        pub username: Option<Box<str>>,
        /// The country of their profile, two letters.
        pub country_code: Option<Box<str>>,
    }
}

object! {
    /// When a contact was changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::SyncMetadata;
    ///
    /// let metadata: SyncMetadata = serde_json::from_str(r#"{"timestamp": "1785016261"}"#)?;
    /// assert_eq!(metadata.timestamp.unwrap().as_secs(), 1_785_016_261);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct SyncMetadata {
        /// The time.
        pub timestamp: Option<Timestamp>,
    }
}

impl SyncedContact {
    /// The user, by the ids that Meta gave.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::SyncedContact;
    ///
    /// let contact: SyncedContact = serde_json::from_str(r#"{"phone_number": "15550101001"}"#)?;
    /// assert_eq!(contact.user().unwrap().phone(), Some("15550101001"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn user(&self) -> Option<Identity> {
        Identity::from_parts(
            self.phone_number.as_ref(),
            self.user_id.as_ref(),
            self.parent_user_id.as_ref(),
        )
    }
}

impl Payload for SmbAppStateSync {
    const IS_ABOUT_USER: bool = true;

    fn user(&self, _: Numbers<'_>) -> Option<Identity> {
        self.contact.as_ref()?.user()
    }

    fn time(&self) -> Option<Timestamp> {
        self.metadata.as_ref()?.timestamp
    }
}
