//! The outer levels: the body, its entries, their changes.

use std::borrow::Cow;
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::change;
use super::events::{Events, Scope, readable};
use super::path::Path;
use super::split::{elements, members, members_of};
use super::{ParseErrorKind, Webhook};
use crate::event::Reason;
use crate::model::Account;

pub(super) fn events(body: &Arc<str>) -> Result<Webhook, ParseErrorKind> {
    let entries = entries(body)?;
    let mut webhook = Webhook {
        events: Vec::new(),
        entries: entries.len(),
        empty_entries: 0,
    };
    let mut events = Events::new(body);
    for (at, raw) in entries.into_iter().enumerate() {
        let changes = entry(&mut events, Path::root("entry").element(at), raw);
        webhook.empty_entries += usize::from(changes == Some(0));
    }
    webhook.events = events.into_list();
    Ok(webhook)
}

/// Checks the envelope; what it returns is known to be JSON throughout.
fn entries(body: &str) -> Result<Vec<&RawValue>, ParseErrorKind> {
    // RFC 8259: the white space of JSON.
    if !body.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
        serde_json::from_str::<IgnoredAny>(body).map_err(|error| not_json(&error))?;
        return Err(ParseErrorKind::NotAnObject);
    }
    let members = match members_of(body, ["object", "entry"]) {
        Ok(Ok(members)) => members,
        Ok(Err(Reason::Duplicate(member))) => return Err(ParseErrorKind::Duplicate(member)),
        Ok(Err(_)) => return Err(ParseErrorKind::NotAnObject),
        Err(error) => return Err(not_json(&error)),
    };
    let [object, entry] = members.known;
    let object: Option<Cow<'_, str>> = readable(object);
    if object.as_deref() != Some("whatsapp_business_account") {
        return Err(ParseErrorKind::WrongObject(object.map(Into::into)));
    }
    entry
        .and_then(|entry| elements(entry).ok())
        .ok_or(ParseErrorKind::NoEntry)
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

/// Reads one entry; the number of its changes, when it is one that can be read.
fn entry(events: &mut Events<'_>, path: Path<'_>, raw: &RawValue) -> Option<usize> {
    let mut scope = Scope {
        field: None,
        account: Arc::default(),
        time: None,
    };
    let members = match members(raw, ["id", "time", "changes"]) {
        Ok(members) => members,
        Err(reason) => {
            events.unrecognized(&scope, path, reason, raw);
            return None;
        }
    };
    let [id, time, changes] = members.known;
    scope.account = Arc::new(Account {
        waba_id: readable(id),
        ..Account::default()
    });
    scope.time = readable(time);
    for (name, piece, is_read) in [
        ("id", id, scope.account.waba_id.is_some()),
        ("time", time, scope.time.is_some()),
    ] {
        if let Some(piece) = piece.filter(|_| !is_read) {
            events.unrecognized(&scope, path.member(name), Reason::Malformed, piece);
        }
    }

    let Some(changes) = changes else {
        if members.unknown.is_empty() {
            return Some(0);
        }
        events.unrecognized(&scope, path, Reason::Missing("changes".into()), raw);
        return None;
    };
    let changes = match elements(changes) {
        Ok(changes) => changes,
        Err(reason) => {
            events.unrecognized(&scope, path.member("changes"), reason, changes);
            return None;
        }
    };
    let count = changes.len();
    for (at, raw) in changes.into_iter().enumerate() {
        let changes = path.member("changes");
        let path = changes.element(at);
        if let Err(reason) = one_change(events, &scope, path, raw) {
            events.unrecognized(&scope, path, reason, raw);
        }
    }
    Some(count)
}

fn one_change(
    events: &mut Events<'_>,
    scope: &Scope<'_>,
    path: Path<'_>,
    raw: &RawValue,
) -> Result<(), Reason> {
    let [field, value] = members(raw, ["field", "value"])?.known;
    let field: Option<Cow<'_, str>> = match field {
        Some(field) => Some(readable(Some(field)).ok_or(Reason::Malformed)?),
        None => None,
    };
    let value = value.ok_or_else(|| Reason::Missing("value".into()))?;
    let scope = Scope {
        field: field.as_deref(),
        ..scope.clone()
    };
    change::events(events, &scope, path.member("value"), value);
    Ok(())
}
