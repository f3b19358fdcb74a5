//! Campaigns and their tallies: what is counted, whichever way the events come.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};
use whatsapp_signals::event::{
    CampaignCompleted, CampaignTally, MessageRefused, MessageSent, MessageStatusChanged,
    WebhookEvent,
};
use whatsapp_signals::filter::callback_data_starts_with;
use whatsapp_signals::model::{Campaign, CampaignCounts, CampaignStatus, Timestamp};
use whatsapp_signals::parse;

const NOW: i64 = 1_785_000_000;

fn tally(total: u64) -> CampaignTally {
    CampaignTally::new(&Campaign::new("Spring tune-up"), total)
}

/// Returns the message that Meta accepted with this wamid.
fn sent(wamid: &str) -> MessageSent {
    let request = r#"{"to": "15550101001", "type": "text", "text": {"body": "Hello"}}"#;
    let response = json!({"messages": [{"id": wamid}]}).to_string();
    let sent = MessageSent::from_graph(request, response)
        .unwrap()
        .remove(0);
    sent.with_timestamp(Timestamp::from_secs(NOW))
}

fn refused(trace: &str) -> MessageRefused {
    let request = r#"{"to": "15550101001", "type": "text", "text": {"body": "Hello"}}"#;
    let response = json!({"error": {"code": 131_026, "fbtrace_id": trace}}).to_string();
    let refused = MessageRefused::from_graph_error(request, response).unwrap();
    refused.unwrap().with_timestamp(Timestamp::from_secs(NOW))
}

/// Returns the status of a webhook, with more members.
fn status(wamid: &str, status: &str, members: Value) -> MessageStatusChanged {
    let mut item = json!({"id": wamid, "status": status, "timestamp": NOW.to_string()});
    let Value::Object(members) = members else {
        panic!("members");
    };
    item.as_object_mut().unwrap().extend(members);
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550100200", "phone_number_id": "300200100500600"},
        "statuses": [item],
    });
    let changes = json!([{"field": "messages", "value": value}]);
    let body = json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": "900800700600500", "changes": changes}],
    });
    let mut events = parse(body.to_string().as_bytes()).unwrap().into_events();
    match events.remove(0) {
        WebhookEvent::MessageStatusChanged(event) => event,
        event => panic!("{event:?}"),
    }
}

/// Returns `sent`, `delivered`, `read` and `failed`.
fn numbers(tally: &CampaignTally) -> [u64; 4] {
    let CampaignCounts {
        sent,
        delivered,
        read,
        failed,
        ..
    } = tally.counts();
    [sent, delivered, read, failed]
}

#[test]
fn a_message_counts_by_its_furthest_status() {
    for (statuses, expected) in [
        (&[][..], [1, 0, 0, 0]),
        (&["sent"], [1, 0, 0, 0]),
        (&["sent", "delivered"], [1, 1, 0, 0]),
        (&["delivered", "sent"], [1, 1, 0, 0]),
        (&["delivered", "delivered"], [1, 1, 0, 0]),
        (&["read"], [1, 1, 1, 0]),
        (&["read", "delivered"], [1, 1, 1, 0]),
        (&["read", "played"], [1, 1, 1, 0]),
        (&["sent", "failed"], [1, 0, 0, 1]),
        (&["failed", "sent", "delivered"], [1, 0, 0, 1]),
        (&["read", "deleted"], [1, 1, 1, 0]),
        (&["warning", "delivered"], [1, 1, 0, 0]),
        (&["of a later version", "read"], [1, 1, 1, 0]),
    ] {
        let mut tally = tally(1);
        tally.add_sent(&sent("wamid.A"));
        for name in statuses {
            tally.add_status(&status("wamid.A", name, json!({})));
        }
        assert_eq!(numbers(&tally), expected, "{statuses:?}");
    }
}

#[test]
fn only_changes_of_the_tally_are_new() {
    let mut tally = tally(3);
    let read = status("wamid.A", "read", json!({}));
    assert!(!tally.add_status(&read), "of an unknown message");
    assert!(tally.add_sent(&sent("wamid.A")));
    assert!(!tally.add_sent(&sent("wamid.A")));
    assert!(tally.add_status(&read));
    assert!(!tally.add_status(&read));
    assert!(!tally.add_status(&status("wamid.A", "delivered", json!({}))));
    assert!(tally.add_refused(&refused("first")));
    assert!(!tally.add_refused(&refused("first")));
    assert!(tally.add_refused(&refused("second")));
    assert_eq!(numbers(&tally), [1, 1, 1, 2]);
    assert_eq!(tally.counts().total, 3);
}

#[test]
fn payments_and_members_of_groups_fail_without_their_message() {
    let group = json!({"recipient_type": "group", "recipient_id": "Y2FwaV9n",
        "recipient_participant_id": "15550101001"});
    for (members, expected) in [
        (json!({"type": "payment"}), [1, 0, 0, 0]),
        (group.clone(), [1, 0, 0, 0]),
        (json!({"recipient_id": "15550101001"}), [1, 0, 0, 1]),
    ] {
        let mut tally = tally(1);
        tally.add_sent(&sent("wamid.A"));
        tally.add_status(&status("wamid.A", "failed", members.clone()));
        assert_eq!(numbers(&tally), expected, "{members}");
    }
    let mut tally = tally(1);
    tally.add_sent(&sent("wamid.A"));
    tally.add_status(&status("wamid.A", "read", group));
    assert_eq!(numbers(&tally), [1, 1, 1, 0]);
}

#[test]
fn callback_data_brings_statuses_to_their_campaign() {
    let mut tally = tally(2).with_callback_data("spring:");
    let filter = callback_data_starts_with("spring:");
    for (data, is_of_campaign) in [
        (json!({"biz_opaque_callback_data": "spring:4471"}), true),
        (json!({"biz_opaque_callback_data": "winter:4471"}), false),
        (json!({}), false),
    ] {
        let early = status(&format!("wamid.{is_of_campaign}"), "delivered", data);
        assert_eq!(tally.add_status(&early), is_of_campaign);
        assert_eq!(filter(&early), is_of_campaign);
    }
    assert!(
        !tally.add_sent(&sent("wamid.true")),
        "its status came first"
    );
    assert_eq!(numbers(&tally), [1, 1, 0, 0]);
}

#[test]
fn a_campaign_is_settled_when_nothing_can_change_or_nothing_comes() {
    let (old, never) = (Duration::ZERO, Duration::from_secs(u64::MAX));
    let mut tally = tally(2);
    assert!(!tally.is_settled(old), "nothing is sent");
    tally.add_sent(&sent("wamid.A"));
    assert!(!tally.is_settled(old), "one is missing");
    tally.add_refused(&refused("B"));
    assert!(!tally.is_settled(never), "one may arrive");
    assert!(tally.is_settled(old), "but nothing has come since");
    tally.add_status(&status("wamid.A", "delivered", json!({})));
    assert!(!tally.is_settled(never), "it may be read");
    tally.add_status(&status("wamid.A", "read", json!({})));
    assert!(tally.is_settled(never), "nothing can change");
    assert!(self::tally(0).is_settled(never), "nothing was to be sent");
}

#[test]
fn rates_are_fractions_of_the_accepted_messages() {
    let mut tally = tally(4);
    assert_eq!((tally.delivery_rate(), tally.read_rate()), (None, None));
    assert_eq!(self::tally(0).failure_rate(), None);
    for id in ["wamid.A", "wamid.B"] {
        tally.add_sent(&sent(id));
    }
    tally.add_status(&status("wamid.A", "read", json!({})));
    tally.add_refused(&refused("C"));
    assert_eq!(
        (tally.delivery_rate(), tally.read_rate()),
        (Some(0.5), Some(0.5))
    );
    assert_eq!(tally.failure_rate(), Some(0.25));
}

#[test]
fn the_event_has_the_counts_of_the_tally() {
    let mut campaign = Campaign::new("Spring tune-up");
    let mut tally = CampaignTally::new(&campaign, 2);
    tally.add_sent(&sent("wamid.A"));
    tally.add_refused(&refused("B"));
    let completed = CampaignCompleted::of(campaign.clone(), &tally);
    assert_eq!((completed.sent(), completed.failed()), (1, 1));
    assert_eq!(completed.campaign.counts, tally.counts());
    assert_eq!(completed.campaign.status, CampaignStatus::Completed);
    assert!(completed.campaign.completed_at.is_some());
    campaign.completed_at = Some(Timestamp::from_secs(NOW));
    let completed = CampaignCompleted::of(campaign, &tally);
    assert_eq!(
        completed.campaign.completed_at,
        Some(Timestamp::from_secs(NOW))
    );
}

#[test]
fn tallies_of_two_campaigns_do_not_merge() {
    let mut tally = tally(1);
    let mut other = CampaignTally::new(&Campaign::new("Winter storage"), 9);
    other.add_sent(&sent("wamid.A"));
    assert!(!tally.merge(other));
    assert_eq!((tally.counts().total, tally.counts().sent), (1, 0));
}

#[test]
fn debug_shows_no_wamid() {
    let mut tally = tally(1);
    tally.add_sent(&sent("wamid.A"));
    let debug = format!("{tally:?}");
    assert!(
        debug.contains("sent: 1") && !debug.contains("wamid"),
        "{debug}"
    );
}

#[derive(Clone, Debug)]
enum Step {
    Sent(MessageSent),
    Refused(MessageRefused),
    Status(MessageStatusChanged),
}

fn add(tally: &mut CampaignTally, step: &Step) {
    match step {
        Step::Sent(event) => tally.add_sent(event),
        Step::Refused(event) => tally.add_refused(event),
        Step::Status(event) => tally.add_status(event),
    };
}

/// Returns all that may come of three messages.
fn steps() -> Vec<Step> {
    let mut steps = vec![Step::Refused(refused("D")), Step::Refused(refused("E"))];
    for id in ["wamid.A", "wamid.B", "wamid.C"] {
        steps.push(Step::Sent(sent(id)));
        for name in ["sent", "delivered", "read", "played", "failed", "deleted"] {
            let data = json!({"biz_opaque_callback_data": "spring:1"});
            steps.push(Step::Status(status(id, name, data)));
        }
    }
    steps
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    /// However the events are ordered, repeated and spread over workers, of which some are stored
    /// as JSON meanwhile, the result is that of one tally.
    #[test]
    fn several_workers_count_the_same_as_one(
        steps in subsequence(steps(), 0..20).prop_shuffle(),
        workers in prop::collection::vec(0..3_usize, 60),
        repeated in 0..20_usize,
    ) {
        let new = || tally(5).with_callback_data("spring:");
        let mut one = new();
        for step in &steps {
            add(&mut one, step);
        }
        let mut parts = [new(), new(), new()];
        let again = steps.iter().take(repeated).rev();
        for (step, worker) in steps.iter().chain(again).zip(workers) {
            add(&mut parts[worker], step);
            let json = serde_json::to_string(&parts[worker]).unwrap();
            parts[worker] = serde_json::from_str(&json).unwrap();
        }
        let mut all = new();
        for part in parts {
            prop_assert!(all.merge(part));
        }
        prop_assert_eq!(all.counts(), one.counts());
        let counts = all.counts();
        prop_assert!(counts.read <= counts.delivered && counts.delivered <= counts.sent);
    }
}
