//! Bodies that once had a wrong result, with the expected result: one of the repository for each
//! kind, and the reported body if the collection is beside the project.

use crate::support;
use crate::support::engines::records;
use serde_json::Value;
use whatsapp_signals::event::{MessageReceived, Reason, Unrecognized, WebhookEvent};
use whatsapp_signals::model::{Content, Direction, Identity, MessageId, StatusUpdate, Timestamp};
use whatsapp_signals::store::{MemoryStore, Tenant};
use whatsapp_signals::{ParseErrorKind, Parser, WebhookEngine, parse, parse_entry};

/// The reported body, that of the repository, and the check of the result of both.
type Row = (&'static str, &'static str, fn(&str));

const ROWS: &[Row] = &[
    (
        "007-context-wrong-type",
        "reported/context-malformed",
        |body| {
            let (event, lost) = message_and_part(body);
            assert!(lost.path.contains(".messages[0].context."), "{}", lost.path);
            let context = event.message.context.unwrap();
            assert!(context.id.is_some());
            assert_eq!(
                (context.forwarded, context.frequently_forwarded),
                (None, None)
            );
        },
    ),
    (
        "019-template-category-dashboard",
        "template-category-appeal",
        |body| {
            let [WebhookEvent::TemplateCategoryUpdate(change)] = &events(body)[..] else {
                panic!("one change")
            };
            let status = change.value.category_appeal_status.as_ref().unwrap();
            assert_eq!(status.as_str(), at(body, "value/category_appeal_status"));
        },
    ),
    (
        "032-reaction-typo",
        "reported/reaction-without-message",
        |body| {
            assert_eq!(
                only_unrecognized(body).reason,
                Reason::Missing("message_id".into())
            );
        },
    ),
    ("034-gupshup-billing", "reported/provider-member", |body| {
        let paths = |parser: Parser| {
            let webhook = parser.parse(body.as_bytes()).unwrap();
            let paths = webhook.iter().map(|event| match event {
                WebhookEvent::Unrecognized(event) => event.path.clone(),
                other => panic!("{other:?}"),
            });
            paths.collect::<Vec<_>>()
        };
        let value = "entry[0].changes[0].value";
        assert_eq!(paths(Parser::new()), [value, "gs_app_id"]);
        assert_eq!(
            paths(Parser::new().ignored_members(&["gs_app_id"])),
            [value]
        );
    }),
    ("044-aws-entry", "reported/aws-entry", |body| {
        let error = parse(body.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), &ParseErrorKind::WrongObject(None));
        let notification: Value = serde_json::from_str(body).unwrap();
        let entry = notification["whatsAppWebhookEntry"].as_str().unwrap();
        let webhook = parse_entry(entry.as_bytes()).unwrap();
        assert_eq!(webhook.events()[0].name(), "message_received");
    }),
    (
        "060-system-bsuid-body-only",
        "reported/user-id-in-text",
        moves_the_contact,
    ),
    (
        "103-error-data-string",
        "reported/status-error-data",
        |body| {
            let (update, lost) = status_and_part(body);
            assert!(lost.path.ends_with(".statuses[0].errors[0].error_data"));
            assert!(update.errors[0].code.is_some() && update.errors[0].error_data.is_none());
        },
    ),
    ("107-status-ts-ms", "reported/status-milliseconds", |body| {
        let [WebhookEvent::MessageStatusChanged(event)] = &events(body)[..] else {
            panic!("one status")
        };
        let milliseconds = at(body, "value/statuses/0/timestamp")
            .parse::<i64>()
            .unwrap();
        let expected = Timestamp::from_secs(milliseconds / 1_000);
        assert_eq!(event.update.timestamp, Some(expected));
    }),
    ("113-pricing-odd", "reported/status-pricing", |body| {
        let (update, lost) = status_and_part(body);
        assert!(lost.path.ends_with(".statuses[0].pricing.billable"));
        let pricing = update.pricing.unwrap();
        assert!(pricing.billable.is_none() && pricing.category.is_some());
    }),
    ("134-referral-old", "text-from-ad-image-id", |body| {
        let referral = only_message(body).message.referral.unwrap();
        let id = referral.image.unwrap().id.unwrap();
        assert_eq!(id.as_str(), at(body, "value/messages/0/referral/image/id"));
    }),
    (
        "141-image-with-errors",
        "reported/video-not-downloaded",
        |body| {
            let message = only_message(body).message;
            assert_eq!(message.message_type(), at(body, "value/messages/0/type"));
            assert_eq!((message.media(), message.errors.len()), (None, 1));
        },
    ),
    ("147-text-null", "reported/text-null", |body| {
        assert_eq!(
            only_unrecognized(body).reason,
            Reason::Missing("body".into())
        );
    }),
    (
        "151-lone-surrogate",
        "reported/text-half-character",
        |body| {
            let event = only_message(body);
            assert!(event.message.body().ends_with(" \u{fffd}"));
            assert!(event.raw.as_str().contains(r"\ud83d"));
        },
    ),
    (
        "152-lone-surrogate-name",
        "reported/name-half-character",
        |body| {
            let contact = only_message(body).contact.unwrap();
            assert!(contact.display_name().starts_with("Ada "));
            assert!(contact.display_name().ends_with(" \u{fffd}"));
        },
    ),
    (
        "166-two-numbers",
        "reported/one-wamid-two-numbers",
        |body| {
            let engine = WebhookEngine::new(MemoryStore::new());
            assert_eq!(fired_and_duplicate(&engine, body), (2, 0));
            assert_eq!(fired_and_duplicate(&engine, body), (0, 2));
        },
    ),
    ("183-echo-template", "reported/echo-template", |body| {
        let [WebhookEvent::MessageEcho(event)] = &events(body)[..] else {
            panic!("an echo")
        };
        let item = at_value(body, "value/message_echoes/0");
        assert_eq!(event.message.body(), item["template"]["name"]);
        let user = event.message.user.clone().unwrap();
        assert_eq!(user.phone(), item["to"].as_str());
        let user_id = user.user_id().map(AsRef::as_ref);
        assert_eq!(user_id, item["to_user_id"].as_str());
        let named = user_id.or(user.phone()).unwrap();
        assert_eq!(partitions(body), [format!("{}:{named}", number(body))]);
    }),
    ("187-echo-interactive", "message-echo-interactive", |body| {
        let [WebhookEvent::MessageEcho(event), ..] = &events(body)[..] else {
            panic!("an echo")
        };
        let text = at(body, "value/message_echoes/0/interactive/body/text");
        assert_eq!(event.message.body(), text);
    }),
    ("192-poll", "reported/unknown-type", |body| {
        let event = only_unrecognized(body);
        let user = event.user.unwrap();
        assert_eq!(user.phone().unwrap(), at(body, "value/messages/0/from"));
        assert!(event.contact.unwrap().identity.is_same_user(&user));
    }),
    (
        "204-gupshup-sync-ts0",
        "reported/contact-removed-no-time",
        |body| {
            let parser = Parser::new().ignored_members(&["gs_app_id"]);
            let engine = WebhookEngine::new(MemoryStore::new()).parser(parser);
            let add = body.replace(r#""remove""#, r#""add""#);
            for body in [body, &add, body] {
                assert_eq!(fired_and_duplicate(&engine, body), (1, 0));
            }
        },
    ),
    ("210-standby-echo-live", "standby-echo-text", |body| {
        let engine = WebhookEngine::new(MemoryStore::new());
        assert_eq!(fired_and_duplicate(&engine, body), (1, 0));
        let id = at(body, "value/standby/message_echoes/0/id");
        let stored = records(&engine)
            .message(&MessageId::from(id.as_str()))
            .unwrap()
            .unwrap();
        assert_eq!(stored.direction, Direction::Outbound);
        let text = at(body, "value/standby/message_echoes/0/message/text/body");
        assert_eq!(stored.text(), Some(text.as_str()));
        assert!(
            records(&engine)
                .contact(&stored.user.unwrap())
                .unwrap()
                .is_some()
        );
    }),
    (
        "218-odd-history-user",
        "reported/history-unknown-content",
        |body| {
            let user = at(body, "value/history/0/threads/0/id");
            let events = events(body);
            let unrecognized: Vec<_> = events.iter().filter_map(unrecognized).collect();
            assert_eq!(unrecognized.len(), 2);
            for event in unrecognized {
                assert_eq!(event.user.as_ref().unwrap().phone(), Some(user.as_str()));
            }
            let partition = format!("{}:{user}", number(body));
            assert_eq!(partitions(body)[1..], [partition.clone(), partition]);
        },
    ),
    (
        "222-wa-id-differs-two",
        "reported/two-messages-other-wa-id",
        |body| {
            let events = events(body);
            let names = events
                .iter()
                .map(|event| event.contact().unwrap().display_name());
            let name = at(body, "value/contacts/0/profile/name");
            assert_eq!(names.collect::<Vec<_>>(), [&name, &name]);
        },
    ),
    (
        "226-user-preferences-notime",
        "reported/preference-no-time",
        |body| {
            let engine = WebhookEngine::new(MemoryStore::new());
            let resume = body.replace(r#""stop""#, r#""resume""#);
            for body in [body, &resume, body] {
                assert_eq!(fired_and_duplicate(&engine, body), (1, 0));
            }
            let user = Identity::from_phone(&at(body, "value/user_preferences/0/wa_id")).unwrap();
            assert!(records(&engine).contact(&user).unwrap().unwrap().opted_out);
        },
    ),
    (
        "250-user-changed-user-id-no-from",
        "reported/user-id-changed-no-sender",
        moves_the_contact,
    ),
    (
        "251-user-changed-number-new",
        "reported/number-changed",
        moves_the_contact,
    ),
    (
        "259-sync-two-removes-batch",
        "reported/two-removals",
        |body| {
            let engine = WebhookEngine::new(MemoryStore::new());
            assert_eq!(fired_and_duplicate(&engine, body), (3, 0));
        },
    ),
    (
        "260-odd-msg-with-user-id-contact",
        "reported/unknown-type-of-contact",
        |body| {
            let event = only_unrecognized(body);
            let name = at(body, "value/contacts/0/profile/name");
            assert_eq!(event.contact.unwrap().display_name(), name);
            let kind = at(body, "value/messages/0/type");
            let text = body.replace(
                &format!(r#""type": "{kind}""#),
                r#""type": "request_welcome""#,
            );
            assert_eq!(
                only_message(&text).message.message_type(),
                "request_welcome"
            );
            assert_eq!(partitions(body), partitions(&text));
        },
    ),
    (
        "274-hidden-phones-empty",
        "reported/number-hidden",
        |body| {
            let message = only_message(body).message;
            let Content::System(system) = &message.content else {
                panic!("news")
            };
            assert_eq!(system.new_number(), None);
            moves_the_contact(body);
        },
    ),
    (
        "276-from-user-id-is-new",
        "reported/sender-is-new-id",
        moves_the_contact,
    ),
    (
        "278-cw-flow-missing-json",
        "reported/flow-reply-no-response",
        |body| {
            let [
                WebhookEvent::MessageReceived(event),
                WebhookEvent::Unrecognized(flow),
            ] = &events(body)[..]
            else {
                panic!("a message and a report")
            };
            assert!(event.message.nfm_reply().is_some());
            assert_eq!(flow.reason, Reason::Missing("response_json".into()));
        },
    ),
];

/// Two bodies of which the second is a repetition.
const REPEATED: &[[&str; 4]] = &[
    [
        "264-status-edit-url",
        "265-status-edit-url-b",
        "reported/edit-signed-url",
        "reported/edit-signed-url-again",
    ],
    [
        "266-delivered-twice-second",
        "267-delivered-twice-second-b",
        "reported/delivered",
        "reported/delivered-again",
    ],
];

#[test]
fn every_reported_kind_gives_the_expected_events() {
    for (_, ours, check) in ROWS {
        check(&own(ours));
    }
    for [_, _, first, again] in REPEATED {
        is_repeated(&own(first), &own(again));
    }
}

#[test]
fn an_echo_of_an_unknown_type_names_its_user() {
    let body = &own("reported/echo-unknown-content");
    let event = only_unrecognized(body);
    let item = at_value(body, "value/message_echoes/0");
    let user = event.user.unwrap();
    assert_eq!(user.phone(), item["to"].as_str());
    let user_id = user.user_id();
    assert_eq!(user_id, item["to_user_id"].as_str());
    let named = user_id.unwrap();
    assert_eq!(partitions(body), [format!("{}:{named}", number(body))]);
}

#[test]
fn every_reported_body_gives_the_expected_events() {
    for (given, _, check) in ROWS {
        if let Some(body) = given_body(given) {
            check(&body);
        }
    }
    for [first, again, _, _] in REPEATED {
        if let (Some(first), Some(again)) = (given_body(first), given_body(again)) {
            is_repeated(&first, &again);
        }
    }
}

#[test]
fn every_row_of_the_list_beside_the_project_has_a_check() {
    let Some(list) = support::case("EXPECTED.md") else {
        return;
    };
    let rows = list
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(".json"));
    let named: Vec<_> = rows.map(|(name, _)| name).collect();
    assert!(named.len() > 30);
    for name in named {
        let is_row = ROWS.iter().any(|(given, ..)| *given == name);
        assert!(
            is_row || REPEATED.iter().any(|row| row[..2].contains(&name)),
            "{name}"
        );
    }
}

fn own(name: &str) -> String {
    let path = format!("{}/tests/payloads/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn given_body(name: &str) -> Option<String> {
    support::case(&format!("{name}.json"))
}

fn events(body: &str) -> Vec<WebhookEvent> {
    parse(body.as_bytes()).unwrap().into_events()
}

fn unrecognized(event: &WebhookEvent) -> Option<&Unrecognized> {
    match event {
        WebhookEvent::Unrecognized(event) => Some(event),
        _ => None,
    }
}

#[track_caller]
fn only_unrecognized(body: &str) -> Unrecognized {
    match &events(body)[..] {
        [WebhookEvent::Unrecognized(event)] => event.clone(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn only_message(body: &str) -> MessageReceived {
    match &events(body)[..] {
        [WebhookEvent::MessageReceived(event)] => event.clone(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn message_and_part(body: &str) -> (MessageReceived, Unrecognized) {
    match &events(body)[..] {
        [
            WebhookEvent::MessageReceived(event),
            WebhookEvent::Unrecognized(lost),
        ] => {
            assert_eq!(lost.reason, Reason::Malformed);
            (event.clone(), lost.clone())
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn status_and_part(body: &str) -> (StatusUpdate, Unrecognized) {
    match &events(body)[..] {
        [
            WebhookEvent::MessageStatusChanged(event),
            WebhookEvent::Unrecognized(lost),
        ] => {
            assert_eq!(lost.reason, Reason::Malformed);
            (event.update.clone(), lost.clone())
        }
        other => panic!("{other:?}"),
    }
}

/// A value within the first change.
fn at_value(body: &str, path: &str) -> Value {
    let body: Value = serde_json::from_str(body).unwrap();
    let found = body.pointer(&format!("/entry/0/changes/0/{path}"));
    found.unwrap_or_else(|| panic!("no {path}")).clone()
}

/// A scalar within the first change, as text.
fn at(body: &str, path: &str) -> String {
    match at_value(body, path) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn number(body: &str) -> String {
    at(body, "value/metadata/phone_number_id")
}

fn partitions(body: &str) -> Vec<String> {
    events(body)
        .iter()
        .map(WebhookEvent::partition_key)
        .collect()
}

fn fired_and_duplicate(engine: &WebhookEngine<MemoryStore>, body: &str) -> (usize, usize) {
    let outcome = engine.process(body.as_bytes()).unwrap();
    (outcome.delivered(), outcome.duplicates())
}

fn is_repeated(first: &str, again: &str) {
    assert_ne!(first, again);
    let engine = WebhookEngine::new(MemoryStore::new());
    assert_eq!(fired_and_duplicate(&engine, first), (1, 0));
    assert_eq!(fired_and_duplicate(&engine, again), (0, 1));
}

/// News of a changed id: its user is the previous one, in whose order it stays, and the
/// stored contact is the current one from then on.
fn moves_the_contact(body: &str) {
    let system = at_value(body, "value/messages/0/system");
    let new = system["user_id"].as_str().unwrap();
    // "… changed from A to B"
    let in_text = system["body"].as_str().unwrap().rsplit(' ').nth(2).unwrap();
    let old = system["previous_user_id"].as_str().unwrap_or(in_text);
    let event = only_message(body);
    assert_eq!(event.message.user.as_ref().unwrap().user_id().unwrap(), old);
    assert_eq!(partitions(body), [format!("{}:{old}", number(body))]);

    // The texts come under another number.
    let engine = WebhookEngine::new(MemoryStore::new()).tenant_of(|_| Tenant::new("one"));
    // One comes before the news, and one after it.
    let time = event.message.timestamp.unwrap_or_else(Timestamp::now);
    let time = time.as_secs();
    let text = |user_id: &str, time: i64| {
        let message = format!(
            r#"{{"id":"wamid.{user_id}","from_user_id":"{user_id}","timestamp":"{time}","type":"text",
                "text":{{"body":"Hello"}}}}"#
        );
        support::batch::body("messages", &format!(r#"{{"messages":[{message}]}}"#))
    };
    for body in [&text(old, time - 1), body, &text(new, time + 1)] {
        assert_eq!(fired_and_duplicate(&engine, body), (1, 0));
    }
    let store = engine.tenant("one");
    let of = |user_id: &str| {
        store
            .contact(&Identity::from_user_id(user_id).unwrap())
            .unwrap()
    };
    assert_eq!(of(old), None);
    let contact = of(new).unwrap();
    assert_eq!(
        store.unread_counts().unwrap(),
        [(contact, 2)],
        "both texts are of one contact"
    );
}
