//! Contacts: the user that an id names at a time, and the profile.

use super::*;
use crate::support::engines::engine_over;
use crate::support::stores::{any_store, scaled};
use proptest::prelude::*;
use serde_json::{Value, json};
use whatsapp_signals::store::{ContactRow, IdKey, IdKind, LoadQuery, Store, Tenant, Versioned};
use whatsapp_signals::testing::Item;

/// A body of the testing kit's account, whose value has these members.
fn body_with(members: &str) -> Vec<u8> {
    let metadata =
        json!({"display_phone_number": "15550100200", "phone_number_id": "300200100500600"});
    let value = format!(r#"{{"messaging_product":"whatsapp","metadata":{metadata},{members}}}"#);
    let change = format!(r#"{{"field":"messages","value":{value}}}"#);
    let entry = format!(r#"{{"id":"900800700600500","changes":[{change}]}}"#);
    format!(r#"{{"object":"whatsapp_business_account","entry":[{entry}]}}"#).into_bytes()
}

/// A second after the first one of the test.
fn second(number: i64) -> Timestamp {
    Timestamp::from_secs(1_785_000_000 + number)
}

/// A text of a user that `1` names by number, `US.A` by user id and `1/US.A` by both.
fn text_of(ids: &str, at: i64) -> Item {
    named(text(), ids).at(second(at)).into()
}

/// News that a user has other ids.
fn change_of(before: &str, after: &str, at: i64) -> Item {
    let (number, id) = parts(after);
    let (previous, previous_id) = parts(before);
    let news = match (number, id) {
        (Some(number), _) if Some(number) != previous => testing::number_changed(number),
        (_, id) => testing::user_id_changed(previous_id.unwrap(), id.unwrap()),
    };
    let news = named(news.without_contact(), before).at(second(at));
    match (id, previous_id) {
        (Some(id), Some(previous)) if id != previous => news
            .set("/system/user_id", id)
            .set("/system/previous_user_id", previous),
        _ => news,
    }
    .into()
}

fn parts(ids: &str) -> (Option<&str>, Option<&str>) {
    let of_kind = |is_id: bool| ids.split('/').find(|id| id.contains('.') == is_id);
    (of_kind(false), of_kind(true))
}

fn named<E>(sample: Sample<E>, ids: &str) -> Sample<E> {
    let (number, id) = parts(ids);
    let sample = match number {
        Some(number) => sample.from(number),
        None => sample.without_phone(),
    };
    match id {
        Some(id) => sample.user_id(id),
        None => sample,
    }
}

fn user(ids: &str) -> Identity {
    let (number, id) = parts(ids);
    Identity::new(number, id, None).unwrap()
}

/// Runs a test with an engine that has processed items, over each store: a body for each, and one
/// for all.
fn after(items: &[Item], test: impl Fn(&Engine)) {
    with_each_store(|engine| {
        for item in items {
            process(&engine, &testing::batch([item.clone()]).body());
        }
        test(&engine);
    });
    with_each_store(|engine| {
        process(&engine, &testing::batch(items.to_vec()).body());
        test(&engine);
    });
}

/// Checks the ids that a user has now, and how many messages the conversation has.
#[track_caller]
fn check(engine: &Engine, ids: &str, expected: Option<(&str, usize)>) {
    let found = records(engine).contact(&user(ids)).unwrap();
    let found = found.map(|contact| {
        let conversation = records(engine).conversation(&user(ids), None, 99);
        (contact.identity, conversation.unwrap().len())
    });
    assert_eq!(
        found,
        expected.map(|(ids, count)| (user(ids), count)),
        "{ids}"
    );
}

#[test]
fn a_message_and_its_contact_are_stored_and_the_event_has_the_stored_contact() {
    with_each_store(|engine| {
        let ada = r#"{"wa_id":"15550101001","profile":{"name":"Ada","username":"@ada"}}"#;
        let text = r#"{"from":"15550101001","id":"wamid.A","timestamp":"1785000000",
            "type":"text","text":{"body":"Hi"}}"#;
        let lists = format!(r#""contacts":[{ada}],"messages":[{text}]"#);
        process(&engine, &body_with(&lists));
        let stored = contact(&engine, &phone("15550101001"));
        assert_eq!(stored.name.as_deref(), Some("Ada"));
        assert_eq!(stored.username.as_deref(), Some("@ada"));
        assert!(stored.created_at.is_some() && stored.created_at == stored.updated_at);
        assert_eq!(stored.raw.unwrap().as_str(), ada);
        let stored = records(&engine)
            .message(&"wamid.A".into())
            .unwrap()
            .unwrap();
        assert_eq!(stored.body(), "Hi");
        assert_eq!(stored.user, Some(phone("15550101001")));
    });
}

#[test]
fn a_profile_is_updated_and_the_data_of_the_program_stays() {
    with_each_store(|engine| {
        let user = phone("15550101001");
        records(&engine)
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
            "absent, so unchanged"
        );
        assert_eq!(stored.labels, ["gravel"]);
    });
}

#[test]
fn a_phone_number_is_stored_as_meta_wrote_it() {
    with_each_store(|engine| {
        // Each with and without the digit that a national rule adds or drops.
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
            let conversation = records(&engine)
                .conversation(&phone(number), None, 9)
                .unwrap();
            assert_eq!(conversation.len(), 1, "{number} is one contact");
        }
    });
}

#[test]
fn two_contacts_with_a_phone_and_a_user_id_are_merged_once_linked() {
    with_each_store(|engine| {
        let from_phone = || text().from("15550101001");
        process(&engine, &from_phone().body());
        process(&engine, &text().user_id("US.7001").without_phone().body());
        let (by_phone, by_user_id) = (phone("15550101001"), user_id("US.7001"));
        records(&engine)
            .update_contact(&by_phone, |c| c.labels.push("a".into()))
            .unwrap();
        records(&engine)
            .update_contact(&by_user_id, |c| c.labels.push("b".into()))
            .unwrap();
        assert_eq!(records(&engine).unread_counts().unwrap().len(), 2);

        process(&engine, &from_phone().user_id("US.7001").body());
        let [(both, unread)] = &records(&engine).unread_counts().unwrap()[..] else {
            panic!("one contact");
        };
        assert_eq!(*unread, 3);
        assert_eq!(both.labels, ["a", "b"]);
        for user in [by_phone, by_user_id] {
            assert_eq!(contact(&engine, &user), *both);
            let conversation = records(&engine).conversation(&user, None, 9).unwrap();
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
        assert_eq!(first.phone(), None, "another contact has it now");
        assert_eq!(second.phone(), Some("15550101001"));
        let by_phone = records(&engine)
            .conversation(&phone("15550101001"), None, 9)
            .unwrap();
        assert_eq!(by_phone[0].id, "wamid.B");
        assert_eq!(by_phone.len(), 1);
    });
}

#[test]
fn a_change_of_number_takes_nothing_from_the_new_owner_of_the_old_number() {
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
            assert!(
                records(&engine).contact(&user).unwrap().is_some(),
                "{user:?}"
            );
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
        let changed = records(&engine).update_contact(&other, label).unwrap();
        assert_eq!(changed.labels, ["new"]);
        assert_eq!(contact(&engine, &user_id("US.7001")).phone(), None);
        assert_eq!(contact(&engine, &phone("15550101001")), changed);
    });
}

#[test]
fn a_change_of_number_or_id_keeps_the_contact() {
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
            records(&engine)
                .update_contact(&before, |c| c.labels.push("gravel".into()))
                .unwrap();
            process(&engine, &news.body());
            assert_eq!(contact(&engine, &after).labels, ["gravel"], "{after:?}");
            let conversation = records(&engine).conversation(&after, None, 9).unwrap();
            assert_eq!(conversation.len(), 2);
            let unread = records(&engine).unread_count(&after).unwrap();
            assert_eq!(unread, 1, "news about a user is nothing to read");
        });
    }
    with_each_store(|engine| {
        process(&engine, &text().user_id("US.7001").without_phone().body());
        let update = testing::user_id_update("US.7001", "US.7002").from("15550101001");
        process(&engine, &update.without_contact().body());
        let conversation = records(&engine)
            .conversation(&user_id("US.7002"), None, 9)
            .unwrap();
        assert_eq!(conversation.len(), 1);
        assert_eq!(records(&engine).contact(&user_id("US.7001")).unwrap(), None);
    });
}

#[test]
fn a_user_is_opted_out_from_stop_until_resume() {
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
            process(&engine, &body_with(&lists));
            let after = text().user_id("US.N").without_phone();
            process(&engine, &after.body());
            let context = format!("{system} {members} {contacts}");
            assert_eq!(
                records(&engine).contact(&user_id("US.O")).unwrap(),
                None,
                "{context}"
            );
            let moved = contact(&engine, &user_id("US.N"));
            let unread = records(&engine).unread_counts().unwrap();
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
        assert_eq!(
            records(&engine).contact(&phone("15550101009")).unwrap(),
            None
        );
        let thread = records(&engine)
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
                        let contact = records(engine).contact(&user).unwrap();
                        contact.map(|contact| contact.identity)
                    };
                    assert_eq!(of(&whole), of(&split), "{user:?} of {one_body}");
                }
            });
        });
    }
}

#[test]
fn a_late_message_belongs_to_the_owner_of_the_number_at_that_time() {
    let change = change_of("1", "2", 10);
    for (items, later) in [
        (vec![text_of("1", 5), change.clone(), text_of("1", 9)], 0),
        (vec![change.clone(), text_of("1", 9), text_of("1", 5)], 0),
        // The next message is another person's.
        (
            vec![
                change.clone(),
                text_of("1", 9),
                text_of("1", 11),
                text_of("1", 5),
            ],
            1,
        ),
        (
            vec![change, text_of("1", 11), text_of("1", 5), text_of("1", 9)],
            1,
        ),
    ] {
        after(&items, |engine| {
            check(engine, "2", Some(("2", 3)));
            check(engine, "1", (later > 0).then_some(("1", later)));
        });
    }
}

#[test]
fn two_id_changes_out_of_order_leave_one_contact() {
    for [a, b, c] in [
        ["1", "2", "3"],
        ["1/US.A", "2/US.A", "3/US.A"],
        ["1/US.A", "1/US.B", "1/US.C"],
        ["1/US.A", "2/US.B", "3/US.C"],
    ] {
        let changes = [change_of(a, b, 10), change_of(b, c, 20)];
        let [first, second] = changes.clone();
        for items in [
            vec![text_of(a, 5), second.clone(), first.clone()],
            vec![second.clone(), first.clone(), text_of(a, 5)],
            vec![second, text_of(a, 5), first],
            [&[text_of(a, 5)], &changes[..]].concat(),
        ] {
            after(&items, |engine| {
                check(engine, c, Some((c, 3)));
                let unread = records(engine).unread_counts().unwrap();
                assert_eq!(unread.len(), 1, "no other contact");
                for old in [a, b] {
                    let found = records(engine).contact(&user(old)).unwrap();
                    assert!(found.is_none_or(|found| found == unread[0].0), "{old}");
                }
            });
        }
    }
}

#[test]
fn a_number_that_changes_hands_takes_no_conversation_along() {
    let items = [
        text_of("1/US.A", 5),
        text_of("1/US.B", 10),
        text_of("1/US.A", 7),
    ];
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        after(&order.map(|place| items[place].clone()), |engine| {
            check(engine, "US.A", Some(("US.A", 2)));
            check(engine, "US.B", Some(("1/US.B", 1)));
            check(engine, "1", Some(("1/US.B", 1)));
        });
    }
}

#[test]
fn a_new_number_is_taken_from_its_earlier_contact_and_joins_its_later_one() {
    let change = || change_of("1", "2", 10);
    for (items, of_user) in [
        (vec![text_of("2", 5), change()], 1),
        (vec![text_of("2", 15), change()], 2),
        (vec![text_of("2", 10), change()], 2),
        (vec![text_of("1", 5), text_of("2", 15), change()], 3),
    ] {
        after(&items, |engine| check(engine, "2", Some(("2", of_user))));
    }
    let items = [
        text_of("1/US.A", 5),
        text_of("2/US.B", 15),
        change_of("1/US.A", "2/US.A", 10),
    ];
    after(&items, |engine| {
        check(engine, "US.A", Some(("US.A", 2)));
        check(engine, "2", Some(("2/US.B", 1)));
    });
}

#[test]
fn two_contacts_become_one_when_an_event_names_the_ids_of_both() {
    for ids in [
        ["1", "US.A", "1/US.A"],
        ["US.A", "1", "1/US.A"],
        ["1/US.A", "1", "US.A"],
    ] {
        let items = [text_of(ids[0], 5), text_of(ids[1], 6), text_of(ids[2], 4)];
        after(&items, |engine| {
            check(engine, "1", Some(("1/US.A", 3)));
            check(engine, "US.A", Some(("1/US.A", 3)));
        });
    }
}

#[test]
fn a_late_event_changes_nothing_that_is_newer() {
    let named = |name: &str, ids: &str, at| {
        let text = named(testing::text("Hi").named(name), ids);
        Item::from(text.at(second(at)))
    };
    let items = [
        named("Ada Okafor", "2/US.A", 20),
        named("Ada", "1/US.A", 10),
    ];
    after(&items, |engine| {
        let ada = contact(engine, &user("US.A"));
        assert_eq!(ada.identity, user("2/US.A"));
        assert_eq!(ada.name.as_deref(), Some("Ada Okafor"));
        assert_eq!(contact(engine, &user("2")), ada);
    });
    // Of two contacts the younger profile stays, whichever is the older contact.
    for times in [[10, 20], [20, 10]] {
        let items = [
            named(
                ["Ada", "Ada Okafor"][usize::from(times[0] == 20)],
                "1",
                times[0],
            ),
            named(
                ["Ada", "Ada Okafor"][usize::from(times[1] == 20)],
                "US.A",
                times[1],
            ),
            text_of("1/US.A", 5),
        ];
        after(&items, |engine| {
            let name = contact(engine, &user("1/US.A")).name;
            assert_eq!(name.as_deref(), Some("Ada Okafor"));
        });
    }
    let prefers = |value: &str, at| {
        let preference = testing::preference(value).from("1");
        Item::from(preference.at(second(at)).without_contact())
    };
    let items = [prefers("stop", 20), prefers("resume", 10)];
    after(&items, |engine| {
        assert!(contact(engine, &user("1")).opted_out);
    });
}

#[test]
fn a_status_to_another_number_than_the_single_contact_merges_no_contacts() {
    for (listed, recipient) in [
        (r#"{"wa_id":"1"}"#, r#""recipient_id":"2""#),
        (r#"{"wa_id":"1","user_id":"US.A"}"#, r#""recipient_id":"2""#),
        (
            r#"{"wa_id":"2","user_id":"US.A","profile":{"name":"Ada"}}"#,
            r#""recipient_id":"2","recipient_user_id":"US.B""#,
        ),
    ] {
        with_each_store(|engine| {
            process(&engine, &text().from("1").user_id("US.A").body());
            process(&engine, &text().from("2").user_id("US.B").body());
            let status = format!(
                r#"{{"id":"wamid.S","status":"sent","timestamp":"1785000009",{recipient}}}"#
            );
            let body = body_with(&format!(r#""contacts":[{listed}],"statuses":[{status}]"#));
            assert!(!engine.process(&body).unwrap().should_retry());
            check(&engine, "1", Some(("1/US.A", 1)));
            check(&engine, "2", Some(("2/US.B", 1)));
            for ids in ["US.A", "US.B"] {
                assert_eq!(contact(&engine, &user(ids)).name, None);
            }
        });
    }
}

/// Returns the row of a contact with its version.
fn row(engine: &Engine, user_id: &str) -> Versioned<ContactRow> {
    let mut wanted = LoadQuery::default();
    wanted.ids.insert(IdKey {
        tenant: Tenant::new("900800700600500"),
        kind: IdKind::User,
        id: user_id.into(),
    });
    let loaded = pollster::block_on(engine.store().load(&wanted)).unwrap();
    let mut rows = loaded.contacts.into_values().flatten();
    rows.find(|row| row.row.contact.identity.user_id() == Some(user_id))
        .unwrap()
}

#[test]
fn ids_that_come_and_go_are_kept_once_each() {
    for [a, b] in [["1/US.A", "1/US.B"], ["1/US.B", "2/US.B"]] {
        let items: Vec<_> = (0..40)
            .map(|at| text_of(if at % 2 == 0 { a } else { b }, at))
            .collect();
        after(&items, |engine| {
            assert_eq!(contact(engine, &user("US.B")).identity, user(b));
            assert!(row(engine, "US.B").row.ids.len() <= 3);
        });
    }
}

#[test]
fn an_id_that_a_contact_has_is_not_written_again() {
    let items: Vec<_> = (0..9).map(|at| text_of("1/US.A", at)).collect();
    after(&items, |engine| assert_eq!(row(engine, "US.A").version, 1));
}

/// A step of a history: a person, the place of a free number, and the kind of the event.
type Step = (usize, usize, u8);

const NUMBERS: [&str; 7] = ["1", "2", "3", "4", "5", "6", "7"];

/// Returns the items of a history in order. A number comes back to no person who had it. Either
/// it is used again by another person, or events name persons by number alone.
fn history(steps: &[Step], is_reused: bool) -> Vec<Item> {
    let mut numbers = [None; 3];
    let mut had = Vec::new();
    let mut items = Vec::new();
    for (at, &(person, choice, kind)) in (0_i64..).step_by(10).zip(steps) {
        let ids = |number: &str| format!("{number}/US.{person}");
        let own = numbers[person];
        let Some(own) = own.filter(|_| kind > 0) else {
            let is_free = |number: &&str| {
                let by_this = |had: &&(usize, &str)| !is_reused || had.0 == person;
                !numbers.contains(&Some(*number))
                    && !had.iter().filter(by_this).any(|had| had.1 == *number)
            };
            let mut free = NUMBERS.into_iter().filter(is_free);
            if let Some(new) = free.nth(choice) {
                had.push((person, new));
                numbers[person] = Some(new);
                items.push(match own {
                    Some(own) => change_of(&ids(own), &ids(new), at),
                    None => text_of(&ids(new), at),
                });
            }
            continue;
        };
        items.push(match kind {
            1 => text_of(&format!("US.{person}"), at),
            2 if !is_reused => text_of(own, at),
            _ => text_of(&ids(own), at),
        });
    }
    items
}

/// Returns the contact and the conversation of each id after items, each in a body of its own.
fn records_after(items: &[Item]) -> Vec<Option<(Identity, Vec<String>)>> {
    let engine = engine_over(any_store());
    for item in items {
        let body = testing::batch([item.clone()]).body();
        assert!(!engine.process(&body).unwrap().should_retry());
    }
    let tenant = engine.tenant("900800700600500");
    let records = NUMBERS
        .into_iter()
        .chain(["US.0", "US.1", "US.2"])
        .map(|ids| {
            let contact = tenant.contact(&user(ids)).unwrap()?;
            let conversation = tenant.conversation(&user(ids), None, 99).unwrap();
            let mut wamids: Vec<_> = conversation
                .iter()
                .map(|text| text.id.to_string())
                .collect();
            wamids.sort();
            Some((contact.identity, wamids))
        });
    records.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: u32::try_from(scaled(128)).unwrap(), max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn events_in_any_order_end_in_the_contacts_of_their_order_by_time(
        steps in proptest::collection::vec((0..3_usize, 0..3_usize, 0..4_u8), 1..12),
        is_reused: bool,
        keys in proptest::collection::vec(any::<u32>(), 12),
    ) {
        let items = history(&steps, is_reused);
        let expected = records_after(&items);
        let mut shuffled: Vec<_> = keys.into_iter().zip(items).collect();
        shuffled.sort_by_key(|(key, _)| *key);
        let shuffled: Vec<_> = shuffled.into_iter().map(|(_, item)| item).collect();
        prop_assert_eq!(records_after(&shuffled), expected);
    }
}
