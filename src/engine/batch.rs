//! The events of a body, and their keys.

use std::collections::HashSet;

use super::process::queued_events;
use super::record::Completion;
use super::replay::Replay;
use crate::event::{WebhookEvent, dedup_keys};
use crate::store::{Fingerprint, StoreError, WebhookId, WebhookKind};

/// The events of a body with their keys.
pub(super) struct Batch {
    pub(super) events: Vec<WebhookEvent>,
    pub(super) keys: Vec<String>,
    pub(super) fingerprints: Vec<Fingerprint>,
    /// The places of the events, without those whose key came before in the body.
    distinct: Vec<usize>,
    /// Whether the keys were given with the events, so that equal ones are one event.
    are_keys_given: bool,
    /// The replay that the events are part of.
    pub(super) replay: Option<Replay>,
    /// The campaign that its event completes, when it comes the first time.
    pub(super) completion: Option<Box<Completion>>,
}

impl Batch {
    /// Returns the events of a body.
    pub(super) fn new(events: Vec<WebhookEvent>) -> Self {
        let keys = dedup_keys(&events);
        Self::with_keys(events, keys, false)
    }

    /// Returns events that were stored with their keys.
    pub(super) fn queued(events: impl Iterator<Item = (String, WebhookEvent)>) -> Self {
        let (keys, events) = events.unzip();
        Self::with_keys(events, keys, true)
    }

    /// Returns the places of the events, without those whose key came before in the body.
    pub(super) fn distinct(&self) -> &[usize] {
        &self.distinct
    }

    /// Returns the stored body of its events without those at these places.
    pub(super) fn without(&self, left_out: &[usize]) -> Result<Vec<u8>, StoreError> {
        let left: HashSet<_> = left_out.iter().collect();
        let kept = self.distinct.iter().filter(|at| !left.contains(at));
        let kept = kept.map(|at| (&*self.keys[*at], &self.events[*at]));
        queued_events(kept, self.replay.as_ref())
    }

    /// Returns an event that came by itself, with its key.
    pub(super) fn single(key: String, event: WebhookEvent) -> Self {
        Self::with_keys(vec![event], vec![key], true)
    }

    /// Returns the events of a replay, with the keys that they have in it.
    pub(super) fn of_replay(events: Vec<WebhookEvent>, keys: Vec<String>, replay: Replay) -> Self {
        let batch = Self::with_keys(events, keys, true);
        let replay = Some(replay);
        Self { replay, ..batch }
    }

    fn with_keys(events: Vec<WebhookEvent>, keys: Vec<String>, are_keys_given: bool) -> Self {
        let fingerprints: Vec<_> = keys.iter().map(|key| Fingerprint::of(key)).collect();
        let mut earlier = HashSet::with_capacity(keys.len());
        let distinct = (0..keys.len()).filter(|at| earlier.insert(fingerprints[*at]));
        Self {
            distinct: distinct.collect(),
            events,
            keys,
            fingerprints,
            are_keys_given,
            replay: None,
            completion: None,
        }
    }

    /// Returns the batch as that of an event which completes a campaign.
    pub(super) fn completing(self, completion: Completion) -> Self {
        let completion = Some(Box::new(completion));
        Self { completion, ..self }
    }

    pub(super) fn fingerprint(&self, event: usize) -> Fingerprint {
        self.fingerprints[event]
    }

    /// Returns whether an event may happen again with the same key: those of a replay do, once it
    /// is over.
    pub(super) fn repeats(&self, event: usize) -> bool {
        self.replay.is_some() || (!self.are_keys_given && self.events[event].repeats())
    }

    /// Returns the places of the events that have a key of their own for good.
    pub(super) fn unique(&self) -> impl Iterator<Item = usize> {
        let distinct = self.distinct.iter().copied();
        distinct.filter(|at| !self.repeats(*at))
    }
}

/// A body that came, and the id that it gets if it is stored.
#[derive(Clone, Copy)]
pub(super) struct NewBody<'e> {
    pub(super) id: WebhookId,
    pub(super) kind: WebhookKind,
    pub(super) body: &'e [u8],
}
