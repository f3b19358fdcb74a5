//! The envelope of a body: the object that names its product, the entries, and the members
//! around them.

use std::sync::Arc;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::change::read_entry;
use super::events::{Events, Selection};
use super::item::{ChangeContext, ItemContext};
use super::{ParseErrorKind, Webhook};
use crate::json::{Fault, Node, Path, with_tape};

/// The `object` of WhatsApp's webhooks.
const OBJECT: &str = "whatsapp_business_account";

/// The rules for the members of a body, as a [`Parser`](super::Parser) sets them.
#[derive(Clone, Copy, Debug)]
pub(super) struct EnvelopeRules {
    pub(super) accepted_objects: &'static [&'static str],
    pub(super) ignored_members: &'static [&'static str],
}

impl EnvelopeRules {
    pub(super) const DEFAULT: Self = Self {
        accepted_objects: &[OBJECT],
        ignored_members: &[],
    };

    /// Checks the `object` of a body.
    pub(super) fn check_object(&self, object: Option<&str>) -> Result<(), ParseErrorKind> {
        match object {
            Some(object) if self.accepted_objects.contains(&object) => Ok(()),
            _ => Err(ParseErrorKind::WrongObject(object.map(Into::into))),
        }
    }

    /// Wraps one entry in a body that these rules accept.
    ///
    /// The entry is checked by itself first: what closes the array and goes on would
    /// else be members of the body.
    pub(super) fn body_of(&self, entry: &str) -> Result<String, ParseErrorKind> {
        check_entry(entry)?;
        let accepted = self.accepted_objects;
        let object = if accepted.contains(&OBJECT) {
            OBJECT
        } else {
            accepted.first().unwrap_or(&OBJECT)
        };
        let object = Value::from(object);
        Ok(format!(r#"{{"object":{object},"entry":[{entry}]}}"#))
    }

    /// Whether a member beside `object` and `entry` is stepped over without a report.
    pub(super) fn is_ignored(&self, member: &str) -> bool {
        self.ignored_members.contains(&member)
    }
}

/// The member of an SNS message of AWS that has the entry, as a string.
const AWS_ENTRY: &str = "whatsAppWebhookEntry";

/// Reads a body.
pub(super) fn read(
    body: &Arc<str>,
    rules: &EnvelopeRules,
    selection: Selection<'_>,
) -> Result<Webhook, ParseErrorKind> {
    on_tape(body, |root| {
        let ([object, entries], has_others) = split(root, &BODY_MEMBERS)?;
        rules.check_object(object.and_then(Node::exact_text).as_deref())?;
        let entries = entries.filter(|entries| entries.is_array());
        let entries = entries.ok_or(ParseErrorKind::NoEntry)?;

        let mut webhook = Webhook::default();
        let mut events = Events::new(body, selection);
        let path = Path::root("entry");
        for entry in entries.elements() {
            let is_empty = read_entry(&mut events, path.element(webhook.entries), entry);
            webhook.entries += 1;
            webhook.empty_entries += usize::from(is_empty);
        }
        if has_others {
            report_others(&mut events, rules, root);
        }
        webhook.skipped = events.skipped();
        webhook.events = events.into_list(root);
        Ok(webhook)
    })
}

const BODY_MEMBERS: [&str; 2] = ["object", "entry"];

/// Reports the members around the entries, but for those that a provider adds.
fn report_others(events: &mut Events<'_>, rules: &EnvelopeRules, root: Node<'_>) {
    for member in root.others(&BODY_MEMBERS) {
        let name = member.name();
        if !rules.is_ignored(&name) {
            let change = ChangeContext::default();
            let alone = ItemContext::alone(&change);
            events.unknown(&alone, Path::root(&name), member);
        }
    }
}

/// Checks that a text is one JSON object, and not one that an entry is wrapped in.
fn check_entry(text: &str) -> Result<(), ParseErrorKind> {
    on_tape(text, |root| {
        let [changes, object, entry, aws_entry] =
            match split(root, &["changes", "object", "entry", AWS_ENTRY]) {
                Ok((members, _)) => members,
                // A malformed entry is reported, as it is in a body.
                Err(ParseErrorKind::Duplicate(_)) => return Ok(()),
                Err(error) => return Err(error),
            };
        let wrapper = match (object, entry, aws_entry) {
            _ if changes.is_some() => return Ok(()),
            (Some(_), Some(_), _) => "entry",
            (.., Some(_)) => AWS_ENTRY,
            _ => return Ok(()),
        };
        Err(ParseErrorKind::NotAnEntry(wrapper.into()))
    })
}

/// Indexes a text, and reads it.
fn on_tape<R>(
    text: &str,
    read: impl FnOnce(Node<'_>) -> Result<R, ParseErrorKind>,
) -> Result<R, ParseErrorKind> {
    with_tape(text, read).unwrap_or_else(|_| Err(not_json(text)))
}

/// Splits a value that must be an object into its members.
#[inline]
fn split<'a, const N: usize>(
    root: Node<'a>,
    names: &[&'static str; N],
) -> Result<([Option<Node<'a>>; N], bool), ParseErrorKind> {
    root.split(names).map_err(|fault| match fault {
        Fault::Duplicate(member) => ParseErrorKind::Duplicate(member),
        _ => ParseErrorKind::NotAnObject,
    })
}

/// Returns the error of a text that is not JSON. The tape has no lines, so that serde_json
/// reads the text once more.
#[cold]
fn not_json(text: &str) -> ParseErrorKind {
    let error = serde_json::from_str::<IgnoredAny>(text).err();
    let place = error
        .as_ref()
        .map_or((0, 0), |error| (error.line(), error.column()));
    let (line, column) = place;
    if error.is_some_and(|error| error.is_eof()) {
        ParseErrorKind::Truncated { line, column }
    } else {
        ParseErrorKind::NotJson { line, column }
    }
}
