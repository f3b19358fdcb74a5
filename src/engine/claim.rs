//! What of a webhook is to be done, and by us alone.

use super::record::Known;
use crate::event::{WebhookEvent, dedup_keys};
use crate::store::{EventRecord, WebhookId};

/// The events of a webhook, with their keys.
pub(super) struct Batch {
    pub(super) events: Vec<WebhookEvent>,
    pub(super) keys: Vec<String>,
    /// Whoever gave the keys says that what has one key is one event.
    are_keys_given: bool,
}

impl Batch {
    pub(super) fn new(events: Vec<WebhookEvent>) -> Self {
        let keys = dedup_keys(&events);
        Self {
            events,
            keys,
            are_keys_given: false,
        }
    }

    /// One event that came by itself, with its key.
    pub(super) fn single(key: String, event: WebhookEvent) -> Self {
        Self {
            events: vec![event],
            keys: vec![key],
            are_keys_given: true,
        }
    }

    /// Whether an event may have happened again when its key is known.
    pub(super) fn repeats(&self, event: usize) -> bool {
        !self.are_keys_given && self.events[event].repeats()
    }
}

/// What was claimed: from now on until the lease ends, nobody else does it.
#[derive(Default)]
pub(super) struct Claim {
    pub(super) jobs: Vec<Job>,
    pub(super) held: Vec<Held>,
    pub(super) duplicate: usize,
    /// How many events somebody else works on.
    pub(super) busy: usize,
}

/// An event that is to be delivered.
pub(super) struct Job {
    /// Its place in the batch.
    pub(super) event: usize,
    /// Its webhook's place in [`Claim::held`].
    pub(super) held: usize,
    pub(super) record: EventRecord,
    /// What the records know about it.
    pub(super) known: Known,
}

/// A webhook that we hold.
pub(super) struct Held {
    pub(super) id: WebhookId,
    /// Whoever held it last did not come to an end: one of its events may be
    /// what ended the program, so each counts as an attempt before it is tried.
    pub(super) is_suspect: bool,
    /// The lease has ended, and somebody else has taken it up.
    pub(super) is_lost: bool,
    /// What its events have come to and is yet to be written down.
    pub(super) marks: Vec<Mark>,
}

/// What an event has come to.
pub(super) struct Mark {
    /// Its place in the batch.
    pub(super) event: usize,
    pub(super) record: EventRecord,
}
