//! The fast way into a body: one that holds lists, as Meta documents them and as
//! nearly all bodies do, is taken apart down to its items in one pass.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use serde::Deserialize;

use super::events::{Events, Scope};
use super::path::Path;
use super::split::text_object;
use super::value::{SIGNUP, STANDBY, Value, account};
use super::{OBJECT, Webhook, change};
use crate::model::{Timestamp, WabaId};
use crate::signals::has_lists;

/// Reads a body; `None` when it differs from what is documented in any way.
pub(super) fn read(body: &Arc<str>) -> Option<Webhook> {
    let envelope: Envelope<'_> = text_object(body).ok()?;
    let mut changes = envelope.entry.iter().flat_map(|entry| &entry.changes);
    if envelope.object != OBJECT || !changes.all(Change::is_documented) {
        return None;
    }

    let mut webhook = Webhook {
        entries: envelope.entry.len(),
        ..Webhook::default()
    };
    let mut events = Events::new(body);
    let root = Path::root("entry");
    for (at, entry) in envelope.entry.into_iter().enumerate() {
        webhook.empty_entries += usize::from(entry.changes.is_empty());
        let path = root.element(at);
        let changes = path.member("changes");
        for (at, mut change) in entry.changes.into_iter().enumerate() {
            let number = change.value.metadata.take();
            let scope = Scope {
                field: Some(&change.field),
                kept_field: OnceCell::new(),
                account: account(entry.id.clone(), number),
                time: entry.time,
            };
            let path = changes.element(at);
            change::items(&mut events, &scope, path.member("value"), change.value);
        }
    }
    webhook.events = events.into_list();
    Some(webhook)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    #[serde(borrow)]
    object: Cow<'a, str>,
    #[serde(borrow)]
    entry: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<'a> {
    #[serde(default)]
    id: Option<WabaId>,
    #[serde(default)]
    time: Option<Timestamp>,
    #[serde(borrow)]
    changes: Vec<Change<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change<'a> {
    #[serde(borrow)]
    field: Cow<'a, str>,
    #[serde(borrow)]
    value: Value<'a>,
}

impl Change<'_> {
    /// Whether the value's shape, which fits, also goes with the field.
    fn is_documented(&self) -> bool {
        let has_signup = || self.value.others.iter().any(|(name, _)| name == SIGNUP);
        match &*self.field {
            STANDBY => false,
            SIGNUP => has_signup(),
            field => has_lists(field),
        }
    }
}
