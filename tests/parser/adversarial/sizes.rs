//! Very many, very large, and made to collide.

use super::*;

#[test]
fn row_30_a_thousand_large_updates_arrive_in_order() {
    let text = "x".repeat(2_900);
    let ids: Vec<_> = (0..1000).map(|n| format!("wamid.{n}")).collect();
    let item = |id| GOOD.replace("wamid.GOOD", id).replace("Hello", &text);
    let items: Vec<_> = ids.iter().map(|id| item(id)).collect();
    let change = |item| change("messages", &list("messages", &[item]));
    let changes: Vec<_> = items.iter().map(change).collect();
    for body in [value(&list("messages", &items)), body(&changes.join(","))] {
        assert!(body.len() > 2_900_000);
        let all = all_received(&body);
        let found = all.iter().map(|event| event.message.id.as_str());
        assert!(found.eq(ids.iter().map(String::as_str)));
    }
}

#[test]
fn row_31_a_million_tiny_entries_or_items_are_all_accounted_for() {
    const MILLION: usize = 1_000_000;
    let many = |item| vec![item; MILLION].join(",");
    let webhook = parse(envelope(&many("{}")).as_bytes()).unwrap();
    assert_eq!(webhook.empty_entries(), MILLION);
    assert_eq!(webhook.events(), []);

    let among_items = messages(&[&many("{}"), GOOD]);
    for (body, good) in [(envelope(&many("0")), &[][..]), (among_items, &[GOOD])] {
        let all = events(&body);
        let Some((WebhookEvent::Unrecognized(rest), others)) = all.split_last() else {
            panic!("no events")
        };
        let (malformed, others) = others.split_at(10_000);
        assert!(malformed.iter().all(|event| event.name() == "unrecognized"));
        let others: Vec<_> = others.iter().map(|event| event.raw().as_str()).collect();
        assert_eq!(others, good);
        assert_eq!(rest.reason, TooMany(MILLION - 10_000));
        assert_eq!(rest.raw.as_str(), body);
    }
}

#[test]
fn row_32_keys_that_collide_are_all_there() {
    let members = format!(r#""{}":1"#, colliding().join(r#"":1,""#));
    received(&welcome(&members));
    let form = form(&format!("{{{members}}}"));
    let response = last!(2, FlowCompleted, messages(&[&form])).response;
    assert_eq!(response.data.len(), 1 << 14);

    let body = value(&format!(r#"{members},"messages":[{GOOD}]"#));
    assert_eq!(events(&body)[0].raw().as_str(), GOOD);
    let rest = last!(10_002, Unrecognized, body);
    assert_eq!(rest.reason, TooMany((1 << 14) - 10_000));
}

#[test]
fn row_33_a_message_that_comes_again_has_the_key_that_it_had() {
    let key = |event: &WebhookEvent| event.dedup_key();
    let keys = |body: &str| -> Vec<_> { events(body).iter().map(key).collect() };
    let batch = keys(&messages(&[GOOD, &GOOD.replace("GOOD", "OTHER"), GOOD]));
    assert_eq!(batch.len(), 3);
    assert_eq!(batch[0], batch[2]);
    assert_ne!(batch[0], batch[1]);
    assert_eq!(keys(&messages(&[GOOD]).replace(':', " : ")), batch[2..]);
}

/// In linear time: more would not end.
#[test]
fn a_member_that_is_there_a_hundred_thousand_times_costs_itself() {
    const TIMES: usize = 100_000;
    for (member, in_text) in [
        (r#""context":1"#, false),
        (r#""errors":[[]]"#, false),
        (r#""body":1"#, true),
    ] {
        let many = format!(",{member}").repeat(TIMES);
        let message = if in_text {
            GOOD.replace(r#""Hello""#, &format!(r#""Hello"{many}"#))
        } else {
            format!("{}{many}}}", &GOOD[..GOOD.len() - 1])
        };
        let all = events(&messages(&[&message, GOOD]));
        let is_good = |event: &WebhookEvent| {
            event.raw().as_str() == GOOD && event.name() == "message_received"
        };
        assert!(all.iter().any(is_good), "{member}");
        if in_text {
            assert_eq!(all.len(), 2, "{member}");
        } else {
            assert_eq!(all[0].name(), "message_received", "{member}");
            let rest = last!(10_003, Unrecognized, messages(&[&message, GOOD]));
            assert_eq!(rest.reason, TooMany(TIMES - 10_000));
        }
    }
}
