//! The rows of a store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use siphasher::sip128::SipHasher24;

use crate::model::{
    Account, CampaignId, Contact, IdKind, MessageId, MessageStatus, SignupId, Timestamp,
};

/// A row with its version, which starts at 1 and increases by one with each write of the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The version.
    pub version: i64,
    /// The row.
    pub row: T,
}

/// The id of a webhook in a store: milliseconds since 1970, and behind them 20 random bits.
///
/// The engine makes it, so that a commit can be repeated. Webhooks that came later have greater
/// ids, as far as the clock goes forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WebhookId(pub i64);

/// The id of a contact in a store, made as a [`WebhookId`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContactId(pub i64);

/// The number of random bits in an id.
const RANDOM_BITS: u32 = 20;

/// Returns an id with this time, in milliseconds since 1970.
pub(crate) fn id_at(now: i64, random: u64) -> i64 {
    let random = random & ((1 << RANDOM_BITS) - 1);
    (now.max(0) << RANDOM_BITS) | random.cast_signed()
}

impl WebhookId {
    /// Returns the least id with this time.
    ///
    /// A store compares ids with it to find webhooks from before a time.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        Self(time.as_secs().max(0).saturating_mul(1000 << RANDOM_BITS))
    }
}

/// A webhook's row: the numbers of its events by state, and the lease on it.
///
/// The body is stored in another table and never changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct WebhookRow {
    /// The kind of the body.
    pub kind: WebhookKind,
    /// When the webhook was received.
    pub received_at: Timestamp,
    /// The number of events that are neither finished nor dead.
    pub open: u32,
    /// The number of dead events.
    pub dead: u32,
    /// The number of events without a row: a large webhook is claimed in parts.
    pub unclaimed: u32,
    /// The lease of the engine that works on it.
    pub lease: Option<Lease>,
    /// The earliest due time of the open events.
    pub due: Due,
    /// The number of open events that were held back by events of other webhooks in the last
    /// delivery.
    pub held_back: u32,
}

/// The kind of a stored body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WebhookKind {
    /// A body from Meta.
    Body,
    /// An event from a queue, as JSON with its key; or an array of the remaining events of a body,
    /// after others were erased.
    QueuedEvent,
    /// A body that is no webhook.
    Unreadable,
    /// A replay of a webhook to some receivers: a line of JSON with their names, followed by a body
    /// of one of the kinds above.
    Replay,
}

/// The exclusive right to work on a webhook until a time.
///
/// A [`commit`](super::Store::commit) computes [`until`](Self::until) from the clock of the
/// store and the [`length`](Self::length), so that clocks of other machines do not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Lease {
    /// A random number that identifies the holder.
    pub holder: i64,
    /// The length in milliseconds.
    pub length: i64,
    /// The end in milliseconds since 1970, by the clock of the store.
    pub until: i64,
}

impl Lease {
    /// Creates a lease of this holder. A commit sets its end.
    #[must_use]
    pub fn new(holder: i64, length: Duration) -> Self {
        Self {
            holder,
            length: i64::try_from(length.as_millis()).unwrap_or(i64::MAX),
            until: 0,
        }
    }

    /// Returns the lease with the end that it has if it begins now, in milliseconds since 1970.
    #[must_use]
    pub fn starting_at(self, now: i64) -> Self {
        let until = now.saturating_add(self.length);
        Self { until, ..self }
    }

    /// Returns true if the lease has expired at this time, in milliseconds since 1970.
    #[must_use]
    pub fn has_expired(&self, now: i64) -> bool {
        self.until <= now
    }

    /// Returns true if the remaining time exceeds the length, because the clock was ahead when the
    /// lease began.
    #[must_use]
    pub fn exceeds_length(&self, now: i64) -> bool {
        self.until.saturating_sub(now) > self.length
    }
}

/// The time of the next attempt.
///
/// As with a [`Lease`], a [`commit`](super::Store::commit) computes it from the clock of the
/// store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Due {
    /// At once.
    #[default]
    Now,
    /// This many milliseconds after the commit, which makes it [`At`](Self::At).
    After(i64),
    /// At this time.
    At {
        /// Milliseconds since 1970, by the clock of the store.
        time: i64,
        /// The delay after the commit, in milliseconds.
        delay: i64,
    },
}

impl Due {
    /// Returns the due time at this delay after the commit.
    #[must_use]
    pub fn after(delay: Duration) -> Self {
        match i64::try_from(delay.as_millis()).unwrap_or(i64::MAX) {
            0 => Self::Now,
            delay => Self::After(delay),
        }
    }

    /// Returns the due time that a commit at this time writes, in milliseconds since 1970.
    #[must_use]
    pub fn resolve(self, now: i64) -> Self {
        match self {
            Self::After(delay) => Self::At {
                time: now.saturating_add(delay),
                delay,
            },
            due => due,
        }
    }

    /// Returns the milliseconds from now until the due time; 0 if it has passed.
    ///
    /// A due time that is further off than its delay counts as passed, because the clock was ahead
    /// when it was computed.
    #[must_use]
    pub fn remaining(&self, now: i64) -> i64 {
        match *self {
            Self::Now => 0,
            Self::After(delay) => delay,
            Self::At { time, delay } => match time.saturating_sub(now) {
                remaining if remaining > delay => 0,
                remaining => remaining.max(0),
            },
        }
    }

    /// Returns true if the due time has passed at this time, in milliseconds since 1970.
    #[must_use]
    pub fn has_passed(&self, now: i64) -> bool {
        self.remaining(now) == 0
    }
}

impl WebhookRow {
    /// Creates the row of a webhook with this number of open events.
    #[must_use]
    pub fn new(kind: WebhookKind, received_at: Timestamp, open: u32) -> Self {
        Self {
            kind,
            received_at,
            open,
            dead: 0,
            unclaimed: 0,
            lease: None,
            due: Due::Now,
            held_back: 0,
        }
    }

    /// Returns true if no event is open, dead or unclaimed, so that the row may be deleted.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.open == 0 && self.dead == 0 && self.unclaimed == 0
    }

    /// Returns true if an event is open or unclaimed, or the row has a lease, which a crash may have
    /// left.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.open > 0 || self.unclaimed > 0 || self.lease.is_some()
    }
}

/// A 128-bit hash of the [key](crate::Event::dedup_key) of an event, or of a wamid.
///
/// The first 32 bits hash the part of the key in which a wamid has the user, so that the events of
/// one user are adjacent in an index and share pages.
///
/// ```
/// use whatsapp_signals::store::Fingerprint;
///
/// let key = "message_received:wamid.A:text";
/// assert_eq!(Fingerprint::of(key), Fingerprint::of(key));
/// assert_ne!(Fingerprint::of(key), Fingerprint::of("message_received:wamid.B:text"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// Returns the fingerprint of a key, or of a wamid.
    #[must_use]
    pub fn of(key: &str) -> Self {
        let (_, id) = key.split_once(':').unwrap_or(("", key));
        let id = id.as_bytes();
        let user = SipHasher24::new().hash(&id[..id.len().min(USER_OF_WAMID)]);
        let mut fingerprint = SipHasher24::new().hash(key.as_bytes()).as_bytes();
        fingerprint[..4].copy_from_slice(&user.as_bytes()[..4]);
        Self(fingerprint)
    }
}

/// `wamid.`, and 15 bytes in Base64: four of header and the eleven digits of a usual phone
/// number.
const USER_OF_WAMID: usize = 26;

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({:032x})", u128::from_be_bytes(self.0))
    }
}

/// The progress of an event that did not succeed at the first attempt.
///
/// An event without such a row is open and untried if its webhook has open events, and otherwise
/// finished. A commit that writes a row of progress also writes the row of its webhook, and the
/// deletion of a webhook deletes its rows of progress.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ProgressRow {
    /// The webhook of the event.
    pub webhook: WebhookId,
    /// The key of the event. It is personal data, and `Debug` leaves it out.
    pub key: String,
    /// The state of the event.
    pub state: EventState,
    /// The number of attempts so far.
    pub attempts: u32,
    /// The receivers that have been called.
    pub receivers: Vec<ReceiverProgress>,
    /// The time of the next attempt of an open event.
    pub due: Due,
}

/// The state of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventState {
    /// A receiver has not finished.
    Open,
    /// Every receiver has finished.
    Finished,
    /// A receiver gave up, and no other one may be retried.
    Dead,
}

/// The progress of a receiver with an event.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReceiverProgress {
    /// The uid or path of the receiver.
    pub receiver: String,
    /// The state of the receiver.
    pub state: ReceiverState,
    /// The number of failures so far.
    pub attempts: u32,
    /// The text of the last error, if the engine keeps it. It may quote a user, and `Debug` leaves
    /// it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<str>>,
}

/// The state of a receiver with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReceiverState {
    /// The receiver has succeeded.
    Succeeded,
    /// The receiver has failed and is retried.
    Failed,
    /// The receiver has failed and is not retried.
    GaveUp,
}

impl ProgressRow {
    /// Creates the row of an untried event.
    #[must_use]
    pub fn new(webhook: WebhookId, key: String) -> Self {
        Self {
            webhook,
            key,
            state: EventState::Open,
            attempts: 0,
            receivers: Vec::new(),
            due: Due::Now,
        }
    }
}

impl ReceiverProgress {
    /// Creates the progress of a receiver.
    #[must_use]
    pub fn new(receiver: String, state: ReceiverState, attempts: u32) -> Self {
        Self {
            receiver,
            state,
            attempts,
            error: None,
        }
    }
}

impl fmt::Debug for ReceiverProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiverProgress")
            .field("receiver", &self.receiver)
            .field("state", &self.state)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ProgressRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgressRow")
            .field("webhook", &self.webhook)
            .field("state", &self.state)
            .field("attempts", &self.attempts)
            .field("receivers", &self.receivers)
            .field("due", &self.due)
            .finish_non_exhaustive()
    }
}

/// A business among those that share a program. Contacts, messages and statuses of two tenants are
/// never mixed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tenant(Arc<str>);

impl Tenant {
    /// Creates a tenant with this name.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key of one of your numbers: its `phone_number_id`, or its phone number, or `waba=` and the
/// WABA.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NumberKey(Arc<str>);

impl NumberKey {
    /// Creates the key of the number with this `phone_number_id`.
    pub fn new(phone_number_id: impl Into<Arc<str>>) -> Self {
        Self(phone_number_id.into())
    }

    /// Returns the key of the number of an account.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        let number = account.phone_number_id.as_ref().map(AsRef::as_ref);
        let number: Option<&str> = number.or(account.display_phone_number.as_deref());
        let waba = account.waba_id.as_ref().map_or("", AsRef::as_ref);
        Self(number.map_or_else(|| format!("waba={waba}").into(), Arc::from))
    }

    /// Returns the key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key of a message. Two of your numbers may receive the same wamid.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MessageKey {
    /// Your number.
    pub number: NumberKey,
    /// The wamid. It is personal data, and `Debug` leaves it out.
    pub id: MessageId,
}

impl fmt::Debug for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageKey")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// The state of a message or of a status without its message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageState {
    /// Whether the message is stored, and not only its status.
    pub is_stored: bool,
    /// Whether the message is unread.
    pub is_unread: bool,
    /// The status.
    pub status: Option<MessageStatus>,
    /// The campaign.
    pub campaign: Option<CampaignId>,
}

impl MessageState {
    /// Creates the state of a message without a campaign.
    #[must_use]
    pub fn new(is_stored: bool, is_unread: bool, status: Option<MessageStatus>) -> Self {
        Self {
            is_stored,
            is_unread,
            status,
            campaign: None,
        }
    }

    /// Sets the campaign.
    #[must_use]
    pub fn in_campaign(self, campaign: Option<CampaignId>) -> Self {
        Self { campaign, ..self }
    }
}

/// The key of a signup.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SignupKey {
    /// The tenant.
    pub tenant: Tenant,
    /// Meta's id.
    pub id: SignupId,
}

/// The key of a user id.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdKey {
    /// The tenant.
    pub tenant: Tenant,
    /// The kind of the id.
    pub kind: IdKind,
    /// The id. It is personal data, and `Debug` leaves it out.
    pub id: Arc<str>,
}

impl fmt::Debug for IdKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdKey")
            .field("tenant", &self.tenant)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A contact's row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContactRow {
    /// The tenant.
    pub tenant: Tenant,
    /// The contact, with its current ids.
    pub contact: Arc<Contact>,
    /// The current and former ids. A store finds the contact by each of them.
    pub ids: Vec<IdRow>,
    /// The time of the event that set the profile.
    pub profile_at: Option<Timestamp>,
    /// The time of the event that set the opt-out.
    pub preference_at: Option<Timestamp>,
}

/// A user id of a contact, and the period in which the contact had it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IdRow {
    /// The kind of the id.
    pub kind: IdKind,
    /// The id. It is personal data, and `Debug` leaves it out.
    pub id: Arc<str>,
    /// The time of the first event with the id.
    pub since: Timestamp,
    /// The time at which the contact lost the id; `None` for a current id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl ContactRow {
    /// Creates the row of a contact without events.
    #[must_use]
    pub fn new(tenant: Tenant, contact: impl Into<Arc<Contact>>) -> Self {
        Self {
            tenant,
            contact: contact.into(),
            ids: Vec::new(),
            profile_at: None,
            preference_at: None,
        }
    }
}

impl IdRow {
    /// Creates a current id that begins at this time.
    pub fn new(kind: IdKind, id: impl Into<Arc<str>>, since: Timestamp) -> Self {
        Self {
            kind,
            id: id.into(),
            since,
            until: None,
        }
    }
}

impl fmt::Debug for IdRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdRow")
            .field("kind", &self.kind)
            .field("since", &self.since)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}
