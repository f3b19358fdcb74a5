//! Messages, their statuses, and the conversations that they make.

use super::*;

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
                process(
                    &engine,
                    &status("wamid.S", step, r#""recipient_id":"15550101001""#),
                );
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
        ("read", MessageStatus::Read),
        ("failed", MessageStatus::Failed),
    ] {
        with_each_store(|engine| {
            process(
                &engine,
                &status("wamid.S", came, r#""recipient_id":"15550101001""#),
            );
            assert_eq!(engine.store().message(&"wamid.S".into()).unwrap(), None);
            send(&engine, "wamid.S");
            assert_eq!(status_of(&engine, "wamid.S"), Some(expected.clone()));
            let listed = engine
                .store()
                .conversation(&phone("15550101001"), None, 9)
                .unwrap();
            assert_eq!(listed[0].status, Some(expected.clone()));
        });
    }
}

#[test]
fn what_became_of_a_payment_or_of_one_member_of_a_group_is_not_what_became_of_the_message() {
    with_each_store(|engine| {
        send(&engine, "wamid.S");
        let payment = r#""type":"payment","recipient_id":"15550101001",
            "payment":{"reference_id":"order-7"}"#;
        process(&engine, &status("wamid.S", "failed", payment));
        let member = r#""recipient_id":"Y2FwaV9n","recipient_type":"group",
            "recipient_participant_id":"15550101001""#;
        process(&engine, &status("wamid.S", "failed", member));
        assert_eq!(status_of(&engine, "wamid.S"), Some(MessageStatus::Sent));
        process(&engine, &status("wamid.S", "delivered", member));
        assert_eq!(
            status_of(&engine, "wamid.S"),
            Some(MessageStatus::Delivered)
        );
        let group = r#""recipient_id":"Y2FwaV9n","recipient_type":"group""#;
        process(&engine, &status("wamid.S", "failed", group));
        assert_eq!(status_of(&engine, "wamid.S"), Some(MessageStatus::Failed));
    });
}

#[test]
fn a_conversation_has_both_sides_in_order_and_answers_find_their_question() {
    with_each_store(|engine| {
        send(&engine, "wamid.Q");
        let answer = r#"{"id":"wamid.A","from":"15550101001","timestamp":"1785000060","type":"text",
            "text":{"body":"Yes"},"context":{"from":"15550100200","id":"wamid.Q"}}"#;
        process(&engine, &items("messages", &[answer]));
        let store = engine.store();
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
        for id in ["wamid.A", "wamid.B"] {
            process(
                &engine,
                &with_contacts("", &[message(id, r#""from":"15550101001""#)]),
            );
        }
        let echo = r#""message_echoes":[{"from":"15550100200","to":"15550101001","id":"wamid.E",
            "timestamp":"1785000000","type":"text","text":{"body":"Hi"}}]"#;
        process(&engine, &value("smb_message_echoes", echo));
        assert_eq!(engine.store().unread_count(&user).unwrap(), 2);
        engine.store().mark_read(&user).unwrap();
        assert_eq!(engine.store().unread_count(&user).unwrap(), 0);
        assert_eq!(
            engine.store().conversation(&user, None, 9).unwrap().len(),
            4
        );
    });
}

/// A standby echo of this request.
fn standby_echo(id: &str, request: &str) -> Vec<u8> {
    let echo = format!(r#"{{"id":"{id}","timestamp":"1785000060","message":{request}}}"#);
    value(
        "standby",
        &format!(r#""standby":{{"message_echoes":[{echo}]}}"#),
    )
}

#[test]
fn a_conversation_has_both_sides_while_another_app_answers_it() {
    with_each_store(|engine| {
        let user = phone("15550101001");
        let question = message("wamid.Q", r#""from":"15550101001""#);
        let standby = format!(r#""standby":{{"messages":[{question}]}}"#);
        process(&engine, &value("standby", &standby));
        let request = r#"{"to":"15550101001","recipient":"US.7001","recipient_type":"individual",
            "type":"text","text":{"body":"One moment","preview_url":"true"},
            "context":{"message_id":"wamid.Q"}}"#;
        process(&engine, &standby_echo("wamid.A", request));
        let delivered = r#""standby":{"statuses":[{"id":"wamid.A","status":"delivered",
            "timestamp":"1785000061","recipient_id":"15550101001"}]}"#;
        process(&engine, &value("standby", delivered));

        let store = engine.store();
        let conversation = store.conversation(&user, None, 9).unwrap();
        let [answer, question] = &*conversation else {
            panic!("{conversation:?}")
        };
        assert_eq!((question.body(), answer.body()), ("Hi", "One moment"));
        assert_eq!(answer.recipient().unwrap().user_id().unwrap(), "US.7001");
        assert_eq!(answer.timestamp, Some(Timestamp::from_secs(1_785_000_060)));
        assert_eq!(answer.reply_to().unwrap(), "wamid.Q");
        assert_eq!(answer.status, Some(MessageStatus::Delivered));
        assert_eq!(store.unread_count(&user).unwrap(), 0);
        let contact = contact(&engine, &user_id("US.7001"));
        assert_eq!(contact.identity.phone(), Some("15550101001"));
    });
}

#[test]
fn a_standby_echo_is_stored_by_the_type_of_its_request() {
    let to = r#""to":"15550101001""#;
    for (request, body) in [
        (r#""text":{"body":"Hi"}"#, "Hi"),
        (r#""type":null,"text":{"body":"Hi"}"#, "Hi"),
        (
            r#""type":"image","image":{"link":"https://juniper.example/a.jpg","caption":"Gears"}"#,
            "Gears",
        ),
        (
            r#""type":"location","location":{"latitude":"1.5","longitude":2,"name":"Yard"}"#,
            "Yard",
        ),
        (
            r#""type":"contacts","contacts":[{"name":{"formatted_name":"Bo"}}]"#,
            "[Contacts]",
        ),
        (
            r#""type":"reaction","reaction":{"message_id":"wamid.Q","emoji":"🚴"}"#,
            "🚴",
        ),
        (
            r#""type":"interactive","interactive":{"type":"list","body":{"text":"Pick a day"}}"#,
            "Pick a day",
        ),
        (
            r#""type":"template","template":{"name":"offer","language":{"code":"en_US"}}"#,
            "offer",
        ),
    ] {
        with_each_store(|engine| {
            process(
                &engine,
                &standby_echo("wamid.A", &format!("{{{to},{request}}}")),
            );
            let conversation = engine.store().conversation(&phone("15550101001"), None, 9);
            assert_eq!(conversation.unwrap()[0].body(), body, "{request}");
        });
    }
}

#[test]
fn a_standby_echo_without_a_typed_content_is_an_event_and_not_stored() {
    let to = r#""to":"15550101001""#;
    for request in [
        r#""type":"hologram","hologram":{"body":"Hi"}"#,
        r#""type":"system","system":{"body":"Hi"}"#,
        r#""type":"unsupported","unsupported":{}"#,
        r#""type":"text""#,
        r#""type":"text","text":null"#,
        r#""type":"text","text":["Hi"]"#,
        r#""type":"text","text":"Hi""#,
        r#""type":["text"],"text":{"body":"Hi"}"#,
        r#""type":"interactive","interactive":{}"#,
        r#""type":"template","template":{"name":"offer"}"#,
        r#""type":"template","template":{"language":{"code":"en_US"}}"#,
        r#""recipient":7"#,
    ] {
        with_each_store(|engine| {
            let body = standby_echo("wamid.A", &format!("{{{to},{request}}}"));
            assert_eq!(engine.process(&body).unwrap().fired(), 1, "{request}");
            let store = engine.store();
            assert_eq!(store.message(&"wamid.A".into()).unwrap(), None, "{request}");
            assert_eq!(store.contact(&phone("15550101001")).unwrap(), None);
        });
    }
}

#[test]
fn a_standby_echo_to_a_group_is_in_no_conversation() {
    with_each_store(|engine| {
        let request = r#"{"to":"Y2FwaV9n","recipient_type":"group","type":"text",
            "text":{"body":"Hi all"}}"#;
        process(&engine, &standby_echo("wamid.G", request));
        let stored = engine.store().message(&"wamid.G".into()).unwrap().unwrap();
        assert_eq!(stored.group_id.unwrap(), "Y2FwaV9n");
        assert_eq!(stored.user, None);
        // As the parser would have read it for a number.
        let group: Identity = serde_json::from_str(r#"{"wa_id":"Y2FwaV9n"}"#).unwrap();
        assert_eq!(engine.store().contact(&group).unwrap(), None);
    });
}

#[test]
fn what_is_written_in_a_group_is_stored_and_in_nobody_s_conversation() {
    with_each_store(|engine| {
        let group = r#""from":"15550101001","group_id":"Y2FwaV9n""#;
        process(&engine, &with_contacts("", &[message("wamid.G", group)]));
        let user = phone("15550101001");
        assert!(engine.store().message(&"wamid.G".into()).unwrap().is_some());
        assert!(engine.store().contact(&user).unwrap().is_some());
        assert_eq!(engine.store().conversation(&user, None, 9).unwrap(), []);
        assert_eq!(engine.store().unread_count(&user).unwrap(), 0);
    });
}

#[test]
fn a_placeholder_gives_way_to_the_message_and_never_takes_its_place() {
    let placeholder = r#"{"id":"wamid.A","from":"15550101001","timestamp":"1785000000",
        "type":"unsupported","errors":[{"code":131051}]}"#;
    let text = message("wamid.A", r#""from":"15550101001""#);
    for order in [[placeholder, &text], [&text, placeholder]] {
        with_each_store(|engine| {
            for item in order {
                process(&engine, &items("messages", &[item]));
            }
            let stored = engine.store().message(&"wamid.A".into()).unwrap().unwrap();
            assert_eq!(stored.body(), "Hi");
            let unread = engine.store().unread_count(&phone("15550101001")).unwrap();
            assert_eq!(unread, 1, "one message, however often it comes");
        });
    }
}

#[test]
fn an_old_message_has_the_status_that_the_history_tells_and_is_nothing_to_read() {
    with_each_store(|engine| {
        let history = include_bytes!("../../payloads/history.json");
        process(&engine, history);
        assert_eq!(engine.store().unread_counts().unwrap(), []);
        let events = whatsapp_signals::parse(history).unwrap().into_events();
        let mut outbound = 0;
        for event in events {
            let whatsapp_signals::event::WebhookEvent::HistoryMessage(event) = event else {
                continue;
            };
            let stored = engine.store().message(&event.message.id).unwrap().unwrap();
            assert_eq!(stored.content, event.message.content);
            if stored.direction == whatsapp_signals::model::Direction::Outbound {
                outbound += 1;
                assert!(stored.status.is_some());
            }
        }
        assert!(outbound > 0);
    });
}
