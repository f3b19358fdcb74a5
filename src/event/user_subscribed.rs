use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Keys;
use super::hash::hash;
use super::key::is_useful;
use crate::model::{Account, Contact, RawJson, Signup, Timestamp};

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

impl Keys for UserSubscribed {
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
