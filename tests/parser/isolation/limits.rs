//! Limits of depth, number and length.

use super::*;

#[test]
fn a_deep_member_costs_its_item_at_most() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let unknown = GOOD.replace(
        r#""type":"text""#,
        &format!(r#""type":"text","deep":{deep}"#),
    );
    assert_eq!(others(&messages(&[&unknown])), []);
    let known = format!(r#"{{"id":"wamid.ODD","type":"text","text":{deep}}}"#);
    malformed_message(&known, &Reason::Malformed);
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
    let malformed = format!(r#"{{"id":"wamid.ODD","type":"interactive","interactive":{twice}}}"#);
    let event = malformed_message(&malformed, &Reason::Duplicate(kind.into()));
    assert_eq!(
        event.reason.to_string().len(),
        r#"duplicate member ""…"#.len() + 64
    );
}

#[test]
fn a_list_within_an_item_has_an_end() {
    let lists: [fn(&str) -> String; 3] = [
        |list| format!(r#"{{"id":"w","type":"contacts","contacts":[{list}]}}"#),
        |list| format!(r#"{{"id":"w","type":"order","order":{{"product_items":[{list}]}}}}"#),
        |list| format!(r#"{{"id":"w","type":"request_welcome","errors":[{list}]}}"#),
    ];
    let names = |message: &str| {
        let events = events(&messages(&[message]));
        events.iter().map(WebhookEvent::name).collect::<Vec<_>>()
    };
    for message in lists {
        let longest = message(&vec!["{}"; 10_000].join(","));
        assert_eq!(names(&longest), ["message_received"]);
        let too_long = message(&vec!["{}"; 10_001].join(","));
        // Cards are what the message says; the other lists are members of it.
        if too_long.contains("contacts") {
            malformed_message(&too_long, &Reason::Malformed);
        } else {
            assert_eq!(names(&too_long), ["message_received", "unrecognized"]);
        }
    }
}

/// Four megabytes of `{},{},{}` must not become a gigabyte of events.
#[test]
fn a_body_gives_at_most_a_hundred_thousand_events_and_reports_the_rest() {
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
