//! For all bodies: parsing never panics, a name with escapes reads as the plain one, and events
//! survive serialization.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use support::json::Json;
use support::odd::odd_bodies;
use whatsapp_signals::event::WebhookEvent;
use whatsapp_signals::{parse, parse_entry};

fn bodies() -> impl Strategy<Value = String> {
    let bodies: Vec<String> = support::all().into_iter().map(|(_, body)| body).collect();
    select(bodies)
}

/// Bodies with one change: in the order that is most common, with the field first,
/// and with the entry's id, or time, last.
fn bodies_of(field: &str, value: &str) -> [String; 4] {
    let changes = format!(r#""changes":[{{"value":{value},"field":"{field}"}}]"#);
    [
        format!(r#""id":"9",{changes}"#),
        format!(r#""id":"9","changes":[{{"field":"{field}","value":{value}}}]"#),
        format!(r#"{changes},"id":"9","time":1"#),
        format!(r#""id":"9",{changes},"time":1"#),
    ]
    .map(|entry| format!(r#"{{"object":"whatsapp_business_account","entry":[{{{entry}}}]}}"#))
}

/// Values that begin as nearly all do, and go on in a way of their own.
#[test]
fn whatever_is_not_as_in_most_bodies_is_read_as_on_with_escaped_name() {
    let number = r#""metadata":{"phone_number_id":"3"}"#;
    let ada = r#"{"wa_id":"1001","profile":{"name":"Ada"}}"#;
    let bram = r#"{"wa_id":"1002"}"#;
    let text = |id: &str, from: &str| {
        format!(r#"{{"id":"{id}","from":"{from}","type":"text","text":{{"body":"Hi"}}}}"#)
    };
    let (first, second) = (text("wamid.A", "1001"), text("wamid.B", "1002"));
    let stranger = text("wamid.C", "1003");
    let read = r#"{"id":"wamid.D","status":"read","recipient_id":"1002"}"#;
    let signup = r#""in_app_signup":{"wa_id":"1001","signup_id":"summer"}"#;
    let context = r#""conversation_context":{"summary":"Asked for a bell"}"#;
    let odd = r#"{"id":"wamid.E","from":"1001","type":"text","text":["Hi"]}"#;
    let flow = r#"{"id":"wamid.F","from":"1001","type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"response_json":"{"}}}"#;
    let values = [
        // In another order.
        format!(r#"{number},"messages":[{first}],"contacts":[{ada}]"#),
        format!(r#""contacts":[{ada}],"messages":[{first}],{number}"#),
        format!(r#""messages":[{first}],{number},"contacts":[{ada}]"#),
        format!(r#"{number},"contacts":[{bram}],"statuses":[{read}],"messages":[{first}]"#),
        format!(r#"{number},"contacts":[{ada},{bram}],"statuses":[{read}],"messages":[{first}]"#),
        // The lone contact, and one item, or more.
        format!(r#"{number},"contacts":[{ada}],"messages":[{stranger}]"#),
        format!(r#"{number},"contacts":[{ada}],"messages":[{stranger},{second}]"#),
        format!(r#"{number},"contacts":[{ada}],"messages":[{second}],"statuses":[{read}]"#),
        format!(r#"{number},"contacts":[{ada}],"messages":[{stranger}],{signup}"#),
        format!(r#"{number},"contacts":[{ada},{bram}],"messages":[{stranger}]"#),
        format!(r#"{number},"contacts":[{ada},{bram}],"messages":[{second},{first}]"#),
        // Something beside, or nothing at all.
        format!(r#"{number},"contacts":[{ada}],{context},"messages":[{first}]"#),
        format!(r#"{number},"contacts":[{ada}],"messages":[{first}],{context}"#),
        format!(r#"{number},"messages":[{first}],"errors":[{{"code":1}}],{signup}"#),
        format!(r#"{number},"messages":[{first}],"holograms":[1,2]"#),
        format!(r#"{number},"messages":[],"statuses":[]"#),
        format!(r#"{number},"contacts":[{ada}]"#),
        number.to_owned(),
        // Twice, or odd, or both.
        format!(r#"{number},"messages":[{first}],"messages":[{second}]"#),
        format!(r#"{number},{number},"messages":[{first}]"#),
        format!(r#"{number},"contacts":[{ada},1],"messages":[{first}]"#),
        format!(r#"{number},"contacts":{ada},"messages":[{first}]"#),
        format!(r#"{number},"contacts":null,"messages":[{first}],"statuses":null"#),
        format!(r#""metadata":{{"phone_number_id":3,"colour":1}},"messages":[{first}]"#),
        format!(r#""metadata":null,"messages":[{first}]"#),
        format!(r#"{number},"contacts":[{ada}],"messages":[{first},{odd},2,{flow},{second}]"#),
        format!(r#"{number},"messages":[{first}],"statuses":[{read},{{}}]"#),
        format!(r#"{number},"m\u0065ssages":[{first}]"#),
    ];
    for value in values {
        let value = format!(r#"{{"messaging_product":"whatsapp",{value}}}"#);
        for field in [
            "messages",
            "standby",
            "in_app_signup",
            "smb_message_echoes",
            "account_update",
            "hologram",
        ] {
            for body in bodies_of(field, &value) {
                assert_spelling_does_not_matter(&body);
            }
        }
    }
}

/// Spells a name with an escape.
fn with_escaped_name(body: &str) -> String {
    body.replacen(r#""object""#, r#""\u006fbject""#, 1)
}

fn assert_spelling_does_not_matter(body: &str) {
    // As it is, and with white space wherever JSON may have it.
    for body in [body.to_owned(), Json::parse(body).to_string()] {
        let (plain, escaped) = (
            parse(body.as_bytes()),
            parse(with_escaped_name(&body).as_bytes()),
        );
        match (plain, escaped) {
            (Ok(plain), Ok(escaped)) => assert_eq!(plain, escaped, "{body}"),
            (Err(plain), Err(escaped)) => assert_eq!(plain.kind(), escaped.kind(), "{body}"),
            (plain, escaped) => panic!("{plain:?} but {escaped:?} of {body}"),
        }
    }
}

/// Parts of a text that may leave the array of entries, if it is not checked by itself.
const ENTRY_TOKENS: [&str; 12] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "}],",
    "[{",
    r#""id":"1""#,
    r#""entry":"#,
    r#""changes":[]"#,
    "1",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2048) })]

    #[test]
    fn any_bytes_are_parsed_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&body);
    }

    #[test]
    fn a_real_body_with_bytes_changed_is_parsed_or_refused(
        body in bodies(), at in any::<Index>(), byte in any::<u8>(), cut in any::<Index>(),
    ) {
        let mut body = body.into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        let _ = parse(&body);
        body.truncate(cut.index(body.len()));
        let _ = parse(&body);
    }

    /// A text that is read as an entry is one JSON object.
    #[test]
    fn an_entry_never_becomes_more_than_one_entry(
        tokens in prop::collection::vec(select(&ENTRY_TOKENS), 0..12),
    ) {
        let entry = format!("{{{}}}", tokens.concat());
        let is_json = serde_json::from_str::<serde_json::Value>(&entry).is_ok();
        let parsed = parse_entry(entry.as_bytes());
        prop_assert_eq!(parsed.is_ok(), is_json);
        if let Ok(webhook) = parsed {
            let body = format!(r#"{{"object":"whatsapp_business_account","entry":[{entry}]}}"#);
            prop_assert_eq!(webhook.entries(), 1);
            prop_assert_eq!(webhook, parse(body.as_bytes()).unwrap());
        }
    }

    #[test]
    fn an_escaped_name_reads_as_the_plain_one(body in odd_bodies(&support::all())) {
        assert_spelling_does_not_matter(&body);
    }

    #[test]
    fn events_survive_serialization_whatever_they_are(body in odd_bodies(&support::all())) {
        for event in parse(body.as_bytes()).unwrap_or_default() {
            let json = serde_json::to_string(&event).unwrap();
            prop_assert_eq!(serde_json::from_str::<WebhookEvent>(&json).unwrap(), event);
        }
    }
}

#[test]
fn an_escaped_name_reads_as_the_plain_one_in_real_bodies() {
    for (_, body) in support::all() {
        assert_spelling_does_not_matter(&body);
    }
}
