//! Messages, and what is within them.

use super::*;

#[test]
fn an_unknown_message_type_beside_a_good_message_keeps_its_header() {
    let malformed = r#"{"id":"wamid.ODD","from":"15550101002","timestamp":"1785000001","type":"hologram","hologram":{}}"#;
    let event = malformed_message(malformed, &Reason::UnknownType("hologram".into()));
    assert_eq!(event.id.unwrap(), "wamid.ODD");
    assert_eq!(event.user.unwrap().wa_id().unwrap(), "15550101002");
    assert_eq!(event.timestamp.unwrap().as_secs(), 1_785_000_001);
    assert_eq!(event.account.phone_number_id.as_ref().unwrap(), "300");
}

#[test]
fn a_message_with_a_malformed_text_beside_a_good_message() {
    malformed_message(
        r#"{"id":"wamid.ODD","type":"text","text":5}"#,
        &Reason::Malformed,
    );
    malformed_message(
        r#"{"id":"wamid.ODD","type":"text","text":{"body":{}}}"#,
        &Reason::Malformed,
    );
}

#[test]
fn a_null_message_beside_a_good_message() {
    malformed_message("null", &Reason::Malformed);
}

#[test]
fn a_lone_surrogate_in_an_id_beside_a_good_message() {
    malformed_message(
        r#"{"id":"wamid.\ud83d","type":"request_welcome"}"#,
        &Reason::Malformed,
    );
}

#[test]
fn a_message_without_its_required_members() {
    let missing = |member: &str| Reason::Missing(member.into());
    malformed_message("{}", &missing("type"));
    malformed_message(r#"{"id":"wamid.ODD"}"#, &missing("type"));
    malformed_message(r#"{"type":"request_welcome"}"#, &missing("id"));
    malformed_message(r#"{"id":"","type":"request_welcome"}"#, &missing("id"));
    malformed_message(r#"{"id":"wamid.ODD","type":"image"}"#, &missing("image"));
    malformed_message(
        r#"{"id":"wamid.ODD","type":"image","image":null}"#,
        &missing("image"),
    );
    malformed_message(
        r#"{"id":"wamid.ODD","type":"interactive","interactive":{"type":"list_reply"}}"#,
        &missing("list_reply"),
    );
}

#[test]
fn a_flow_answer_that_is_not_json_costs_the_flow_and_not_the_message() {
    let malformed = r#"{"id":"wamid.FLOW","type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"response_json":"{"}}}"#;
    let all = events(&messages(&[malformed]));
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
        (r#""100000000000""#, Some(100_000_000_000)), // the year 5138
        (r#""1749416383123""#, Some(1_749_416_383)),  // in milliseconds
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
        assert_eq!(event.message.sender().unwrap().wa_id().unwrap(), expected);
        assert_eq!(event.account.waba_id.as_ref().unwrap(), expected);
    }
    // Rounded, it would be another id.
    for json in ["18446744073709551616", "1.5", "1e3", "-0"] {
        let malformed = format!(r#"{{"id":{json},"type":"request_welcome"}}"#);
        malformed_message(&malformed, &Reason::Malformed);
    }
}

#[test]
fn an_edit_of_an_edit_is_malformed_and_does_not_overflow_the_stack() {
    let depth = 50_000;
    let edits =
        r#"{"original_message_id":"wamid.A","message":{"type":"edit","edit":"#.repeat(depth);
    let malformed = format!(
        r#"{{"id":"wamid.ODD","type":"edit","edit":{edits}{{}}{}}}"#,
        "}}".repeat(depth)
    );
    let small_stack = std::thread::Builder::new().stack_size(1 << 20);
    let test = move || malformed_message(&malformed, &Reason::UnknownType("edit".into()));
    small_stack.spawn(test).unwrap().join().unwrap();
}

#[test]
fn a_text_in_the_place_of_an_id_is_not_copied_into_every_event() {
    let malformed = format!(
        r#"{{"id":"{}","type":"request_welcome"}}"#,
        "x".repeat(1025)
    );
    malformed_message(&malformed, &Reason::Malformed);
    let longest = format!(
        r#"{{"id":"{}","type":"request_welcome"}}"#,
        "x".repeat(1024)
    );
    assert_eq!(events(&messages(&[&longest]))[0].name(), "message_received");
}

#[test]
fn a_location_without_numbers_is_malformed() {
    for latitude in [r#""NaN""#, r#""inf""#, r#""1e999""#] {
        malformed_message(
            &format!(
                r#"{{"id":"w","type":"location","location":{{"latitude":{latitude},"longitude":0}}}}"#
            ),
            &Reason::Malformed,
        );
    }
}
