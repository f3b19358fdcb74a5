//! The payload of most webhook fields.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::EventMeta;
use super::key::{hash, is_useful};
use crate::json::object::Member;
use crate::json::{Fault, Node};
use crate::model::{
    Account, Contact, Identity, MetaError, Numbers, PhoneNumberId, RawJson, Timestamp,
};

/// A change that Meta reports: what it wrote, and what stands around it.
///
/// Most webhook fields come as one of these. [`value`](Self::value) is Meta's
/// JSON, typed: the whole `value` of the change, or one item of a list in it.
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::{FieldEvent, Security, SecurityEvent};
/// use whatsapp_signals::{receiver, signals::SECURITY};
///
/// #[receiver(SECURITY)]
/// fn alarm(change: &FieldEvent<Security>) {
///     assert_eq!(change.value.event, SecurityEvent::PinResetRequest);
///     assert!(change.account.waba_id.is_some());
///     assert!(change.time.is_some());
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let body = &std::fs::read("tests/payloads/security.json")?;
/// let report = whatsapp_signals::parse(body)?.dispatch();
/// assert!(report.is_ok());
/// assert_eq!(report.called(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FieldEvent<T> {
    /// What Meta wrote.
    pub value: T,
    /// The user that it is about, as the webhook's `contacts` array has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// The account and number that it is about.
    pub account: Arc<Account>,
    /// When Meta sent it, by its `entry`; only changes of accounts, numbers
    /// and templates tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// The JSON that [`value`](Self::value) was read from.
    pub raw: RawJson,
    /// The id by which other events of the body name the user, if it is a better one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}

/// What a [`FieldEvent`] can be about.
pub(crate) trait Payload: Member {
    /// Whether it names a user, or should.
    const IS_ABOUT_USER: bool = false;

    /// The user that it names, where these numbers are known of both sides; in news of a
    /// changed id, by the previous one.
    fn user(&self, _: Numbers<'_>) -> Option<Identity> {
        None
    }

    /// The user by the ids that hold from now on, where it is news of a changed id.
    fn renamed(&self) -> Option<Identity> {
        None
    }

    /// Its own time.
    fn time(&self) -> Option<Timestamp> {
        None
    }

    /// Whether its JSON has an id that no other event of its kind has.
    fn has_id(&self) -> bool {
        self.key().is_some()
    }

    /// What stands for the user where there is none: the group.
    fn group(&self) -> Option<&str> {
        None
    }

    /// The business number that it names, where Meta puts that into the value
    /// and not beside it.
    fn phone_number_id(&self) -> Option<&PhoneNumberId> {
        None
    }

    /// Completes the payload from its JSON.
    ///
    /// # Errors
    ///
    /// The reason why it cannot be understood in spite of its typed members.
    fn complete(&mut self, _json: Node<'_>) -> Result<(), Fault> {
        Ok(())
    }

    /// What tells it from all others of its kind; by default a hash of it.
    fn key(&self) -> Option<String> {
        None
    }
}

impl<T: Payload> EventMeta for FieldEvent<T> {
    fn known_as(&self) -> Option<&str> {
        self.known_as.as_deref()
    }

    fn key(&self) -> String {
        let hash = || hash(&[], self.time, &self.raw);
        self.value.key().unwrap_or_else(hash)
    }

    fn repeats(&self) -> bool {
        !self.value.has_id() && !is_useful(self.value.time()) && !is_useful(self.time)
    }

    fn account(&self) -> Option<&Account> {
        Some(&self.account)
    }

    fn user(&self) -> Option<Cow<'_, Identity>> {
        let numbers = Numbers {
            business: self.account.display_phone_number.as_deref(),
            user: self.contact.as_ref().and_then(|contact| contact.phone()),
        };
        self.value.user(numbers).map(Cow::Owned)
    }

    fn contact(&self) -> Option<&Contact> {
        self.contact.as_deref()
    }

    fn set_contact(&mut self, contact: Arc<Contact>) {
        self.contact = Some(contact);
    }

    fn group(&self) -> Option<&str> {
        self.value.group()
    }

    fn is_news_of_ids(&self) -> bool {
        self.value.renamed().is_some()
    }
}

impl Payload for MetaError {}
