//! Members that are unknown or of the wrong kind, at every level.

use super::*;

#[test]
fn an_unknown_field_beside_a_good_message() {
    let value = r#"{"shiny": [1, 2]}"#;
    let body = messages(&[GOOD]).replace(
        r#"{"field":"messages""#,
        &format!(r#"{{"field":"hologram_update","value":{value}}},{{"field":"messages""#),
    );
    let event = beside(&body, "0].value", value, &Reason::UnknownField);
    assert_eq!(event.field.as_deref(), Some("hologram_update"));
    assert_eq!(event.account.waba_id.as_ref().unwrap(), "900");
}

#[test]
fn an_unknown_member_of_the_value_is_reported_item_by_item() {
    let body = body(&format!(
        r#""messages":[{GOOD}],"shiny":[{{"a":1}},2],"tint":null,"hues":[]"#
    ));
    let malformed = others(&body);
    let seen: Vec<_> = malformed
        .iter()
        .map(|malformed| {
            (
                malformed
                    .path
                    .trim_start_matches("entry[0].changes[0].value"),
                malformed.raw.as_str(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (".shiny[0]", r#"{"a":1}"#),
            (".shiny[1]", "2"),
            (".tint", "null"),
            (".hues", "[]")
        ]
    );
    assert!(
        malformed
            .iter()
            .all(|malformed| malformed.reason == Reason::UnknownMember)
    );
}

#[test]
fn unknown_members_inside_known_items_are_in_the_raw_json_and_cost_nothing() {
    let body =
        messages(&[&GOOD.replace(r#""type":"text""#, r#""type":"text","shiny":{"a":[1e400]}"#)]);
    assert_eq!(others(&body), []);
    assert!(events(&body)[0].raw().as_str().contains("1e400"));
}

#[test]
fn members_of_the_wrong_kind_are_reported_beside_a_good_message() {
    for (name, malformed) in [
        ("statuses", "{}"),
        ("contacts", "5"),
        ("user_actions", r#""x""#),
        ("user_actions", r#"{"timestamp":"1785000000"}"#),
    ] {
        let body = body(&format!(r#""messages":[{GOOD}],"{name}":{malformed}"#));
        beside(
            &body,
            &format!("0].value.{name}"),
            malformed,
            &Reason::Malformed,
        );
    }
    let body = messages(&[GOOD]).replace(r#"{"phone_number_id":"300"}"#, r#"["300"]"#);
    beside(&body, "0].value.metadata", r#"["300"]"#, &Reason::Malformed);
}

#[test]
fn a_list_that_is_null_is_an_empty_one() {
    for name in ["statuses", "contacts", "errors", "user_actions"] {
        let body = body(&format!(r#""messages":[{GOOD}],"{name}":null"#));
        assert_eq!(others(&body), [], "{name}");
    }
}

/// Only one level of `standby` is documented.
#[test]
fn a_standby_within_standby_is_an_unknown_member() {
    let inner = format!(r#"{{"messages":[{GOOD}]}}"#);
    let body = body(&format!(
        r#""standby":{{"messages":[{GOOD}],"standby":{inner}}}"#
    ));
    let body = body.replace(r#""field":"messages""#, r#""field":"standby""#);
    let [
        WebhookEvent::StandbyMessage(_),
        WebhookEvent::Unrecognized(unknown),
    ] = &events(&body)[..]
    else {
        panic!("the message and the unknown member")
    };
    assert_eq!(unknown.path, "entry[0].changes[0].value.standby.standby");
    assert_eq!(unknown.reason, Reason::UnknownMember);
    assert_eq!(unknown.raw.as_str(), inner);
}

/// Only the field `standby` has a member of that name which is a value again.
#[test]
fn standby_items_belong_to_their_field() {
    let nested = format!(r#"{{"messages":[{GOOD}]}}"#);
    let here = body(&format!(r#""messages":[{GOOD}],"standby":{nested}"#));
    beside(&here, "0].value.standby", &nested, &Reason::UnknownMember);

    let there = body(&format!(r#""shiny":1,"standby":{nested}"#));
    let there = there.replace(r#""field":"messages""#, r#""field":"standby""#);
    let names: Vec<_> = events(&there).iter().map(WebhookEvent::name).collect();
    assert_eq!(names, ["unrecognized", "standby_message"]);
}

/// A derived struct would take the elements of an array for its fields.
#[test]
fn an_array_in_place_of_an_object_is_malformed_at_any_depth() {
    for malformed in [
        r#"["wamid.ODD"]"#,
        r#"{"id":"wamid.ODD","type":"text","text":["Hello"]}"#,
        r#"{"id":"wamid.ODD","type":"order","order":["a"]}"#,
    ] {
        malformed_message(malformed, &Reason::Malformed);
    }
    let welcome = r#""type":"request_welcome""#;
    for (members, path, malformed) in [
        (
            r#""context":["a","b",null,null,null]"#,
            "context",
            r#"["a","b",null,null,null]"#,
        ),
        (
            r#""errors":[[1,"t",null,null,null,null]]"#,
            "errors[0]",
            r#"[1,"t",null,null,null,null]"#,
        ),
        (
            r#""context":{"referred_product":["a","b"]}"#,
            "context.referred_product",
            r#"["a","b"]"#,
        ),
    ] {
        let message = GOOD.replace(r#""type":"text""#, &format!("{welcome},{members}"));
        let message = message.replace("wamid.GOOD", "wamid.PART");
        let found = events(&messages(&[GOOD, &message]));
        let [
            _,
            WebhookEvent::MessageReceived(part),
            WebhookEvent::Unrecognized(lost),
        ] = &found[..]
        else {
            panic!("{found:?}")
        };
        assert_eq!(part.message.id, "wamid.PART");
        let item = "entry[0].changes[0].value.messages[1]";
        assert_eq!(
            (lost.path.clone(), lost.raw.as_str()),
            (format!("{item}.{path}"), malformed)
        );
        assert_eq!(
            (&lost.id, &lost.user),
            (&Some(part.message.id.clone()), &part.message.user)
        );
    }
}

/// JSON allows it, although Meta does not write it.
#[test]
fn a_name_may_be_written_with_escapes() {
    let body = messages(&[GOOD]).replace(r#""messages":["#, r#""mess\u0061ges":["#);
    assert_eq!(others(&body), []);
}

#[test]
fn in_which_order_the_members_of_a_value_stand_changes_nothing() {
    let members = [
        r#""metadata":{"phone_number_id":"300"}"#.to_owned(),
        r#""contacts":[{"wa_id":"15550101001"},{"wa_id":"15550109999"}]"#.to_owned(),
        format!(r#""messages":[{GOOD}]"#),
        r#""statuses":[{"id":"wamid.B","status":"read","recipient_id":"15550109999"}]"#.to_owned(),
    ];
    let read = |order: [usize; 4]| {
        let value = order.map(|at| members[at].as_str()).join(",");
        let change = format!(r#"{{"field":"messages","value":{{{value}}}}}"#);
        let entry = format!(r#"{{"id":"900","changes":[{change}]}}"#);
        events(&format!(
            r#"{{"object":"whatsapp_business_account","entry":[{entry}]}}"#
        ))
    };
    let first = read([0, 1, 2, 3]);
    let names: Vec<_> = first.iter().map(WebhookEvent::name).collect();
    assert_eq!(names, ["message_received", "message_status_changed"]);
    assert!(first.iter().all(|event| event.contact().is_some()));
    for order in [[2, 0, 1, 3], [3, 2, 1, 0], [1, 2, 3, 0], [0, 3, 2, 1]] {
        assert_eq!(read(order), first, "{order:?}");
    }
}

#[test]
fn each_change_has_a_path_and_a_number_of_its_own() {
    let malformed = r#"{"id":"wamid.ODD"}"#;
    let second = format!(r#",{{"field":"messages","value":{{"messages":[{malformed}]}}}}"#);
    let body = messages(&[GOOD]);
    let at = body.len() - "]}]}".len();
    let body = [&body[..at], &second, &body[at..]].concat();
    let missing = Reason::Missing("type".into());
    let event = beside(&body, "1].value.messages[0]", malformed, &missing);
    assert_eq!(event.account.phone_number_id, None);
}

#[test]
fn malformed_entries_and_changes_beside_a_good_message() {
    for malformed in ["null", "[]", "5", r#""x""#, r#"{"changes":{}}"#] {
        let body = messages(&[GOOD]).replace(r#""entry":["#, &format!(r#""entry":[{malformed},"#));
        let found = others(&body);
        assert_eq!(
            (found.len(), found[0].raw.as_str(), found[0].path.as_str()),
            (1, malformed, "entry[0]")
        );
    }
    for malformed in [
        "null",
        "[]",
        r#"{"field":"messages"}"#,
        r#"{"field":5,"value":{}}"#,
        r#"{"field":"messages","value":null}"#,
    ] {
        let body =
            messages(&[GOOD]).replace(r#""changes":["#, &format!(r#""changes":[{malformed},"#));
        let found = others(&body);
        assert_eq!((found.len(), found[0].raw.as_str()), (1, malformed));
        assert_eq!(found[0].path, "entry[0].changes[0]");
    }
    let body = messages(&[GOOD]).replace(
        r#""changes":["#,
        r#""changes":[{"field":"messages","value":[]},"#,
    );
    beside(&body, "0].value", "[]", &Reason::Malformed);
    let body = messages(&[GOOD]).replace(r#""id":"900""#, r#""id":{"x":1}"#);
    assert_eq!(others(&body)[0].path, "entry[0].id");
}

#[test]
fn an_entry_without_changes_is_counted_and_its_other_members_are_reported() {
    let body = messages(&[GOOD]).replace(
        r#""entry":["#,
        r#""entry":[{"id":"1"},{"id":"2","changes":[]},"#,
    );
    assert_eq!(others(&body), []);
    let webhook = parse(body.as_bytes()).unwrap();
    assert_eq!((webhook.entries(), webhook.empty_entries()), (3, 2));

    for other in [
        r#"{"id":"1","messaging":[{"a":1}]}"#,
        r#"{"id":"1","changes":[],"messaging":[{"a":1}]}"#,
    ] {
        let body = messages(&[GOOD]).replace(r#""entry":["#, &format!(r#""entry":[{other},"#));
        let malformed = &others(&body)[0];
        assert_eq!(malformed.path, "entry[0].messaging[0]");
        assert_eq!(
            (malformed.raw.as_str(), &malformed.reason),
            (r#"{"a":1}"#, &Reason::UnknownMember)
        );
        assert_eq!(malformed.account.waba_id.as_ref().unwrap(), "1");
    }
}

#[test]
fn reasons_do_not_quote_texts_of_users() {
    let secret =
        r#"{"id":"wamid.ODD","type":"text","text":{"body":["+15550101777"]},"referral":"Ada"}"#;
    let event = malformed_message(secret, &Reason::Malformed);
    let shown = format!("{} {} {:?}", event.reason, event.path, event.raw);
    assert!(
        !shown.contains("15550101777") && !shown.contains("Ada"),
        "{shown}"
    );
}

#[test]
fn a_value_may_have_several_kinds_of_items() {
    let status = r#"{"id":"wamid.S","status":"read","timestamp":"1"}"#;
    let body = body(&format!(
        r#""statuses":[{status}],"messages":[{GOOD}],"in_app_signup":{{"wa_id":"1555","signup_id":"spring"}}"#
    ));
    let names: Vec<_> = events(&body).iter().map(WebhookEvent::name).collect();
    assert_eq!(
        names,
        [
            "message_received",
            "message_status_changed",
            "user_subscribed"
        ]
    );
}

#[test]
fn unknown_members_outside_of_values_are_reported_too() {
    let good = messages(&[GOOD]);
    for (before, with, path) in [
        (r#""entry":"#, r#""shiny":{"a":1},"entry":"#, "shiny"),
        (
            r#""id":"900""#,
            r#""id":"900","shiny":{"a":1}"#,
            "entry[0].shiny",
        ),
        (
            r#""field":"#,
            r#""shiny":{"a":1},"field":"#,
            "entry[0].changes[0].shiny",
        ),
    ] {
        let malformed = others(&good.replace(before, with));
        let [malformed] = &malformed[..] else {
            panic!("{malformed:?}")
        };
        assert_eq!(
            (malformed.path.as_str(), malformed.raw.as_str()),
            (path, r#"{"a":1}"#)
        );
        assert_eq!(malformed.reason, Reason::UnknownMember);
    }
}
