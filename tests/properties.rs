//! For all bodies: parsing never panics, the fast way and the slow way through
//! a body agree, and events survive serialization.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use support::json::Json;
use support::odd::odd_bodies;
use whatsapp_signals::event::WebhookEvent;
use whatsapp_signals::parse;

fn bodies() -> impl Strategy<Value = String> {
    let bodies: Vec<String> = support::all().into_iter().map(|(_, body)| body).collect();
    select(bodies)
}

/// A member of the envelope that nobody knows makes the parser take the slow
/// way, and is reported once more than the rest.
fn the_slow_way(body: &str) -> Option<String> {
    let Json::Object(mut members) = Json::parse(body) else {
        return None;
    };
    members.push((r#""slow""#.to_owned(), Json::Scalar("1".to_owned())));
    Some(Json::Object(members).to_string())
}

fn assert_both_ways_agree(body: &str) {
    let body = Json::parse(body).to_string();
    let Some(slow) = the_slow_way(&body) else {
        return;
    };
    match (parse(body.as_bytes()), parse(slow.as_bytes())) {
        (Ok(fast), Ok(slow)) => {
            let (fast, mut slow) = (fast.into_events(), slow.into_events());
            let last = slow.pop();
            assert!(
                matches!(&last, Some(WebhookEvent::Unrecognized(odd)) if odd.path == "slow"),
                "{last:?}"
            );
            assert_eq!(fast, slow);
        }
        (Err(fast), Err(slow)) => assert_eq!(fast.kind(), slow.kind()),
        (fast, slow) => panic!("{fast:?} but {slow:?}"),
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
    fn the_slow_way_gives_what_the_fast_way_gives(body in odd_bodies(&support::all())) {
        assert_both_ways_agree(&body);
    }

    #[test]
    fn events_survive_serialization_whatever_they_are(body in odd_bodies(&support::all())) {
        for event in parse(body.as_bytes()).unwrap_or_default() {
            let json = serde_json::to_string(&event).unwrap();
            prop_assert_eq!(serde_json::from_str::<WebhookEvent>(&json).unwrap(), event);
        }
    }
}

#[test]
fn the_slow_way_gives_what_the_fast_way_gives_for_real_bodies() {
    for (_, body) in support::all() {
        assert_both_ways_agree(&body);
    }
}
