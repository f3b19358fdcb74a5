//! Bodies that are made to break a parser, and receivers that are made to
//! break a send: what each of them costs, and that it costs nothing else.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use whatsapp_signals::ParseErrorKind::{
    Duplicate, NoEntry, NotAnObject, NotJson, NotUtf8, TooLarge, Truncated, WrongObject,
};
use whatsapp_signals::event::Reason::{Malformed, TooMany, UnknownField, UnknownMember};
use whatsapp_signals::event::{MessageReceived, Reason, Unrecognized, WebhookEvent};
use whatsapp_signals::model::{Content, Identity, MessageStatus, PricingModel};
use whatsapp_signals::model::{PricingType, Timestamp};
use whatsapp_signals::signals::USER_SUBSCRIBED;
use whatsapp_signals::{ConnectOptions, Connection, Receiver, Signal};
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

fn events(body: &str) -> Vec<WebhookEvent> {
    parse(body.as_bytes()).unwrap().into_events()
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

/// The only odd thing of the first entry, beside which these arrive.
#[track_caller]
fn odd(body: &str, good: &[&str], path: &str, raw: &str, reason: &Reason) -> Unrecognized {
    let is_odd = |event: &WebhookEvent| event.name() == "unrecognized";
    let (odd, others): (Vec<_>, Vec<_>) = events(body).into_iter().partition(is_odd);
    let others: Vec<_> = others.iter().map(|event| event.raw().as_str()).collect();
    assert_eq!(others, good);
    let [WebhookEvent::Unrecognized(odd)] = &odd[..] else {
        panic!("one odd thing, not {odd:?}")
    };
    assert_eq!((odd.raw.as_str(), &odd.reason), (raw, reason));
    assert_eq!(odd.path, format!("entry[0]{path}"));
    odd.clone()
}

/// An odd value of this field, in front of the change with the good message.
#[track_caller]
fn odd_value(field: &str, raw: &str, reason: &Reason) -> Unrecognized {
    let change = format!(r#"{{"field":{field},"value":{raw}}}"#);
    let body = body(&format!("{change},{}", good_change()));
    odd(&body, &[GOOD], ".changes[0].value", raw, reason)
}

#[track_caller]
fn odd_change(raw: &str, reason: &Reason) {
    let body = body(&format!("{raw},{}", good_change()));
    odd(&body, &[GOOD], ".changes[0]", raw, reason);
}

/// An odd thing in this member of a value, beside the good message.
#[track_caller]
fn odd_member(member: &str, path: &str, raw: &str, reason: &Reason) {
    let body = value(&format!(r#"{member},"messages":[{GOOD}]"#));
    let path = format!(".changes[0].value{path}");
    odd(&body, &[GOOD], &path, raw, reason);
}

/// The middle one of three items.
#[track_caller]
fn odd_item(field: &str, name: &str, good: &str, raw: &str, reason: &Reason) -> Unrecognized {
    let body = body(&change(field, &list(name, &[good, raw, good])));
    let path = format!(".changes[0].value.{name}[1]");
    let odd = odd(&body, &[good, good], &path, raw, reason);
    assert_eq!(odd.field.as_deref(), Some(field));
    odd
}

#[track_caller]
fn odd_message(raw: &str, reason: &Reason) -> Unrecognized {
    odd_item("messages", "messages", GOOD, raw, reason)
}

#[test]
fn row_01_a_body_that_ends_early_is_truncated_wherever_it_ends() {
    let whole = messages(&[GOOD]);
    for end in 0..whole.len() {
        let kind = refused(&whole[..end]);
        assert!(matches!(kind, Truncated { .. }), "{end}: {kind:?}");
    }
    assert!(matches!(refused(" \r\n\t"), Truncated { .. }));
}

#[test]
fn row_02_what_is_not_one_json_value_is_refused() {
    let good = messages(&[GOOD]);
    for body in [
        "object=whatsapp_business_account",
        &format!("{good}!"),
        &format!("{good}{good}"),
        &good.replace(r#""1785000000""#, "NaN"),
        &good.replace(r#","type""#, r#",,"type""#),
    ] {
        assert!(matches!(refused(body), NotJson { .. }), "{body}");
    }
}

#[test]
fn row_03_a_byte_order_mark_is_skipped_once() {
    let body = format!("\u{feff}{}", messages(&[GOOD]));
    assert_eq!(all_received(&body)[0].raw.as_str(), GOOD);
    let twice = refused(format!("\u{feff}{body}"));
    assert!(matches!(twice, NotJson { .. }), "{twice:?}");
}

#[test]
fn row_04_utf_16_is_refused() {
    let body = messages(&[GOOD]);
    for to_bytes in [u16::to_be_bytes, u16::to_le_bytes] {
        let units = |text: &str| text.encode_utf16().flat_map(to_bytes).collect::<Vec<_>>();
        let marked = units(&format!("\u{feff}{body}"));
        assert_eq!(refused(marked), NotUtf8 { valid_up_to: 0 });
        // Without a mark it is UTF-8, full of NUL bytes.
        assert!(matches!(refused(units(&body)), NotJson { .. }));
    }
}

#[test]
fn row_05_invalid_utf_8_is_refused_wherever_it_stands() {
    let good = messages(&[GOOD]);
    for body in [
        good.replace("Hello", "~"),
        good.replace(r#""type""#, r#""~":1,"type""#),
        good.replace(r#""entry""#, r#""shiny":["~"],"entry""#),
    ] {
        let (before, after) = body.split_once('~').unwrap();
        let valid_up_to = before.len();
        for bad in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\xbd", b"\xf0\x9f\x98"] {
            let body = [before.as_bytes(), bad, after.as_bytes()].concat();
            assert_eq!(refused(body), NotUtf8 { valid_up_to });
        }
    }
}

#[test]
fn row_06_a_body_over_the_limit_is_refused_whatever_is_in_it() {
    let (len, max) = (100_000_000, Parser::DEFAULT_MAX_LEN);
    assert_eq!(refused(vec![0xff; len]), TooLarge { len, max });
}

#[test]
fn row_07_a_body_that_is_no_object_is_refused() {
    let as_array = r#"["whatsapp_business_account",[]]"#;
    for body in [as_array, "[{}]", "null", "7", "-1e3", r#""{}""#] {
        assert_eq!(refused(body), NotAnObject, "{body}");
    }
}

#[test]
fn row_08_a_body_of_another_product_names_it() {
    let with = |object: &str| format!(r#"{{"object":{object},"entry":[]}}"#);
    for product in ["page", "instagram", "", "WHATSAPP_BUSINESS_ACCOUNT"] {
        let kind = refused(with(&format!("{product:?}")));
        assert_eq!(kind, WrongObject(Some(product.into())));
    }
    for body in [with("null"), with("[]"), r#"{"entry":[]}"#.into()] {
        assert_eq!(refused(&body), WrongObject(None), "{body}");
    }
}

#[test]
fn row_09_a_body_needs_an_entry_array_that_may_be_empty() {
    for entry in [r#""other":1"#, r#""entry":null"#, r#""entry":{}"#] {
        let body = format!(r#"{{"object":"whatsapp_business_account",{entry}}}"#);
        assert_eq!(refused(&body), NoEntry, "{body}");
    }
    assert_eq!(events(&envelope("")), []);
}

#[test]
fn row_10_an_entry_or_a_change_that_is_no_object_costs_itself() {
    for raw in ["null", "[]", r#"["900",[]]"#, r#""x""#, "5"] {
        odd_change(raw, &Malformed);
        let good = format!(r#"{{"changes":[{}]}}"#, good_change());
        let body = envelope(&format!("{raw},{good}"));
        odd(&body, &[GOOD], "", raw, &Malformed);
    }
}

#[test]
fn row_11_ids_that_are_numbers_keep_their_digits() {
    // 2^53 + 1 is the first that a double cannot hold.
    for id in ["9007199254740993", "18446744073709551615"] {
        let message = format!(r#"{{"id":{id},"from":{id},"type":"request_welcome"}}"#);
        let body = messages(&[&message]).replace(r#""900""#, id);
        let event = last!(1, MessageReceived, body.replace(r#""300""#, id));
        assert_eq!(event.message.id, id);
        assert_eq!(event.message.user.unwrap().phone(), Some(id));
        assert_eq!(event.account.waba_id.as_ref().unwrap(), id);
        assert_eq!(event.account.phone_number_id.as_ref().unwrap(), id);
    }
}

#[test]
fn row_12_an_entry_without_changes_is_counted() {
    for changes in ["", r#","changes":[]"#, r#","changes":null"#] {
        let empty = format!(r#"{{"id":"1"{changes}}}"#);
        let webhook = parse(envelope(&format!("{empty},{empty}")).as_bytes()).unwrap();
        assert_eq!((webhook.entries(), webhook.empty_entries()), (2, 2));
        assert_eq!(webhook.events(), []);
    }
}

#[test]
fn row_13_a_change_of_an_unknown_field_is_unrecognized_by_its_name() {
    for raw in ["{}", r#"{"messages":[{}]}"#, "[1]", "7", r#""x""#] {
        let named = odd_value(r#""hologram_update""#, raw, &UnknownField);
        assert_eq!(named.field.as_deref(), Some("hologram_update"));
        assert_eq!(odd_value("null", raw, &UnknownField).field, None);
    }
}

#[test]
fn row_14_known_changes_arrive_between_unknown_ones() {
    let unknown = &change("hologram_update", r#""messages":[{}]"#)[..];
    let known = &good_change();
    let all = events(&body(&[unknown, known, unknown, known].join(",")));
    let (good, odd) = ("message_received", "unrecognized");
    assert_eq!(names(&all), [odd, good, odd, good]);
}

#[track_caller]
fn assert_good_header(id: &str, user: Option<&Identity>, time: Option<Timestamp>) {
    assert_eq!(id, "wamid.GOOD");
    assert_eq!(user, Identity::from_phone("15550101001").as_ref());
    assert_eq!(time, Some(Timestamp::from_secs(1_785_000_000)));
}

#[test]
fn row_15_an_unknown_or_unsupported_message_keeps_its_header() {
    let of_type = |kind| GOOD.replace(r#""type":"text""#, &format!(r#""type":{kind:?}"#));
    for kind in ["hologram", "", "Text"] {
        let odd = odd_message(&of_type(kind), &Reason::UnknownType(kind.into()));
        assert_good_header(odd.id.unwrap().as_str(), odd.user.as_ref(), odd.timestamp);
    }
    let message = received(&of_type("unsupported")).message;
    assert!(matches!(message.content, Content::Unsupported(_)));
    let user = message.user.as_ref();
    assert_good_header(message.id.as_str(), user, message.timestamp);
}

#[test]
fn row_16_an_image_without_its_image_keeps_its_header() {
    for image in ["", r#","image":null"#] {
        let image = GOOD.replace(r#""type":"text""#, &format!(r#""type":"image"{image}"#));
        let odd = odd_message(&image, &Reason::Missing("image".into()));
        assert_good_header(odd.id.unwrap().as_str(), odd.user.as_ref(), odd.timestamp);
    }
}

#[test]
fn row_17_a_wrong_shape_within_a_message_costs_that_message() {
    for members in [
        r#""type":"text","text":"Hello""#,
        r#""type":"text","text":{"body":{}}"#,
        r#""type":{},"text":{"body":"Hello"}"#,
        r#""type":"request_welcome","context":"wamid.A""#,
        r#""type":"request_welcome","errors":{"code":1}"#,
        r#""type":"request_welcome","from":{"phone":"1"}"#,
        r#""type":"contacts","contacts":[5]"#,
        r#""type":"interactive","interactive":"yes""#,
    ] {
        let odd = odd_message(&format!(r#"{{"id":"w",{members}}}"#), &Malformed);
        assert_eq!(odd.id.unwrap(), "w");
    }
}

#[test]
fn row_18_contacts_are_matched_by_id_and_may_be_missing() {
    let ada = r#"{"wa_id":"1555","profile":{"name":"Ada"}}"#;
    let bram = r#"{"user_id":"NL.31","profile":{"name":"Bram"}}"#;
    let nameless = r#"{"wa_id":"1555"}"#;
    let senders = [r#""from":"1555""#, r#""from_user_id":"NL.31""#];
    let items = list("messages", &senders.map(welcome));
    for (contacts, expected) in [
        (&[][..], [None, None]),
        (&[bram], [None, Some("Bram")]),
        (&[bram, ada], [Some("Ada"), Some("Bram")]),
        (&[ada, bram], [Some("Ada"), Some("Bram")]),
        (&[bram, nameless], [Some("1555"), Some("Bram")]),
    ] {
        let contacts = list("contacts", contacts);
        let all = all_received(&value(&format!("{contacts},{items}")));
        let found = all.iter().map(|event| event.contact.as_ref());
        let found = found.map(|contact| Some(contact?.display_name()));
        assert!(found.eq(expected), "{contacts}");
    }
}

#[test]
fn row_19_a_sender_has_a_phone_number_or_a_user_id_or_both() {
    let user = |from| received(&welcome(from)).message.user;
    for [from, phone, user_id] in table(
        r#"
        "from":"1555" | 1555 | -
        "from_user_id":"US.7" | - | US.7
        "from":"","from_user_id":"US.7" | - | US.7
        "from":"1555","from_user_id":"US.7" | 1555 | US.7
        "#,
    ) {
        let user = user(from).unwrap();
        assert_eq!(user.phone().unwrap_or("-"), phone, "{from}");
        let id = user.user_id().map_or("-", |id| id.as_str());
        assert_eq!(id, user_id, "{from}");
    }
    assert_eq!(user(r#""from":"","from_user_id":"""#), None);
}

#[test]
fn row_20_one_value_may_hold_messages_statuses_and_errors() {
    let error = r#"{"code":131051,"title":"Unsupported message type"}"#;
    let lists = [("errors", error), ("statuses", STATUS), ("messages", GOOD)];
    let lists = lists.map(|(name, item)| list(name, &[item, item]));
    let mut found = names(&events(&value(&lists.join(","))));
    found.sort_unstable();
    let types = ["message_received", "message_status_changed", "meta_error"];
    assert_eq!(found, types.map(|name| [name; 2]).concat());
}

#[test]
fn row_21_unknown_names_in_a_status_are_kept() {
    let pricing = r#"{"pricing_model":"XYZ","type":"free_lunch","category":"cosmic"}"#;
    let status = format!(r#"{{"id":"w","status":"teleported","pricing":{pricing}}}"#);
    let body = value(&list("statuses", &[STATUS, &status]));
    let update = last!(2, MessageStatusChanged, body).update;
    assert_eq!(update.status, MessageStatus::Other("teleported".into()));
    let pricing = update.pricing.unwrap();
    let model = PricingModel::Other("XYZ".into());
    assert_eq!(pricing.pricing_model, Some(model));
    assert_eq!(pricing.kind, Some(PricingType::Other("free_lunch".into())));
    assert_eq!(pricing.category.as_deref(), Some("cosmic"));
}

/// The time of a message that has this timestamp, and arrives.
#[track_caller]
fn time(json: &str) -> Option<i64> {
    let event = received(&welcome(&format!(r#""timestamp":{json}"#)));
    event.message.timestamp.map(Timestamp::as_secs)
}

#[test]
fn row_22_a_timestamp_is_a_string_or_a_number() {
    for json in ["1749416383", r#""1749416383""#] {
        assert_eq!(time(json), Some(1_749_416_383));
        let change = r#"{"field":"account_update","value":{"event":"ACCOUNT_DELETED"}}"#;
        let body = envelope(&format!(r#"{{"time":{json},"changes":[{change}]}}"#));
        let time = last!(1, AccountUpdate, body).time;
        assert_eq!(time, Some(Timestamp::from_secs(1_749_416_383)));
    }
}

#[test]
fn row_23_a_timestamp_that_is_no_time_never_costs_the_message() {
    let too_large = "9223372036854775808";
    for json in [too_large, "1749416383.5", r#""17.5""#, r#""""#, r#""abc""#] {
        assert_eq!(time(json), None, "{json}");
    }
    let year_10000 = 253_402_300_800;
    for secs in [-1, year_10000, i64::MAX, i64::MIN] {
        assert_eq!(time(&secs.to_string()), Some(secs));
        assert_eq!(time(&format!(r#""{secs}""#)), Some(secs));
        // What the platform cannot hold is `None`, and all else is exact.
        if let Some(time) = Timestamp::from_secs(secs).to_system_time() {
            let distance = time.duration_since(SystemTime::UNIX_EPOCH);
            let distance = distance.unwrap_or_else(|before| before.duration());
            assert_eq!(distance, Duration::from_secs(secs.unsigned_abs()));
        }
    }
}

#[test]
fn row_24_where_a_member_is_there_twice_neither_is_believed() {
    for id in [r#""id":"w""#, r#""\u0069d":"w""#, r#""id":"wamid.W""#] {
        let odd = odd_message(&welcome(id), &Malformed);
        assert_eq!(odd.id, None);
    }
    let duplicate = |member: &str| Reason::Duplicate(member.into());
    let two_texts = GOOD.replace(r#"{"body":"#, r#"{"body":"Bye","body":"#);
    odd_message(&two_texts, &Malformed);
    let two_replies = r#"{"id":"w","type":"interactive","interactive":{"type":"product","product":{},"product":{}}}"#;
    odd_message(two_replies, &duplicate("product"));
    let two_lists = r#"{"messages":[],"messages":[]}"#;
    odd_value(r#""messages""#, two_lists, &duplicate("messages"));
    let two_fields = r#"{"field":"messages","field":"calls","value":{}}"#;
    odd_change(two_fields, &duplicate("field"));
    let two_entries = r#"{"object":"whatsapp_business_account","entry":[],"entry":[]}"#;
    assert_eq!(refused(two_entries), Duplicate("entry".into()));

    // A form is a map, whatever its members: there the last counts, as for
    // everyone who reads one.
    let twice = r#"{"flow_token":"a","day":1,"flow_token":"b","day":2}"#;
    let response = last!(2, FlowCompleted, messages(&[&form(twice)])).response;
    assert_eq!(response.flow_token.unwrap(), "b");
    assert_eq!(Value::Object(response.data), json!({"day": 2}));
}

fn arrays(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

#[test]
fn row_25_a_deep_member_costs_nothing_or_its_item() {
    let objects = r#"{"a":"#.repeat(200) + "0" + &"}".repeat(200);
    for deep in [arrays(200), objects, arrays(1_000_000)] {
        received(&welcome(&format!(r#""deep":{deep}"#)));
        odd_message(&GOOD.replace(r#"{"body":"Hello"}"#, &deep), &Malformed);
        let all = events(&messages(&[&form(&deep)]));
        assert_eq!(names(&all), ["message_received", "unrecognized"]);
        assert_eq!(all[1].dedup_key().len(), "unrecognized:".len() + 32);
    }
}

#[test]
fn row_26_an_extreme_number_costs_its_item_at_most() {
    let (two_64, digits) = ("18446744073709551616", "9".repeat(5000));
    for number in ["1e400", "-1e400", "1e-400", "-0", two_64, &digits] {
        received(&welcome(&format!(r#""shiny":[{number}]"#)));
        let id = format!(r#"{{"id":{number},"type":"request_welcome"}}"#);
        odd_message(&id, &Malformed);
        odd_value(r#""account_update""#, number, &Malformed);
    }
    // Out of range, it has no digits that could be looked at: unlike other odd
    // times, it costs the message.
    odd_message(&welcome(r#""timestamp":1e400"#), &Malformed);
}

#[test]
fn row_27_an_escaped_nul_is_text_and_a_raw_one_is_not_json() {
    let escaped = received(&GOOD.replace("Hello", r"a\u0000b"));
    assert_eq!(escaped.message.text(), Some("a\0b"));
    let raw = messages(&[&GOOD.replace("Hello", "a\0b")]);
    assert!(matches!(refused(raw), NotJson { .. }));
}

#[test]
fn row_28_half_an_emoji_costs_what_needs_it_as_text() {
    for half in [r"\ud83d", r"\ude00", r"\ude00\ud83d"] {
        odd_message(&GOOD.replace("Hello", half), &Malformed);
        odd_message(&welcome(&format!(r#""{half}":1"#)), &Malformed);
        received(&welcome(&format!(r#""shiny":{{"{half}":"{half}"}}"#)));
        let member = format!(r#""{half}":{{}}"#);
        odd_member(&member, &format!("[{half:?}]"), "{}", &UnknownMember);
        let field = format!(r#"{{"field":"{half}","value":{{}}}}"#);
        odd_change(&field, &Malformed);
        let contact = format!(r#"{{"wa_id":"15550101001","profile":{{"name":"{half}"}}}}"#);
        let contacts = list("contacts", &[&contact]);
        odd_member(&contacts, ".contacts[0]", &contact, &Malformed);
    }
}

#[test]
fn row_29_strange_and_long_texts_arrive_unchanged() {
    for text in [
        "\u{202e}gnp.\u{2066}exe\u{2069}",
        "👩\u{200d}👩\u{200d}👧\u{fe0f} \u{1f1fa}\u{1f1f8}",
        "e\u{301} \u{e9} \u{212b} \u{2028}\u{feff}\u{fffd}\u{10ffff}",
        &"ё".repeat(500_000),
    ] {
        let contact = format!(r#"{{"wa_id":"15550101001","profile":{{"name":"{text}"}}}}"#);
        let message = GOOD.replace("Hello", text);
        let lists = [list("contacts", &[contact]), list("messages", &[message])];
        let event = last!(1, MessageReceived, value(&lists.join(",")));
        assert_eq!(event.message.text(), Some(text));
        assert_eq!(event.contact.unwrap().display_name(), text);
    }
    let key = "k".repeat(1_000_000);
    let member = format!(r#""{key}":1"#);
    received(&welcome(&member));
    let path = format!(r#"["{}"…]"#, &key[..64]);
    odd_member(&member, &path, "1", &UnknownMember);
}

#[test]
fn row_30_a_thousand_large_updates_arrive_in_order() {
    let text = "x".repeat(2_900);
    let ids: Vec<_> = (0..1000).map(|n| format!("wamid.{n}")).collect();
    let item = |id| GOOD.replace("wamid.GOOD", id).replace("Hello", &text);
    let items: Vec<_> = ids.iter().map(|id| item(id)).collect();
    let change = |item| change("messages", &list("messages", &[item]));
    let changes: Vec<_> = items.iter().map(change).collect();
    for body in [value(&list("messages", &items)), body(&changes.join(","))] {
        assert!(body.len() > 2_900_000);
        let all = all_received(&body);
        let found = all.iter().map(|event| event.message.id.as_str());
        assert!(found.eq(ids.iter().map(String::as_str)));
    }
}

#[test]
fn row_31_a_million_tiny_entries_or_items_are_all_accounted_for() {
    const MILLION: usize = 1_000_000;
    let many = |item| vec![item; MILLION].join(",");
    let webhook = parse(envelope(&many("{}")).as_bytes()).unwrap();
    assert_eq!(webhook.empty_entries(), MILLION);
    assert_eq!(webhook.events(), []);

    let among_items = messages(&[&many("{}"), GOOD]);
    for (body, good) in [(envelope(&many("0")), &[][..]), (among_items, &[GOOD])] {
        let all = events(&body);
        let Some((WebhookEvent::Unrecognized(rest), others)) = all.split_last() else {
            panic!("no events")
        };
        let (odd, others) = others.split_at(10_000);
        assert!(odd.iter().all(|event| event.name() == "unrecognized"));
        let others: Vec<_> = others.iter().map(|event| event.raw().as_str()).collect();
        assert_eq!(others, good);
        assert_eq!(rest.reason, TooMany(MILLION - 10_000));
        assert_eq!(rest.raw.as_str(), body);
    }
}

/// Names that a hash like `31 * hash + byte` cannot tell apart.
fn colliding() -> Vec<String> {
    let pair = |n: usize, bit: u32| if n >> bit & 1 == 0 { "Aa" } else { "BB" };
    let name = |n| (0..14).map(|bit| pair(n, bit)).collect();
    (0..1 << 14).map(name).collect()
}

#[test]
fn row_32_keys_that_collide_are_all_there() {
    let members = format!(r#""{}":1"#, colliding().join(r#"":1,""#));
    received(&welcome(&members));
    let form = form(&format!("{{{members}}}"));
    let response = last!(2, FlowCompleted, messages(&[&form])).response;
    assert_eq!(response.data.len(), 1 << 14);

    let body = value(&format!(r#"{members},"messages":[{GOOD}]"#));
    assert_eq!(events(&body)[0].raw().as_str(), GOOD);
    let rest = last!(10_002, Unrecognized, body);
    assert_eq!(rest.reason, TooMany((1 << 14) - 10_000));
}

#[test]
fn row_33_a_message_that_comes_again_has_the_key_that_it_had() {
    let key = |event: &WebhookEvent| event.dedup_key();
    let keys = |body: &str| -> Vec<_> { events(body).iter().map(key).collect() };
    let batch = keys(&messages(&[GOOD, &GOOD.replace("GOOD", "OTHER"), GOOD]));
    assert_eq!(batch.len(), 3);
    assert_eq!(batch[0], batch[2]);
    assert_ne!(batch[0], batch[1]);
    assert_eq!(keys(&messages(&[GOOD]).replace(':', " : ")), batch[2..]);
}

static TICK: Signal<u32> = Signal::new("tick");

/// Connects to the first tick only.
fn connect(order: i32, uid: &'static str, receiver: impl Receiver<u32>) -> Connection<'static> {
    let options = ConnectOptions::new().order(order).uid(uid);
    let options = options.filter(|tick: &u32| *tick == 1);
    TICK.connect_with(options, receiver).unwrap()
}

#[test]
fn row_36_receivers_that_misbehave_are_named_and_cost_nobody_else() {
    static HEARD: Mutex<Vec<u32>> = Mutex::new(Vec::new());
    let _panics = connect(1, "panics", |tick: &u32| assert_ne!(*tick, 1));
    let _fails = connect(2, "fails", |_: &u32| Err("the till is empty"));
    let _slow = connect(3, "slow", |_: &u32| {
        let (done, is_done) = mpsc::channel();
        thread::spawn(move || {
            drop(TICK.connect(|_: &u32| {}));
            done.send(TICK.send_robust(&2).called())
        });
        // A lock that is held here holds up the other thread: fail, then, and
        // do not hang.
        let called = is_done.recv_timeout(Duration::from_secs(60));
        called.map(|called| assert_eq!(called, 1))
    });
    let _enters = connect(4, "enters again", |_: &u32| {
        TICK.send(&3).map(|report| assert_eq!(report.called(), 1))
    });
    let leaves = connect(5, "leaves", |_: &u32| assert!(TICK.disconnect("leaves")));
    let last = ConnectOptions::new().order(6);
    let hear = |tick: &u32| HEARD.lock().unwrap().push(*tick);
    let _hears = TICK.connect_with(last, hear).unwrap();

    let report = TICK.send_robust(&1);
    let failed = report.failures().iter();
    let failed = failed.map(|failed| failed.receiver().uid().unwrap());
    assert_eq!(failed.collect::<Vec<_>>(), ["panics", "fails"]);
    assert_eq!(*HEARD.lock().unwrap(), [2, 3, 1]);
    assert_eq!((report.called(), report.filtered()), (6, 0));
    assert!(!leaves.is_connected());
    let report = TICK.send_robust(&4);
    assert_eq!((report.called(), report.filtered()), (1, 4));
}

#[test]
fn row_37_an_event_that_nobody_listens_to_is_reported_as_unheard() {
    let body = value(r#""in_app_signup":{"wa_id":"1555","signup_id":"spring"}"#);
    assert_eq!(names(&events(&body)), ["user_subscribed"]);
    assert!(!USER_SUBSCRIBED.has_receivers());
    let report = parse(body.as_bytes()).unwrap().dispatch();
    assert_eq!((report.called(), report.unheard()), (0, 1));

    let tick: Signal<u32> = Signal::new("tick");
    assert!(tick.send(&1).unwrap().is_unheard());
    let picky = ConnectOptions::new().filter(|tick: &u32| *tick > 1);
    let _picky = tick.connect_with(picky, |_: &u32| {}).unwrap();
    assert!(!tick.send(&1).unwrap().is_unheard());
}

#[test]
fn trap_1_an_array_is_never_taken_for_an_object() {
    for [field, name, good, raw] in table(
        r#"
        messages | messages | {"id":"w","type":"request_welcome"} | ["w","1555"]
        messages | messages | {"id":"w","type":"request_welcome"} | {"id":"w","type":"text","text":["Hello"]}
        messages | messages | {"id":"w","type":"request_welcome"} | {"id":"w","type":"request_welcome","context":["1555","w"]}
        messages | statuses | {"id":"w","status":"read"} | ["w","read"]
        calls | calls | {"id":"c","event":"connect"} | ["c","connect"]
        calls | statuses | {"id":"c","status":"RINGING"} | ["c","RINGING"]
        group_lifecycle_update | groups | {"type":"group_create"} | ["group_create"]
        "#,
    ) {
        odd_item(field, name, good, raw, &Malformed);
    }
    let raw = r#"["300","15550100200"]"#;
    let body = messages(&[GOOD]).replace(METADATA, raw);
    let path = ".changes[0].value.metadata";
    odd(&body, &[GOOD], path, raw, &Malformed);
}

#[test]
fn trap_2_numbers_read_the_same_whatever_serde_json_is_built_with() {
    for place in [
        r#"{"latitude":-33.8688197,"longitude":151}"#,
        r#"{"latitude":"-33.8688197","longitude":"151.0"}"#,
    ] {
        let place = format!(r#"{{"id":"w","type":"location","location":{place}}}"#);
        let message = received(&place).message;
        let place = message.location().unwrap();
        assert_eq!((place.latitude, place.longitude), (-33.868_819_7, 151.0));
    }
}

#[test]
fn trap_3_depth_never_ends_the_stack() {
    for deep in [arrays(200), arrays(1_000_000)] {
        assert_eq!(refused(&deep), NotAnObject);
        let odd = odd_value(r#""account_update""#, &deep, &Malformed);
        // Whoever wants more of it than its text gets an error.
        assert!(odd.raw.parse::<Value>().is_err());
    }
}

#[test]
fn trap_4_half_an_emoji_in_a_form_costs_the_form_and_not_its_message() {
    let form = form(r#""{\"name\":\"\\ud83d\"}""#);
    let all = events(&messages(&[GOOD, &form, GOOD]));
    let (good, odd) = ("message_received", "unrecognized");
    assert_eq!(names(&all), [good, good, odd, good]);
    assert_eq!([all[1].raw().as_str(), all[2].raw().as_str()], [&form; 2]);
}

#[test]
fn trap_5_invalid_utf_8_comes_before_broken_json_and_other_products() {
    for body in [&b"{\xff"[..], b"[\"\xff\"]", b"{\"object\":\"\xff\"}"] {
        let kind = refused(body);
        assert!(matches!(kind, NotUtf8 { .. }), "{kind:?}");
    }
}

#[test]
fn trap_6_a_number_that_nobody_asks_for_is_not_read() {
    let huge = r#"{"a":[-1e400,1e999999999]}"#;
    let member = format!(r#""shiny":{huge}"#);
    received(&welcome(&member));
    odd_member(&member, ".shiny", huge, &UnknownMember);
}

#[test]
fn trap_7_the_limit_is_exact_and_comes_first() {
    let body = messages(&[GOOD]);
    let max = body.len();
    let parser = Parser::new().max_len(max);
    assert_eq!(parser.parse(body.as_bytes()).unwrap().events().len(), 1);
    let error = parser.parse(&[body.as_bytes(), b"\xff"].concat());
    assert_eq!(error.unwrap_err().kind(), &TooLarge { len: max + 1, max });
}

#[test]
fn trap_8_ids_that_collide_find_their_contacts() {
    let ids = colliding();
    let contact = |id| format!(r#"{{"wa_id":"{id}"}}"#);
    let contacts: Vec<_> = ids.iter().map(contact).collect();
    let item = |id| format!(r#"{{"id":"w","from":"{id}","type":"request_welcome"}}"#);
    let items: Vec<_> = ids.iter().rev().map(item).collect();
    let members = [list("contacts", &contacts), list("messages", &items)];
    let all = all_received(&value(&members.join(",")));
    let contacts = all.iter().map(|event| event.contact.as_ref().unwrap());
    let found = contacts.map(|contact| contact.phone());
    assert!(found.eq(ids.iter().rev().map(|id| Some(id.as_str()))));
}

#[test]
fn odd_items_of_calls_and_groups_cost_themselves() {
    for [field, name, good, raw, member] in table(
        r#"
        calls | calls | {"id":"c","event":"connect"} | {"id":"c"} | event
        calls | statuses | {"id":"c","status":"RINGING"} | {"status":"RINGING"} | id
        group_lifecycle_update | groups | {"type":"group_create"} | {"group_id":"G"} | type
        group_status_update | groups | {"type":"group_suspend"} | {"type":null} | type
        "#,
    ) {
        odd_item(field, name, good, raw, &Reason::Missing(member.into()));
        odd_item(field, name, good, "null", &Malformed);
    }
}

#[test]
fn an_odd_message_of_a_thread_costs_itself() {
    for raw in ["null", "[]", r#"{"id":"w","type":"text","text":5}"#] {
        let thread = list("messages", &[GOOD, raw, GOOD]);
        let piece = format!(r#"{{"threads":[{{"id":"15550101001",{thread}}}]}}"#);
        let body = body(&change("history", &list("history", &[&piece])));
        let path = ".changes[0].value.history[0].threads[0].messages[1]";
        odd(&body, &[&piece, GOOD, GOOD], path, raw, &Malformed);
        let old = "history_message";
        assert_eq!(names(&events(&body)), ["history", old, "unrecognized", old]);
    }
}

#[test]
fn a_value_of_an_account_that_is_an_array_costs_itself() {
    let array = r#"["ACCOUNT_DELETED","15550100200"]"#;
    let odd = odd_value(r#""account_update""#, array, &Malformed);
    assert_eq!(odd.field.as_deref(), Some("account_update"));
}
