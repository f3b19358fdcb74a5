//! Messages, contacts and statuses that are not as they should be.

use super::*;

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
        let malformed = malformed_message(&of_type(kind), &Reason::UnknownType(kind.into()));
        assert_good_header(
            malformed.id.unwrap().as_str(),
            malformed.user.as_ref(),
            malformed.timestamp,
        );
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
        let malformed = malformed_message(&image, &Reason::Missing("image".into()));
        assert_good_header(
            malformed.id.unwrap().as_str(),
            malformed.user.as_ref(),
            malformed.timestamp,
        );
    }
}

#[test]
fn row_17_a_malformed_required_member_costs_the_message() {
    for members in [
        r#""type":"text","text":"Hello""#,
        r#""type":"text","text":{"body":{}}"#,
        r#""type":{},"text":{"body":"Hello"}"#,
        r#""type":"contacts","contacts":[5]"#,
        r#""type":"request_welcome","group_id":[]"#,
        r#""type":"interactive","interactive":"yes""#,
    ] {
        let malformed = malformed_message(&format!(r#"{{"id":"w",{members}}}"#), &Malformed);
        assert_eq!(malformed.id.unwrap(), "w");
    }
}

#[test]
fn row_17_a_malformed_optional_member_costs_the_member() {
    for [members, path, raw] in table(
        r#"
        "context":"wamid.A" | .context | "wamid.A"
        "context":{"id":"wamid.A","forwarded":"yes"} | .context.forwarded | "yes"
        "errors":{"code":1} | .errors | {"code":1}
        "errors":[{"code":1,"error_data":"Unable"}] | .errors[0].error_data | "Unable"
        "errors":[{"code":1},5] | .errors[1] | 5
        "from":{"phone":"1"} | .from | {"phone":"1"}
        "referral":"ad" | .referral | "ad"
        "referral":{"source_type":"ad","welcome_message":[]} | .referral.welcome_message | []
        "timestamp":{} | .timestamp | {}
        "#,
    ) {
        part_lost(&welcome(members), path, raw, &Malformed);
    }
    let members = r#""context":{"id":[],"from":{}},"referral":5,"errors":[[]]"#;
    let found = events(&messages(&[&welcome(members)]));
    let paths: Vec<_> = found[1..]
        .iter()
        .map(|event| match event {
            WebhookEvent::Unrecognized(event) => event.path.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    let item = "entry[0].changes[0].value.messages[0]";
    let parts = ["context.id", "context.from", "referral", "errors[0]"];
    assert_eq!(paths, parts.map(|part| format!("{item}.{part}")));
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
        let id = user.user_id().unwrap_or("-");
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
    assert_eq!(update.status, MessageStatus::from("teleported"));
    let pricing = update.pricing.unwrap();
    let model = PricingModel::from("XYZ");
    assert_eq!(pricing.pricing_model, Some(model));
    assert_eq!(pricing.kind, Some(PricingType::from("free_lunch")));
    assert_eq!(pricing.category.as_ref().unwrap(), "cosmic");
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
    for secs in [-1, 100_000_000_000] {
        assert_eq!(time(&secs.to_string()), Some(secs));
        assert_eq!(time(&format!(r#""{secs}""#)), Some(secs));
    }
    let year_10000 = 253_402_300_800;
    for secs in [-1, year_10000, i64::MAX, i64::MIN] {
        // A time that the platform cannot hold is `None`; others are exact.
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
        let malformed = malformed_message(&welcome(id), &Reason::Duplicate("id".into()));
        assert_eq!(malformed.id, None);
    }
    let duplicate = |member: &str| Reason::Duplicate(member.into());
    let two_texts = GOOD.replace(r#"{"body":"#, r#"{"body":"Bye","body":"#);
    malformed_message(&two_texts, &duplicate("body"));
    let found = events(&messages(&[&welcome(
        r#""referral":{},"referral":{"source_type":"ad"}"#,
    )]));
    assert_eq!(
        names(&found),
        ["message_received", "unrecognized", "unrecognized"]
    );
    let WebhookEvent::MessageReceived(event) = &found[0] else {
        panic!("a message")
    };
    assert_eq!(event.message.referral, None);
    let two_replies = r#"{"id":"w","type":"interactive","interactive":{"type":"product","product":{},"product":{}}}"#;
    malformed_message(two_replies, &duplicate("product"));
    let two_lists = r#"{"messages":[],"messages":[]}"#;
    malformed_value(r#""messages""#, two_lists, &duplicate("messages"));
    let two_fields = r#"{"field":"messages","field":"calls","value":{}}"#;
    malformed_change(two_fields, &duplicate("field"));
    let two_entries = r#"{"object":"whatsapp_business_account","entry":[],"entry":[]}"#;
    assert_eq!(refused(two_entries), Duplicate("entry".into()));

    // A form is a map with any members: the last of two counts, as in other JSON parsers.
    let twice = r#"{"flow_token":"a","day":1,"flow_token":"b","day":2}"#;
    let response = last!(2, FlowCompleted, messages(&[&form(twice)])).response;
    assert_eq!(response.flow_token.unwrap(), "b");
    assert_eq!(Value::Object(response.data), json!({"day": 2}));
}

#[test]
fn malformed_items_of_calls_and_groups_cost_themselves() {
    for [field, name, good, raw, member] in table(
        r#"
        calls | calls | {"id":"c","event":"connect"} | {"id":"c"} | event
        calls | statuses | {"id":"c","status":"RINGING"} | {"status":"RINGING"} | id
        group_lifecycle_update | groups | {"type":"group_create"} | {"group_id":"G"} | type
        group_status_update | groups | {"type":"group_suspend"} | {"type":null} | type
        "#,
    ) {
        malformed_item(field, name, good, raw, &Reason::Missing(member.into()));
        malformed_item(field, name, good, "null", &Malformed);
    }
}

#[test]
fn a_malformed_message_of_a_thread_costs_itself() {
    for raw in ["null", "[]", r#"{"id":"w","type":"text","text":5}"#] {
        let thread = list("messages", &[GOOD, raw, GOOD]);
        let piece = format!(r#"{{"threads":[{{"id":"15550101001",{thread}}}]}}"#);
        let body = body(&change("history", &list("history", &[&piece])));
        let path = ".changes[0].value.history[0].threads[0].messages[1]";
        unrecognized(&body, &[&piece, GOOD, GOOD], path, raw, &Malformed);
        let old = "history_message";
        assert_eq!(names(&events(&body)), ["history", old, "unrecognized", old]);
    }
}

#[test]
fn a_value_of_an_account_that_is_an_array_costs_itself() {
    let array = r#"["ACCOUNT_DELETED","15550100200"]"#;
    let malformed = malformed_value(r#""account_update""#, array, &Malformed);
    assert_eq!(malformed.field.as_deref(), Some("account_update"));
}
