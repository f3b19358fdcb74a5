//! Who a user is, and what is known of them.

use super::*;

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
            let before = message("wamid.A", r#""from":"15550101001","from_user_id":"US.O""#);
            process(&engine, &items("messages", &[before]));
            let comma = if members.is_empty() { "" } else { "," };
            let news = format!(
                r#"{{"id":"wamid.N","timestamp":"1785000001","type":"system","system":{{"type":"{kind}",{system}}}{comma}{members}}}"#
            );
            process(&engine, &with_contacts(contacts, &[news]));
            let after = message("wamid.B", r#""from_user_id":"US.N""#);
            process(&engine, &items("messages", &[after]));
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
        let old = |id: &str, members: &str| {
            format!(r#"{{"id":"{id}","from":"15550101001","timestamp":"1785000000",{members}}}"#)
        };
        let text = old("wamid.A", r#""type":"text","text":{"body":"Hi"}"#);
        let news = old(
            "wamid.B",
            r#""type":"system","system":{"type":"user_changed_number","customer":"15550101009","wa_id":"15550101001"}"#,
        );
        let chunk = format!(
            r#""history":[{{"metadata":{{"phase":0}},"threads":[{{"id":"15550101001","messages":[{text},{news}]}}]}}]"#
        );
        process(&engine, &value("history", &chunk));
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
    let text = |id: &str, members: &str| format!(r#""messages":[{}]"#, message(id, members));
    let status = |id: &str, members: &str| {
        format!(r#""statuses":[{{"id":"{id}","status":"read","timestamp":"9",{members}}}]"#)
    };
    let news = r#""messages":[{"id":"wamid.N","from":"1","from_user_id":"US.1","timestamp":"9",
        "type":"system","system":{"type":"user_changed_user_id","user_id":"US.2"}}]"#;
    for changes in [
        [
            news.to_owned(),
            text("wamid.B", r#""from":"1""#),
            text("wamid.C", r#""from_user_id":"US.2""#),
        ],
        [
            text("wamid.A", r#""from":"1","from_user_id":"US.1""#),
            text("wamid.B", r#""from":"1","from_user_id":"US.2""#),
            text("wamid.C", r#""from":"1""#),
        ],
        [
            status("wamid.A", r#""recipient_id":"1""#),
            status(
                "wamid.B",
                r#""recipient_id":"1","recipient_user_id":"US.1""#,
            ),
            text("wamid.C", r#""from":"2""#),
        ],
    ] {
        with_each_store(|whole| {
            with_each_store(|split| {
                let value =
                    |members: &String| format!(r#"{{"field":"messages","value":{{{members}}}}}"#);
                let values: Vec<_> = changes.iter().map(value).collect();
                let body = |changes: &str| {
                    format!(
                        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"900","changes":[{changes}]}}]}}"#
                    )
                };
                process(&whole, body(&values.join(",")).as_bytes());
                for change in &values {
                    process(&split, body(change).as_bytes());
                }
                for user in [phone("1"), phone("2"), user_id("US.1"), user_id("US.2")] {
                    let of = |engine: &Engine| {
                        let contact = engine.store().contact(&user).unwrap();
                        contact.map(|contact| contact.identity)
                    };
                    assert_eq!(of(&whole), of(&split), "{user:?} of {changes:?}");
                }
            });
        });
    }
}
