//! Each item of a body becomes an event, however malformed, and every part of the body is in an event.

use crate::support;
use std::collections::BTreeSet;
use std::hash::Hasher;

use crate::support::cut::assert_nothing_is_lost;
use crate::support::json::Json;
use crate::support::malformed::malformed_bodies;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use siphasher::sip::SipHasher;
use whatsapp_signals::parse;

#[test]
fn nothing_of_a_real_body_is_lost() {
    for (_, body) in support::all().into_iter().chain(support::reported()) {
        assert_nothing_is_lost(&body);
    }
}

#[test]
fn nothing_of_a_real_body_is_lost_in_another_field() {
    let fields: BTreeSet<_> = whatsapp_signals::signals::FIELDS
        .iter()
        .map(|(field, _)| *field)
        .collect();
    for (_, body) in support::payloads() {
        for field in fields.iter().chain(&["hologram"]) {
            let mut body = Json::parse(&body);
            rename_fields(&mut body, field);
            assert_nothing_is_lost(&body.to_string());
        }
    }
}

fn rename_fields(json: &mut Json, field: &str) {
    match json {
        Json::Scalar(_) => {}
        Json::Array(elements) => elements
            .iter_mut()
            .for_each(|part| rename_fields(part, field)),
        Json::Object(members) => {
            for (name, member) in members {
                match member {
                    Json::Scalar(text) if name == "\"field\"" => *text = format!("{field:?}"),
                    part => rename_fields(part, field),
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4096) })]

    #[test]
    fn nothing_of_a_malformed_body_is_lost(body in malformed_bodies(&support::all())) {
        assert_nothing_is_lost(&body);
    }
}

/// CI runs this with serde_json's `arbitrary_precision` and `preserve_order`
/// too, against the same snapshot.
#[test]
fn events_do_not_depend_on_features_of_serde_json() {
    let mut runner = TestRunner::deterministic();
    let bodies = malformed_bodies(&support::payloads());
    let mut digest = SipHasher::new();
    let mut events = 0;
    for _ in 0..2_000 {
        let body = bodies.new_tree(&mut runner).unwrap().current();
        match parse(body.as_bytes()) {
            Ok(webhook) => {
                for event in webhook {
                    let json = serde_json::to_string(&event).unwrap();
                    digest.write(Json::parse(&json).sorted().to_string().as_bytes());
                    digest.write(event.dedup_key().as_bytes());
                    events += 1;
                }
            }
            Err(error) => digest.write(error.to_string().as_bytes()),
        }
    }
    insta::assert_snapshot!(format!("{events} events: {:016x}", digest.finish()));
}
