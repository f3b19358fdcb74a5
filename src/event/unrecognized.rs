use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::EventMeta;
use super::key::hash;
use crate::json::{Excerpt, Fault};
use crate::model::{Account, Contact, GroupId, Identity, MessageId, RawJson, Timestamp};

/// Something in a webhook that this version of the crate does not know, or
/// that does not look as it should.
///
/// Nothing in a webhook is dropped in silence: an item that cannot be typed arrives here,
/// whole, while its neighbours arrive as what they are. An item that can do without a
/// malformed member is typed without it, and that member alone arrives here, with its path,
/// its JSON, and the id, user and time of the item. A receiver that stores or
/// logs it shows Meta's changes on the day they come; mind that [`raw`](Self::raw) is personal
/// data.
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
    /// The webhook field that it came under; `None` when the change has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Arc<str>>,
    /// Where it stands in the body: `entry[0].changes[0].value.messages[2]`.
    pub path: String,
    /// Why it is here.
    pub reason: Reason,
    /// Its `id`, when it has a readable one: the wamid of an odd message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<MessageId>,
    /// The user that the item names, wherever an item of its kind does, as far as it can be
    /// read; never the business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Identity>,
    /// The user's contact, as the webhook has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// The group that it was sent in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<GroupId>,
    /// Its own time, or else that of its `entry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
    /// The account that it belongs to.
    pub account: Arc<Account>,
    /// The thing itself.
    pub raw: RawJson,
    /// The id by which other events of the body name the user, if it is a better one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}

/// Why something is [`Unrecognized`].
///
/// As text it names types and members, never values.
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
    /// A webhook field that this version does not type.
    UnknownField,
    /// A member of a webhook's `value` that this version does not know.
    UnknownMember,
    /// A message, or another item with a `type`, of a type that this version
    /// does not know: this one.
    UnknownType(Box<str>),
    /// This member is missing or `null`, and it cannot be understood without.
    Missing(Box<str>),
    /// This member is there twice, and none of the two counts.
    Duplicate(Box<str>),
    /// Its JSON type, or that of a member that it cannot be understood without, is not the
    /// documented one; or half of a surrogate pair is in its name, in its `type` or in an id.
    Malformed,
    /// A contact that no message or status of its webhook belongs to.
    StrayContact,
    /// This many more items than become events (100,000 of a body), or more odd
    /// things than are reported one by one (10,000); here is the whole body.
    /// Meta sends no such thing.
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
        let place = without_indices(&self.path);
        let field = self.field.as_deref().unwrap_or_default();
        let id = self.id.as_ref().map(AsRef::as_ref).unwrap_or_default();
        // Not those of the contact, which a store replaces.
        let user: Vec<_> = self.user.iter().flat_map(Identity::ids).collect();
        let user = user.join(" ");
        // Meta repeats an item at another second.
        let time = self.timestamp.filter(|_| self.id.is_none());
        hash(&[field, &place, id, &user], time, &self.raw)
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

/// Returns a path without the indices, which depend on the other items of the webhook.
fn without_indices(path: &str) -> String {
    let parts = path.split('[').map(|part| match part.split_once(']') {
        Some((index, rest)) if index.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => part,
    });
    parts.collect::<Vec<_>>().join("[")
}
