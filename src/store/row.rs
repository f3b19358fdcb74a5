//! The rows of a store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use siphasher::sip128::SipHasher24;

use crate::model::{
    Account, CampaignId, Contact, IdKind, MessageId, MessageStatus, SignupId, Timestamp,
};

/// A row with its version, which grows by one with each write of the row, from 1 on.
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

/// Returns an id of this time, in milliseconds since 1970.
pub(crate) fn id_at(now: i64, random: u64) -> i64 {
    let random = random & ((1 << RANDOM_BITS) - 1);
    (now.max(0) << RANDOM_BITS) | random.cast_signed()
}

impl WebhookId {
    /// Returns the least id of this time.
    ///
    /// A store compares with it to find events that came before a time.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        Self(time.as_secs().max(0).saturating_mul(1000 << RANDOM_BITS))
    }
}

/// A webhook's row: the number of its events that are to be done, and the lease on it.
///
/// Its body is stored beside it and never changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct WebhookRow {
    /// The kind of its body.
    pub kind: WebhookKind,
    /// When it came.
    pub received_at: Timestamp,
    /// The number of its events that are neither finished nor dead.
    pub open: u32,
    /// The number of its events that are dead.
    pub dead: u32,
    /// The number of its events that have no row yet, as it is so large that it is claimed in
    /// parts.
    pub unclaimed: u32,
    /// The lease of the engine that works on it.
    pub lease: Option<Lease>,
    /// When the first of its open events is to be tried.
    pub due: Due,
    /// The number of its open events that wait for events of other webhooks, as of its last
    /// delivery.
    pub held_back: u32,
}

/// The kind of a stored body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WebhookKind {
    /// A body of Meta's.
    Body,
    /// An event that came by itself, from a queue, as JSON with its key; or an array of the events
    /// that remain of a body of which others were erased.
    QueuedEvent,
    /// A body that is no webhook.
    Unreadable,
    /// A webhook that is delivered once more, to some receivers: a line of JSON that names them,
    /// and behind it a body of one of the kinds above.
    Replay,
}

/// The right to work on a webhook for some time.
///
/// A [`commit`](super::Store::commit) computes [`until`](Self::until) from the clock of the
/// store and the [`length`](Self::length), so that clocks of other machines do not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Lease {
    /// The holder: a random number.
    pub holder: i64,
    /// Its length in milliseconds.
    pub length: i64,
    /// Its end in milliseconds since 1970, by the clock of the store.
    pub until: i64,
}

impl Lease {
    /// Returns a lease of this holder. A commit sets its end.
    #[must_use]
    pub fn new(holder: i64, length: Duration) -> Self {
        Self {
            holder,
            length: i64::try_from(length.as_millis()).unwrap_or(i64::MAX),
            until: 0,
        }
    }

    /// Returns the same lease from this time on, in milliseconds since 1970.
    #[must_use]
    pub fn from(self, now: i64) -> Self {
        let until = now.saturating_add(self.length);
        Self { until, ..self }
    }

    /// Returns whether it has ended at this time, in milliseconds since 1970.
    #[must_use]
    pub fn has_ended(&self, now: i64) -> bool {
        self.until <= now
    }

    /// Returns whether it ends later than its length allows, as the clock was ahead when it began.
    #[must_use]
    pub fn is_too_long(&self, now: i64) -> bool {
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
        /// The milliseconds after the commit that it was.
        delay: i64,
    },
}

impl Due {
    /// Returns the time this long after the commit.
    #[must_use]
    pub fn after(delay: Duration) -> Self {
        match i64::try_from(delay.as_millis()).unwrap_or(i64::MAX) {
            0 => Self::Now,
            delay => Self::After(delay),
        }
    }

    /// Returns it as a commit of this time writes it, in milliseconds since 1970.
    #[must_use]
    pub fn from(self, now: i64) -> Self {
        match self {
            Self::After(delay) => Self::At {
                time: now.saturating_add(delay),
                delay,
            },
            due => due,
        }
    }

    /// Returns the milliseconds from this time until it; 0 if it has come. It has also come if it
    /// is further off than its delay, as the clock was ahead when it was computed.
    #[must_use]
    pub fn left(&self, now: i64) -> i64 {
        match *self {
            Self::Now => 0,
            Self::After(delay) => delay,
            Self::At { time, delay } => match time.saturating_sub(now) {
                left if left > delay => 0,
                left => left.max(0),
            },
        }
    }

    /// Returns whether it has come at this time, in milliseconds since 1970.
    #[must_use]
    pub fn has_come(&self, now: i64) -> bool {
        self.left(now) == 0
    }
}

impl WebhookRow {
    /// Returns the row of a webhook with this many events to do.
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

    /// Returns whether nothing of it is open, dead or unclaimed, so that its row may be deleted.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.open == 0 && self.dead == 0 && self.unclaimed == 0
    }

    /// Returns whether something of it is open or unclaimed, or it has a lease, which a crash may
    /// have left.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.open > 0 || self.unclaimed > 0 || self.lease.is_some()
    }
}

/// 128 bits that stand for the [key](crate::Event::dedup_key) of an event, or for a wamid.
///
/// Its first 32 bits are of the place in the key where a wamid has the user, so that the events
/// of one user lie together in an index, on few pages.
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

/// The progress of an event that did not succeed at once.
///
/// An event without such a row is finished if its webhook has nothing open or is gone, and else
/// open and untried. A row of progress belongs to its webhook: a commit that writes one writes
/// the row of the webhook, too, and a webhook that is deleted takes its rows of progress along.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ProgressRow {
    /// The webhook that it belongs to.
    pub webhook: WebhookId,
    /// The key of the event. It is personal data, and `Debug` leaves it out.
    pub key: String,
    /// The state of the event.
    pub state: EventState,
    /// The number of attempts so far.
    pub attempts: u32,
    /// The receivers that have been called.
    pub receivers: Vec<ReceiverProgress>,
    /// When it is to be tried, if it is open.
    pub due: Due,
}

/// The state of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventState {
    /// A receiver is to be called.
    Open,
    /// Nothing is to be done.
    Finished,
    /// A receiver gave up, and no other may be tried again.
    Dead,
}

/// The progress of a receiver with an event.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReceiverProgress {
    /// The receiver, by uid or path.
    pub receiver: String,
    /// Its state.
    pub state: ReceiverState,
    /// The number of its failures so far.
    pub attempts: u32,
    /// The text of its last error, if the engine keeps it. It may quote a user, and `Debug` leaves
    /// it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<str>>,
}

/// The state of a receiver with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReceiverState {
    /// It has succeeded.
    Succeeded,
    /// It has failed, and is tried again.
    Failed,
    /// It has failed, and is not tried again.
    GaveUp,
}

impl ProgressRow {
    /// Returns the row of an event that was not tried.
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
    /// Returns the progress of a receiver.
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

/// A business among those that share a program: contacts, messages and statuses of two tenants
/// never meet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tenant(Arc<str>);

impl Tenant {
    /// Returns the tenant with this name.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// Returns its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key of one of your numbers: its `phone_number_id`, else its phone number, else `waba=` and
/// the WABA.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NumberKey(Arc<str>);

impl NumberKey {
    /// Returns the key of the number with this `phone_number_id`.
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

    /// Returns it as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key of a message: one wamid may come to two of your numbers.
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

/// The state of a message that may be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageState {
    /// Whether the message itself is stored, and not its status alone.
    pub is_stored: bool,
    /// Whether it is unread.
    pub is_unread: bool,
    /// Its status.
    pub status: Option<MessageStatus>,
    /// Its campaign.
    pub campaign: Option<CampaignId>,
}

impl MessageState {
    /// Returns the state of a message that is in no campaign.
    #[must_use]
    pub fn new(is_stored: bool, is_unread: bool, status: Option<MessageStatus>) -> Self {
        Self {
            is_stored,
            is_unread,
            status,
            campaign: None,
        }
    }

    /// Returns the state with the campaign of the message.
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

/// An id of a user, as a key.
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
    /// The contact, with the ids that it has now.
    pub contact: Arc<Contact>,
    /// The ids that it has or had. A store finds the contact by each of them.
    pub ids: Vec<HeldId>,
    /// The time of the event that its profile is of.
    pub profile_at: Option<Timestamp>,
    /// The time of the event that its opt-out is of.
    pub preference_at: Option<Timestamp>,
}

/// An id, and the time for which a contact had it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HeldId {
    /// The kind of the id.
    pub kind: IdKind,
    /// The id. It is personal data, and `Debug` leaves it out.
    pub id: Arc<str>,
    /// The first time that it was seen.
    pub since: Timestamp,
    /// The time at which the contact lost it; `None` if the contact has it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl ContactRow {
    /// Returns the row of a contact that was not seen in an event.
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

impl HeldId {
    /// Returns an id that a contact has from this time on.
    pub fn new(kind: IdKind, id: impl Into<Arc<str>>, since: Timestamp) -> Self {
        Self {
            kind,
            id: id.into(),
            since,
            until: None,
        }
    }
}

impl fmt::Debug for HeldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldId")
            .field("kind", &self.kind)
            .field("since", &self.since)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}
