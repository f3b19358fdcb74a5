//! Updates of users: subscriptions, preferences, ids and address book.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::key::{hash, is_useful};
use super::{EventMeta, Payload};
use crate::json::object::json_object;
use crate::model::text_enum::text_enum;
use crate::model::{
    Account, Contact, Identity, Numbers, RawJson, Signup, SignupId, Timestamp, UserId, WaId,
};

/// The consent of a user to receive messages, given through a signup link.
///
/// Three forms of webhooks produce the event:
///
/// - field `user_preferences`, an item with `value: "signup"` and a `signup_id`, the documented
///   form;
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
    /// The user.
    pub contact: Arc<Contact>,
    /// The signup. The webhook has only its id; a [`WebhookEngine`](crate::WebhookEngine) adds the
    /// members that its store has.
    pub signup: Signup,
    /// The time of the item, or else of its `entry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
    /// The business number.
    pub account: Arc<Account>,
    /// The item with the consent.
    pub raw: RawJson,
    /// The best id of the user in the body, if the event itself has only a lesser id.
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

/// `user_preferences`: a user stops or resumes marketing messages.
///
/// The preference `signup` produces a [`UserSubscribed`] instead.
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
/// assert!(change.value.user.is_some());
///
/// let body = &std::fs::read("tests/payloads/user-preferences-stop-signup.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::UserPreference(change)] = webhook.events() else { panic!("one change") };
/// assert_eq!(change.value.signup_id.as_ref().unwrap(), "juniper-autumn-rides");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Eq, Hash)]
pub struct UserPreference {
    /// The user, by `wa_id`, `user_id` and `parent_user_id`.
    #[json(ids("wa_id", "user_id", "parent_user_id"))]
    pub user: Option<Identity>,
    /// The category of messages: `marketing_messages`.
    pub category: Option<Box<str>>,
    /// The preference.
    pub value: PreferenceValue,
    /// The description.
    pub detail: Option<Box<str>>,
    /// The time of the change.
    pub timestamp: Option<Timestamp>,
    /// The [signup](crate::model::Signup) that a
    /// [`Stop`](PreferenceValue::Stop) refers to.
    pub signup_id: Option<SignupId>,
}

text_enum! {
    /// The preference of a user.
    pub enum PreferenceValue {
        /// The user wants no more of these messages.
        Stop = "stop",
        /// The user wants these messages again.
        Resume = "resume",
        /// The user subscribes.
        Signup = "signup",
    }
}

impl Payload for UserPreference {
    const IS_ABOUT_USER: bool = true;

    fn user(&self, _: Numbers<'_>) -> Option<Identity> {
        self.user.clone()
    }

    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

/// `user_id_update`: a change of a user's business-scoped user id.
///
/// Present versions send a [`System`](crate::model::System) message instead of this field.
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
/// let [previous, current] = [change.value.previous_user(), change.value.user()].map(Option::unwrap);
/// assert_eq!(previous.user_id(), Some("NL.81020030040050060070"));
/// assert_eq!(current.user_id(), Some("NL.81020030040050060099"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct UserIdUpdate {
    /// The user's phone number, when Meta shows it.
    pub wa_id: Option<WaId>,
    /// The id within your portfolio.
    pub user_id: Option<IdChange>,
    /// The id within the enterprise above your portfolio.
    pub parent_user_id: Option<IdChange>,
    /// The description.
    pub detail: Option<Box<str>>,
    /// The time of the change.
    pub timestamp: Option<Timestamp>,
}

/// The change of an id.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct IdChange {
    /// The previous id.
    pub previous: Option<UserId>,
    /// The new id.
    pub current: Option<UserId>,
}

impl UserIdUpdate {
    /// Returns the user by the new ids.
    #[must_use]
    pub fn user(&self) -> Option<Identity> {
        self.with(|change| change.current.as_ref())
    }

    /// Returns the user by the previous ids; `None` when the webhook has none of them.
    #[must_use]
    pub fn previous_user(&self) -> Option<Identity> {
        self.with(|change| change.previous.as_ref())
    }

    fn with(&self, id: fn(&IdChange) -> Option<&UserId>) -> Option<Identity> {
        let user_id = self.user_id.as_ref().and_then(id);
        let parent_user_id = self.parent_user_id.as_ref().and_then(id);
        Identity::verbatim(
            self.wa_id.as_ref().map(WaId::as_str),
            user_id.map(UserId::as_str),
            parent_user_id.map(UserId::as_str),
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

/// `smb_app_state_sync`: a change of a contact in the address book of the WhatsApp Business app.
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
/// assert_eq!(added.value.contact.as_ref().unwrap().full_name.as_deref(), Some("Ada Okafor"));
/// assert_eq!(removed.value.contact.as_ref().unwrap().full_name, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Eq, Hash)]
pub struct SmbAppStateSync {
    /// The kind of entry: `contact`.
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
    /// The kind of change.
    pub action: SyncAction,
    /// The contact; without names when it was removed.
    pub contact: Option<SyncedContact>,
    /// The time of the change.
    pub metadata: Option<SyncMetadata>,
}

text_enum! {
    /// The kind of change of a contact.
    pub enum SyncAction {
        /// The contact was added or edited.
        Add = "add",
        /// The contact was removed.
        Remove = "remove",
    }
}

/// A contact in the address book of the WhatsApp Business app.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct SyncedContact {
    /// The full name.
    pub full_name: Option<Box<str>>,
    /// The first name.
    pub first_name: Option<Box<str>>,
    /// The user, by `phone_number`, `user_id` and `parent_user_id`.
    #[json(ids("phone_number", "user_id", "parent_user_id"))]
    pub user: Option<Identity>,
    /// The username.
    pub username: Option<Box<str>>,
    /// The country of the profile, a two-letter code.
    pub country_code: Option<Box<str>>,
}

/// The metadata of a [`SmbAppStateSync`].
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct SyncMetadata {
    /// The time of the change.
    pub timestamp: Option<Timestamp>,
}

impl Payload for SmbAppStateSync {
    const IS_ABOUT_USER: bool = true;

    fn user(&self, _: Numbers<'_>) -> Option<Identity> {
        self.contact.as_ref()?.user.clone()
    }

    fn time(&self) -> Option<Timestamp> {
        self.metadata.as_ref()?.timestamp
    }
}
