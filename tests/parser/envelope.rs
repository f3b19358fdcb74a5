//! A body that is no webhook: which error it is, and that nothing panics.

use crate::support;
use whatsapp_signals::ParseErrorKind::{
    Duplicate, NoEntry, NotAnEntry, NotAnObject, NotJson, NotUtf8, TooLarge, Truncated, WrongObject,
};
use whatsapp_signals::event::{Reason, WebhookEvent};
use whatsapp_signals::{ParseErrorKind, Parser, parse, parse_entry};

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
fn a_body_of_another_object_is_accepted_by_a_parser_that_lists_it() {
    let body = |object: &str| format!(r#"{{"object":"{object}","entry":[{{"id":"1"}}]}}"#);
    let both: &[_] = &["whatsapp_business_account", "whatsapp_account"];
    for (accepted, object, is_accepted) in [
        (both, "whatsapp_business_account", true),
        (both, "whatsapp_account", true),
        (both, "whatsapp\\u005faccount", true),
        (both, "whatsapp_accounts", false),
        (both, "WhatsApp_account", false),
        (both, "", false),
        (&["whatsapp_account"], "whatsapp_business_account", false),
        (&[], "whatsapp_business_account", false),
    ] {
        let parser = Parser::new().accepted_objects(accepted);
        let parsed = parser.parse(body(object).as_bytes());
        assert_eq!(parsed.is_ok(), is_accepted, "{object}: {parsed:?}");
        if let Err(error) = parsed {
            assert_eq!(error.kind(), &WrongObject(Some(object.into())));
        }
    }
}

#[test]
fn a_body_of_another_object_of_whatsapp_is_worth_keeping() {
    for (object, should_archive) in [
        (r#""whatsapp_account""#, true),
        (r#""whatsapp""#, true),
        (r#""WhatsApp""#, false),
        (r#""page""#, false),
        (r#""instagram""#, false),
        (r#""""#, false),
        // Without a product's name, the body may be WhatsApp's.
        ("null", true),
    ] {
        let error = parse(format!(r#"{{"object":{object},"entry":[]}}"#).as_bytes());
        let error = error.unwrap_err();
        assert_eq!(error.should_archive(), should_archive, "{object}");
        assert_eq!(error.http_status(), 200);
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
fn escapes_in_the_envelope_are_decoded() {
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
        "expected a body of at most 3 bytes, found 4"
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
        ("[]", "expected a JSON object, found another JSON value"),
        ("{}", "expected an object of WhatsApp, found none"),
        (
            r#"{"object":"page"}"#,
            r#"expected an object of WhatsApp, found "page""#,
        ),
        (
            r#"{"object":"whatsapp_account"}"#,
            r#"expected an accepted object, found "whatsapp_account""#,
        ),
        (
            r#"{"object":"whatsapp_business_account"}"#,
            r#"expected an array "entry", found none"#,
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
        format!(r#"expected an object of WhatsApp, found "line\n{shown}"…"#)
    );
}

/// The paths of what a parser reports as unrecognized.
fn unrecognized(parser: Parser, body: &str) -> Vec<String> {
    let events = parser.parse(body.as_bytes()).unwrap().into_events();
    let paths = events.into_iter().filter_map(|event| match event {
        WebhookEvent::Unrecognized(unrecognized) => Some(unrecognized.path),
        _ => None,
    });
    paths.collect()
}

/// A body with an empty entry and these members beside it.
fn with_members(members: &str) -> String {
    format!(r#"{{"object":"whatsapp_business_account",{members},"entry":[{{"id":"1"}}]}}"#)
}

#[test]
fn ignored_members_of_the_body_are_not_reported_and_the_others_are() {
    let rails = Parser::new().ignored_members(&["controller", "action", "webhook"]);
    for (members, reported) in [
        (r#""controller":"webhooks","action":"create""#, &[][..]),
        (r#""webhook":{"object":"x","entry":[{"id":"1"}]}"#, &[]),
        (r#""webhook":[1,{"a":[]},"x"],"webhook":null"#, &[]),
        (r#""contr\u006fller":"an escaped name""#, &[]),
        (r#""Controller":1,"act":2"#, &["Controller", "act"]),
        (r#""action":"create","shiny":true"#, &["shiny"]),
        (r#""shiny":[1,2],"action":{}"#, &["shiny[0]", "shiny[1]"]),
    ] {
        assert_eq!(unrecognized(rails, &with_members(members)), reported);
    }
    // Ignoring ends at the top level, and there with what is not the envelope itself.
    let body = r#"{"object":"whatsapp_business_account","entry":[{"action":1,"changes":[
        {"action":2,"field":"messages","value":{"action":3}}]}]}"#;
    let paths = [
        "entry[0].action",
        "entry[0].changes[0].action",
        "entry[0].changes[0].value.action",
    ];
    assert_eq!(unrecognized(rails, body), paths);
    let all = Parser::new().ignored_members(&["object", "entry"]);
    let body = include_bytes!("../payloads/text.json");
    assert_eq!(all.parse(body).unwrap(), parse(body).unwrap());
}

#[test]
fn ignored_members_must_be_json_all_the_same() {
    let rails = Parser::new().ignored_members(&["action"]);
    for members in [r#""action":}"#, r#""action":[1,]"#, r#""action":01"#] {
        let error = rails.parse(with_members(members).as_bytes()).unwrap_err();
        assert!(matches!(error.kind(), NotJson { .. }), "{members}: {error}");
    }
    let deep = format!(r#""action":{}{}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(unrecognized(rails, &with_members(&deep)).is_empty());
}

#[test]
fn bodies_that_gupshup_forwards_are_read_without_its_app_id() {
    let gupshup = Parser::new().ignored_members(&["gs_app_id"]);
    for (name, reported) in [
        // A field of Gupshup's own, which this crate does not know.
        (
            "034-gupshup-billing.json",
            &["entry[0].changes[0].value"][..],
        ),
        ("204-gupshup-sync-ts0.json", &[]),
    ] {
        let Some(body) = support::case(name) else {
            return;
        };
        assert_eq!(unrecognized(gupshup, &body), reported, "{name}");
        let with_id = unrecognized(Parser::new(), &body);
        assert_eq!(with_id, [reported, &["gs_app_id"]].concat(), "{name}");
    }
}

#[track_caller]
fn refused_entry(entry: impl AsRef<[u8]>) -> ParseErrorKind {
    parse_entry(entry.as_ref()).unwrap_err().kind().clone()
}

/// A body with this entry alone.
fn body_of(entry: &str) -> String {
    format!(r#"{{"object":"whatsapp_business_account","entry":[{entry}]}}"#)
}

#[test]
fn an_entry_is_read_as_it_is_within_a_body() {
    #[derive(serde::Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        entry: Vec<&'a serde_json::value::RawValue>,
    }
    for (name, body) in support::payloads() {
        let body: Body<'_> = serde_json::from_str(&body).unwrap();
        for entry in body.entry {
            let webhook = parse_entry(entry.get().as_bytes()).unwrap();
            let in_body = parse(body_of(entry.get()).as_bytes()).unwrap();
            assert_eq!(webhook, in_body, "{name}");
            assert_eq!(webhook.entries(), 1);
        }
    }
    for entry in [
        "{}",
        r#" {"id":"1","changes":[]} "#,
        r#"{"id":7,"id":8,"changes":[{"field":"shiny"}],"more":[1]}"#,
        r#"{"changes":[],"object":"x","entry":[]}"#,
        r#"{"changes":[],"changes":[]}"#,
        r#"{"\ud83d":1,"changes":"\ud83d"}"#,
    ] {
        let in_body = parse(body_of(entry).as_bytes()).unwrap();
        assert_eq!(parse_entry(entry.as_bytes()).unwrap(), in_body, "{entry}");
        let marked = format!("\u{feff}{entry}");
        assert_eq!(parse_entry(marked.as_bytes()).unwrap(), in_body, "{entry}");
    }
}

#[test]
fn the_path_of_an_entry_by_itself_is_that_of_the_first() {
    let webhook = parse_entry(br#"{"id":"1","shiny":true}"#).unwrap();
    let [WebhookEvent::Unrecognized(shiny)] = webhook.events() else {
        panic!("{webhook:?}")
    };
    assert_eq!(shiny.path, "entry[0].shiny");
    assert_eq!(shiny.account.waba_id.as_ref().unwrap().as_str(), "1");
}

#[test]
fn an_entry_that_ends_early_is_truncated() {
    let entry = r#"{"id":"1","changes":[{"field":"messages","value":{"a":"\u00e9"}}]}"#;
    assert!(parse_entry(entry.as_bytes()).is_ok());
    for end in 1..entry.len() {
        let (line, column) = (1, end);
        assert_eq!(refused_entry(&entry[..end]), Truncated { line, column });
    }
    assert_eq!(refused_entry(""), Truncated { line: 1, column: 0 });
    assert_eq!(refused_entry("{\n"), Truncated { line: 2, column: 0 });
}

#[test]
fn an_entry_that_is_not_json_says_where() {
    for (entry, column) in [
        ("hello", 1),
        ("{]", 2),
        (r#"{"id":"1",}"#, 11),
        ("{}{}", 3),
        ("{} x", 4),
        // Texts that would be JSON within the array of a body.
        ("{},{}", 3),
        ("{},", 3),
        ("{}]", 3),
        (r#"{}],"object":"x","entry":[{}"#, 3),
        (r#"{}],"entry":[{}"#, 3),
        (r#"{}]}{"a":[{}"#, 3),
        ("]", 1),
        (r#"],"a":[{}"#, 1),
        ("}", 1),
    ] {
        assert_eq!(refused_entry(entry), NotJson { line: 1, column }, "{entry}");
    }
    let entry = b"{\"id\": \"\xff\"}";
    assert_eq!(refused_entry(entry), NotUtf8 { valid_up_to: 8 });
}

#[test]
fn an_entry_that_is_not_an_object() {
    for entry in ["[]", "[{}]", "null", "5", r#""{}""#, " true "] {
        assert_eq!(refused_entry(entry), NotAnObject, "{entry}");
    }
}

#[test]
fn the_limit_counts_the_bytes_of_an_entry_and_not_its_envelope() {
    let entry = br#"{"id":"1"}"#;
    assert!(Parser::new().max_len(10).parse_entry(entry).is_ok());
    let error = Parser::new().max_len(9).parse_entry(entry).unwrap_err();
    assert_eq!(error.kind(), &TooLarge { len: 10, max: 9 });
    // Nothing is read before.
    let max = Parser::DEFAULT_MAX_LEN;
    let large = vec![0xff; max + 1];
    assert_eq!(refused_entry(large), TooLarge { len: max + 1, max });
}

#[test]
fn an_entry_is_put_under_an_object_that_the_parser_accepts() {
    let accepted: [&[_]; 4] = [
        &["whatsapp_business_account"],
        &["whatsapp_account", "whatsapp_business_account"],
        &["whatsapp_account"],
        &["\"],\"quoted\\"],
    ];
    for objects in accepted {
        let parser = Parser::new().accepted_objects(objects);
        assert_eq!(parser.parse_entry(b"{}").unwrap().entries(), 1);
    }
    let none = Parser::new().accepted_objects(&[]);
    let error = none.parse_entry(b"{}").unwrap_err();
    assert!(matches!(error.kind(), WrongObject(_)), "{error}");
}

/// Reported as an entry with unknown members, its messages would be lost where
/// `UNRECOGNIZED` has no receiver.
#[test]
fn a_whole_body_or_sns_message_is_not_an_entry() {
    let body = include_bytes!("../payloads/text.json");
    assert_eq!(refused_entry(body), NotAnEntry("entry".into()));
    let error = parse_entry(body).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"expected an entry with changes, found an object with the member "entry""#
    );
    let message = r#"{"whatsAppWebhookEntry":"{}","messageId":"1"}"#;
    let name = "whatsAppWebhookEntry";
    assert_eq!(refused_entry(message), NotAnEntry(name.into()));
}

#[test]
fn an_entry_out_of_an_sns_message_of_aws_is_read() {
    let Some(message) = support::case("044-aws-entry.json") else {
        return;
    };
    assert_eq!(refused(&message), WrongObject(None));
    let name = "whatsAppWebhookEntry";
    assert_eq!(refused_entry(&message), NotAnEntry(name.into()));

    let message: serde_json::Value = serde_json::from_str(&message).unwrap();
    let webhook = parse_entry(message[name].as_str().unwrap().as_bytes()).unwrap();
    let [WebhookEvent::MessageReceived(received)] = webhook.events() else {
        panic!("{webhook:?}")
    };
    assert_eq!(received.message.body(), "Hi");
    let contact = received.contact.as_ref().unwrap();
    assert_eq!(contact.display_name(), "Test");
    let account = &received.account;
    assert_eq!(
        account.waba_id.as_ref().unwrap().as_str(),
        "503131219501234"
    );
}

/// Up to ten thousand malformed items are reported one by one. A body with more is hostile, and its
/// events must not take a hundred times its size.
#[test]
fn a_hundred_thousand_malformed_items_are_reported_in_bounded_memory() {
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
        let malformed = vec!["1"; 100_000].join(",");
        let body = format!(r#"{{"object":"whatsapp_business_account",{open}{malformed}{close}"#);
        let events = parse(body.as_bytes()).unwrap().into_events();
        assert_eq!(events.len(), 10_001);
        let Some(WebhookEvent::Unrecognized(rest)) = events.last() else {
            panic!("{:?}", events.last())
        };
        assert_eq!(rest.reason, Reason::TooMany(90_000));
        assert_eq!(rest.raw.as_str(), body, "nothing is lost");
    }
}
