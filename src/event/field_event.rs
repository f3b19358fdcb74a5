//! The payload of most webhook fields.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::EventMeta;
use super::key::{hash, is_useful};
use crate::json::object::MemberValue;
use crate::json::{Fault, Node};
use crate::model::{
    Account, Contact, Identity, MetaError, Numbers, PhoneNumberId, RawJson, Timestamp,
};

/// A change that Meta reports: its value, with the account, time and contact of the webhook.
///
/// Most webhook fields come as a `FieldEvent`. The [`value`](Self::value) is typed: the whole
/// `value` of the change, or one item of a list in it.
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
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct FieldEvent<T> {
    /// The value, as Meta wrote it.
    pub value: T,
    /// The contact of the user, from the webhook's `contacts` array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// The account and number.
    pub account: Arc<Account>,
    /// The time of the webhook's `entry`; only changes of accounts, numbers and templates have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// The JSON that [`value`](Self::value) was read from.
    pub raw: RawJson,
    /// The best id of the user in the body, if the event itself has only a lesser id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}

/// The members of a [`FieldEvent`] beside its value, which have one reader for all values.
#[derive(Default)]
struct Members {
    /// The bits of the names that were read.
    seen: u8,
    contact: Option<Arc<Contact>>,
    account: Option<Arc<Account>>,
    time: Option<Timestamp>,
    raw: Option<RawJson>,
    known_as: Option<Box<str>>,
}

/// The name of a member.
#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Name {
    Value,
    Contact,
    Account,
    Time,
    Raw,
    KnownAs,
    #[serde(other)]
    Other,
}

impl Members {
    /// Reads the members up to the value; returns `false` behind the last one.
    fn read_to_value<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        while let Some(name) = map.next_key::<Name>()? {
            let bit = 1 << name as u8;
            if self.seen & bit != 0 && !matches!(name, Name::Other) {
                return Err(A::Error::custom("duplicate field"));
            }
            self.seen |= bit;
            match name {
                Name::Value => return Ok(true),
                Name::Contact => self.contact = map.next_value()?,
                Name::Account => self.account = Some(map.next_value()?),
                Name::Time => self.time = map.next_value()?,
                Name::Raw => self.raw = Some(map.next_value()?),
                Name::KnownAs => self.known_as = map.next_value()?,
                Name::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(false)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for FieldEvent<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldEventVisitor(PhantomData))
    }
}

struct FieldEventVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FieldEventVisitor<T> {
    type Value = FieldEvent<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FieldEvent<T>, A::Error> {
        let (mut value, mut members) = (None, Members::default());
        while members.read_to_value(&mut map)? {
            value = Some(map.next_value()?);
        }
        Ok(FieldEvent {
            value: value.ok_or_else(|| A::Error::missing_field("value"))?,
            contact: members.contact,
            account: members
                .account
                .ok_or_else(|| A::Error::missing_field("account"))?,
            time: members.time,
            raw: members.raw.ok_or_else(|| A::Error::missing_field("raw"))?,
            known_as: members.known_as,
        })
    }
}

/// A value of a [`FieldEvent`].
pub(crate) trait Payload: MemberValue {
    /// Whether the value names a user, or lacks a user that it should name.
    const IS_ABOUT_USER: bool = false;

    /// Returns the user, given the known numbers of both sides. For a change of ids it is the user
    /// by the previous ids.
    fn user(&self, _: Numbers<'_>) -> Option<Identity> {
        None
    }

    /// Returns the user by the new ids, for a change of ids.
    fn renamed(&self) -> Option<Identity> {
        None
    }

    /// Returns the time of the value.
    fn time(&self) -> Option<Timestamp> {
        None
    }

    /// Returns whether the JSON has an id that is unique among the events of the type.
    fn has_id(&self) -> bool {
        self.key().is_some()
    }

    /// Returns the group, which replaces a missing user in partition keys.
    fn group(&self) -> Option<&str> {
        None
    }

    /// Returns the business number, for fields that have it in the value and not beside it.
    fn phone_number_id(&self) -> Option<&PhoneNumberId> {
        None
    }

    /// Sets members that depend on the presence of other members.
    ///
    /// # Errors
    ///
    /// The reason why the value is unusable in spite of its typed members.
    fn complete(&mut self, _json: Node<'_>) -> Result<(), Fault> {
        Ok(())
    }

    /// Returns the key that is unique among the events of the type; `None` for a hash of the JSON.
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

    fn changes_ids(&self) -> bool {
        self.value.renamed().is_some()
    }
}

impl Payload for MetaError {}
