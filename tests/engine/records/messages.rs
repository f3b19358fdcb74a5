//! Messages, their statuses, and the conversations that they make.

use super::*;
use serde_json::{Value, json};
use whatsapp_signals::event::{FieldEvent, MessageStatusChanged, StandbyEcho};

const A_MINUTE_LATER: Timestamp = Timestamp::from_secs(1_785_000_060);

fn failed(id: &str) -> Sample<MessageStatusChanged> {
    testing::failed(id, 131_026, "Message undeliverable")
}

#[test]
fn a_status_only_moves_forward() {
    use MessageStatus::{Deleted, Delivered, Failed, Read, Sent};
    for (statuses, last) in [
        (&["sent", "delivered", "read"][..], Read),
        (&["read", "delivered", "sent"], Read),
        (&["failed", "sent", "delivered"], Failed),
        (&["sent", "failed"], Failed),
        (&["failed", "deleted"], Deleted),
        (&["delivered", "brand_new"], Delivered),
        (&["sent"], Sent),
    ] {
        with_each_store(|engine| {
            send(&engine, "wamid.S");
            for step in statuses {
                let status = testing::sent("wamid.S").set("/status", *step);
                process(&engine, &status.body());
            }
            assert_eq!(
                status_of(&engine, "wamid.S"),
                Some(last.clone()),
                "{statuses:?}"
            );
        });
    }
}

#[test]
fn a_status_that_comes_before_its_message_is_applied_when_that_comes() {
    for (came, expected) in [
        (testing::read("wamid.S"), MessageStatus::Read),
        (failed("wamid.S"), MessageStatus::Failed),
    ] {
        with_each_store(|engine| {
            process(&engine, &came.body());
            assert_eq!(records(&engine).message(&"wamid.S".into()).unwrap(), None);
            send(&engine, "wamid.S");
            assert_eq!(status_of(&engine, "wamid.S"), Some(expected.clone()));
            let listed = records(&engine)
                .conversation(&phone("15550101001"), None, 9)
                .unwrap();
            assert_eq!(listed[0].status, Some(expected.clone()));
        });
    }
}

#[test]
fn a_status_of_a_payment_or_of_a_participant_is_not_that_of_the_message() {
    with_each_store(|engine| {
        send(&engine, "wamid.S");
        let payment = failed("wamid.S")
            .set("/type", "payment")
            .set("/payment/reference_id", "order-7");
        process(&engine, &payment.body());
        let of_group = failed("wamid.S").in_group("Y2FwaV9n");
        process(&engine, &of_group.clone().to("15550101001").body());
        assert_eq!(status_of(&engine, "wamid.S"), Some(MessageStatus::Sent));
        let delivered = testing::delivered("wamid.S").in_group("Y2FwaV9n");
        process(&engine, &delivered.to("15550101001").body());
        assert_eq!(
            status_of(&engine, "wamid.S"),
            Some(MessageStatus::Delivered)
        );
        process(&engine, &of_group.without_phone().body());
        assert_eq!(status_of(&engine, "wamid.S"), Some(MessageStatus::Failed));
    });
}

#[test]
fn a_conversation_has_both_sides_in_order_and_answers_find_their_question() {
    with_each_store(|engine| {
        send(&engine, "wamid.Q");
        let answer = testing::text("Yes").from("15550101001").reply_to("wamid.Q");
        process(&engine, &answer.id("wamid.A").at(A_MINUTE_LATER).body());
        let store = records(&engine);
        let conversation = store.conversation(&phone("15550101001"), None, 9).unwrap();
        let ids: Vec<_> = conversation.iter().map(|m| m.id.as_str()).collect();
        assert_eq!(ids, ["wamid.A", "wamid.Q"], "last first");
        assert_eq!(conversation[0].reply_to().unwrap(), "wamid.Q");
        assert_eq!(
            store.replies(&"wamid.Q".into()).unwrap(),
            [conversation[0].clone()]
        );
    });
}

#[test]
fn unread_messages_are_those_that_a_user_wrote() {
    with_each_store(|engine| {
        let user = phone("15550101001");
        send(&engine, "wamid.Q");
        process(&engine, &text().from("15550101001").body());
        process(&engine, &text().from("15550101001").body());
        process(&engine, &text().to("15550101001").echo().body());
        assert_eq!(records(&engine).unread_count(&user).unwrap(), 2);
        records(&engine).mark_read(&user).unwrap();
        assert_eq!(records(&engine).unread_count(&user).unwrap(), 0);
        assert_eq!(
            records(&engine).conversation(&user, None, 9).unwrap().len(),
            4
        );
    });
}

#[test]
fn a_conversation_has_both_sides_while_another_app_answers_it() {
    with_each_store(|engine| {
        let user = phone("15550101001");
        let question = text().from("15550101001").id("wamid.Q").standby();
        process(&engine, &question.body());
        let answer = testing::standby_echo("One moment").id("wamid.A");
        let answer = answer
            .to("15550101001")
            .user_id("US.7001")
            .at(A_MINUTE_LATER)
            .set("/message/text/preview_url", "true")
            .set("/message/context/message_id", "wamid.Q");
        process(&engine, &answer.body());
        let delivered = testing::delivered("wamid.A").to("15550101001");
        process(&engine, &delivered.standby().without_contact().body());

        let store = records(&engine);
        let conversation = store.conversation(&user, None, 9).unwrap();
        let [answer, question] = &*conversation else {
            panic!("{conversation:?}")
        };
        assert_eq!((question.body(), answer.body()), ("Hi", "One moment"));
        assert_eq!(answer.recipient().unwrap().user_id().unwrap(), "US.7001");
        assert_eq!(answer.timestamp, Some(A_MINUTE_LATER));
        assert_eq!(answer.reply_to().unwrap(), "wamid.Q");
        assert_eq!(answer.status, Some(MessageStatus::Delivered));
        assert_eq!(store.unread_count(&user).unwrap(), 0);
        let contact = contact(&engine, &user_id("US.7001"));
        assert_eq!(contact.identity.phone(), Some("15550101001"));
    });
}

/// A standby echo of a text.
fn standby_text() -> Sample<FieldEvent<StandbyEcho>> {
    testing::standby_echo("Hi").to("15550101001").id("wamid.A")
}

/// A standby echo of a request of this type, with this content.
fn request(kind: &str, content: impl Into<Value>) -> Sample<FieldEvent<StandbyEcho>> {
    standby_text()
        .remove("/message/text")
        .set("/message/type", kind)
        .set(&format!("/message/{kind}"), content)
}

#[test]
fn a_standby_echo_is_stored_by_the_type_of_its_request() {
    let image = json!({"link": "https://juniper.example/a.jpg", "caption": "Gears"});
    let location = json!({"latitude": "1.5", "longitude": 2, "name": "Yard"});
    let list = json!({"type": "list", "body": {"text": "Pick a day"}});
    let template = json!({"name": "offer", "language": {"code": "en_US"}});
    for (echo, body) in [
        (standby_text().remove("/message/type"), "Hi"),
        (standby_text().set("/message/type", Value::Null), "Hi"),
        (request("image", image), "Gears"),
        (request("location", location), "Yard"),
        (
            request("contacts", json!([{"name": {"formatted_name": "Bo"}}])),
            "[Contacts]",
        ),
        (
            request("reaction", json!({"message_id": "wamid.Q", "emoji": "🚴"})),
            "🚴",
        ),
        (request("interactive", list), "Pick a day"),
        (request("template", template), "offer"),
    ] {
        with_each_store(|engine| {
            process(&engine, &echo.body());
            let conversation = records(&engine).conversation(&phone("15550101001"), None, 9);
            assert_eq!(conversation.unwrap()[0].body(), body, "{}", echo.json());
        });
    }
}

#[test]
fn a_standby_echo_without_a_typed_content_is_an_event_and_not_stored() {
    for echo in [
        request("hologram", json!({"body": "Hi"})),
        request("system", json!({"body": "Hi"})),
        request("unsupported", json!({})),
        standby_text().remove("/message/text"),
        request("text", Value::Null),
        request("text", json!(["Hi"])),
        request("text", "Hi"),
        standby_text().set("/message/type", json!(["text"])),
        request("interactive", json!({})),
        request("template", json!({"name": "offer"})),
        request("template", json!({"language": {"code": "en_US"}})),
        standby_text()
            .remove("/message/type")
            .remove("/message/text")
            .set("/message/recipient", 7),
    ] {
        with_each_store(|engine| {
            let json = echo.json();
            assert_eq!(
                engine.process(&echo.body()).unwrap().delivered(),
                1,
                "{json}"
            );
            let store = records(&engine);
            assert_eq!(store.message(&"wamid.A".into()).unwrap(), None, "{json}");
            assert_eq!(store.contact(&phone("15550101001")).unwrap(), None);
        });
    }
}

#[test]
fn a_standby_echo_to_a_group_is_in_no_conversation() {
    with_each_store(|engine| {
        let echo = testing::standby_echo("Hi all")
            .in_group("Y2FwaV9n")
            .id("wamid.G");
        process(&engine, &echo.body());
        let stored = records(&engine)
            .message(&"wamid.G".into())
            .unwrap()
            .unwrap();
        assert_eq!(stored.group_id.unwrap(), "Y2FwaV9n");
        assert_eq!(stored.user, None);
        // As the parser would have read it for a number.
        let group: Identity = serde_json::from_str(r#"{"wa_id":"Y2FwaV9n"}"#).unwrap();
        assert_eq!(records(&engine).contact(&group).unwrap(), None);
    });
}

#[test]
fn a_message_to_a_group_is_stored_outside_of_conversations() {
    with_each_store(|engine| {
        let message = text().from("15550101001").in_group("Y2FwaV9n");
        process(&engine, &message.id("wamid.G").body());
        let user = phone("15550101001");
        assert!(
            records(&engine)
                .message(&"wamid.G".into())
                .unwrap()
                .is_some()
        );
        assert!(records(&engine).contact(&user).unwrap().is_some());
        assert_eq!(records(&engine).conversation(&user, None, 9).unwrap(), []);
        assert_eq!(records(&engine).unread_count(&user).unwrap(), 0);
    });
}

#[test]
fn a_placeholder_gives_way_to_the_message_and_never_takes_its_place() {
    let placeholder = testing::unsupported("poll_creation").id("wamid.A").body();
    let text = text().id("wamid.A").body();
    for order in [[&placeholder, &text], [&text, &placeholder]] {
        with_each_store(|engine| {
            for body in order {
                process(&engine, body);
            }
            let stored = records(&engine)
                .message(&"wamid.A".into())
                .unwrap()
                .unwrap();
            assert_eq!(stored.body(), "Hi");
            let unread = records(&engine)
                .unread_count(&phone("15550101001"))
                .unwrap();
            assert_eq!(unread, 1, "one message, however often it comes");
        });
    }
}

#[test]
fn a_historic_message_has_the_status_of_the_history_and_is_read() {
    with_each_store(|engine| {
        let history = include_bytes!("../../payloads/history.json");
        process(&engine, history);
        assert_eq!(records(&engine).unread_counts().unwrap(), []);
        let events = whatsapp_signals::parse(history).unwrap().into_events();
        let mut outbound = 0;
        for event in events {
            let whatsapp_signals::event::WebhookEvent::HistoryMessage(event) = event else {
                continue;
            };
            let stored = records(&engine)
                .message(&event.message.id)
                .unwrap()
                .unwrap();
            assert_eq!(stored.content, event.message.content);
            if stored.direction == whatsapp_signals::model::Direction::Outbound {
                outbound += 1;
                assert!(stored.status.is_some());
            }
        }
        assert!(outbound > 0);
    });
}
