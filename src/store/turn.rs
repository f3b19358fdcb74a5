//! Turns: the order of the unfinished events of one user.

use std::fmt;

use siphasher::sip128::SipHasher24;

use super::row::{Fingerprint, WebhookId};

/// A 128-bit hash that identifies a partition: the events of one of your numbers and one user, which
/// an engine with [`in_order`](crate::WebhookEngine::in_order) delivers one after the other.
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

/// The position of a turn in its partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnPosition {
    /// The number of the turn, from 1 on. The first turn of a partition has the least number.
    pub number: i64,
    /// The webhook of the turn.
    pub webhook: WebhookId,
}

/// A turn: the events of a webhook that were committed together and belong to one partition.
///
/// It is stored until all its events are finished or dead.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TurnRow {
    /// The partition.
    pub partition: PartitionKey,
    /// Its position in the partition.
    pub position: TurnPosition,
    /// The events, in order.
    pub events: Vec<Fingerprint>,
}

impl TurnRow {
    /// Creates a turn.
    #[must_use]
    pub fn new(partition: PartitionKey, position: TurnPosition, events: Vec<Fingerprint>) -> Self {
        Self {
            partition,
            position,
            events,
        }
    }
}

/// A stored turn with its neighbors.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredTurn {
    /// The turn.
    pub row: TurnRow,
    /// Whether another webhook has a turn before it.
    pub is_held_back: bool,
    /// The position of the next turn.
    pub next: Option<TurnPosition>,
}

impl StoredTurn {
    /// Creates a stored turn.
    #[must_use]
    pub fn new(row: TurnRow, is_held_back: bool, next: Option<TurnPosition>) -> Self {
        Self {
            row,
            is_held_back,
            next,
        }
    }
}

/// A summary of the turns of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionRow {
    /// The last turn.
    pub last: TurnPosition,
    /// Whether several webhooks have turns in the partition.
    pub is_shared: bool,
}

impl PartitionRow {
    /// Creates the row of a partition with this last turn.
    #[must_use]
    pub fn new(last: TurnPosition, is_shared: bool) -> Self {
        Self { last, is_shared }
    }

    /// Returns true if another webhook has a turn in the partition.
    #[must_use]
    pub fn has_others(&self, webhook: WebhookId) -> bool {
        self.is_shared || self.last.webhook != webhook
    }
}

/// A change of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TurnChange {
    /// Appends a turn to its partition. A conflict, unless its number follows the greatest one of the
    /// partition, which is 0 for an empty partition.
    Insert(TurnRow),
    /// Deletes a finished turn. A conflict if the turn does not exist, or if another turn than `next`
    /// follows it.
    Delete {
        /// The partition.
        partition: PartitionKey,
        /// Its position.
        position: TurnPosition,
        /// The number of the next turn; `None` after the last turn.
        next: Option<i64>,
    },
}
