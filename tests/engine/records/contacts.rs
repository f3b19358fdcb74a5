//! Who a user is, and what is known of them.

use super::*;
use serde_json::Value;

#[test]
fn a_message_and_its_contact_are_stored_and_the_event_has_the_stored_contact() {
    with_each_store(|engine| {
        let ada = r#"{"wa_id":"15550101001","profile":{"name":"Ada","username":"@ada"}}"#;
        let text = r#"{"from":"15550101001","id":"wamid.A","timestamp":"1785000000",
            "type":"text","text":{"body":"Hi"}}"#;
        let lists = format!(r#""contacts":[{ada}],"messages":[{text}]"#);
        process(&engine, &value("messages", &lists));
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
        let text = testing::text("Hi").from("15550101001").named("Ada");
        process(&engine, &text.body());
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
        for number in numbers {
            process(&engine, &text().from(number).body());
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
        let from_phone = || text().from("15550101001");
        process(&engine, &from_phone().body());
        process(&engine, &text().user_id("US.7001").without_phone().body());
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

        process(&engine, &from_phone().user_id("US.7001").body());
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
            let text = text().from("15550101001").user_id(user);
            process(&engine, &text.id(id).body());
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
        for user in ["US.7001", "US.7002"] {
            process(&engine, &text().from("15550101001").user_id(user).body());
        }
        let late = testing::number_changed("15550101009").from("15550101001");
        process(&engine, &late.user_id("US.7001").body());
        let number = |user| contact(&engine, &user_id(user)).phone().map(str::to_owned);
        assert_eq!(number("US.7001").as_deref(), Some("15550101009"));
        assert_eq!(number("US.7002").as_deref(), Some("15550101001"));
    });
}

#[test]
fn an_event_that_only_names_users_makes_no_contacts_one() {
    with_each_store(|engine| {
        let first = text().from("15550101001").user_id("US.7001");
        process(&engine, &first.body());
        process(&engine, &text().from("15550101002").body());
        let status = testing::sent("wamid.S")
            .to("15550101002")
            .user_id("US.7001");
        process(&engine, &status.without_contact().body());
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
        let text = text().from("15550101001").user_id("US.7001");
        process(&engine, &text.body());
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
    let number = testing::number_changed("15550101009").from("15550101001");
    let both = number
        .clone()
        .user_id("US.7002")
        .set("/system/user_id", "US.7002")
        .set("/system/previous_user_id", "US.7001");
    let id = testing::user_id_changed("US.7001", "US.7002")
        .user_id("US.7002")
        .without_phone();
    for (news, before, after) in [
        (number, phone("15550101001"), phone("15550101009")),
        (both, phone("15550101001"), user_id("US.7002")),
        (id, user_id("US.7001"), user_id("US.7002")),
    ] {
        with_each_store(|engine| {
            let text = text().from("15550101001").user_id("US.7001");
            process(&engine, &text.body());
            engine
                .store()
                .update_contact(&before, |c| c.labels.push("gravel".into()))
                .unwrap();
            process(&engine, &news.body());
            assert_eq!(contact(&engine, &after).labels, ["gravel"], "{after:?}");
            let conversation = engine.store().conversation(&after, None, 9).unwrap();
            assert_eq!(conversation.len(), 2);
            let unread = engine.store().unread_count(&after).unwrap();
            assert_eq!(unread, 1, "news about a user is nothing to read");
        });
    }
    with_each_store(|engine| {
        process(&engine, &text().user_id("US.7001").without_phone().body());
        let update = testing::user_id_update("US.7001", "US.7002").from("15550101001");
        process(&engine, &update.without_contact().body());
        let conversation = engine
            .store()
            .conversation(&user_id("US.7002"), None, 9)
            .unwrap();
        assert_eq!(conversation.len(), 1);
        assert_eq!(engine.store().contact(&user_id("US.7001")).unwrap(), None);
    });
}

#[test]
fn a_user_who_wants_no_more_marketing_is_opted_out_until_they_want_it_again() {
    with_each_store(|engine| {
        let prefers = |value| testing::preference(value).from("15550101001");
        let user = phone("15550101001");
        process(&engine, &prefers("stop").body());
        assert!(contact(&engine, &user).opted_out);
        let other = prefers("resume").set("/category", "brand_new_category");
        process(&engine, &other.body());
        assert!(contact(&engine, &user).opted_out);
        process(&engine, &prefers("resume").body());
        assert!(!contact(&engine, &user).opted_out);
    });
}

/// Half-filled news of a changed id: the members of `system`, of the message, and the contacts.
#[test]
fn news_of_a_changed_id_moves_the_contact_however_little_it_names() {
    for (kind, system, members, contacts) in [
        (
            "user_changed_user_id",
            r#""user_id":"US.N""#,
            r#""from":"15550101001""#,
            "",
        ),
        (
            "user_changed_user_id",
            r#""user_id":"US.N""#,
            "",
            r#"{"wa_id":"15550101001","user_id":"US.N"}"#,
        ),
        (
            "user_changed_user_id",
            r#""user_id":"US.N""#,
            "",
            r#"{"wa_id":"15550101001"}"#,
        ),
        (
            "user_changed_user_id",
            r#""user_id":"US.N""#,
            "",
            r#"{"user_id":"US.O"}"#,
        ),
        (
            "user_changed_user_id",
            r#""user_id":"US.N","previous_user_id":"US.O""#,
            "",
            r#"{"user_id":"US.N"}"#,
        ),
        (
            "user_changed_user_id",
            r#""body":"User Ada changed from US.O to US.N. Tap to message.""#,
            "",
            "",
        ),
        (
            "user_changed_user_id",
            r#""body":"User Ada changed from \u200eUS.O\u200e to \u200eUS.N","user_id":"US.N""#,
            "",
            "",
        ),
        (
            "user_changed_number",
            r#""body":"User Ada changed from +1 555 010-1001 to +1 555 010-1009","wa_id":"15550101009","user_id":"US.N""#,
            "",
            "",
        ),
        (
            "user_changed_number",
            r#""wa_id":"15550101009","user_id":"US.N""#,
            "",
            r#"{"wa_id":"15550101001"}"#,
        ),
        (
            "user_changed_number",
            r#""wa_id":"15550101009","user_id":"US.N","previous_user_id":"US.O""#,
            r#""from":"15550101009""#,
            "",
        ),
    ] {
        with_each_store(|engine| {
            let before = text().from("15550101001").user_id("US.O");
            process(&engine, &before.body());
            let comma = if members.is_empty() { "" } else { "," };
            let news = format!(
                r#"{{"id":"wamid.N","timestamp":"1785000001","type":"system","system":{{"type":"{kind}",{system}}}{comma}{members}}}"#
            );
            let lists = format!(r#""contacts":[{contacts}],"messages":[{news}]"#);
            process(&engine, &value("messages", &lists));
            let after = text().user_id("US.N").without_phone();
            process(&engine, &after.body());
            let context = format!("{system} {members} {contacts}");
            assert_eq!(
                engine.store().contact(&user_id("US.O")).unwrap(),
                None,
                "{context}"
            );
            let moved = contact(&engine, &user_id("US.N"));
            let unread = engine.store().unread_counts().unwrap();
            assert_eq!(unread, [(moved, 2)], "{context}");
        });
    }
}

#[test]
fn an_old_system_message_leaves_its_thread_to_one_contact() {
    with_each_store(|engine| {
        let news = testing::number_changed("15550101001").from("15550101001");
        let news = news.set("/system/customer", "15550101009");
        let chunk = testing::history([text().from("15550101001"), news]);
        process(&engine, &chunk.body());
        assert_eq!(engine.store().contact(&phone("15550101009")).unwrap(), None);
        let thread = engine
            .store()
            .conversation(&phone("15550101001"), None, 9)
            .unwrap();
        assert_eq!(thread.len(), 2);
    });
}

/// The other events of a body add nothing to the contact of one.
#[test]
fn one_body_stores_the_same_contacts_as_its_changes_one_by_one() {
    let news = testing::user_id_changed("US.1", "US.2").from("1");
    let news = news.user_id("US.1").remove("/system/previous_user_id");
    let read = |id| testing::read(id).to("1").without_contact();
    for bodies in [
        [
            news.json(),
            text().from("1").json(),
            text().user_id("US.2").without_phone().json(),
        ],
        [
            text().from("1").user_id("US.1").json(),
            text().from("1").user_id("US.2").json(),
            text().from("1").json(),
        ],
        [
            read("wamid.A").json(),
            read("wamid.B").user_id("US.1").json(),
            text().from("2").json(),
        ],
    ] {
        // A batch would put them all into one change.
        let mut one_body = bodies[0].clone();
        let change = |body: &Value| body["entry"][0]["changes"][0].clone();
        one_body["entry"][0]["changes"] = bodies.iter().map(change).collect();
        with_each_store(|whole| {
            with_each_store(|split| {
                process(&whole, one_body.to_string().as_bytes());
                for body in &bodies {
                    process(&split, body.to_string().as_bytes());
                }
                for user in [phone("1"), phone("2"), user_id("US.1"), user_id("US.2")] {
                    let of = |engine: &Engine| {
                        let contact = engine.store().contact(&user).unwrap();
                        contact.map(|contact| contact.identity)
                    };
                    assert_eq!(of(&whole), of(&split), "{user:?} of {one_body}");
                }
            });
        });
    }
}
