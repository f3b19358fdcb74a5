//! A body that is no webhook: which error it is, and that nothing panics.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use whatsapp_signals::ParseErrorKind::{
    Duplicate, NoEntry, NotAnObject, NotJson, NotUtf8, TooLarge, Truncated, WrongObject,
};
use whatsapp_signals::event::{Reason, WebhookEvent};
use whatsapp_signals::{ParseErrorKind, Parser, parse};

#[track_caller]
fn refused(body: impl AsRef<[u8]>) -> ParseErrorKind {
    parse(body.as_ref()).unwrap_err().kind().clone()
}

#[test]
fn a_body_that_ends_early_is_truncated() {
    for (body, line, column) in [
        ("", 1, 0),
        (" \n ", 2, 1),
        ("{", 1, 1),
        (r#"{"object":"whatsapp_business_account","entry":[{"#, 1, 48),
        (
            r#"{"object":"whatsapp_business_account","entry":["x"#,
            1,
            49,
        ),
    ] {
        assert_eq!(refused(body), Truncated { line, column }, "{body:?}");
    }
}

#[test]
fn a_body_that_is_not_json_says_where() {
    for body in [
        "hello",
        "NaN",
        "{]",
        r#"{"object":"whatsapp_business_account","entry":[]} x"#,
        r#"{"object":"whatsapp_business_account","entry":[]}{}"#,
        "{\"object\":\"whatsapp_business_account\",\"entry\":[\"\0\"]}",
        r#"{"object":"whatsapp_business_account","entry":[],}"#,
    ] {
        let NotJson { line: 1, column } = refused(body) else {
            panic!("{body:?}: {:?}", refused(body))
        };
        assert!((1..=body.len()).contains(&column), "{body:?}: {column}");
    }
}

#[test]
fn a_body_that_is_not_utf8_says_from_where() {
    assert_eq!(refused(b"{\"a\": \"\xff\"}"), NotUtf8 { valid_up_to: 7 });
    let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert!(matches!(
        refused([&[0xfe, 0xff], &utf16[..]].concat()),
        NotUtf8 { valid_up_to: 0 }
    ));
    assert!(matches!(refused(utf16), NotJson { .. }));
}

#[test]
fn a_body_that_is_not_an_object() {
    for body in [
        "[]",
        "null",
        "5",
        r#""{}""#,
        "true",
        r#" ["whatsapp_business_account",[]]"#,
    ] {
        assert_eq!(refused(body), NotAnObject, "{body}");
    }
}

#[test]
fn a_body_of_another_product() {
    assert_eq!(
        refused(r#"{"object":"page","entry":[]}"#),
        WrongObject(Some("page".into()))
    );
    for body in [
        r#"{"entry":[]}"#,
        r#"{"object":null,"entry":[]}"#,
        r#"{"object":5,"entry":[]}"#,
    ] {
        assert_eq!(refused(body), WrongObject(None), "{body}");
    }
}

#[test]
fn a_body_without_an_entry_array() {
    for entry in ["", r#","entry":null"#, r#","entry":{}"#, r#","entry":"x""#] {
        let body = format!(r#"{{"object":"whatsapp_business_account"{entry}}}"#);
        assert_eq!(refused(&body), NoEntry, "{body}");
    }
}

#[test]
fn a_body_with_two_envelopes_in_one() {
    let body = r#"{"object":"whatsapp_business_account","entry":[],"entry":[]}"#;
    assert_eq!(refused(body), Duplicate("entry".into()));
}

#[test]
fn an_empty_entry_array_is_a_webhook_without_events() {
    let body = r#"{"object":"whatsapp_business_account","entry":[]}"#;
    let webhook = parse(body.as_bytes()).unwrap();
    assert_eq!((webhook.events().len(), webhook.entries()), (0, 0));
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let body = "\u{feff}{\"object\":\"whatsapp_business_account\",\"entry\":[]}";
    assert!(parse(body.as_bytes()).is_ok());
}

#[test]
fn escapes_in_the_envelope_mean_what_they_spell() {
    let body = r#"{"\u006fbject":"whatsapp\u005fbusiness_account","entry":[{"ch\u0061nges":[{"fi\u0065ld":"m\u0065ssages",
        "value":{"mess\u0061ges":[{"id":"wamid.A","t\u0079pe":"t\u0065xt","text":{"body":"\u0041"}}]}}]}]}"#;
    let webhook = parse(body.as_bytes()).unwrap();
    assert_eq!(webhook.events()[0].name(), "message_received");
}

#[test]
fn the_limit_is_checked_before_anything_is_read() {
    let body = vec![0xff; Parser::DEFAULT_MAX_LEN + 1];
    let max = Parser::DEFAULT_MAX_LEN;
    assert_eq!(refused(&body), TooLarge { len: max + 1, max });
    assert!(matches!(refused(&body[1..]), NotUtf8 { .. }));
    let error = Parser::new().max_len(3).parse(b"null").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the body has 4 bytes, more than the limit of 3"
    );
}

#[test]
fn a_million_empty_entries_are_no_events_and_no_error() {
    let entries = vec!["{}"; 1_000_000].join(",");
    let body = format!(r#"{{"object":"whatsapp_business_account","entry":[{entries}]}}"#);
    let webhook = parse(body.as_bytes()).unwrap();
    assert_eq!(
        (webhook.empty_entries(), webhook.events().len()),
        (1_000_000, 0)
    );
}

#[test]
fn errors_read_as_sentences_without_a_full_stop() {
    for (body, text) in [
        ("[]", "the body is not a JSON object"),
        ("{}", "the body is not from WhatsApp: it has no object"),
        (
            r#"{"object":"page"}"#,
            r#"the body is not from WhatsApp: its object is "page""#,
        ),
        (
            r#"{"object":"whatsapp_business_account"}"#,
            "the body has no entry array",
        ),
    ] {
        assert_eq!(parse(body.as_bytes()).unwrap_err().to_string(), text);
    }
}

#[test]
fn a_long_name_from_the_wire_is_cut_and_kept_on_one_line_in_texts() {
    let body = format!(r#"{{"object":"line\n{}"}}"#, "é".repeat(1000));
    let text = parse(body.as_bytes()).unwrap_err().to_string();
    let shown = "é".repeat(59);
    assert_eq!(
        text,
        format!(r#"the body is not from WhatsApp: its object is "line\n{shown}"…"#)
    );
}

/// Ten thousand odd things are reported one by one; a body that has more is
/// hostile, and must not become a hundred times its size in events.
#[test]
fn a_hundred_thousand_odd_things_are_told_in_bounded_memory() {
    for (open, close) in [
        (r#""entry":["#, "]}"),
        (r#""entry":[{"changes":["#, "]}]}"),
        (
            r#""entry":[{"changes":[{"field":"messages","value":{"messages":["#,
            "]}}]}]}",
        ),
        (
            r#""entry":[{"changes":[{"field":"messages","value":{"shiny":["#,
            "]}}]}]}",
        ),
    ] {
        let odd = vec!["1"; 100_000].join(",");
        let body = format!(r#"{{"object":"whatsapp_business_account",{open}{odd}{close}"#);
        let events = parse(body.as_bytes()).unwrap().into_events();
        assert_eq!(events.len(), 10_001);
        let Some(WebhookEvent::Unrecognized(rest)) = events.last() else {
            panic!("{:?}", events.last())
        };
        assert_eq!(rest.reason, Reason::TooMany(90_000));
        assert_eq!(rest.raw.as_str(), body, "nothing is lost");
    }
}
