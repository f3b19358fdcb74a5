//! Deep arrays, extreme numbers and strange texts.

use super::*;

#[test]
fn row_25_a_deep_member_costs_nothing_or_its_item() {
    let objects = r#"{"a":"#.repeat(200) + "0" + &"}".repeat(200);
    let no_body = Reason::Missing("body".into());
    for (deep, reason) in [
        (arrays(200), Malformed),
        (objects, no_body),
        (arrays(1_000_000), Malformed),
    ] {
        received(&welcome(&format!(r#""deep":{deep}"#)));
        malformed_message(&GOOD.replace(r#"{"body":"Hello"}"#, &deep), &reason);
        let all = events(&messages(&[&form(&deep)]));
        assert_eq!(names(&all), ["message_received", "unrecognized"]);
        let key = all[1].dedup_key();
        assert_eq!(key.len(), "unrecognized:".len() + 32 + ":number=300".len());
    }
}

#[test]
fn row_26_an_extreme_number_costs_its_member_or_its_item() {
    let (two_64, digits) = ("18446744073709551616", "9".repeat(5000));
    for number in ["1e400", "-1e400", "1e-400", "-0", two_64, &digits] {
        received(&welcome(&format!(r#""shiny":[{number}]"#)));
        let id = format!(r#"{{"id":{number},"type":"request_welcome"}}"#);
        malformed_message(&id, &Malformed);
        malformed_value(r#""account_update""#, number, &Malformed);
    }
    // Out of range, it has no digits that could be looked at.
    let late = welcome(r#""timestamp":1e400"#);
    let late = part_lost(&late, ".timestamp", "1e400", &Malformed);
    assert_eq!(late.message.timestamp, None);
}

#[test]
fn row_27_an_escaped_nul_is_text_and_a_raw_one_is_not_json() {
    let escaped = received(&GOOD.replace("Hello", r"a\u0000b"));
    assert_eq!(escaped.message.text(), Some("a\0b"));
    let raw = messages(&[&GOOD.replace("Hello", "a\0b")]);
    assert!(matches!(refused(raw), NotJson { .. }));
    // Nor is it in a name, whichever way that is read.
    for product in ["", r#""messaging_product":"whatsapp","#] {
        let body = value(&format!(
            "{product}\"a\u{1}b\":1,{}",
            list("messages", &[GOOD])
        ));
        assert!(matches!(refused(&body), NotJson { .. }), "{body:?}");
    }
}

#[test]
fn row_28_half_an_emoji_is_another_character_in_a_text_and_costs_a_name_or_an_id() {
    for (half, shown) in [
        (r"\ud83d", "\u{fffd}"),
        (r"\ude00", "\u{fffd}"),
        (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
    ] {
        let text = GOOD.replace("Hello", half);
        assert_eq!(received(&text).message.text(), Some(shown));
        let path = format!("[{half:?}]");
        part_lost(&welcome(&format!(r#""{half}":1"#)), &path, "1", &Malformed);
        let id = format!(r#""wamid.{half}""#);
        malformed_message(
            &format!(r#"{{"id":{id},"type":"request_welcome"}}"#),
            &Malformed,
        );
        let reply = welcome(&format!(r#""context":{{"id":{id}}}"#));
        part_lost(&reply, ".context.id", &id, &Malformed);
        received(&welcome(&format!(r#""shiny":{{"{half}":"{half}"}}"#)));
        let member = format!(r#""{half}":{{}}"#);
        malformed_member(&member, &path, "{}", &Malformed);
        let field = format!(r#"{{"field":"{half}","value":{{}}}}"#);
        malformed_change(&field, &Malformed);
        let contact = format!(r#"{{"wa_id":"15550101001","profile":{{"name":"{half}"}}}}"#);
        let lists = [list("contacts", &[contact]), list("messages", &[GOOD])];
        let event = last!(1, MessageReceived, value(&lists.join(",")));
        assert_eq!(event.contact.unwrap().display_name(), shown);
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
    malformed_member(&member, &path, "1", &UnknownMember);
}
