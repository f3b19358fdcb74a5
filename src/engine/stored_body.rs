//! The stored bodies that are not as Meta sent them: events by themselves, and replays.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use siphasher::sip128::SipHasher24;

use crate::event::WebhookEvent;
use crate::store::{StoreError, StoreErrorKind, WebhookId, WebhookKind};

/// The stored body of an event that came by itself, as JSON.
#[derive(Serialize, Deserialize)]
pub(super) struct QueuedEvent<'a> {
    key: Cow<'a, str>,
    event: Cow<'a, WebhookEvent>,
    /// The replay that the event is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replay: Option<Cow<'a, Replay>>,
}

impl QueuedEvent<'_> {
    pub(super) fn to_json(key: &str, event: &WebhookEvent) -> Result<Vec<u8>, StoreError> {
        let queued = QueuedEvent {
            key: Cow::Borrowed(key),
            event: Cow::Borrowed(event),
            replay: None,
        };
        serde_json::to_vec(&queued).map_err(|error| StoreError::new(StoreErrorKind::Other, error))
    }
}

/// Returns the stored body of several events by themselves, as JSON.
pub(super) fn queued_events<'a>(
    events: impl Iterator<Item = (&'a str, &'a WebhookEvent)>,
    replay: Option<&'a Replay>,
) -> Result<Vec<u8>, StoreError> {
    let queued = events.map(|(key, event)| QueuedEvent {
        key: Cow::Borrowed(key),
        event: Cow::Borrowed(event),
        replay: replay.map(Cow::Borrowed),
    });
    serde_json::to_vec(&queued.collect::<Vec<_>>())
        .map_err(|error| StoreError::new(StoreErrorKind::Other, error))
}

/// The events of a stored body with their keys, and the replay that they are part of.
pub(super) type StoredEvents = (Vec<(String, WebhookEvent)>, Option<Replay>);

/// Parses the stored body of one event that came by itself, or of several.
pub(super) fn parse_queued_events(body: &[u8]) -> Option<StoredEvents> {
    let queued: Vec<QueuedEvent<'_>> = if body.starts_with(b"[") {
        serde_json::from_slice(body).ok()?
    } else {
        vec![serde_json::from_slice(body).ok()?]
    };
    // All of them belong to one replay, or none.
    let replay = queued.first().and_then(|first| first.replay.clone());
    let events = queued.into_iter();
    let events = events.map(|queued| (queued.key.into_owned(), queued.event.into_owned()));
    Some((events.collect(), replay.map(Cow::into_owned)))
}

/// A replay: the webhook that is repeated, and the receivers that are called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Replay {
    pub(super) of: WebhookId,
    /// The sorted ids of receivers, without repetitions; empty if all receivers are called.
    only: Vec<String>,
}

impl Replay {
    pub(super) fn new(of: WebhookId, only: &[&str]) -> Self {
        let mut only: Vec<_> = only.iter().map(|name| (*name).to_owned()).collect();
        only.sort_unstable();
        only.dedup();
        Self { of, only }
    }

    /// Returns whether the replay calls a receiver.
    pub(super) fn calls(&self, receiver: &str) -> bool {
        let known = |name: &String| name.as_str().cmp(receiver);
        self.only.is_empty() || self.only.binary_search_by(known).is_ok()
    }

    /// Returns the prefix of the keys of the events: the same for each replay of the webhook to
    /// these receivers, so that a repeated call finds the events of an unfinished one. No signal is
    /// called `replay`.
    pub(super) fn key_prefix(&self) -> String {
        let names = self.only.join("\n");
        let hash = SipHasher24::new().hash(names.as_bytes()).h1;
        format!("replay:{}:{hash:016x}:", self.of.0)
    }

    /// Returns the stored body: a line of JSON about the replay, and then the original body.
    pub(super) fn to_stored(&self, body: &[u8]) -> Result<Vec<u8>, StoreError> {
        let line = serde_json::to_vec(self);
        let line = line.map_err(|error| StoreError::new(StoreErrorKind::Other, error))?;
        Ok([&*line, b"\n", body].concat())
    }
}

/// Splits the stored body of a replay into the replay and the original body. Returns `None` for
/// other bodies. A replay that an earlier version of this crate could not read is stored as
/// unreadable.
pub(super) fn split_replay(kind: WebhookKind, stored: &[u8]) -> Option<(Replay, &[u8])> {
    if !matches!(kind, WebhookKind::Replay | WebhookKind::Unreadable) {
        return None;
    }
    let end = stored.iter().position(|byte| *byte == b'\n')?;
    let replay = serde_json::from_slice(&stored[..end]).ok()?;
    Some((replay, &stored[end + 1..]))
}
