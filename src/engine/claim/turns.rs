//! The order of the events of one user.
//!
//! An event belongs to one partition for each id of its user. The events of one commit in a
//! partition are a *turn*, behind all earlier turns of the partition. An event is delivered if no
//! other webhook has an earlier turn, and no earlier event of its own webhook is open. The commit
//! that ends a turn makes the webhook of the next turn due.
//!
//! Partitions are named by ids, not by contacts: the event that merges two contacts has the ids of
//! both, and so comes behind the turns of both.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use smallvec::SmallVec;

use crate::engine::contacts::identities;
use crate::engine::recorder::has_records;
use crate::engine::tenants::{ResolvedAccount, TenantResolver};
use crate::engine::transaction::{Draft, Undecided};
use crate::event::WebhookEvent;
use crate::model::{Contact, IdKind, Identity};
use crate::store::{
    Due, Fingerprint, Lease, PartitionKey, StoredTurn, TurnPosition, TurnRow, WebhookId,
};

/// The partitions of an event.
pub(crate) type Partitions = SmallVec<[PartitionKey; 3]>;

/// Returns the partitions of an event: one for each id of its users, in the event or in the stored
/// contact; without any, the one of its partition key.
fn partitions(
    event: &WebhookEvent,
    account: Option<&ResolvedAccount>,
    contact: Option<&Contact>,
) -> Partitions {
    let mut keys = Partitions::new();
    let mut add = |number: &str, user: &Identity| {
        for kind in IdKind::ALL {
            if let Some(id) = user.id(kind) {
                let key = PartitionKey::of(&[number, kind.as_str(), id].join("\n"));
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
    };
    if let Some(account) = account {
        let users = identities(event);
        let stored = contact.map(|contact| &contact.identity);
        let users = users.iter().chain(stored);
        users.for_each(|user| add(account.number.as_str(), user));
    }
    if keys.is_empty() {
        keys.push(PartitionKey::of(&event.partition_key()));
    }
    keys
}

/// Returns the partitions of an event with its stored contact.
pub(crate) fn partitions_of<'e>(
    draft: &mut Draft<'_, '_>,
    resolver: &mut TenantResolver<'e>,
    event: &'e WebhookEvent,
    contact: Option<&Contact>,
) -> Result<Partitions, Undecided> {
    let account = if has_records(event) {
        Some(resolver.resolve(draft, event.account())?)
    } else {
        None
    };
    Ok(partitions(event, account.as_ref(), contact))
}

/// The new turns of a webhook: the indexes of the jobs, by partition.
pub(crate) type NewTurns = BTreeMap<PartitionKey, Vec<usize>>;

/// Adds turns of a webhook behind the earlier ones of their partitions. `event` returns the event
/// of a job.
pub(crate) fn add_turns(
    draft: &mut Draft<'_, '_>,
    webhook: WebhookId,
    leased: usize,
    new: &NewTurns,
    event: impl Fn(usize) -> Fingerprint,
) -> Result<Vec<ClaimedTurn>, Undecided> {
    for partition in new.keys() {
        draft.request_partition(*partition);
    }
    draft.load_requested()?;
    // The attempt before may have been committed, so that the turns are stored.
    let mut stored = HashMap::new();
    if draft.is_uncertain() {
        let turns = draft.turns(webhook)?.iter();
        stored.extend(turns.map(|turn| ((turn.row.partition, &*turn.row.events), turn)));
    }
    let mut added = Vec::with_capacity(new.len());
    for (partition, jobs) in new {
        let events: Vec<_> = jobs.iter().map(|job| event(*job)).collect();
        if let Some(turn) = stored.get(&(*partition, &*events)) {
            added.push(ClaimedTurn::of(leased, turn, jobs.len()));
            continue;
        }
        let row = draft.partition(*partition)?;
        let number = row.map_or(1, |row| row.last.number + 1);
        let position = TurnPosition { number, webhook };
        draft.add_turn(TurnRow::new(*partition, position, events), row);
        added.push(ClaimedTurn {
            leased,
            partition: *partition,
            position,
            next: None,
            open: jobs.len(),
            is_held_back: row.is_some_and(|row| row.has_others(webhook)),
        });
    }
    Ok(added)
}

/// A turn of a leased webhook.
#[derive(Debug)]
pub(crate) struct ClaimedTurn {
    /// The index of its webhook among the leased ones.
    pub(crate) leased: usize,
    pub(crate) partition: PartitionKey,
    pub(crate) position: TurnPosition,
    pub(crate) next: Option<TurnPosition>,
    /// The number of its open events.
    pub(crate) open: usize,
    /// `true` if another webhook has an earlier turn.
    pub(crate) is_held_back: bool,
}

impl ClaimedTurn {
    /// Returns a stored turn with this number of open events.
    pub(crate) fn of(leased: usize, stored: &StoredTurn, open: usize) -> Self {
        Self {
            leased,
            partition: stored.row.partition,
            position: stored.row.position,
            next: stored.next,
            open,
            is_held_back: stored.is_held_back,
        }
    }
}

/// A turn that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndedTurn {
    pub(crate) partition: PartitionKey,
    pub(crate) position: TurnPosition,
    pub(crate) next: Option<TurnPosition>,
    /// `true` if no other webhook has an earlier turn.
    pub(crate) is_first: bool,
}

impl EndedTurn {
    fn from_stored(turn: &StoredTurn) -> Self {
        Self {
            partition: turn.row.partition,
            position: turn.row.position,
            next: turn.next,
            is_first: !turn.is_held_back,
        }
    }
}

/// Returns the stored turns of a webhook that a call has ended, or all of them if the webhook
/// `is_over`.
pub(crate) fn ended_as_stored(
    ended: &[EndedTurn],
    stored: &[StoredTurn],
    is_over: bool,
) -> Vec<EndedTurn> {
    let positions = ended.iter();
    let positions: HashSet<_> = positions
        .map(|turn| (turn.partition, turn.position.number))
        .collect();
    let has_expired =
        |turn: &&StoredTurn| positions.contains(&(turn.row.partition, turn.row.position.number));
    let over = stored.iter().filter(|turn| is_over || has_expired(turn));
    over.map(EndedTurn::from_stored).collect()
}

/// Ends the turns of a webhook whose events are all over. Returns whether another webhook is due
/// now.
pub(crate) fn end_turns_of(
    draft: &mut Draft<'_, '_>,
    holder: i64,
    id: WebhookId,
    is_over: impl Fn(&Fingerprint) -> bool,
) -> Result<bool, Undecided> {
    let turns = draft.turns(id)?.iter();
    let over = turns.filter(|turn| turn.row.events.iter().all(&is_over));
    let ended = over.map(EndedTurn::from_stored).collect();
    end_turns(draft, holder, ended)
}

/// Ends turns, and makes the webhooks due whose turns come first then. Returns whether there are
/// any.
pub(crate) fn end_turns(
    draft: &mut Draft<'_, '_>,
    holder: i64,
    mut ended: Vec<EndedTurn>,
) -> Result<bool, Undecided> {
    // In order, as the store expects a turn to end before the next one of its partition.
    ended.sort_unstable_by_key(|turn| (turn.partition, turn.position.number));
    let mut releases = false;
    // The turn that comes first now that the earlier ones have ended.
    let mut first = None;
    for (at, turn) in ended.iter().enumerate() {
        let is_first = turn.is_first || first == Some((turn.partition, turn.position.number));
        let next = turn.next;
        draft.end_turn(turn.partition, turn.position, next.map(|next| next.number));
        let Some(next) = next.filter(|_| is_first) else {
            continue;
        };
        first = Some((turn.partition, next.number));
        let following = ended.get(at + 1);
        let ends_too = following.is_some_and(|following| {
            following.partition == turn.partition && following.position == next
        });
        if !ends_too && next.webhook != turn.position.webhook {
            releases |= release(draft, holder, next.webhook)?;
        }
    }
    Ok(releases)
}

/// Makes a webhook due whose turn has come, unless this holder delivers it already. Returns whether
/// it is due.
fn release(draft: &mut Draft<'_, '_>, holder: i64, id: WebhookId) -> Result<bool, Undecided> {
    let Some(mut row) = draft.webhook(id)? else {
        return Ok(false);
    };
    if row.open == 0 || row.lease.is_some_and(|lease| lease.holder == holder) {
        return Ok(false);
    }
    row.due = Due::Now;
    row.held_back = 0;
    if let Some(lease) = row.lease
        && lease.has_expired(draft.now())
    {
        // Ended at the time of the commit.
        row.lease = Some(Lease::new(lease.holder, Duration::ZERO));
    }
    draft.put_webhook(id, row)?;
    Ok(true)
}
