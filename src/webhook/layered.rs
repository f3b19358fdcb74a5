//! The slow way into a body: level by level, so that what is odd is found and
//! reported, and costs nothing beside it.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use super::envelope::{self, EnvelopeRules};
use super::events::{Events, Wanted};
use super::item::Around;
use super::lenient::scalar;
use super::path::Path;
use super::piece::Piece;
use super::scope::Scope;
use super::split::{Elements, Member, elements, members};
use super::value::account;
use super::{ParseErrorKind, Webhook, change};
use crate::event::Reason;

/// Reads a body, or says why it is no webhook.
pub(super) fn read(
    body: &Arc<str>,
    rules: &EnvelopeRules,
    wanted: Wanted,
) -> Result<Webhook, ParseErrorKind> {
    let (entries, mut unknown) = entries(body, rules)?;
    unknown.retain(|(name, _)| !rules.is_ignored(name));
    let mut webhook = Webhook {
        entries: entries.len(),
        ..Webhook::default()
    };
    let mut events = Events::new(body, wanted);
    let root = Path::root("entry");
    for (at, raw) in entries.into_iter().enumerate() {
        let path = root.element(at);
        let mut scope = Scope::default();
        match entry(&mut events, &mut scope, path, raw) {
            Ok(changes) => webhook.empty_entries += usize::from(changes == 0),
            Err(reason) => events.unrecognized(&scope, path, reason, raw),
        }
    }
    events.unknown(&Around::nothing(&Scope::default()), None, &unknown);
    webhook.skipped = events.skipped();
    webhook.events = events.into_list();
    Ok(webhook)
}

/// Checks the envelope, and returns its entries and its unknown members. These
/// are known to be JSON throughout.
fn entries<'a>(
    body: &'a str,
    rules: &EnvelopeRules,
) -> Result<(Elements<'a>, Vec<Member<'a>>), ParseErrorKind> {
    let members = envelope::members(body, ["object", "entry"])?;
    let [object, entry] = members.known;
    let object: Option<Cow<'_, str>> = scalar(object);
    rules.check_object(object.as_deref())?;
    let entries = entry.and_then(|entry| elements(entry).ok());
    Ok((entries.ok_or(ParseErrorKind::NoEntry)?, members.unknown))
}

/// Reads one entry and returns how many changes it has.
fn entry(
    events: &mut Events<'_>,
    scope: &mut Scope<'_>,
    path: Path<'_>,
    raw: Piece<'_>,
) -> Result<usize, Reason> {
    let members = members(raw, ["id", "time", "changes"])?;
    let [id, time, changes] = members.known;
    scope.account = account(scalar(id), None);
    scope.time = scalar(time);
    for (name, piece, is_read) in [
        ("id", id, scope.account.waba_id.is_some()),
        ("time", time, scope.time.is_some()),
    ] {
        if let Some(piece) = piece.filter(|_| !is_read) {
            events.unrecognized(scope, path.member(name), Reason::Malformed, piece);
        }
    }
    events.unknown(&Around::nothing(scope), Some(path), &members.unknown);
    let Some(changes) = changes else {
        return Ok(0);
    };
    let changes = elements(changes)?;
    let count = changes.len();
    let path = path.member("changes");
    for (at, raw) in changes.into_iter().enumerate() {
        let path = path.element(at);
        if let Err(reason) = change(events, scope, path, raw) {
            events.unrecognized(scope, path, reason, raw);
        }
    }
    Ok(count)
}

fn change(
    events: &mut Events<'_>,
    scope: &Scope<'_>,
    path: Path<'_>,
    raw: Piece<'_>,
) -> Result<(), Reason> {
    let members = members(raw, ["field", "value"])?;
    let [field, value] = members.known;
    let field: Option<Cow<'_, str>> = match field {
        Some(field) => Some(scalar(Some(field)).ok_or(Reason::Malformed)?),
        None => None,
    };
    let scope = Scope {
        field: field.as_deref(),
        kept_field: OnceCell::new(),
        ..scope.clone()
    };
    events.unknown(&Around::nothing(&scope), Some(path), &members.unknown);
    let Some(value) = value else {
        // Reported here and not by the caller, who does not know the field.
        events.unrecognized(&scope, path, Reason::Missing("value".into()), raw);
        return Ok(());
    };
    change::value(events, &scope, path.member("value"), value);
    Ok(())
}
