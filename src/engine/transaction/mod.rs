//! The commit of a decision.
//!
//! A rule of the engine is a function over a [`Draft`]: it reads rows of a snapshot and writes rows
//! of a commit. [`transact`] runs the function. A row that is missing in the snapshot ends the run;
//! the row is loaded, and the function runs again. A conflict of the commit has the function run
//! again, too, with current rows.

mod access;
mod contact_cache;
mod draft;

use crate::store::{
    Changes, Durability, LoadQuery, Snapshot, StoreError, StoreErrorKind, TurnChange, WebhookChange,
};

pub(crate) use access::Access;
pub(crate) use contact_cache::ContactCache;
pub(crate) use draft::{Draft, Undecided};

/// The most conflicts in a row after which a decision is repeated.
const MAX_CONFLICTS: usize = 10;

/// The rows that the first attempt of a decision needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstAttempt {
    /// Events and messages that are not loaded count as new, as nearly all are: the commit finds
    /// those that are not.
    Optimistic,
    /// All rows are loaded.
    Loaded,
}

/// Decides, and commits the changes. Repeats the decision with the missing rows if some were not
/// loaded, and with the current rows after a conflict.
///
/// `known` has rows that need not be loaded. With [`FirstAttempt::Optimistic`] the first attempt
/// takes contacts from the cache, as the commit checks them.
pub(crate) async fn transact<'a, T>(
    access: Access<'_>,
    mut known: Snapshot,
    first: FirstAttempt,
    durability: Durability,
    mut decide: impl FnMut(&mut Draft<'a, '_>) -> Result<T, Undecided>,
) -> Result<T, StoreError> {
    let cache = access
        .contacts()
        .filter(|_| first == FirstAttempt::Optimistic);
    let mut conflicts = 0;
    let mut is_uncertain = false;
    let (mut may_be_cached, mut is_cached) = (cache.is_some(), false);
    loop {
        let is_optimistic = conflicts == 0 && first == FirstAttempt::Optimistic;
        let mut draft = Draft::new(&known, is_optimistic, is_uncertain);
        let value = match decide(&mut draft) {
            Ok(value) => value,
            Err(Undecided::Failed(error)) => return Err(error),
            Err(Undecided::NotLoaded) => {
                let missing = draft.into_missing();
                let cache = cache.filter(|_| may_be_cached);
                if let Some(cached) = cache.and_then(|cache| cache.load(&missing)) {
                    is_cached = true;
                    known.extend(cached);
                } else {
                    known.extend(access.load(&missing).await?);
                }
                continue;
            }
        };
        let changes = if draft.is_unchanged() {
            if !is_cached {
                if let Some(cache) = cache {
                    cache.add(&known);
                }
                return Ok(value);
            }
            // No commit checks the cached contacts.
            Changes::default()
        } else {
            let changes = draft.into_changes();
            match access.commit(&changes, durability).await {
                Ok(()) => {
                    if let Some(cache) = cache.filter(|_| !is_cached) {
                        cache.add(&known);
                    }
                    if let Some(cache) = access.contacts() {
                        cache.remove_written(&known, &changes);
                    }
                    return Ok(value);
                }
                Err(error) if is_repeatable(&error) => {
                    is_uncertain |= error.kind() == StoreErrorKind::Unknown;
                    conflicts += 1;
                    if conflicts > MAX_CONFLICTS {
                        return Err(StoreError::new(StoreErrorKind::Locked, error));
                    }
                }
                Err(error) => return Err(error),
            }
            if let Some(cache) = cache.filter(|_| is_cached) {
                cache.mark_doubtful(&known);
            }
            changes
        };
        (may_be_cached, is_cached) = (false, false);
        known = access.load(&used_keys(&known, &changes)).await?;
    }
}

/// Makes all earlier commits durable, so that they survive a power failure.
pub(crate) async fn sync(access: Access<'_>) -> Result<(), StoreError> {
    let nothing = Changes::default();
    let mut conflicts = 0;
    loop {
        match access.commit(&nothing, Durability::Disk).await {
            Err(error) if is_repeatable(&error) && conflicts < MAX_CONFLICTS => conflicts += 1,
            result => return result,
        }
    }
}

/// Returns whether a decision is repeated after this error of its commit: the commit wrote nothing,
/// or it may be repeated as its ids stay the same.
fn is_repeatable(error: &StoreError) -> bool {
    matches!(
        error.kind(),
        StoreErrorKind::Conflict | StoreErrorKind::Unknown
    )
}

/// Returns the keys of all rows that a decision has used.
fn used_keys(known: &Snapshot, changes: &Changes<'_>) -> LoadQuery {
    let mut used = LoadQuery::default();
    used.numbers.extend(known.numbers.keys().cloned());
    used.webhooks.extend(known.webhooks.keys());
    used.bodies.extend(known.bodies.keys());
    used.events.extend(known.events.keys());
    used.partitions.extend(known.partitions.keys());
    used.turns.extend(known.turns.keys());
    for change in &changes.turns {
        match change {
            TurnChange::Insert(row) => _ = used.partitions.insert(row.partition),
            TurnChange::Delete { position, .. } => _ = used.turns.insert(position.webhook),
        }
    }
    used.messages.extend(known.messages.keys().cloned());
    used.ids.extend(known.holders.keys().cloned());
    used.contacts.extend(known.contacts.keys());
    used.signups.extend(known.signups.keys().cloned());
    used.campaigns.extend(known.campaigns.keys().cloned());
    let webhooks = changes.webhooks.iter().map(|change| match change {
        WebhookChange::Insert { id, .. }
        | WebhookChange::Update { id, .. }
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
