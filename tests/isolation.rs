//! One odd thing in a webhook costs itself: what stands beside it arrives, and
//! the odd thing arrives as `Unrecognized` with its JSON.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use whatsapp_signals::event::{Reason, Unrecognized, WebhookEvent};
use whatsapp_signals::model::Timestamp;
use whatsapp_signals::parse;

const GOOD: &str = r#"{"id":"wamid.GOOD","from":"15550101001","timestamp":"1785000000","type":"text","text":{"body":"Hello"}}"#;

/// A body of field `messages` whose value has these members.
fn body(members: &str) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"900","changes":[{{"field":"messages","value":{{"metadata":{{"phone_number_id":"300"}},{members}}}}}]}}]}}"#
    )
}

/// A body with these messages.
fn messages(items: &[&str]) -> String {
    body(&format!(r#""messages":[{}]"#, items.join(",")))
}

fn events(body: &str) -> Vec<WebhookEvent> {
    parse(body.as_bytes()).unwrap().into_events()
}

/// Asserts that the good message arrives, once, and returns the other events.
fn others(body: &str) -> Vec<Unrecognized> {
    let (mut good, mut odd) = (0, Vec::new());
    for event in events(body) {
        match event {
            WebhookEvent::MessageReceived(event) if event.message.id == "wamid.GOOD" => {
                assert_eq!(event.message.text(), Some("Hello"));
                good += 1;
            }
            WebhookEvent::Unrecognized(event) => odd.push(event),
            event => panic!("unexpected: {event:?}"),
        }
    }
    assert_eq!(good, 1, "the good message arrives exactly once");
    odd
}

/// Asserts that the good message arrives beside exactly this.
#[track_caller]
fn beside(body: &str, path: &str, raw: &str, reason: &Reason) -> Unrecognized {
    let odd = others(body);
    let [event] = &odd[..] else {
        panic!("one odd thing, not {odd:?}")
    };
    assert_eq!(event.path, format!("entry[0].changes[{path}"));
    assert_eq!(event.raw.as_str(), raw);
    assert_eq!(&event.reason, reason);
    event.clone()
}

/// One odd message before, after and between good ones.
#[track_caller]
fn odd_message(odd: &str, reason: &Reason) -> Unrecognized {
    beside(&messages(&[GOOD, odd]), "0].value.messages[1]", odd, reason);
    beside(&messages(&[odd, GOOD]), "0].value.messages[0]", odd, reason)
}

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
fn an_unknown_message_type_beside_a_good_message_keeps_its_header() {
    let odd = r#"{"id":"wamid.ODD","from":"15550101002","timestamp":"1785000001","type":"hologram","hologram":{}}"#;
    let event = odd_message(odd, &Reason::UnknownType("hologram".into()));
    assert_eq!(event.id.unwrap(), "wamid.ODD");
    assert_eq!(event.user.unwrap().wa_id().unwrap(), "15550101002");
    assert_eq!(event.timestamp.unwrap().as_secs(), 1_785_000_001);
    assert_eq!(event.account.phone_number_id.as_ref().unwrap(), "300");
}

#[test]
fn a_message_whose_text_is_no_text_beside_a_good_message() {
    odd_message(
        r#"{"id":"wamid.ODD","type":"text","text":5}"#,
        &Reason::Malformed,
    );
    odd_message(
        r#"{"id":"wamid.ODD","type":"text","text":{"body":{}}}"#,
        &Reason::Malformed,
    );
}

#[test]
fn a_null_message_beside_a_good_message() {
    odd_message("null", &Reason::Malformed);
}

#[test]
fn a_lone_surrogate_in_another_message_beside_a_good_message() {
    let odd = r#"{"id":"wamid.ODD","type":"text","text":{"body":"\ud83d"}}"#;
    assert_eq!(
        odd_message(odd, &Reason::Malformed).id.unwrap(),
        "wamid.ODD"
    );
    odd_message(
        r#"{"id":"wamid.ODD","type":"text","\ud83d":1}"#,
        &Reason::Malformed,
    );
}

/// A profile is optional by Meta's own documents, so nothing is odd here.
#[test]
fn a_contact_without_profile_is_a_contact_without_a_name() {
    let body = body(&format!(
        r#""contacts":[{{"wa_id":"15550101001"}}],"messages":[{GOOD}]"#
    ));
    let all = events(&body);
    let [WebhookEvent::MessageReceived(event)] = &all[..] else {
        panic!("{all:?}")
    };
    let contact = event.contact.as_ref().unwrap();
    assert_eq!(
        (contact.phone(), contact.name.as_deref()),
        (Some("15550101001"), None)
    );
}

#[test]
fn an_odd_contact_beside_a_good_message() {
    for odd in ["null", "5", r#"["15550101001"]"#, r#"{"wa_id":{}}"#] {
        let body = body(&format!(r#""contacts":[{odd}],"messages":[{GOOD}]"#));
        beside(&body, "0].value.contacts[0]", odd, &Reason::Malformed);
    }
    let nameless = r#"{"wa_id":"","profile":{"name":"Ada"}}"#;
    let body = body(&format!(r#""contacts":[{nameless}],"messages":[{GOOD}]"#));
    beside(
        &body,
        "0].value.contacts[0]",
        nameless,
        &Reason::Missing("wa_id".into()),
    );
}

#[test]
fn a_contact_that_belongs_to_nobody_is_reported() {
    let stray = r#"{"wa_id":"15550109999"}"#;
    let known = r#"{"wa_id":"15550101001"}"#;
    let body = body(&format!(
        r#""contacts":[{known},{stray}],"messages":[{GOOD}]"#
    ));
    beside(&body, "0].value.contacts[1]", stray, &Reason::StrayContact);
}

#[test]
fn an_unknown_member_of_the_value_is_reported_item_by_item() {
    let body = body(&format!(
        r#""messages":[{GOOD}],"shiny":[{{"a":1}},2],"tint":null"#
    ));
    let odd = others(&body);
    let seen: Vec<_> = odd
        .iter()
        .map(|odd| {
            (
                odd.path.trim_start_matches("entry[0].changes[0].value"),
                odd.raw.as_str(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (".shiny[0]", r#"{"a":1}"#),
            (".shiny[1]", "2"),
            (".tint", "null")
        ]
    );
    assert!(odd.iter().all(|odd| odd.reason == Reason::UnknownMember));
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
    for (name, odd) in [
        ("statuses", "{}"),
        ("contacts", "5"),
        ("user_actions", r#""x""#),
    ] {
        let body = body(&format!(r#""messages":[{GOOD}],"{name}":{odd}"#));
        beside(&body, &format!("0].value.{name}"), odd, &Reason::Malformed);
    }
    let body = messages(&[GOOD]).replace(r#"{"phone_number_id":"300"}"#, r#"["300"]"#);
    beside(&body, "0].value.metadata", r#"["300"]"#, &Reason::Malformed);
}

#[test]
fn a_message_without_what_it_needs() {
    let missing = |member: &str| Reason::Missing(member.into());
    odd_message("{}", &missing("type"));
    odd_message(r#"{"id":"wamid.ODD"}"#, &missing("type"));
    odd_message(r#"{"type":"request_welcome"}"#, &missing("id"));
    odd_message(r#"{"id":"","type":"request_welcome"}"#, &missing("id"));
    odd_message(r#"{"id":"wamid.ODD","type":"image"}"#, &missing("image"));
    odd_message(
        r#"{"id":"wamid.ODD","type":"image","image":null}"#,
        &missing("image"),
    );
    odd_message(
        r#"{"id":"wamid.ODD","type":"interactive","interactive":{"type":"list_reply"}}"#,
        &missing("list_reply"),
    );
}

/// A derived struct would take the elements of an array for its fields.
#[test]
fn an_array_in_the_place_of_an_object_is_odd_however_deep() {
    for odd in [
        r#"["wamid.ODD"]"#,
        r#"{"id":"wamid.ODD","type":"text","text":["Hello"]}"#,
        r#"{"id":"wamid.ODD","type":"request_welcome","context":["a","b",null,null,null]}"#,
        r#"{"id":"wamid.ODD","type":"request_welcome","errors":[[1,"t",null,null,null,null]]}"#,
        r#"{"id":"wamid.ODD","type":"request_welcome","context":{"referred_product":["a","b"]}}"#,
        r#"{"id":"wamid.ODD","type":"order","order":{"product_items":[["a",1,2,"USD"]]}}"#,
    ] {
        odd_message(odd, &Reason::Malformed);
    }
}

#[test]
fn a_member_that_is_there_twice_is_odd_at_every_level() {
    odd_message(
        r#"{"id":"wamid.ODD","id":"wamid.ODD2","type":"request_welcome"}"#,
        &Reason::Malformed,
    );
    let duplicate = |member: &str| Reason::Duplicate(member.into());
    odd_message(
        r#"{"id":"wamid.ODD","type":"interactive","interactive":{"type":"product","product":{},"product":{}}}"#,
        &duplicate("product"),
    );
    let twice = r#"{"messages":[],"messages":[]}"#;
    let change = format!(r#"{{"field":"messages","value":{twice}}},"#);
    let body = messages(&[GOOD]).replace(
        r#"{"field":"messages""#,
        &format!(r#"{change}{{"field":"messages""#),
    );
    beside(&body, "0].value", twice, &duplicate("messages"));

    let twice = r#"{"id":"1","changes":[],"changes":[]}"#;
    let body = messages(&[GOOD]).replace(r#""entry":["#, &format!(r#""entry":[{twice},"#));
    let odd = others(&body);
    assert_eq!(
        (odd[0].path.as_str(), &odd[0].reason),
        ("entry[0]", &duplicate("changes"))
    );
    assert_eq!(odd[0].raw.as_str(), twice);
}

#[test]
fn odd_entries_and_changes_beside_a_good_message() {
    for odd in ["null", "[]", "5", r#""x""#, r#"{"changes":{}}"#] {
        let body = messages(&[GOOD]).replace(r#""entry":["#, &format!(r#""entry":[{odd},"#));
        let found = others(&body);
        assert_eq!(
            (found.len(), found[0].raw.as_str(), found[0].path.as_str()),
            (1, odd, "entry[0]")
        );
    }
    for odd in [
        "null",
        "[]",
        r#"{"field":"messages"}"#,
        r#"{"field":5,"value":{}}"#,
        r#"{"field":"messages","value":null}"#,
    ] {
        let body = messages(&[GOOD]).replace(r#""changes":["#, &format!(r#""changes":[{odd},"#));
        let found = others(&body);
        assert_eq!((found.len(), found[0].raw.as_str()), (1, odd));
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
        let odd = &others(&body)[0];
        assert_eq!(odd.path, "entry[0].messaging[0]");
        assert_eq!(
            (odd.raw.as_str(), &odd.reason),
            (r#"{"a":1}"#, &Reason::UnknownMember)
        );
        assert_eq!(odd.account.waba_id.as_ref().unwrap(), "1");
    }
}

#[test]
fn a_deep_member_costs_its_item_at_most() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let unknown = GOOD.replace(
        r#""type":"text""#,
        &format!(r#""type":"text","deep":{deep}"#),
    );
    assert_eq!(others(&messages(&[&unknown])), []);
    let known = format!(r#"{{"id":"wamid.ODD","type":"text","text":{deep}}}"#);
    odd_message(&known, &Reason::Malformed);
}

#[test]
fn a_flow_answer_that_is_not_json_costs_the_flow_and_not_the_message() {
    let odd = r#"{"id":"wamid.FLOW","type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"response_json":"{"}}}"#;
    let all = events(&messages(&[odd]));
    assert!(
        matches!(&all[..], [WebhookEvent::MessageReceived(message), WebhookEvent::Unrecognized(flow)]
        if message.raw == flow.raw && flow.reason == Reason::Malformed)
    );
}

#[test]
fn a_timestamp_that_is_no_time_does_not_cost_the_message() {
    for (json, expected) in [
        (r#""1749416383""#, Some(1_749_416_383)),
        ("1749416383", Some(1_749_416_383)),
        ("-5", Some(-5)),
        (r#""253402300800""#, Some(253_402_300_800)), // the year 10000
        (r#""9223372036854775808""#, None),
        ("18446744073709551616", None),
        ("1749416383.5", None),
        (r#""""#, None),
        (r#""abc""#, None),
        ("null", None),
    ] {
        let body = messages(&[&GOOD.replace(r#""1785000000""#, json)]);
        let all = events(&body);
        let [WebhookEvent::MessageReceived(event)] = &all[..] else {
            panic!("{json}: {all:?}")
        };
        assert_eq!(
            event.message.timestamp.map(Timestamp::as_secs),
            expected,
            "{json}"
        );
    }
}

#[test]
fn ids_keep_their_digits_whether_strings_or_numbers() {
    for (json, expected) in [
        ("9007199254740993", "9007199254740993"), // beyond what a double can hold
        ("18446744073709551615", "18446744073709551615"),
        (r#""0001785""#, "0001785"),
    ] {
        let message = GOOD.replace(r#""15550101001""#, json);
        let body = messages(&[&message]).replace(r#""id":"900""#, &format!(r#""id":{json}"#));
        let all = events(&body);
        let [WebhookEvent::MessageReceived(event)] = &all[..] else {
            panic!("{json}: {all:?}")
        };
        assert_eq!(event.message.from().unwrap().wa_id().unwrap(), expected);
        assert_eq!(event.account.waba_id.as_ref().unwrap(), expected);
    }
    // Rounded, it would be another id.
    for json in ["18446744073709551616", "1.5", "1e3", "-0"] {
        let odd = format!(r#"{{"id":{json},"type":"request_welcome"}}"#);
        odd_message(&odd, &Reason::Malformed);
    }
}

#[test]
fn reasons_do_not_quote_what_users_write() {
    let secret =
        r#"{"id":"wamid.ODD","type":"text","text":{"body":["+15550101777"]},"referral":"Ada"}"#;
    let event = odd_message(secret, &Reason::Malformed);
    let shown = format!("{} {} {:?}", event.reason, event.path, event.raw);
    assert!(
        !shown.contains("15550101777") && !shown.contains("Ada"),
        "{shown}"
    );
}

#[test]
fn nothing_is_odd_about_a_body_with_several_kinds_of_items_in_one_value() {
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
fn a_signup_counts_under_any_field_and_the_value_is_reported_too() {
    let value = json!({"in_app_signup": {"wa_id": "1555", "signup_id": "spring"}, "x": 1});
    let body = json!({"object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": "tomorrow", "value": value}]}]});
    let names: Vec<_> = events(&body.to_string())
        .iter()
        .map(WebhookEvent::name)
        .collect();
    assert_eq!(names, ["user_subscribed", "unrecognized"]);
}

#[test]
fn a_signup_without_its_id_or_its_user_is_reported() {
    for (signup, missing) in [
        (json!({"wa_id": "1555"}), "signup_id"),
        (json!({"wa_id": "1555", "signup_id": ""}), "signup_id"),
        (json!({"signup_id": "spring"}), "wa_id"),
    ] {
        let body = body(&format!(r#""messages":[{GOOD}],"in_app_signup":{signup}"#));
        let signup: &Value = &signup;
        beside(
            &body,
            "0].value.in_app_signup",
            &signup.to_string(),
            &Reason::Missing(missing.into()),
        );
    }
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
        let odd = others(&good.replace(before, with));
        let [odd] = &odd[..] else { panic!("{odd:?}") };
        assert_eq!((odd.path.as_str(), odd.raw.as_str()), (path, r#"{"a":1}"#));
        assert_eq!(odd.reason, Reason::UnknownMember);
    }
}

#[test]
fn a_name_of_the_senders_making_is_cut_and_escaped_in_paths_and_reasons() {
    let name = format!("a\\nINFO ok{}", "x".repeat(1000));
    let body = body(&format!(r#""messages":[{GOOD}],"{name}":1"#));
    let shown = format!(
        r#"entry[0].changes[0].value["a\nINFO ok{}"…]"#,
        "x".repeat(55)
    );
    assert_eq!(others(&body)[0].path, shown);

    let kind = "x".repeat(1000);
    let twice = format!(r#"{{"type":"{kind}","{kind}":1,"{kind}":2}}"#);
    let odd = format!(r#"{{"id":"wamid.ODD","type":"interactive","interactive":{twice}}}"#);
    let event = odd_message(&odd, &Reason::Duplicate(kind.into()));
    assert_eq!(
        event.reason.to_string().len(),
        r#"member ""… is there twice"#.len() + 64
    );
}

#[test]
fn an_edit_of_an_edit_is_odd_and_never_the_end_of_the_stack() {
    let depth = 50_000;
    let edits =
        r#"{"original_message_id":"wamid.A","message":{"type":"edit","edit":"#.repeat(depth);
    let odd = format!(
        r#"{{"id":"wamid.ODD","type":"edit","edit":{edits}{{}}{}}}"#,
        "}}".repeat(depth)
    );
    let small_stack = std::thread::Builder::new().stack_size(1 << 20);
    let test = move || odd_message(&odd, &Reason::UnknownType("edit".into()));
    small_stack.spawn(test).unwrap().join().unwrap();
}

#[test]
fn a_text_in_the_place_of_an_id_is_not_copied_into_every_event() {
    let odd = format!(
        r#"{{"id":"{}","type":"request_welcome"}}"#,
        "x".repeat(1025)
    );
    odd_message(&odd, &Reason::Malformed);
    let longest = format!(
        r#"{{"id":"{}","type":"request_welcome"}}"#,
        "x".repeat(1024)
    );
    assert_eq!(events(&messages(&[&longest]))[0].name(), "message_received");
}

#[test]
fn an_odd_status_of_a_group_names_the_participant_and_not_the_group() {
    let odd = r#"{"id":"w","recipient_type":"group","recipient_id":"G","recipient_participant_id":"1555"}"#;
    let body = body(&format!(r#""messages":[{GOOD}],"statuses":[{odd}]"#));
    let event = beside(
        &body,
        "0].value.statuses[0]",
        odd,
        &Reason::Missing("status".into()),
    );
    assert_eq!(event.user.unwrap().wa_id().unwrap(), "1555");
}

#[test]
fn a_place_that_is_no_number_is_odd() {
    for latitude in [r#""NaN""#, r#""inf""#, r#""1e999""#] {
        odd_message(
            &format!(
                r#"{{"id":"w","type":"location","location":{{"latitude":{latitude},"longitude":0}}}}"#
            ),
            &Reason::Malformed,
        );
    }
}

#[test]
fn a_signup_field_may_hold_a_list_and_other_items_beside_it() {
    let signup = r#"{"wa_id":"1555","signup_id":"spring"}"#;
    let list = messages(&[GOOD]).replace(
        r#"{"field":"messages""#,
        &format!(r#"{{"field":"in_app_signup","value":[{signup},{signup}]}},{{"field":"messages""#),
    );
    let names: Vec<_> = events(&list).iter().map(WebhookEvent::name).collect();
    assert_eq!(
        names,
        ["user_subscribed", "user_subscribed", "message_received"]
    );

    let both = body(&format!(
        r#""contacts":[{{"wa_id":"15550101001"}}],"messages":[{GOOD}]"#
    ));
    let both = both.replace(r#""field":"messages""#, r#""field":"in_app_signup""#);
    let all = events(&both);
    let [WebhookEvent::MessageReceived(event)] = &all[..] else {
        panic!("{all:?}")
    };
    assert!(event.contact.is_some());
}

#[test]
fn a_list_within_an_item_has_an_end() {
    let lists: [fn(&str) -> String; 3] = [
        |list| format!(r#"{{"id":"w","type":"contacts","contacts":[{list}]}}"#),
        |list| format!(r#"{{"id":"w","type":"order","order":{{"product_items":[{list}]}}}}"#),
        |list| format!(r#"{{"id":"w","type":"request_welcome","errors":[{list}]}}"#),
    ];
    for message in lists {
        let longest = message(&vec!["{}"; 10_000].join(","));
        assert_eq!(events(&messages(&[&longest]))[0].name(), "message_received");
        odd_message(&message(&vec!["{}"; 10_001].join(",")), &Reason::Malformed);
    }
}

/// Four megabytes of `{},{},{}` must not become a gigabyte of events.
#[test]
fn a_body_gives_a_hundred_thousand_events_at_most_and_says_what_is_left() {
    let errors = vec!["{}"; 150_000].join(",");
    let body = body(&format!(r#""errors":[{errors}]"#));
    let all = events(&body);
    let Some((WebhookEvent::Unrecognized(rest), all)) = all.split_last() else {
        panic!("something is left")
    };
    assert_eq!(
        (all.len(), &rest.reason),
        (100_000, &Reason::TooMany(50_000))
    );
    assert_eq!(rest.raw.as_str(), body);
}

/// More items than Meta sends at once are still items.
#[test]
fn a_body_may_have_any_number_of_items() {
    let good = vec![GOOD; 12_000];
    let all = events(&messages(&good));
    assert_eq!(all.len(), good.len());
    assert!(all.iter().all(|event| event.name() == "message_received"));
}
