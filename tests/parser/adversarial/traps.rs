//! Known bugs of similar parsers.

use super::*;

#[test]
fn trap_1_an_array_is_never_taken_for_an_object() {
    for [field, name, good, raw] in table(
        r#"
        messages | messages | {"id":"w","type":"request_welcome"} | ["w","1555"]
        messages | messages | {"id":"w","type":"request_welcome"} | {"id":"w","type":"text","text":["Hello"]}
        messages | statuses | {"id":"w","status":"read"} | ["w","read"]
        calls | calls | {"id":"c","event":"connect"} | ["c","connect"]
        calls | statuses | {"id":"c","status":"RINGING"} | ["c","RINGING"]
        group_lifecycle_update | groups | {"type":"group_create"} | ["group_create"]
        "#,
    ) {
        malformed_item(field, name, good, raw, &Malformed);
    }
    let (reply, context) = (welcome(r#""context":["1555","w"]"#), r#"["1555","w"]"#);
    part_lost(&reply, ".context", context, &Malformed);
    let raw = r#"["300","15550100200"]"#;
    let body = messages(&[GOOD]).replace(METADATA, raw);
    let path = ".changes[0].value.metadata";
    unrecognized(&body, &[GOOD], path, raw, &Malformed);
}

#[test]
fn trap_2_numbers_read_the_same_whatever_serde_json_is_built_with() {
    for location in [
        r#"{"latitude":-33.8688197,"longitude":151}"#,
        r#"{"latitude":"-33.8688197","longitude":"151.0"}"#,
    ] {
        let location = format!(r#"{{"id":"w","type":"location","location":{location}}}"#);
        let message = received(&location).message;
        let location = message.location().unwrap();
        assert_eq!(
            (location.latitude, location.longitude),
            (-33.868_819_7, 151.0)
        );
    }
}

#[test]
fn trap_3_depth_never_ends_the_stack() {
    for deep in [arrays(200), arrays(1_000_000)] {
        assert_eq!(refused(&deep), NotAnObject);
        let malformed = malformed_value(r#""account_update""#, &deep, &Malformed);
        // Its text is available, and its value is an error.
        assert!(malformed.raw.parse::<Value>().is_err());
    }
}

#[test]
fn trap_4_half_an_emoji_in_a_form_is_another_character_and_costs_a_name() {
    let whole = form(r#""{\"name\":\"\\ud83d\",\"flow_token\":\"\\ud83d\"}""#);
    let response = last!(2, FlowCompleted, messages(&[&whole])).response;
    assert_eq!(response.data["name"], "\u{fffd}");
    assert_eq!(response.flow_token, None, "no token of yours");

    let form = form(r#""{\"\\ud83d\":1}""#);
    let all = events(&messages(&[GOOD, &form, GOOD]));
    let (good, malformed) = ("message_received", "unrecognized");
    assert_eq!(names(&all), [good, good, malformed, good]);
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
fn trap_6_an_unused_number_is_not_parsed() {
    let huge = r#"{"a":[-1e400,1e999999999]}"#;
    let member = format!(r#""shiny":{huge}"#);
    received(&welcome(&member));
    malformed_member(&member, ".shiny", huge, &UnknownMember);
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
