//! The commit of a decision.
//!
//! A rule of the engine is a function over a [`Draft`]: it reads rows of a snapshot and writes
//! rows of a commit. [`transact`] runs it. A row that is not in the snapshot ends the function; it
//! is loaded, and the function runs again. So it does if the commit is a conflict.

use super::access::Access;
use super::draft::{Draft, Undecided};
use crate::store::{
    Changes, Durability, Snapshot, StoreError, StoreErrorKind, TurnChange, Wanted, WebhookChange,
};

/// The most conflicts in a row after which a decision is made again.
const MAX_CONFLICTS: usize = 10;

/// The first attempt of a decision.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// Events and messages that are not loaded count as new, as nearly all are: the commit finds
    /// those that are not.
    New,
    /// All rows are loaded.
    Stored,
}

/// Decides, and commits the changes: again with the missing rows if some were not loaded, and
/// with the current ones if the commit is a conflict.
///
/// `known` has rows that need not be loaded.
pub(super) async fn transact<'a, T>(
    access: Access<'_>,
    mut known: Snapshot,
    first: First,
    durability: Durability,
    mut decide: impl FnMut(&mut Draft<'a, '_>) -> Result<T, Undecided>,
) -> Result<T, StoreError> {
    let mut conflicts = 0;
    let mut is_uncertain = false;
    loop {
        let is_optimistic = conflicts == 0 && first == First::New;
        let mut draft = Draft::new(&known, is_optimistic, is_uncertain);
        let value = match decide(&mut draft) {
            Ok(value) => value,
            Err(Undecided::Failed(error)) => return Err(error),
            Err(Undecided::NotLoaded) => {
                let loaded = access.load(&draft.into_missing()).await?;
                known.extend(loaded);
                continue;
            }
        };
        if draft.is_unchanged() {
            return Ok(value);
        }
        let changes = draft.into_changes();
        match access.commit(&changes, durability).await {
            Ok(()) => return Ok(value),
            Err(error) if is_repeatable(&error) => {
                is_uncertain |= error.kind() == StoreErrorKind::Unknown;
                conflicts += 1;
                if conflicts > MAX_CONFLICTS {
                    return Err(StoreError::new(StoreErrorKind::Locked, error));
                }
            }
            Err(error) => return Err(error),
        }
        let used = used(&known, &changes);
        known = access.load(&used).await?;
    }
}

/// Has all commits before this one survive a power failure.
pub(super) async fn sync(access: Access<'_>) -> Result<(), StoreError> {
    let nothing = Changes::default();
    let mut conflicts = 0;
    loop {
        match access.commit(&nothing, Durability::Disk).await {
            Err(error) if is_repeatable(&error) && conflicts < MAX_CONFLICTS => conflicts += 1,
            result => return result,
        }
    }
}

/// Returns whether a commit with this error is decided and made again: it wrote nothing, or it may
/// be repeated as its ids stay the same.
fn is_repeatable(error: &StoreError) -> bool {
    matches!(
        error.kind(),
        StoreErrorKind::Conflict | StoreErrorKind::Unknown
    )
}

/// Returns the keys of all rows that a decision has used.
fn used(known: &Snapshot, changes: &Changes<'_>) -> Wanted {
    let mut used = Wanted::default();
    used.numbers.extend(known.numbers.keys().cloned());
    used.webhooks.extend(known.webhooks.keys());
    used.bodies.extend(known.bodies.keys());
    used.events.extend(known.events.keys());
    used.partitions.extend(known.partitions.keys());
    used.turns.extend(known.turns.keys());
    for change in &changes.turns {
        match change {
            TurnChange::Add(row) => _ = used.partitions.insert(row.partition),
            TurnChange::End { place, .. } => _ = used.turns.insert(place.webhook),
        }
    }
    used.messages.extend(known.messages.keys().cloned());
    used.ids.extend(known.holders.keys().cloned());
    used.contacts.extend(known.contacts.keys());
    used.signups.extend(known.signups.keys().cloned());
    used.campaigns.extend(known.campaigns.keys().cloned());
    let webhooks = changes.webhooks.iter().map(|change| match change {
        WebhookChange::Add { id, .. }
        | WebhookChange::Put { id, .. }
        | WebhookChange::Replace { id, .. }
        | WebhookChange::Delete { id, .. } => *id,
    });
    used.webhooks.extend(webhooks);
    used.events
        .extend(changes.events.iter().map(|event| event.key));
    used.events
        .extend(changes.progress.iter().map(|(key, _)| *key));
    let messages = changes.messages.iter().map(|put| put.key.clone());
    used.messages.extend(messages);
    used
}
