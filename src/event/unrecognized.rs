use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::EventMeta;
use super::key::hash;
use crate::json::{Excerpt, Fault};
use crate::model::{Account, Contact, GroupId, Identity, MessageId, RawJson, Timestamp};

/// A part of a webhook that this version of the crate does not know, or that is malformed.
///
/// Each part of a webhook is delivered: an item that cannot be typed arrives whole as an
/// `Unrecognized` event, and its neighbors arrive typed. An item that remains usable without a
/// malformed member is typed without it, and the member arrives as an `Unrecognized` event with its
/// path, its JSON, and the id, user and time of the item. A receiver that stores or logs these
/// events shows Meta's changes on their first day; [`raw`](Self::raw) is personal data.
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::{Reason, Unrecognized};
/// use whatsapp_signals::{receiver, signals::UNRECOGNIZED};
///
/// #[receiver(UNRECOGNIZED)]
/// fn note(event: &Unrecognized) {
///     assert_eq!(event.field.as_deref(), Some("hologram_update"));
///     assert_eq!(event.reason, Reason::UnknownField);
///     assert_eq!(event.path, "entry[0].changes[0].value");
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let body = &std::fs::read("tests/payloads/unknown-field.json")?;
/// let report = whatsapp_signals::parse(body)?.dispatch();
/// assert!(report.is_ok());
/// assert_eq!(report.called(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Unrecognized {
    /// The webhook field; `None` when the change has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Arc<str>>,
    /// The path in the body: `entry[0].changes[0].value.messages[2]`.
    pub path: String,
    /// The reason.
    pub reason: Reason,
    /// The `id` of the item, if readable: the wamid of a malformed message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<MessageId>,
    /// The user of the item, if readable; never the business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Identity>,
    /// The contact of the user, from the webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// The group of the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<GroupId>,
    /// The time of the item, or else of its `entry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
    /// The account.
    pub account: Arc<Account>,
    /// The JSON of the part.
    pub raw: RawJson,
    /// The best id of the user in the body, if the event itself has only a lesser id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}

/// The reason why a part of a webhook is [`Unrecognized`].
///
/// The text contains names of types and members, never values.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::{Reason, WebhookEvent};
///
/// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/batch-with-odd-items.json")?)?;
/// let reasons: Vec<_> = webhook
///     .iter()
///     .filter_map(|event| match event {
///         WebhookEvent::Unrecognized(odd) => Some(&odd.reason),
///         _ => None,
///     })
///     .collect();
/// assert_eq!(reasons[0], &Reason::UnknownType("hologram".into()));
/// assert_eq!(reasons[0].to_string(), "unknown type \"hologram\"");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// A webhook field without a type in this version.
    UnknownField,
    /// An unknown member of a webhook's `value`.
    UnknownMember,
    /// A message, or another item with a `type`, of this unknown type.
    UnknownType(Box<str>),
    /// This required member is missing or `null`.
    Missing(Box<str>),
    /// This member is repeated, and no occurrence counts.
    Duplicate(Box<str>),
    /// The JSON type of the part, or of a required member, is not the documented one; or a name,
    /// `type` or id contains half of a surrogate pair.
    Malformed,
    /// A contact without a message or status in its webhook.
    StrayContact,
    /// This many items beyond the limit of events (100,000 of a body) or of malformed parts that
    /// are reported one by one (10,000). The JSON is the whole body.
    TooMany(usize),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownField => f.write_str("unknown webhook field"),
            Self::UnknownMember => f.write_str("unknown member"),
            Self::UnknownType(kind) => write!(f, "unknown type {}", Excerpt(kind)),
            Self::Missing(member) => write!(f, "missing member {}", Excerpt(member)),
            Self::Duplicate(member) => write!(f, "duplicate member {}", Excerpt(member)),
            Self::Malformed => f.write_str("unexpected JSON type"),
            Self::TooMany(more) => write!(f, "{more} events and reports above the limit"),
            Self::StrayContact => f.write_str("contact not referenced by any item"),
        }
    }
}

impl From<Fault> for Reason {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Malformed => Self::Malformed,
            Fault::Missing(member) => Self::Missing(member),
            Fault::Duplicate(member) => Self::Duplicate(member),
            Fault::UnknownType(kind) => Self::UnknownType(kind),
        }
    }
}

impl EventMeta for Unrecognized {
    fn known_as(&self) -> Option<&str> {
        self.known_as.as_deref()
    }

    fn key(&self) -> String {
        let path = without_indexes(&self.path);
        let field = self.field.as_deref().unwrap_or_default();
        let id = self.id.as_ref().map(AsRef::as_ref).unwrap_or_default();
        // The ids of the contact do not count, as a store replaces the contact.
        let user: Vec<_> = self.user.iter().flat_map(Identity::ids).collect();
        let user = user.join(" ");
        // The time does not count, as Meta repeats an item at another second.
        let time = self.timestamp.filter(|_| self.id.is_none());
        hash(&[field, &path, id, &user], time, &self.raw)
    }

    fn account(&self) -> Option<&Account> {
        Some(&self.account)
    }

    fn user(&self) -> Option<Cow<'_, Identity>> {
        self.user.as_ref().map(Cow::Borrowed)
    }

    fn contact(&self) -> Option<&Contact> {
        self.contact.as_deref()
    }

    fn set_contact(&mut self, contact: Arc<Contact>) {
        self.contact = Some(contact);
    }

    fn group(&self) -> Option<&str> {
        self.group_id.as_ref().map(AsRef::as_ref)
    }
}

/// Removes the indexes of a path, which depend on the other items of the webhook.
fn without_indexes(path: &str) -> String {
    let parts = path.split('[').map(|part| match part.split_once(']') {
        Some((index, rest)) if index.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => part,
    });
    parts.collect::<Vec<_>>().join("[")
}
