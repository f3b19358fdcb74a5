//! The outermost objects: bodies, entries and changes.

use super::*;

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
fn row_02_a_body_that_is_not_one_json_value_is_refused() {
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
    let text = |body: &str| parse(body.as_bytes()).unwrap_err().to_string();
    let page = "expected an object of WhatsApp, found \"page\"";
    assert_eq!(text(&with(r#""page""#)), page);
    let nothing = "expected an object of WhatsApp, found none";
    assert_eq!(text(&with("null")), nothing);
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
        malformed_change(raw, &Malformed);
        let good = format!(r#"{{"changes":[{}]}}"#, good_change());
        let body = envelope(&format!("{raw},{good}"));
        unrecognized(&body, &[GOOD], "", raw, &Malformed);
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
        let named = malformed_value(r#""hologram_update""#, raw, &UnknownField);
        assert_eq!(named.field.as_deref(), Some("hologram_update"));
        assert_eq!(malformed_value("null", raw, &UnknownField).field, None);
    }
}

#[test]
fn row_14_known_changes_arrive_between_unknown_ones() {
    let unknown = &change("hologram_update", r#""messages":[{}]"#)[..];
    let known = &good_change();
    let all = events(&body(&[unknown, known, unknown, known].join(",")));
    let (good, malformed) = ("message_received", "unrecognized");
    assert_eq!(names(&all), [malformed, good, malformed, good]);
}
