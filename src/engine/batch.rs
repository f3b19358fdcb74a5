//! The events of a body with their keys, new or stored.

use std::collections::HashSet;

use super::recorder::CampaignCompletion;
use super::stored_body::{Replay, parse_queued_events, queued_events, split_replay};
use crate::event::{WebhookEvent, dedup_keys};
use crate::store::{Fingerprint, StoreError, WebhookId, WebhookKind};
use crate::webhook::{ParseError, Parser};

/// The events of a body with their keys.
pub(super) struct Batch {
    pub(super) events: Vec<WebhookEvent>,
    pub(super) keys: Vec<String>,
    pub(super) fingerprints: Vec<Fingerprint>,
    /// The indexes of the events, without repetitions of a key.
    distinct: Vec<usize>,
    /// `true` if the keys came with the events, so that equal keys are one event.
    are_keys_given: bool,
    /// The replay that the events are part of.
    pub(super) replay: Option<Replay>,
    /// The campaign that its event completes, at the first delivery.
    pub(super) completion: Option<Box<CampaignCompletion>>,
}

impl Batch {
    /// Returns the batch of a body's events.
    pub(super) fn new(events: Vec<WebhookEvent>) -> Self {
        let keys = dedup_keys(&events);
        Self::with_keys(events, keys, false)
    }

    /// Returns the indexes of the events, without repetitions of a key.
    pub(super) fn distinct(&self) -> &[usize] {
        &self.distinct
    }

    /// Returns the stored body of the events, without those at the indexes `left_out`.
    pub(super) fn without(&self, left_out: &[usize]) -> Result<Vec<u8>, StoreError> {
        let left: HashSet<_> = left_out.iter().collect();
        let kept = self.distinct.iter().filter(|at| !left.contains(at));
        let kept = kept.map(|at| (&*self.keys[*at], &self.events[*at]));
        queued_events(kept, self.replay.as_ref())
    }

    /// Returns the batch of an event that came by itself.
    pub(super) fn single(key: String, event: WebhookEvent) -> Self {
        Self::with_keys(vec![event], vec![key], true)
    }

    /// Returns the batch of a replay, with the keys that its events have in the replay.
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

    /// Returns the batch with the completion of a campaign, which its commit writes.
    pub(super) fn completing(self, completion: CampaignCompletion) -> Self {
        let completion = Some(Box::new(completion));
        Self { completion, ..self }
    }

    pub(super) fn fingerprint(&self, event: usize) -> Fingerprint {
        self.fingerprints[event]
    }

    /// Returns whether an event may happen again with the same key. Events of a replay do once the
    /// replay is over.
    pub(super) fn repeats(&self, event: usize) -> bool {
        self.replay.is_some() || (!self.are_keys_given && self.events[event].repeats())
    }

    /// Returns the indexes of the events that never happen again with the same key.
    pub(super) fn unique(&self) -> impl Iterator<Item = usize> {
        let distinct = self.distinct.iter().copied();
        distinct.filter(|at| !self.repeats(*at))
    }
}

/// A received body, and the id of its row if it is stored.
#[derive(Clone, Copy)]
pub(super) struct NewBody<'e> {
    pub(super) id: WebhookId,
    pub(super) kind: WebhookKind,
    pub(super) body: &'e [u8],
}

/// The batches of stored bodies.
impl Batch {
    /// Returns the batch as one of a replay.
    pub(super) fn replayed(self, replay: Replay) -> Self {
        let prefix = replay.key_prefix();
        let keys = self.keys.iter().map(|key| format!("{prefix}{key}"));
        let keys = keys.collect();
        Self::of_replay(self.events, keys, replay)
    }

    /// Parses a stored body. Returns its events, and its kind now that it can be parsed. The
    /// parser's limit does not apply: it may have been higher when the body came.
    pub(super) fn parse_stored(
        parser: Parser,
        kind: WebhookKind,
        body: &[u8],
    ) -> Result<(Self, WebhookKind), ParseError> {
        if let Some((replay, body)) = split_replay(kind, body) {
            let (batch, _) = Self::parse_any(parser, body)?;
            return Ok((batch.replayed(replay), WebhookKind::Replay));
        }
        match kind {
            WebhookKind::Body => Self::parse_body(parser, body),
            WebhookKind::QueuedEvent => {
                Self::parse_queued(body).map_or_else(|| Self::parse_body(parser, body), Ok)
            }
            WebhookKind::Unreadable | WebhookKind::Replay => Self::parse_any(parser, body),
        }
    }

    fn parse_body(parser: Parser, body: &[u8]) -> Result<(Self, WebhookKind), ParseError> {
        let webhook = parser.max_len(usize::MAX).parse(body)?;
        Ok((Self::new(webhook.into_events()), WebhookKind::Body))
    }

    fn parse_queued(body: &[u8]) -> Option<(Self, WebhookKind)> {
        let (events, replay) = parse_queued_events(body)?;
        let (keys, events) = events.into_iter().unzip();
        let batch = match replay {
            None => Self::with_keys(events, keys, true),
            Some(replay) => Self::of_replay(events, keys, replay),
        };
        Some((batch, WebhookKind::QueuedEvent))
    }

    /// Parses a body that may be Meta's or that of events by themselves.
    fn parse_any(parser: Parser, body: &[u8]) -> Result<(Self, WebhookKind), ParseError> {
        Self::parse_body(parser, body).or_else(|error| Self::parse_queued(body).ok_or(error))
    }
}
