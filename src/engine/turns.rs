//! Turns of webhooks that are held: which events they hold back, and their end.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use smallvec::SmallVec;

use super::claim::Job;
use super::draft::{Draft, Undecided};
use crate::store::{Due, Fingerprint, Lease, PartitionKey, StoredTurn, TurnPlace, WebhookId};

/// The time after which a webhook is tried again whose events are all held back. The end of the
/// turn before has it tried at once, except by an engine that does not deliver in order.
pub(super) const LONGEST_HOLD: Duration = Duration::from_secs(10 * 60);

/// A turn of a webhook that is held.
#[derive(Debug)]
pub(super) struct HeldTurn {
    /// The place of its webhook among those that are held.
    pub(super) held: usize,
    pub(super) partition: PartitionKey,
    pub(super) place: TurnPlace,
    pub(super) next: Option<TurnPlace>,
    /// The number of its events that are open.
    pub(super) open: usize,
    /// Whether another webhook has a turn before it.
    pub(super) is_held_back: bool,
}

impl HeldTurn {
    /// Returns a stored turn with this number of open events.
    pub(super) fn of(held: usize, stored: &StoredTurn, open: usize) -> Self {
        Self {
            held,
            partition: stored.row.partition,
            place: stored.row.place,
            next: stored.next,
            open,
            is_held_back: stored.is_held_back,
        }
    }
}

/// A turn that is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct EndedTurn {
    partition: PartitionKey,
    place: TurnPlace,
    next: Option<TurnPlace>,
    /// Whether no other webhook has a turn before it.
    is_first: bool,
}

/// The turns of an event that another webhook holds back.
type HeldBack = SmallVec<[(PartitionKey, i64); 2]>;

/// The events of a webhook that were held back.
#[derive(Clone, Debug, Default)]
pub(super) struct HeldEvents {
    /// Their number.
    pub(super) count: u32,
    /// The turns of those that are held back by other webhooks only.
    by_others: Vec<HeldBack>,
}

impl HeldEvents {
    /// Returns whether one of them is held back no more, by the turns of its webhook as they are
    /// now.
    pub(super) fn is_released(&self, stored: &[StoredTurn]) -> bool {
        let held_back = stored.iter().filter(|turn| turn.is_held_back);
        let held_back = held_back.map(|turn| (turn.row.partition, turn.row.place.number));
        let held_back: HashSet<_> = held_back.collect();
        let is_free = |turns: &HeldBack| turns.iter().all(|turn| !held_back.contains(turn));
        self.by_others.iter().any(is_free)
    }
}

/// The turns of a claim while its events are delivered.
#[derive(Debug, Default)]
pub(super) struct Turns {
    turns: Vec<HeldTurn>,
    /// Those that another one may be followed by.
    by_place: HashMap<(PartitionKey, i64), usize>,
    /// Partitions with an open event before those that follow, by the place of the webhook.
    blocked: HashSet<(usize, PartitionKey)>,
    /// The turns that are over and not written, by the place of the webhook.
    ended: HashMap<usize, Vec<EndedTurn>>,
    /// The events that were held back, by the place of the webhook.
    held_back: HashMap<usize, HeldEvents>,
}

impl Turns {
    pub(super) fn new(turns: Vec<HeldTurn>) -> Self {
        let mut by_place = HashMap::new();
        if turns.iter().any(|turn| turn.next.is_some()) {
            let places = turns.iter().map(|turn| (turn.partition, turn.place.number));
            by_place.extend(places.zip(0..));
        }
        let mut all = Self {
            turns,
            by_place,
            ..Self::default()
        };
        for at in 0..all.turns.len() {
            if all.turns[at].open == 0 {
                all.end(at);
            }
        }
        all
    }

    /// Returns whether an event before this one is open, and notes that this one is held back.
    pub(super) fn hold_back(&mut self, job: &Job) -> bool {
        let turns = || job.turns.iter().map(|at| &self.turns[*at]);
        let is_blocked = job.is_behind
            || turns().any(|turn| self.blocked.contains(&(turn.held, turn.partition)));
        if !is_blocked && !turns().any(|turn| turn.is_held_back) {
            return false;
        }
        let by_others = (!is_blocked).then(|| {
            let turns = turns().map(|turn| (turn.partition, turn.place.number));
            turns.collect()
        });
        let held_back = self.held_back.entry(job.held).or_default();
        held_back.count += 1;
        held_back.by_others.extend(by_others);
        self.keep_open(job);
        true
    }

    /// Notes that an event stays open, and holds back those behind it.
    pub(super) fn keep_open(&mut self, job: &Job) {
        let turns = job.turns.iter().map(|at| &self.turns[*at]);
        let blocked = turns.map(|turn| (turn.held, turn.partition));
        self.blocked.extend(blocked);
    }

    /// Notes that an event is finished or dead. Returns the place of each webhook whose turn is
    /// next, if this call holds it.
    pub(super) fn end_event(&mut self, job: &Job) -> SmallVec<[usize; 1]> {
        let mut released = SmallVec::new();
        for at in &job.turns {
            let turn = &mut self.turns[*at];
            turn.open = turn.open.saturating_sub(1);
            if turn.open == 0 {
                released.extend(self.end(*at));
            }
        }
        released
    }

    /// Ends a turn. Returns the place of the webhook whose turn is next, if this call holds it.
    fn end(&mut self, at: usize) -> Option<usize> {
        let turn = &self.turns[at];
        let ended = EndedTurn {
            partition: turn.partition,
            place: turn.place,
            next: turn.next,
            is_first: !turn.is_held_back,
        };
        self.ended.entry(turn.held).or_default().push(ended);
        let next = ended.next.filter(|_| ended.is_first)?;
        let next = *self.by_place.get(&(ended.partition, next.number))?;
        let next = &mut self.turns[next];
        next.is_held_back = false;
        Some(next.held)
    }

    /// Takes the turns of a webhook that are over.
    pub(super) fn take_ended(&mut self, held: usize) -> Vec<EndedTurn> {
        self.ended.remove(&held).unwrap_or_default()
    }

    /// Returns the events of a webhook that were held back.
    pub(super) fn held_back(&self, held: usize) -> HeldEvents {
        self.held_back.get(&held).cloned().unwrap_or_default()
    }
}

/// Returns those of the stored turns of a webhook that a call has ended; or all of them, if the
/// webhook `is_over`.
pub(super) fn as_stored(
    ended: &[EndedTurn],
    stored: &[StoredTurn],
    is_over: bool,
) -> Vec<EndedTurn> {
    let places = ended.iter();
    let places: HashSet<_> = places
        .map(|turn| (turn.partition, turn.place.number))
        .collect();
    let has_ended =
        |turn: &&StoredTurn| places.contains(&(turn.row.partition, turn.row.place.number));
    let over = stored.iter().filter(|turn| is_over || has_ended(turn));
    over.map(of_stored).collect()
}

fn of_stored(turn: &StoredTurn) -> EndedTurn {
    EndedTurn {
        partition: turn.row.partition,
        place: turn.row.place,
        next: turn.next,
        is_first: !turn.is_held_back,
    }
}

/// Ends those turns of a webhook whose events are over. Returns whether another webhook is to be
/// delivered.
pub(super) fn end_turns_of(
    draft: &mut Draft<'_, '_>,
    holder: i64,
    id: WebhookId,
    is_over: impl Fn(&Fingerprint) -> bool,
) -> Result<bool, Undecided> {
    let turns = draft.turns(id)?.iter();
    let over = turns.filter(|turn| turn.row.events.iter().all(&is_over));
    let ended = over.map(of_stored).collect();
    end_turns(draft, holder, ended)
}

/// Ends turns, and has the webhooks delivered whose turns are the first ones then. Returns whether
/// there are any.
pub(super) fn end_turns(
    draft: &mut Draft<'_, '_>,
    holder: i64,
    mut ended: Vec<EndedTurn>,
) -> Result<bool, Undecided> {
    // A turn is ended before the one behind it, whose end the store then expects.
    ended.sort_unstable_by_key(|turn| (turn.partition, turn.place.number));
    let mut releases = false;
    // The turn that is first now that those before it have ended.
    let mut first = None;
    for (at, turn) in ended.iter().enumerate() {
        let is_first = turn.is_first || first == Some((turn.partition, turn.place.number));
        let next = turn.next;
        draft.end_turn(turn.partition, turn.place, next.map(|next| next.number));
        let Some(next) = next.filter(|_| is_first) else {
            continue;
        };
        first = Some((turn.partition, next.number));
        let following = ended.get(at + 1);
        let ends_too = following.is_some_and(|following| {
            following.partition == turn.partition && following.place == next
        });
        if !ends_too && next.webhook != turn.place.webhook {
            releases |= release(draft, holder, next.webhook)?;
        }
    }
    Ok(releases)
}

/// Has a webhook delivered whose turn has come, unless this holder delivers it already. Returns
/// whether it is to be delivered.
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
        && lease.has_ended(draft.now())
    {
        // The commit reckons it from now on.
        row.lease = Some(Lease::new(lease.holder, Duration::ZERO));
    }
    draft.put_webhook(id, row)?;
    Ok(true)
}
