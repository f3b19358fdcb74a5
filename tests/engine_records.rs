//! What an engine writes down, and what events learn from it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::batch::{items, value};
use support::engines::{Engine, with_each_store};
use whatsapp_signals::event::{MessageSent, UserSubscribed};
use whatsapp_signals::model::{
    Contact, Content, Identity, Message, MessageStatus, Signup, SignupStatus, Timestamp,
};
use whatsapp_signals::signals::USER_SUBSCRIBED;
use whatsapp_signals::store::StoreExt;

fn process(engine: &Engine, body: &[u8]) {
    let outcome = engine.process(body).unwrap();
    assert_eq!(
        outcome.unrecognized(),
        0,
        "{}",
        String::from_utf8_lossy(body)
    );
    assert!(!outcome.should_retry());
}

fn phone(wa_id: &str) -> Identity {
    Identity::from_phone(wa_id).unwrap()
}

fn user_id(user_id: &str) -> Identity {
    Identity::from_user_id(user_id).unwrap()
}

fn contact(engine: &Engine, user: &Identity) -> Contact {
    engine.store().contact(user).unwrap().unwrap()
}

/// A message with these members beside its id, time and text.
fn message(id: &str, members: &str) -> String {
    format!(
        r#"{{"id":"{id}","timestamp":"1785000000","type":"text","text":{{"body":"Hi"}},{members}}}"#
    )
}

/// A body with contacts and messages.
fn with_contacts(contacts: &str, messages: &[String]) -> Vec<u8> {
    let messages = messages.join(",");
    value(
        "messages",
        &format!(r#""contacts":[{contacts}],"messages":[{messages}]"#),
    )
}

fn status(id: &str, status: &str, members: &str) -> Vec<u8> {
    let comma = if members.is_empty() { "" } else { "," };
    items(
        "statuses",
        &[format!(
            r#"{{"id":"{id}","status":"{status}","timestamp":"1785000001"{comma}{members}}}"#
        )],
    )
}

fn status_of(engine: &Engine, id: &str) -> Option<MessageStatus> {
    let message = engine.store().message(&id.into()).unwrap();
    message.unwrap().status
}

fn send(engine: &Engine, id: &str) {
    let message = Message::outbound(id, phone("15550101001"), Content::text("It is ready"));
    let message = message.timestamp(Timestamp::from_secs(1_785_000_000));
    let report = engine.sent(&MessageSent::new(message.build())).unwrap();
    assert!(report.is_ok());
}

#[test]
fn a_message_and_its_contact_are_stored_and_the_event_has_the_stored_contact() {
    with_each_store(|engine| {
        let ada = r#"{"wa_id":"15550101001","profile":{"name":"Ada","username":"@ada"}}"#;
        let body = with_contacts(ada, &[message("wamid.A", r#""from":"15550101001""#)]);
        process(&engine, &body);
        let stored = contact(&engine, &phone("15550101001"));
        assert_eq!(stored.name.as_deref(), Some("Ada"));
        assert_eq!(stored.username.as_deref(), Some("@ada"));
        assert!(stored.created_at.is_some() && stored.created_at == stored.updated_at);
        assert_eq!(stored.raw.unwrap().as_str(), ada);
        let stored = engine.store().message(&"wamid.A".into()).unwrap().unwrap();
        assert_eq!(stored.body(), "Hi");
        assert_eq!(stored.user, Some(phone("15550101001")));
    });
}

#[test]
fn a_profile_is_brought_up_to_date_and_what_is_yours_stays() {
    with_each_store(|engine| {
        let user = phone("15550101001");
        engine
            .store()
            .update_contact(&user, |contact| {
                contact.labels.push("gravel".into());
                contact.name = Some("old".into());
                contact.username = Some("@ada".into());
            })
            .unwrap();
        let ada = r#"{"wa_id":"15550101001","profile":{"name":"Ada"}}"#;
        let body = with_contacts(ada, &[message("wamid.A", r#""from":"15550101001""#)]);
        process(&engine, &body);
        let stored = contact(&engine, &user);
        assert_eq!(stored.name.as_deref(), Some("Ada"));
        assert_eq!(
            stored.username.as_deref(),
            Some("@ada"),
            "not told, so kept"
        );
        assert_eq!(stored.labels, ["gravel"]);
    });
}

#[test]
fn a_phone_number_is_stored_as_meta_wrote_it() {
    with_each_store(|engine| {
        // Each with and without the digit that somebody's rule adds or drops.
        let numbers = [
            "5215512345678",
            "525512345678",
            "5491123456789",
            "541123456789",
            "5511912345678",
            "551112345678",
        ];
        for (at, number) in numbers.iter().enumerate() {
            let from = format!(r#""from":"{number}""#);
            process(
                &engine,
                &with_contacts("", &[message(&format!("wamid.{at}"), &from)]),
            );
        }
        for number in numbers {
            assert_eq!(contact(&engine, &phone(number)).phone(), Some(number));
            let conversation = engine
                .store()
                .conversation(&phone(number), None, 9)
                .unwrap();
            assert_eq!(conversation.len(), 1, "{number} is nobody else");
        }
    });
}

#[test]
fn somebody_seen_by_phone_and_by_user_id_is_one_contact_once_that_is_known() {
    with_each_store(|engine| {
        let from = |id: &str, members: &str| with_contacts("", &[message(id, members)]);
        process(&engine, &from("wamid.A", r#""from":"15550101001""#));
        process(&engine, &from("wamid.B", r#""from_user_id":"US.7001""#));
        let (by_phone, by_user_id) = (phone("15550101001"), user_id("US.7001"));
        engine
            .store()
            .update_contact(&by_phone, |c| c.labels.push("a".into()))
            .unwrap();
        engine
            .store()
            .update_contact(&by_user_id, |c| c.labels.push("b".into()))
            .unwrap();
        assert_eq!(engine.store().unread_counts().unwrap().len(), 2);

        process(
            &engine,
            &from(
                "wamid.C",
                r#""from":"15550101001","from_user_id":"US.7001""#,
            ),
        );
        let [(both, unread)] = &engine.store().unread_counts().unwrap()[..] else {
            panic!("one contact");
        };
        assert_eq!(*unread, 3);
        assert_eq!(both.labels, ["a", "b"]);
        for user in [by_phone, by_user_id] {
            assert_eq!(contact(&engine, &user), *both);
            let conversation = engine.store().conversation(&user, None, 9).unwrap();
            assert_eq!(conversation.len(), 3);
        }
    });
}

#[test]
fn a_phone_number_that_has_changed_hands_is_another_contact() {
    with_each_store(|engine| {
        for (id, user) in [("wamid.A", "US.7001"), ("wamid.B", "US.7002")] {
            let from = format!(r#""from":"15550101001","from_user_id":"{user}""#);
            process(&engine, &with_contacts("", &[message(id, &from)]));
        }
        let (first, second) = (
            contact(&engine, &user_id("US.7001")),
            contact(&engine, &user_id("US.7002")),
        );
        assert_eq!(first.phone(), None, "it is somebody else's now");
        assert_eq!(second.phone(), Some("15550101001"));
        let by_phone = engine
            .store()
            .conversation(&phone("15550101001"), None, 9)
            .unwrap();
        assert_eq!(by_phone[0].id, "wamid.B");
        assert_eq!(by_phone.len(), 1);
    });
}

#[test]
fn news_of_a_changed_number_takes_nothing_from_who_has_the_old_one_by_now() {
    with_each_store(|engine| {
        for (id, user) in [("wamid.A", "US.7001"), ("wamid.B", "US.7002")] {
            let from = format!(r#""from":"15550101001","from_user_id":"{user}""#);
            process(&engine, &with_contacts("", &[message(id, &from)]));
        }
        let late = r#"{"id":"wamid.S","from":"15550101001","from_user_id":"US.7001",
            "timestamp":"1785000000","type":"system",
            "system":{"type":"user_changed_number","wa_id":"15550101009"}}"#;
        process(&engine, &items("messages", &[late]));
        let number = |user| contact(&engine, &user_id(user)).phone().map(str::to_owned);
        assert_eq!(number("US.7001").as_deref(), Some("15550101009"));
        assert_eq!(number("US.7002").as_deref(), Some("15550101001"));
    });
}

#[test]
fn an_event_that_only_names_users_makes_no_contacts_one() {
    with_each_store(|engine| {
        let from = |id: &str, members: &str| with_contacts("", &[message(id, members)]);
        process(
            &engine,
            &from(
                "wamid.A",
                r#""from":"15550101001","from_user_id":"US.7001""#,
            ),
        );
        process(&engine, &from("wamid.B", r#""from":"15550101002""#));
        let both = r#""recipient_id":"15550101002","recipient_user_id":"US.7001""#;
        process(&engine, &status("wamid.S", "sent", both));
        for user in [
            phone("15550101001"),
            phone("15550101002"),
            user_id("US.7001"),
        ] {
            assert!(engine.store().contact(&user).unwrap().is_some(), "{user:?}");
        }
    });
}

#[test]
fn a_contact_that_you_change_follows_the_same_rules() {
    with_each_store(|engine| {
        let from = r#""from":"15550101001","from_user_id":"US.7001""#;
        process(&engine, &with_contacts("", &[message("wamid.A", from)]));
        let other = Identity::new(Some("15550101001"), Some("US.7002"), None).unwrap();
        let label = |contact: &mut Contact| contact.labels.push("new".into());
        let changed = engine.store().update_contact(&other, label).unwrap();
        assert_eq!(changed.labels, ["new"]);
        assert_eq!(contact(&engine, &user_id("US.7001")).phone(), None);
        assert_eq!(contact(&engine, &phone("15550101001")), changed);
    });
}

#[test]
fn a_user_who_changes_the_number_or_the_id_stays_the_same_contact() {
    let number = r#""from":"15550101001","type":"system","system":{"type":"user_changed_number",
        "body":"…","wa_id":"15550101009"}"#;
    let both = r#""from":"15550101001","from_user_id":"US.7002","type":"system",
        "system":{"type":"user_changed_number","wa_id":"15550101009","user_id":"US.7002",
        "previous_user_id":"US.7001"}"#;
    let id = r#""from_user_id":"US.7002","type":"system","system":{"type":"user_changed_user_id",
        "user_id":"US.7002","previous_user_id":"US.7001"}"#;
    for (tells, before, after) in [
        (number, phone("15550101001"), phone("15550101009")),
        (both, phone("15550101001"), user_id("US.7002")),
        (id, user_id("US.7001"), user_id("US.7002")),
    ] {
        with_each_store(|engine| {
            let from = r#""from":"15550101001","from_user_id":"US.7001""#;
            process(&engine, &with_contacts("", &[message("wamid.A", from)]));
            engine
                .store()
                .update_contact(&before, |c| c.labels.push("gravel".into()))
                .unwrap();
            let tells = format!(r#"{{"id":"wamid.S","timestamp":"1785000000",{tells}}}"#);
            process(&engine, &items("messages", &[tells]));
            assert_eq!(contact(&engine, &after).labels, ["gravel"], "{after:?}");
            let conversation = engine.store().conversation(&after, None, 9).unwrap();
            assert_eq!(conversation.len(), 2);
            let unread = engine.store().unread_count(&after).unwrap();
            assert_eq!(unread, 1, "news about a user is nothing to read");
        });
    }
    with_each_store(|engine| {
        process(
            &engine,
            &with_contacts("", &[message("wamid.A", r#""from_user_id":"US.7001""#)]),
        );
        process(
            &engine,
            &value(
                "user_id_update",
                r#""user_id_update":[{"wa_id":"15550101001",
                "user_id":{"previous":"US.7001","current":"US.7002"}}]"#,
            ),
        );
        let conversation = engine
            .store()
            .conversation(&user_id("US.7002"), None, 9)
            .unwrap();
        assert_eq!(conversation.len(), 1);
        assert_eq!(engine.store().contact(&user_id("US.7001")).unwrap(), None);
    });
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
fn a_user_who_wants_no_more_marketing_is_opted_out_until_they_want_it_again() {
    with_each_store(|engine| {
        let prefers = |what: &str, category: &str| {
            value(
                "user_preferences",
                &format!(
                    r#""user_preferences":[{{"wa_id":"15550101001","category":"{category}",
                        "value":"{what}","timestamp":1785000000}}]"#
                ),
            )
        };
        let user = phone("15550101001");
        process(&engine, &prefers("stop", "marketing_messages"));
        assert!(contact(&engine, &user).opted_out);
        process(&engine, &prefers("resume", "brand_new_category"));
        assert!(contact(&engine, &user).opted_out);
        process(&engine, &prefers("resume", "marketing_messages"));
        assert!(!contact(&engine, &user).opted_out);
    });
}

fn signup(signup_id: &str) -> Vec<u8> {
    value(
        "user_preferences",
        &format!(
            r#""contacts":[{{"wa_id":"15550101001","profile":{{"name":"Ada"}}}}],
            "user_preferences":[{{"wa_id":"15550101001","category":"marketing_messages",
            "value":"signup","signup_id":"{signup_id}","timestamp":1785000000}}]"#
        ),
    )
}

#[test]
fn a_signup_updates_the_contact_is_counted_once_and_comes_with_all_that_is_stored() {
    with_each_store(|engine| {
        let mut spring = Signup::new("spring");
        spring.promo_code = Some("TUNE10".into());
        spring.auto_add_to_label = Some("subscribers".into());
        engine.store().save_signup(&spring).unwrap();

        let (sender, seen) = std::sync::mpsc::channel();
        let connection = USER_SUBSCRIBED.connect(move |event: &UserSubscribed| {
            let _ = sender.send(event.clone());
        });
        process(&engine, &signup("spring"));
        let again = engine.process(&signup("spring")).unwrap();
        assert_eq!((again.fired(), again.duplicate()), (0, 1));
        drop(connection);

        // Another test's subscriptions may be among those that were seen.
        let seen: Vec<_> = seen
            .iter()
            .filter(|event| event.signup.signup_id == "spring")
            .collect();
        let [event] = &seen[..] else {
            panic!("one event")
        };
        assert_eq!(event.signup.promo_code.as_deref(), Some("TUNE10"));
        assert_eq!(event.signup.subscriber_count, 1);
        assert_eq!(event.contact, contact(&engine, &phone("15550101001")));
        assert!(event.contact.subscribed_via_signup);
        assert_eq!(
            event.contact.subscribed_at,
            Some(Timestamp::from_secs(1_785_000_000))
        );
        assert_eq!(event.contact.labels, ["subscribers"]);
        assert_eq!(event.contact.name.as_deref(), Some("Ada"));

        let store = engine.store();
        store.save_signup(&spring).unwrap(); // as at each start of the program
        assert_eq!(
            store
                .signup(&"spring".into())
                .unwrap()
                .unwrap()
                .subscriber_count,
            1
        );
        assert!(store.disable_signup(&"spring".into()).unwrap());
        assert_eq!(store.signups().unwrap()[0].status, SignupStatus::Disabled);
        assert!(!store.disable_signup(&"autumn".into()).unwrap());
    });
}

#[test]
fn an_unknown_signup_is_bare_and_subscribes_all_the_same() {
    with_each_store(|engine| {
        process(&engine, &signup("unheard-of"));
        let stored = contact(&engine, &phone("15550101001"));
        assert!(stored.subscribed_via_signup);
        assert_eq!(stored.labels, Vec::<String>::new());
        assert_eq!(engine.store().signups().unwrap(), []);
    });
}

#[test]
fn an_old_message_has_the_status_that_the_history_tells_and_is_nothing_to_read() {
    with_each_store(|engine| {
        let history = include_bytes!("payloads/history.json");
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
