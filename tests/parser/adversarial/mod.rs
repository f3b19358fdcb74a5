//! Bodies that are made to break a parser, and receivers that are made to break a send. Each costs
//! only itself.

mod envelopes;
mod items;
mod receivers;
mod scalars;
mod sizes;
mod traps;

use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::support::events;
use serde_json::{Value, json};
use whatsapp_signals::ParseErrorKind::{
    Duplicate, NoEntry, NotAnObject, NotJson, NotUtf8, TooLarge, Truncated, WrongObject,
};
use whatsapp_signals::event::Reason::{Malformed, TooMany, UnknownField, UnknownMember};
use whatsapp_signals::event::{MessageReceived, Reason, Unrecognized, WebhookEvent};
use whatsapp_signals::model::{Content, Identity, MessageStatus, PricingModel};
use whatsapp_signals::model::{PricingType, Timestamp};
use whatsapp_signals::signals::USER_SUBSCRIBED;
use whatsapp_signals::{ConnectOptions, Connection, Context, Receiver, Signal};
use whatsapp_signals::{ParseErrorKind, Parser, parse};

const GOOD: &str = r#"{"id":"wamid.GOOD","from":"15550101001","timestamp":"1785000000","type":"text","text":{"body":"Hello"}}"#;
const STATUS: &str = r#"{"id":"wamid.SENT","status":"sent","recipient_id":"15550101001"}"#;
const METADATA: &str = r#"{"phone_number_id":"300","display_phone_number":"15550100200"}"#;

fn envelope(entries: &str) -> String {
    format!(r#"{{"object":"whatsapp_business_account","entry":[{entries}]}}"#)
}

fn body(changes: &str) -> String {
    envelope(&format!(r#"{{"id":"900","changes":[{changes}]}}"#))
}

fn change(field: &str, members: &str) -> String {
    format!(r#"{{"field":"{field}","value":{{"metadata":{METADATA},{members}}}}}"#)
}

fn list(name: &str, items: &[impl AsRef<str>]) -> String {
    let items: Vec<_> = items.iter().map(AsRef::as_ref).collect();
    format!(r#""{name}":[{}]"#, items.join(","))
}

fn good_change() -> String {
    change("messages", &list("messages", &[GOOD]))
}

/// A body of field `messages` whose value has these members.
fn value(members: &str) -> String {
    body(&change("messages", members))
}

fn messages(items: &[&str]) -> String {
    value(&list("messages", items))
}

fn welcome(members: &str) -> String {
    format!(r#"{{"id":"wamid.W","type":"request_welcome",{members}}}"#)
}

/// A message that submits a form.
fn form(response_json: &str) -> String {
    format!(
        r#"{{"id":"wamid.F","type":"interactive","interactive":{{"type":"nfm_reply","nfm_reply":{{"response_json":{response_json}}}}}}}"#
    )
}

/// The rows of a table that has bars between its cells.
fn table<const N: usize>(rows: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    let rows = rows.lines().map(str::trim).filter(|row| !row.is_empty());
    rows.map(|row| row.split(" | ").collect::<Vec<_>>().try_into().unwrap())
}

fn arrays(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

/// Names with the same hash by `31 * hash + byte`.
fn colliding() -> Vec<String> {
    let pair = |n: usize, bit: u32| if n >> bit & 1 == 0 { "Aa" } else { "BB" };
    let name = |n| (0..14).map(|bit| pair(n, bit)).collect();
    (0..1 << 14).map(name).collect()
}

fn names(events: &[WebhookEvent]) -> Vec<&'static str> {
    events.iter().map(WebhookEvent::name).collect()
}

/// The last event of a body that has so many, and of this type.
macro_rules! last {
    ($count:literal, $type:ident, $body:expr) => {{
        let mut all = events(&$body);
        assert_eq!(all.len(), $count, "{all:?}");
        match all.pop() {
            Some(WebhookEvent::$type(event)) => event,
            other => panic!("{other:?}"),
        }
    }};
}
use last;

#[track_caller]
fn refused(body: impl AsRef<[u8]>) -> ParseErrorKind {
    parse(body.as_ref()).unwrap_err().kind().clone()
}

/// The messages of a body that has nothing else.
#[track_caller]
fn all_received(body: &str) -> Vec<MessageReceived> {
    let message = |event| match event {
        WebhookEvent::MessageReceived(event) => event,
        other => panic!("{other:?}"),
    };
    events(body).into_iter().map(message).collect()
}

/// A message that arrives between good ones.
#[track_caller]
fn received(message: &str) -> MessageReceived {
    let mut all = all_received(&messages(&[GOOD, message, GOOD]));
    let raw: Vec<_> = all.iter().map(|event| event.raw.as_str()).collect();
    assert_eq!(raw, [GOOD, message, GOOD]);
    all.remove(1)
}

/// A message that arrives between good ones without a part of it, which is reported.
#[track_caller]
fn part_lost(message: &str, path: &str, raw: &str, reason: &Reason) -> MessageReceived {
    let body = messages(&[GOOD, message, GOOD]);
    let path = format!(".changes[0].value.messages[1]{path}");
    let part = unrecognized(&body, &[GOOD, message, GOOD], &path, raw, reason);
    let received = events(&body).into_iter().nth(1);
    let Some(WebhookEvent::MessageReceived(event)) = received else {
        panic!("{received:?}")
    };
    assert_eq!(
        (part.id.as_ref(), &part.user),
        (Some(&event.message.id), &event.message.user)
    );
    event
}

/// Returns the single unrecognized event of the first entry, beside which the others are parsed.
#[track_caller]
fn unrecognized(body: &str, good: &[&str], path: &str, raw: &str, reason: &Reason) -> Unrecognized {
    let is_odd = |event: &WebhookEvent| event.name() == "unrecognized";
    let (malformed, others): (Vec<_>, Vec<_>) = events(body).into_iter().partition(is_odd);
    let others: Vec<_> = others.iter().map(|event| event.raw().as_str()).collect();
    assert_eq!(others, good);
    let [WebhookEvent::Unrecognized(malformed)] = &malformed[..] else {
        panic!("one unrecognized event, not {malformed:?}")
    };
    assert_eq!((malformed.raw.as_str(), &malformed.reason), (raw, reason));
    assert_eq!(malformed.path, format!("entry[0]{path}"));
    malformed.clone()
}

/// Checks a malformed value of this field, before the change with the good message.
#[track_caller]
fn malformed_value(field: &str, raw: &str, reason: &Reason) -> Unrecognized {
    let change = format!(r#"{{"field":{field},"value":{raw}}}"#);
    let body = body(&format!("{change},{}", good_change()));
    unrecognized(&body, &[GOOD], ".changes[0].value", raw, reason)
}

#[track_caller]
fn malformed_change(raw: &str, reason: &Reason) {
    let body = body(&format!("{raw},{}", good_change()));
    unrecognized(&body, &[GOOD], ".changes[0]", raw, reason);
}

/// Checks a malformed member of a value, beside the good message.
#[track_caller]
fn malformed_member(member: &str, path: &str, raw: &str, reason: &Reason) {
    let body = value(&format!(r#"{member},"messages":[{GOOD}]"#));
    let path = format!(".changes[0].value{path}");
    unrecognized(&body, &[GOOD], &path, raw, reason);
}

/// The middle one of three items.
#[track_caller]
fn malformed_item(field: &str, name: &str, good: &str, raw: &str, reason: &Reason) -> Unrecognized {
    let body = body(&change(field, &list(name, &[good, raw, good])));
    let path = format!(".changes[0].value.{name}[1]");
    let malformed = unrecognized(&body, &[good, good], &path, raw, reason);
    assert_eq!(malformed.field.as_deref(), Some(field));
    malformed
}

#[track_caller]
fn malformed_message(raw: &str, reason: &Reason) -> Unrecognized {
    malformed_item("messages", "messages", GOOD, raw, reason)
}
