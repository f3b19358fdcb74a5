//! The turns of a claim and their state during the delivery.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use smallvec::SmallVec;

use crate::engine::claim::{ClaimedTurn, EndedTurn, Job};
use crate::store::{PartitionKey, StoredTurn};

/// The delay of a webhook whose events are all held back. The end of the turn before makes it due
/// at once, unless an engine ends it that does not deliver in order.
pub(crate) const LONGEST_HOLD: Duration = Duration::from_secs(10 * 60);

/// The turns of an event that other webhooks hold back.
type HoldingTurns = SmallVec<[(PartitionKey, i64); 2]>;

/// The events of a webhook that were held back.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeldBackEvents {
    /// The number of events.
    pub(crate) count: u32,
    /// The turns of the events that are held back only by other webhooks.
    by_others: Vec<HoldingTurns>,
}

impl HeldBackEvents {
    /// Returns whether one of the events is no longer held back, by the present turns of its
    /// webhook.
    pub(crate) fn is_released(&self, stored: &[StoredTurn]) -> bool {
        let held_back = stored.iter().filter(|turn| turn.is_held_back);
        let held_back = held_back.map(|turn| (turn.row.partition, turn.row.position.number));
        let held_back: HashSet<_> = held_back.collect();
        let is_free = |turns: &HoldingTurns| turns.iter().all(|turn| !held_back.contains(turn));
        self.by_others.iter().any(is_free)
    }
}

/// The turns of a claim and their state during the delivery.
#[derive(Debug, Default)]
pub(crate) struct TurnTracker {
    turns: Vec<ClaimedTurn>,
    /// The turns that may follow another one, by partition and number.
    by_position: HashMap<(PartitionKey, i64), usize>,
    /// The partitions of webhooks that have an open event before the following ones.
    blocked: HashSet<(usize, PartitionKey)>,
    /// The ended turns that are not written, by the index of the webhook.
    ended: HashMap<usize, Vec<EndedTurn>>,
    /// The events that were held back, by the index of the webhook.
    held_back: HashMap<usize, HeldBackEvents>,
}

impl TurnTracker {
    pub(crate) fn new(turns: Vec<ClaimedTurn>) -> Self {
        let mut by_position = HashMap::new();
        if turns.iter().any(|turn| turn.next.is_some()) {
            let positions = turns
                .iter()
                .map(|turn| (turn.partition, turn.position.number));
            by_position.extend(positions.zip(0..));
        }
        let mut all = Self {
            turns,
            by_position,
            ..Self::default()
        };
        for at in 0..all.turns.len() {
            if all.turns[at].open == 0 {
                all.end(at);
            }
        }
        all
    }

    /// Returns whether an earlier event is open, and records that this one is held back.
    pub(crate) fn hold_back(&mut self, job: &Job) -> bool {
        let turns = || job.turns.iter().map(|at| &self.turns[*at]);
        let is_blocked = job.is_behind
            || turns().any(|turn| self.blocked.contains(&(turn.leased, turn.partition)));
        if !is_blocked && !turns().any(|turn| turn.is_held_back) {
            return false;
        }
        let by_others = (!is_blocked).then(|| {
            let turns = turns().map(|turn| (turn.partition, turn.position.number));
            turns.collect()
        });
        let held_back = self.held_back.entry(job.leased).or_default();
        held_back.count += 1;
        held_back.by_others.extend(by_others);
        self.keep_open(job);
        true
    }

    /// Records that an event stays open, and holds back the later ones.
    pub(crate) fn keep_open(&mut self, job: &Job) {
        let turns = job.turns.iter().map(|at| &self.turns[*at]);
        let blocked = turns.map(|turn| (turn.leased, turn.partition));
        self.blocked.extend(blocked);
    }

    /// Records that an event is finished or dead. Returns the indexes of the webhooks of this call
    /// whose turns come next.
    pub(crate) fn end_event(&mut self, job: &Job) -> SmallVec<[usize; 1]> {
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

    /// Ends a turn. Returns the index of the webhook whose turn comes next, if this call has it.
    fn end(&mut self, at: usize) -> Option<usize> {
        let turn = &self.turns[at];
        let ended = EndedTurn {
            partition: turn.partition,
            position: turn.position,
            next: turn.next,
            is_first: !turn.is_held_back,
        };
        self.ended.entry(turn.leased).or_default().push(ended);
        let next = ended.next.filter(|_| ended.is_first)?;
        let next = *self.by_position.get(&(ended.partition, next.number))?;
        let next = &mut self.turns[next];
        next.is_held_back = false;
        Some(next.leased)
    }

    /// Removes and returns the ended turns of a webhook.
    pub(crate) fn take_ended(&mut self, leased: usize) -> Vec<EndedTurn> {
        self.ended.remove(&leased).unwrap_or_default()
    }

    /// Returns the held-back events of a webhook.
    pub(crate) fn held_back(&self, leased: usize) -> HeldBackEvents {
        self.held_back.get(&leased).cloned().unwrap_or_default()
    }
}
