//! The rules for a body's envelope: the object that names its product, and the
//! members around the entries.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::ParseErrorKind;
use super::split::{Members, members_of};
use crate::event::Reason;

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

/// Checks that a text is one JSON object, and not what an entry is wrapped in.
fn check_entry(text: &str) -> Result<(), ParseErrorKind> {
    let [changes, object, entry, aws_entry] =
        match members(text, ["changes", "object", "entry", AWS_ENTRY]) {
            Ok(members) => members.known,
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
}

/// Splits a text that must be one JSON object into its members.
pub(super) fn members<'a, const N: usize>(
    text: &'a str,
    names: [&'static str; N],
) -> Result<Members<'a, N>, ParseErrorKind> {
    // RFC 8259: the white space of JSON.
    let start = text.trim_start_matches([' ', '\t', '\n', '\r']);
    if !start.starts_with('{') {
        serde_json::from_str::<IgnoredAny>(text).map_err(|error| not_json(&error))?;
        return Err(ParseErrorKind::NotAnObject);
    }
    match members_of(text, names) {
        Ok(Ok(members)) => Ok(members),
        Ok(Err(Reason::Duplicate(member))) => Err(ParseErrorKind::Duplicate(member)),
        Ok(Err(_)) => Err(ParseErrorKind::NotAnObject),
        Err(error) => Err(not_json(&error)),
    }
}

#[cold]
fn not_json(error: &serde_json::Error) -> ParseErrorKind {
    let (line, column) = (error.line(), error.column());
    if error.is_eof() {
        ParseErrorKind::Truncated { line, column }
    } else {
        ParseErrorKind::NotJson { line, column }
    }
}
