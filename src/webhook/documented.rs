//! The fast ways into a body whose envelope is as Meta documents it.
//!
//! One that holds lists, as nearly all bodies do, is taken apart down to its items
//! in one pass. Of any other the envelope is read in one pass, and the values one
//! by one.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::iter::repeat_n;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::events::{Events, Scope, Wanted};
use super::path::Path;
use super::split::text_object;
use super::value::{Metadata, PRODUCT, SIGNUP, STANDBY, Value, account};
use super::{OBJECT, Webhook, change};
use crate::model::{Timestamp, WabaId};
use crate::signals::has_lists;

/// Reads a body; `None` when its envelope differs from what is documented in any
/// way.
pub(super) fn read(body: &Arc<str>, wanted: Wanted) -> Option<Webhook> {
    // Values that hold lists name their product, and hardly any other does.
    let has_lists = body.contains(PRODUCT);
    let lists = has_lists.then(|| Envelope::<Value<'_>>::read(body, wanted));
    lists
        .flatten()
        .or_else(|| Envelope::<&RawValue>::read(body, wanted))
}

/// The value of a change, taken apart or not.
trait FromChange<'a>: Deserialize<'a> {
    /// Whether the value, which fits, also goes with the field.
    fn is_documented(&self, field: &str) -> bool;

    /// The number that it names, where that is known by now.
    fn number(&mut self) -> Option<Metadata> {
        None
    }

    /// Adds its events.
    fn push(self, events: &mut Events<'_>, scope: &Scope<'_>, path: Path<'_>);
}

/// One that holds lists.
impl<'a> FromChange<'a> for Value<'a> {
    fn is_documented(&self, field: &str) -> bool {
        let has_signup = || self.others.iter().any(|(name, _)| name == SIGNUP);
        match field {
            STANDBY => false,
            SIGNUP => has_signup(),
            field => has_lists(field),
        }
    }

    fn number(&mut self) -> Option<Metadata> {
        self.metadata.take()
    }

    fn push(self, events: &mut Events<'_>, scope: &Scope<'_>, path: Path<'_>) {
        change::items(events, scope, path, self);
    }
}

/// Whatever there is.
impl<'a> FromChange<'a> for &'a RawValue {
    fn is_documented(&self, _: &str) -> bool {
        self.get() != "null"
    }

    fn push(self, events: &mut Events<'_>, scope: &Scope<'_>, path: Path<'_>) {
        change::value(events, scope, path, self);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "V: Deserialize<'de>"))]
struct Envelope<'a, V> {
    #[serde(borrow)]
    object: Cow<'a, str>,
    #[serde(borrow)]
    entry: SmallVec<[Entry<'a, V>; 1]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "V: Deserialize<'de>"))]
struct Entry<'a, V> {
    #[serde(default)]
    id: Option<WabaId>,
    #[serde(default)]
    time: Option<Timestamp>,
    #[serde(borrow)]
    changes: SmallVec<[Change<'a, V>; 1]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "V: Deserialize<'de>"))]
struct Change<'a, V> {
    #[serde(borrow)]
    field: Cow<'a, str>,
    value: V,
}

impl<'a, V: FromChange<'a>> Envelope<'a, V> {
    fn read(body: &'a Arc<str>, wanted: Wanted) -> Option<Webhook> {
        let envelope: Self = text_object(body).ok()?;
        let mut changes = envelope.entry.iter().flat_map(|entry| &entry.changes);
        if envelope.object != OBJECT
            || !changes.all(|change| change.value.is_documented(&change.field))
        {
            return None;
        }

        let mut webhook = Webhook {
            entries: envelope.entry.len(),
            ..Webhook::default()
        };
        let mut events = Events::new(body, wanted);
        let root = Path::root("entry");
        for (at, entry) in envelope.entry.into_iter().enumerate() {
            webhook.empty_entries += usize::from(entry.changes.is_empty());
            let path = root.element(at);
            let changes = path.member("changes");
            let mut waba_ids = repeat_n(entry.id, entry.changes.len());
            for (at, mut change) in entry.changes.into_iter().enumerate() {
                let scope = Scope {
                    field: Some(&change.field),
                    kept_field: OnceCell::new(),
                    account: account(waba_ids.next().flatten(), change.value.number()),
                    time: entry.time,
                };
                let path = changes.element(at);
                change.value.push(&mut events, &scope, path.member("value"));
            }
        }
        webhook.skipped = events.skipped();
        webhook.events = events.into_list();
        Some(webhook)
    }
}
