//! The keys of events: for deduplication, and for partitions.

mod table;
mod users;

use crate::support;
use std::collections::HashMap;

use crate::support::batch::body;
use crate::support::json::Json;
use whatsapp_signals::event::{CampaignCompleted, Event, MessageSent, WebhookEvent};
use whatsapp_signals::model::{Account, Campaign, Content, Identity, Message};
use whatsapp_signals::parse;

const METADATA: &str =
    r#""metadata":{"phone_number_id":"300","display_phone_number":"15550100200"}"#;

fn items(field: &str, list: &str, items: &[&str]) -> Vec<WebhookEvent> {
    let value = format!(r#"{{{METADATA},"{list}":[{}]}}"#, items.join(","));
    parse(body(field, &value).as_bytes()).unwrap().into_events()
}

fn keys(events: &[WebhookEvent]) -> Vec<String> {
    events.iter().map(WebhookEvent::dedup_key).collect()
}

fn assert_all_differ(keys: &[String]) {
    let mut sorted = keys.to_vec();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), keys.len(), "{keys:#?}");
}

#[test]
fn the_steps_of_one_message_differ() {
    let statuses: Vec<_> = ["sent", "delivered", "read", "failed", "new"]
        .map(|status| {
            format!(r#"{{"id":"wamid.A","status":"{status}","timestamp":"7","recipient_id":"1"}}"#)
        })
        .to_vec();
    let statuses: Vec<_> = statuses.iter().map(String::as_str).collect();
    let found = keys(&items("messages", "statuses", &statuses));
    assert_eq!(found[0], "message_status_changed:wamid.A:sent:number=300");
    assert_all_differ(&found);
}

#[test]
fn the_participants_of_a_group_differ_in_either_spelling() {
    let status = |participant: &str| {
        format!(
            r#"{{"id":"wamid.A","status":"read","timestamp":"7","recipient_type":"group",
                "recipient_id":"G",{participant}}}"#
        )
    };
    let statuses = [
        status(r#""recipient_participant_id":"1""#),
        status(r#""participant_recipient_id":"2""#),
        status(r#""recipient_participant_user_id":"US.3""#),
        // Without the group's id, and without its type.
        status(r#""recipient_participant_id":"4""#).replace(r#""recipient_id":"G","#, ""),
        status(r#""recipient_participant_id":"5""#).replace(r#""recipient_id":"G","#, ""),
        status(r#""recipient_participant_id":"6""#).replace(r#""recipient_type":"group","#, ""),
        status(r#""recipient_participant_id":"7""#).replace(r#""recipient_type":"group","#, ""),
    ];
    let statuses: Vec<_> = statuses.iter().map(String::as_str).collect();
    assert_all_differ(&keys(&items("messages", "statuses", &statuses)));
}

#[test]
fn a_message_its_edits_and_its_placeholder_have_different_keys() {
    let edit = |text: &str| {
        format!(
            r#"{{"id":"wamid.A","type":"edit","edit":{{"original_message_id":"wamid.A",
                "message":{{"type":"text","text":{{"body":"{text}"}}}}}}}}"#
        )
    };
    let (first, second) = (edit("Friday"), edit("Saturday"));
    let found = keys(&items(
        "messages",
        "messages",
        &[
            r#"{"id":"wamid.A","type":"text","text":{"body":"Thursday"}}"#,
            &first,
            &second,
            r#"{"id":"wamid.A","type":"revoke","revoke":{"original_message_id":"wamid.A"}}"#,
            r#"{"id":"wamid.A","type":"unsupported"}"#,
            r#"{"id":"wamid.B","type":"text","text":{"body":"Thursday"}}"#,
        ],
    ));
    assert_eq!(found[0], "message_received:wamid.A:text:number=300");
    assert_all_differ(&found);
}

#[test]
fn a_flow_and_the_message_that_submits_it_differ() {
    let message = r#"{"id":"wamid.A","type":"interactive","interactive":{"type":"nfm_reply",
        "nfm_reply":{"response_json":"{}"}}}"#;
    let found = keys(&items("messages", "messages", &[message]));
    assert_eq!(
        found,
        [
            "message_received:wamid.A:interactive:number=300",
            "flow_completed:wamid.A:number=300"
        ]
    );
}

#[test]
fn the_key_of_a_call_has_its_id_and_its_event() {
    let call = |event: &str| format!(r#"{{"id":"wacid.A","event":"{event}"}}"#);
    let (connect, terminate) = (call("connect"), call("terminate"));
    let found = keys(&items("calls", "calls", &[&connect, &terminate]));
    assert_eq!(
        found,
        [
            "call:wacid.A:connect:number=300",
            "call:wacid.A:terminate:number=300"
        ]
    );
    let recorded = |at: u8| {
        format!(r#"{{"id":"wacid.A","event":"call_recording_available","timestamp":"{at}"}}"#)
    };
    assert_all_differ(&keys(&items(
        "calls",
        "calls",
        &[&recorded(1), &recorded(2)],
    )));
    let ringing = r#"{"id":"wacid.A","type":"call","status":"RINGING"}"#;
    let found = keys(&items("calls", "statuses", &[ringing]));
    assert_eq!(found, ["call_status:wacid.A:RINGING:number=300"]);
}

/// A hash that changed with a version of this crate, or of Rust, would let
/// everything in once more.
#[test]
fn hashes_are_the_same_in_every_version() {
    let value = r#"{"decision":"APPROVED"}"#;
    let review = |time: &str, id: &str| {
        let text = body("account_review_update", value)
            .replace(r#""id":"900""#, &format!(r#""id":"{id}","time":{time}"#));
        keys(parse(text.as_bytes()).unwrap().events()).remove(0)
    };
    assert_eq!(
        review("1785000000", "900"),
        "account_review_update:95bcb597636f9d6ef8bf9a0d18a7cf63:waba=900"
    );
    assert_all_differ(&[
        review("1785000000", "900"),
        review("1785000001", "900"),
        review("1785000000", "901"),
    ]);
}

#[test]
fn payments_for_one_message_differ_by_order_and_transaction() {
    let payment = |order: &str, transaction: &str| {
        format!(
            r#"{{"id":"wamid.A","status":"pending","type":"payment","timestamp":"7","payment":
                {{"reference_id":"{order}","transaction":{{"id":"{transaction}"}}}}}}"#
        )
    };
    let payments = [payment("a", "1"), payment("a", "2"), payment("b", "1")];
    let payments: Vec<_> = payments.iter().map(String::as_str).collect();
    assert_all_differ(&keys(&items("messages", "statuses", &payments)));
}

#[test]
fn keys_of_unrecognized_items_have_field_and_path_without_index() {
    let malformed = |field: &str, value: &str| {
        let webhook = parse(body(field, value).as_bytes()).unwrap();
        keys(webhook.events()).pop().unwrap()
    };
    let message = r#"{"id":"wamid.A","type":"hologram"}"#;
    let alone = malformed("messages", &format!(r#"{{"messages":[{message}]}}"#));
    let behind = malformed("messages", &format!(r#"{{"messages":[{{}},{message}]}}"#));
    assert_eq!(alone, behind);
    assert_all_differ(&[
        alone,
        malformed("messages", &format!(r#"{{"statuses":[{message}]}}"#)),
        malformed("hologram_a", r#"{"x":1}"#),
        malformed("hologram_b", r#"{"x":1}"#),
    ]);
}

#[test]
fn subscribing_again_is_another_event() {
    let signup = |time: u32| {
        let text = body("in_app_signup", r#"{"wa_id":"1","signup_id":"s"}"#)
            .replace(r#""id":"900""#, &format!(r#""id":"900","time":{time}"#));
        keys(parse(text.as_bytes()).unwrap().events()).remove(0)
    };
    assert_eq!(signup(100), signup(100));
    assert_ne!(signup(100), signup(2_000));
}

/// The same JSON, with its members turned round and other white space.
fn turned_round(json: Json) -> Json {
    match json {
        Json::Array(elements) => Json::Array(elements.into_iter().map(turned_round).collect()),
        Json::Object(members) => {
            let members = members.into_iter().rev();
            Json::Object(
                members
                    .map(|(name, member)| (name, turned_round(member)))
                    .collect(),
            )
        }
        Json::Scalar(text) => Json::Scalar(text),
    }
}

#[test]
fn keys_do_not_depend_on_white_space_or_the_order_of_members() {
    for (file, text) in support::all() {
        let turned = turned_round(Json::parse(&text)).to_string();
        let of = |text: &str| {
            let mut keys = keys(parse(text.as_bytes()).unwrap().events());
            // Two lists of one value may have been exchanged.
            keys.sort();
            keys
        };
        assert_eq!(of(&text), of(&turned), "{file}");
    }
}

#[test]
fn keys_survive_serialization() {
    for (file, text) in support::all() {
        for event in &parse(text.as_bytes()).unwrap() {
            let json = serde_json::to_string(event).unwrap();
            let back: WebhookEvent = serde_json::from_str(&json).unwrap();
            assert_eq!(back.dedup_key(), event.dedup_key(), "{file}");
            assert_eq!(back.partition_key(), event.partition_key(), "{file}");
        }
    }
}

#[test]
fn no_two_events_of_our_samples_have_one_key() {
    let mut seen: HashMap<String, (String, WebhookEvent)> = HashMap::new();
    for (file, text) in support::payloads() {
        for event in parse(text.as_bytes()).unwrap() {
            assert!(event.dedup_key().starts_with(&format!("{}:", event.name())));
            let before = seen.insert(event.dedup_key(), (file.clone(), event.clone()));
            if let Some((other, before)) = before {
                let is_same = before.raw() == event.raw() && before.account() == event.account();
                assert!(is_same, "{other} and {file}");
            }
        }
    }
}

fn partition(field: &str, value: &str) -> String {
    let webhook = parse(body(field, &format!("{{{METADATA},{value}}}")).as_bytes()).unwrap();
    webhook.events()[0].partition_key()
}

#[test]
fn events_of_one_user_and_number_share_a_partition() {
    let same = [
        partition(
            "messages",
            r#""messages":[{"id":"a","from":"1","from_user_id":"US.1","type":"unsupported"}]"#,
        ),
        // Known by the phone number here, and by both in the contact.
        partition(
            "messages",
            r#""contacts":[{"wa_id":"1","user_id":"US.1"}],"messages":[{"id":"a","from":"1","type":"unsupported"}]"#,
        ),
        partition(
            "messages",
            r#""statuses":[{"id":"b","status":"read","recipient_user_id":"US.1"}]"#,
        ),
        partition(
            "messages",
            r#""messages":[{"id":"c","from_user_id":"US.1","type":"hologram"}]"#,
        ),
        partition(
            "calls",
            r#""calls":[{"id":"d","event":"connect","from":"1","from_user_id":"US.1"}]"#,
        ),
        partition(
            "smb_message_echoes",
            r#""message_echoes":[{"id":"e","to_user_id":"US.1","type":"unsupported"}]"#,
        ),
        partition(
            "user_preferences",
            r#""user_preferences":[{"value":"stop","user_id":"US.1"}]"#,
        ),
        partition(
            "user_preferences",
            r#""user_preferences":[{"value":"signup","user_id":"US.1","signup_id":"s"}]"#,
        ),
    ];
    assert!(same.iter().all(|key| key == "300:US.1"), "{same:?}");
}

/// The partitions of the events of a body whose changes have these fields and members.
fn partitions(changes: &[(&str, &str)]) -> Vec<String> {
    let changes: Vec<_> = changes
        .iter()
        .map(|(field, members)| {
            format!(r#"{{"field":"{field}","value":{{{METADATA},{members}}}}}"#)
        })
        .collect();
    let body = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"900","changes":[{}]}}]}}"#,
        changes.join(",")
    );
    let webhook = parse(body.as_bytes()).unwrap();
    webhook.iter().map(WebhookEvent::partition_key).collect()
}

#[test]
fn a_user_with_two_numbers_has_one_partition_and_two_users_of_one_number_have_two() {
    let text =
        |members: &str| format!(r#""messages":[{{"id":"w","type":"request_welcome",{members}}}]"#);
    let status = |members: &str| format!(r#""statuses":[{{"id":"w","status":"read",{members}}}]"#);
    let of = |number: &str| text(&format!(r#""from":"{number}""#));
    let both = |number: &str, user: &str| text(&format!(r#""from":"{number}",{user}"#));
    let (one, two) = (r#""from_user_id":"US.1""#, r#""from_user_id":"US.2""#);
    let parent = r#""from_parent_user_id":"US.ENT.1""#;
    let listed = |contact: &str, from: &str| format!(r#""contacts":[{contact}],{}"#, of(from));
    for (values, expected) in [
        (
            vec![both("1", one), both("2", one), of("1"), of("2")],
            ["US.1"; 4].to_vec(),
        ),
        (
            vec![both("1", parent), both("2", parent), of("2")],
            ["US.ENT.1"; 3].to_vec(),
        ),
        (
            vec![both("1", one), both("1", two), of("1")],
            vec!["US.1", "US.2", "1"],
        ),
        // Brazil's ninth digit, with and without a user id.
        (
            vec![
                listed(
                    r#"{"wa_id":"551187654321","user_id":"BR.1"}"#,
                    "5511987654321",
                ),
                status(r#""recipient_id":"551187654321""#),
            ],
            vec!["BR.1", "BR.1"],
        ),
        (
            vec![
                listed(r#"{"wa_id":"551187654321"}"#, "5511987654321"),
                of("5511987654321"),
                status(r#""recipient_id":"551187654321""#),
            ],
            ["5511987654321"; 3].to_vec(),
        ),
    ] {
        let changes: Vec<_> = values
            .iter()
            .map(|value| ("messages", value.as_str()))
            .collect();
        let expected: Vec<_> = expected.iter().map(|user| format!("300:{user}")).collect();
        assert_eq!(partitions(&changes), expected, "{values:?}");
    }
}

#[test]
fn an_unrecognized_item_is_in_the_partition_of_its_user_or_group() {
    let hologram = |members: &str| format!(r#"{{"id":"w","type":"hologram",{members}}}"#);
    let ada = r#""contacts":[{"wa_id":"1","user_id":"US.1","profile":{"name":"Ada"}}]"#;
    for (field, members, expected) in [
        // A list of another field, and members that are no lists, beside a contact.
        ("messages", format!(r#"{ada},"calls":[{{"id":"c","from":"1"}}]"#), "US.1"),
        ("messages", format!(r#"{ada},"poll":{{"from":"1"}}"#), "US.1"),
        ("polls", format!(r#"{ada},"polls":[{{"id":"p"}}]"#), "US.1"),
        // Sent by the business, in spite of the list.
        (
            "messages",
            format!(r#""messages":[{}]"#, hologram(r#""from":"15550100200","to":"1""#)),
            "1",
        ),
        (
            "standby",
            r#""standby":{"message_echoes":[{"id":[],"message":{"to":"G","recipient_type":"group"}}]}"#.to_owned(),
            "G",
        ),
        (
            "standby",
            r#""standby":{"message_echoes":[{"id":"e","message":{"to":"G","recipient_type":"group"}}]}"#.to_owned(),
            "G",
        ),
        (
            "history",
            r#""history":[{"metadata":{"phase":0},"threads":[{"id":"1","messages":{"a":1}}]}]"#.to_owned(),
            "1",
        ),
        (
            "messages",
            r#""statuses":[{"id":"w","status":"read","recipient_id":"G","recipient_type":[]}]"#.to_owned(),
            "G",
        ),
    ] {
        let found = partitions(&[(field, &members)]);
        let expected = format!("300:{expected}");
        assert_eq!(found.last(), Some(&expected), "{members}");
        let is_chunk = usize::from(field == "history");
        assert_eq!(found.len(), 1 + is_chunk, "{members}: {found:?}");
    }
    // Without the number of the business, the contact shows which side is the user.
    for (field, item) in [
        (
            "calls",
            r#""calls":[{"id":"c","event":"connect","from":"900","to":"1"}]"#,
        ),
        ("calls", r#""calls":[{"id":"c","from":"900","to":"1"}]"#),
        (
            "history",
            r#""messages":[{"id":"h","from":"900","to":"1","type":"request_welcome"}]"#,
        ),
        (
            "history",
            r#""messages":[{"id":"h","from":"900","to":"1","type":"hologram"}]"#,
        ),
    ] {
        let value = format!(
            r#"{{"metadata":{{"phone_number_id":"300"}},"contacts":[{{"wa_id":"1"}}],{item}}}"#
        );
        let webhook = parse(body(field, &value).as_bytes()).unwrap();
        let [event] = webhook.events() else {
            panic!("one event: {webhook:?}")
        };
        assert_eq!(event.partition_key(), "300:1", "{item}");
        let user = match event {
            WebhookEvent::Call(change) => event
                .contact()
                .and(change.value.to.as_ref())
                .map(|user| user.phone().unwrap().to_owned()),
            WebhookEvent::HistoryMessage(event) => event
                .message
                .recipient()
                .map(|user| user.phone().unwrap().to_owned()),
            WebhookEvent::Unrecognized(event) => event
                .user
                .as_ref()
                .map(|user| user.phone().unwrap().to_owned()),
            other => panic!("{other:?}"),
        };
        assert_eq!(user.as_deref(), Some("1"), "{item}");
    }
    // Without that, too, it is in the partition of no user.
    let value =
        r#"{"metadata":{"phone_number_id":"300"},"calls":[{"id":"c","from":"900","to":"1"}]}"#;
    let webhook = parse(body("calls", value).as_bytes()).unwrap();
    assert_eq!(webhook.events()[0].partition_key(), "300:");
    // The number that a handover itself names is that of its reports, too.
    let handover = r#""control_taken":5,"recipient":{"phone_number_id":"300"},"sender":{"phone_number":"1"},
        "control_passed":{}"#;
    let body = body("messaging_handovers", &format!("{{{handover}}}"));
    for body in [
        body.clone(),
        body.replace(r#""control_passed":{}"#, r#""x":1"#),
    ] {
        let webhook = parse(body.as_bytes()).unwrap();
        let keys: Vec<_> = webhook.iter().map(WebhookEvent::partition_key).collect();
        assert!(keys.iter().all(|key| key == "300:1"), "{keys:?}");
    }
}

#[test]
fn almost_equal_events_have_different_keys() {
    let transcript = |id: &str| {
        format!(
            r#"{{"id":"c","event":"call_transcription_available","call_transcript":{{"document":{{"id":"{id}"}}}}}}"#
        )
    };
    let call = |from: &str| format!(r#"{{"id":"","event":"connect","from":"{from}"}}"#);
    assert_all_differ(&keys(&items(
        "calls",
        "calls",
        &[&transcript("a"), &transcript("b")],
    )));
    assert_all_differ(&keys(&items("calls", "calls", &[&call("1"), &call("2")])));
    let value = format!(r#"{{{METADATA},"list1":5,"list2":5}}"#);
    let webhook = parse(body("messages", &value).as_bytes()).unwrap();
    assert_all_differ(&webhook.dedup_keys());

    // And a repetition a second later, of which a member is malformed.
    let status = |at: u8| {
        let status = format!(
            r#"{{"id":"w","status":"failed","timestamp":"{at}","errors":[{{"error_data":"Unable"}}]}}"#
        );
        keys(&items("messages", "statuses", &[&status]))
    };
    assert_eq!(status(1), status(2));
    assert_eq!(status(1).len(), 2);
}

#[test]
fn events_without_a_user_have_the_partition_of_their_group_or_account() {
    let group = partition(
        "group_status_update",
        r#""groups":[{"type":"group_suspend","group_id":"G"}]"#,
    );
    assert_eq!(group, "300:G");
    let text = body("account_update", r#"{"event":"ACCOUNT_DELETED"}"#);
    assert_eq!(
        parse(text.as_bytes()).unwrap().events()[0].partition_key(),
        "900:"
    );
}

#[test]
fn events_of_the_program_have_keys() {
    let ada = Identity::from_phone("15550101001").unwrap();
    let message = Message::outbound("wamid.A", ada, Content::text("Ready")).build();
    let account = Account::new("900").with_number("300", "15550100200");
    let sent = MessageSent::new(message).with_account(account);
    assert_eq!(sent.dedup_key(), "message_sent:wamid.A:number=300");
    assert_eq!(sent.partition_key(), "300:15550101001");

    let completed = |sent| {
        let mut campaign = Campaign::new("Spring");
        campaign.counts.sent = sent;
        CampaignCompleted::new(campaign).dedup_key()
    };
    assert_eq!(completed(118), completed(118));
    assert_ne!(completed(118), completed(119));
}
