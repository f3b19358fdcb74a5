//! Turns: the order of the unfinished events of one user.

use std::fmt;

use siphasher::sip128::SipHasher24;

use super::row::{Fingerprint, WebhookId};

/// 128 bits that stand for a partition: the events of one of your numbers and of one user, which an
/// engine with [`in_order`](crate::WebhookEngine::in_order) delivers one after the other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartitionKey(pub [u8; 16]);

impl PartitionKey {
    /// Returns the key of a partition with this name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self(SipHasher24::new().hash(name.as_bytes()).as_bytes())
    }
}

impl fmt::Debug for PartitionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartitionKey({:032x})", u128::from_be_bytes(self.0))
    }
}

/// The place of a turn in its partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnPlace {
    /// Its number, from 1 on: the first turn of a partition has the least number.
    pub number: i64,
    /// The webhook whose turn it is.
    pub webhook: WebhookId,
}

/// A turn: the events of a webhook that were committed together and belong to one partition.
///
/// It is stored until all of its events are finished or dead.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TurnRow {
    /// The partition.
    pub partition: PartitionKey,
    /// Its place in the partition.
    pub place: TurnPlace,
    /// Its events, in their order.
    pub events: Vec<Fingerprint>,
}

impl TurnRow {
    /// Returns a turn.
    #[must_use]
    pub fn new(partition: PartitionKey, place: TurnPlace, events: Vec<Fingerprint>) -> Self {
        Self {
            partition,
            place,
            events,
        }
    }
}

/// A stored turn with those beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredTurn {
    /// The turn.
    pub row: TurnRow,
    /// Whether another webhook has a turn before it.
    pub is_held_back: bool,
    /// The place of the next turn.
    pub next: Option<TurnPlace>,
}

impl StoredTurn {
    /// Returns a stored turn.
    #[must_use]
    pub fn new(row: TurnRow, is_held_back: bool, next: Option<TurnPlace>) -> Self {
        Self {
            row,
            is_held_back,
            next,
        }
    }
}

/// The turns of a partition that has any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionRow {
    /// The last turn.
    pub last: TurnPlace,
    /// Whether more than one webhook has turns in it.
    pub is_shared: bool,
}

impl PartitionRow {
    /// Returns a partition with this last turn.
    #[must_use]
    pub fn new(last: TurnPlace, is_shared: bool) -> Self {
        Self { last, is_shared }
    }

    /// Returns whether another webhook has a turn in it.
    #[must_use]
    pub fn has_others(&self, webhook: WebhookId) -> bool {
        self.is_shared || self.last.webhook != webhook
    }
}

/// A change of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TurnChange {
    /// A turn behind all others of its partition. It is a conflict unless the greatest number of
    /// the partition is the one before; 0 counts as the greatest one of no turns.
    Add(TurnRow),
    /// A turn that is over. It is a conflict if it is not there, or if another turn than `next`
    /// follows.
    End {
        /// The partition.
        partition: PartitionKey,
        /// Its place.
        place: TurnPlace,
        /// The number of the turn that follows; `None` if there is none.
        next: Option<i64>,
    },
}
