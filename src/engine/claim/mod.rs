//! The claim of a webhook: its new events are stored, and its open events are leased for delivery.

mod claimer;
mod order;
mod parts;
mod turns;
mod unreadable;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::recorder::StoredContext;
use crate::store::{Fingerprint, ProgressRow, Snapshot, Versioned, WebhookId, WebhookRow};

pub(crate) use turns::{ClaimedTurn, EndedTurn, end_turns, end_turns_of, ended_as_stored};
pub(crate) use unreadable::is_unreadable_key;

/// The most events that are claimed in one commit, so that no other commit waits for long.
pub(crate) const MAX_PART: usize = 2_000;

/// The events to be delivered, with the webhooks that are leased for the delivery.
#[derive(Default)]
pub(crate) struct Claim {
    pub(crate) jobs: Vec<Job>,
    pub(crate) leased: Vec<LeasedWebhook>,
    /// The number of events that are stored and not open.
    pub(crate) duplicates: usize,
    /// The number of events whose webhook another engine has leased.
    pub(crate) busy: usize,
    /// The open events that are not due, by webhook.
    pub(crate) waiting: BTreeMap<WebhookId, Waiting>,
    /// The open events that are not due and belong to a leased webhook.
    pub(crate) deferred: Vec<Fingerprint>,
    /// The turns of the jobs, if they are delivered in order.
    pub(crate) turns: Vec<ClaimedTurn>,
}

/// Open events that are due later.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waiting {
    /// The number of events.
    pub(crate) events: u32,
    /// The time at which the first one is due.
    pub(crate) first: Option<Instant>,
}

impl Waiting {
    /// Adds other events.
    pub(crate) fn add(&mut self, other: Self) {
        self.events += other.events;
        self.first = self.first.into_iter().chain(other.first).min();
    }

    /// Returns one event that is due after this delay.
    pub(crate) fn event_after(delay: Duration) -> Self {
        Self {
            events: 1,
            first: Instant::now().checked_add(delay),
        }
    }
}

/// An event to be delivered.
pub(crate) struct Job {
    /// The index of the event in the batch.
    pub(crate) event: usize,
    /// The index of its webhook among the leased ones.
    pub(crate) leased: usize,
    /// The progress of the event so far.
    pub(crate) progress: ProgressRow,
    /// Its stored contact and signup.
    pub(crate) stored: StoredContext,
    /// The indexes of its turns among the turns of the claim.
    pub(crate) turns: SmallVec<[usize; 2]>,
    /// `true` if an earlier event of a turn is open and not part of this claim.
    pub(crate) is_behind: bool,
    /// `true` if this claim has stored the event.
    pub(crate) is_new: bool,
}

/// A leased webhook.
#[derive(Clone, Debug)]
pub(crate) struct LeasedWebhook {
    pub(crate) id: WebhookId,
    /// The row as last written, with its version.
    pub(crate) stored: Versioned<WebhookRow>,
    /// `true` if the last holder did not return its lease.
    pub(crate) after_crash: bool,
}

impl Claim {
    /// Returns the rows of the leased webhooks, which need not be loaded.
    pub(crate) fn leased_rows(&self) -> Snapshot {
        let mut known = Snapshot::default();
        let leased = self.leased.iter();
        let rows = leased.map(|leased| (leased.id, Some(leased.stored.clone())));
        known.webhooks.extend(rows);
        known
    }

    pub(crate) fn leased_index(&self, id: WebhookId) -> Option<usize> {
        self.leased.iter().position(|leased| leased.id == id)
    }

    /// Removes the events of a webhook that has a new holder.
    fn remove_webhook(&mut self, id: WebhookId) {
        let (index, jobs) = (self.leased_index(id), self.jobs.len());
        self.jobs.retain(|job| Some(job.leased) != index);
        self.busy += jobs - self.jobs.len();
    }

    /// Returns the number of jobs of a webhook.
    pub(crate) fn job_count(&self, id: WebhookId) -> usize {
        let index = self.leased_index(id);
        let jobs = self.jobs.iter();
        jobs.filter(|job| Some(job.leased) == index).count()
    }
}
