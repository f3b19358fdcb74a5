//! For all bodies: parsing never panics, a name with escapes reads as the plain one, and events
//! survive serialization. For all texts: the tape agrees with serde_json.

use crate::support::json::Json;
use crate::support::malformed::malformed_bodies;
use crate::{support, tape};
use proptest::prelude::*;
use proptest::sample::{Index, select};
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
fn whatever_is_not_as_in_most_bodies_is_read_alike_beside_an_escaped_name() {
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
    let malformed = r#"{"id":"wamid.E","from":"1001","type":"text","text":["Hi"]}"#;
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
        // Duplicate, malformed, or both.
        format!(r#"{number},"messages":[{first}],"messages":[{second}]"#),
        format!(r#"{number},{number},"messages":[{first}]"#),
        format!(r#"{number},"contacts":[{ada},1],"messages":[{first}]"#),
        format!(r#"{number},"contacts":{ada},"messages":[{first}]"#),
        format!(r#"{number},"contacts":null,"messages":[{first}],"statuses":null"#),
        format!(r#""metadata":{{"phone_number_id":3,"colour":1}},"messages":[{first}]"#),
        format!(r#""metadata":null,"messages":[{first}]"#),
        format!(
            r#"{number},"contacts":[{ada}],"messages":[{first},{malformed},2,{flow},{second}]"#
        ),
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

/// Texts at the edges of the syntax, of the kinds in `JSONTestSuite`: some valid, some not.
#[rustfmt::skip]
const EDGES: &[&str] = &[
    // White space, brackets, and separators.
    "", " ", "\t", "\n", "\r", "         ", "\u{b}", "\u{c}", "\u{a0}", "\u{2028}", "\u{feff}", "\0",
    "[", "]", "{", "}", ",", ":", "[]", "{}", "[[]]", "[]]", "[}", "{]", "[,", "[1,]", "[,1]", "[1,,2]", "[1 2]",
    "[1:2]", "{,}", "{\"a\"}", "{\"a\":}", "{:1}", "{\"a\":1,}", "{\"a\" 1}", "{\"a\"::1}", "{1:1}", "{a:1}",
    "{'a':1}", "{\"a\",\"b\"}", "{\"a\":1}}", "{\"a\":1,\"a\":2}", "{\"\":0}", "/**/", "//\n", "#", ";", "=",
    // Literals.
    "null", "true", "false", "nul", "t", "f", "truex", "nullnull", "True", "NaN", "Infinity", "-Infinity",
    // Numbers.
    "0", "-0", "7", "-7", "10", "0.5", "-0.5e-3", "1E+5", "1e5", "0e0", "1e400", "1e-400", "-1e9999",
    "18446744073709551615", "18446744073709551616", "-9223372036854775809", "123456789012345678901234567890.5",
    "-", "+1", "01", "-01", "00", "1.", ".5", "-.5", "1.e1", "1e", "1e+", "1E-", "1.5e1.5", "0x1", "1_0", "--1",
    "- 1", "1 .5", "1.2.3", "0.", "0e", "1-1", "\u{661}", "\u{ff11}",
    // Strings.
    "\"\"", "\"a\"", "\"1234567\"", "\"12345678\"", "\"123456789\"", "\"\u{e9}\u{20ac}\u{1f600}\"", "\"\u{7f}\u{80}\"",
    "\"\u{2028}\u{ffff}\u{10ffff}\"", "\"", "\"a", "a\"", "'a'", "\"\t\"", "\"\n\"", "\"\0\"", "\"\u{1f}\"",
    // Escapes.
    r#""\"\\\/\b\f\n\r\t""#, r#""\u0041\u00e9\u0000""#, r#""\ud83d\ude00""#, r#""\uDBFF\uDFFF""#, r#""\uffff""#,
    r#""\ud83d""#, r#""\ude00""#, r#""\ude00\ud83d""#, r#""\ud83d\ud83d\ude00""#, r#""\ud83dx""#, r#""\ud83d\n""#,
    r#""\ud83d\u0041""#, r#""\\ud83d""#, r#"{"\ud83d":1}"#, r#"{"\u0061":1,"a":2}"#, r#""\""#, r#""\"#, r#""\\"#,
    r#""\u"#, r#""\u0"#, r#""\u00"#, r#""\u000"#, r#""\u0041"#, r#""\u004""#, r#""\u00g0""#, r#""\u 041""#,
    r#""\u+041""#, r#""\U0041""#, r#""\x41""#, r#""\a""#, r#""\'""#, r#""\0""#, "\"\\\n\"", "\"\\\u{e9}\"",
    "\"\\u00\u{e9}\"", "\"\\u\u{20ac}1\"",
];

/// A string or an opened one: characters of one to four bytes, escapes, and control characters
/// at all offsets to the words that the tape reads at once.
fn spelled_strings() -> impl Strategy<Value = String> {
    let plain = select(
        &[
            "a",
            " ",
            "#",
            "[",
            "\u{7f}",
            "\u{a2}",
            "\u{20ac}",
            "\u{1f600}",
        ][..],
    );
    let special = select(
        &[
            "\"", "\\", "\\\\", "\\u0041", "\\ud83d", "\0", "\u{1f}", "\n",
        ][..],
    );
    let part = prop_oneof![9 => plain, 1 => special];
    prop::collection::vec(part, 0..40).prop_map(|parts| format!("\"{}\"", parts.concat()))
}

/// Wraps a text, so that it stands at each position of a value.
fn wrapped(text: &str) -> [String; 6] {
    [
        text.to_owned(),
        format!(" {text}\n"),
        format!("[{text}]"),
        format!("[1,{text} ,\"\"]"),
        format!("{{\"a\":{text}}}"),
        format!("{{{text}:1}}"),
    ]
}

#[test]
fn the_tape_agrees_with_serde_json_at_the_edges_of_the_syntax() {
    for edge in EDGES {
        for text in wrapped(edge) {
            for (end, _) in text.char_indices() {
                tape::tape(&text[..end]);
            }
            tape::tape(&text);
        }
    }
}

#[test]
fn the_tape_agrees_with_serde_json_at_any_depth() {
    for depth in [1, 127, 128, 129, 100_000] {
        for (open, inner, close) in [
            ("[", "", "]"),
            ("{\"a\":", "1", "}"),
            ("[[],{\"a\":", "{}", "},1]"),
        ] {
            let (head, tail) = (open.repeat(depth), close.repeat(depth));
            let text = format!("{head}{inner}{tail}");
            tape::tape(&text);
            tape::tape(&text[..text.len() - 1]);
            tape::tape(&format!("{text}{close}"));
        }
    }
}

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

    #[test]
    fn the_tape_agrees_with_serde_json_on_random_texts(
        parts in prop::collection::vec(select(EDGES), 0..10),
    ) {
        tape::tape(&parts.concat());
        tape::tape(&format!("[{}]", parts.join(",")));
        let members: Vec<_> = parts.chunks(2).map(|pair| pair.join(":")).collect();
        tape::tape(&format!("{{{}}}", members.join(",")));
    }

    #[test]
    fn the_tape_agrees_with_serde_json_on_random_strings(string in spelled_strings()) {
        for text in wrapped(&string) {
            tape::tape(&text);
        }
    }

    #[test]
    fn the_tape_agrees_with_serde_json_on_changed_bodies(
        body in malformed_bodies(&support::all()), at in any::<Index>(), part in select(EDGES),
    ) {
        tape::tape(&body);
        let mut body = body;
        let boundaries: Vec<_> = body.char_indices().map(|(at, _)| at).collect();
        let at = boundaries[at.index(boundaries.len())];
        body.insert_str(at, part);
        tape::tape(&body);
        tape::tape(&body[..at]);
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
    fn an_escaped_name_reads_as_the_plain_one(body in malformed_bodies(&support::all())) {
        assert_spelling_does_not_matter(&body);
    }

    #[test]
    fn events_survive_serialization_whatever_they_are(body in malformed_bodies(&support::all())) {
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
