//! Erasure and export of a person's data, and the retention of messages.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::support::engines::{Engine, account, engine_over, with_each_clock, with_each_store};
use crate::support::rows;
use crate::support::stores::{any_store, scaled};
use crate::support::unsteady::{Rates, Unsteady};
use whatsapp_signals::engine::Erased;
use whatsapp_signals::event::{MessageReceived, MessageRefused, MessageSent};
use whatsapp_signals::model::{Content, Identity, Message, Timestamp};
use whatsapp_signals::signals::{MESSAGE_RECEIVED, MESSAGE_REFUSED, MESSAGE_SENT};
use whatsapp_signals::store::{Lease, ScanFilter, Store, StoreErrorKind};
use whatsapp_signals::testing::{self, Sample};
use whatsapp_signals::{ConnectOptions, Context, Retry};

const TENANT: &str = "900800700600500";
const NUMBER: &str = "300200100500600";
const ADA: &str = "15550101001";

fn phone(wa_id: &str) -> Identity {
    Identity::from_phone(wa_id).unwrap()
}

fn ada() -> Sample<MessageReceived> {
    let text = testing::text("My bell is broken")
        .from(ADA)
        .user_id("US.7001");
    text.named("Ada Okafor").id("wamid.ADA")
}

fn bram() -> Sample<MessageReceived> {
    let text = testing::text("Goedemorgen").from("31970100202");
    text.user_id("NL.7002")
        .named("Bram de Wit")
        .id("wamid.BRAM")
}

fn both() -> Vec<u8> {
    testing::batch([ada(), bram()]).body()
}

/// A context whose receiver fails for the messages with this text, and notes the ids of others.
fn failing(text: &'static str, never: bool) -> (Context, Arc<Mutex<Vec<String>>>) {
    let context = Context::new().only_own_receivers();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    context.connect(&MESSAGE_RECEIVED, move |event: &MessageReceived| {
        if text.is_empty() || event.message.text() == Some(text) {
            let error = std::io::Error::other("the workshop is closed");
            return if never {
                Err(Retry::never(error).into())
            } else {
                Err(error.into())
            };
        }
        noted.lock().push(event.message.id.to_string());
        Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    });
    (context, seen)
}

fn send(engine: &Engine, id: &str, to: &str) {
    let message = Message::outbound(id, phone(to), Content::text("It is ready"));
    let event = MessageSent::new(message.build()).with_account(account());
    assert!(!engine.process_sent(event).unwrap().should_retry());
}

/// Returns all stored bodies as text.
fn bodies(engine: &Engine) -> String {
    let logged = engine.webhooks(None, 99).unwrap().into_iter();
    logged
        .map(|webhook| String::from_utf8_lossy(&webhook.body).into_owned())
        .collect()
}

#[track_caller]
fn assert_nothing_of_ada(engine: &Engine) {
    let shop = engine.tenant(TENANT);
    for user in [phone(ADA), Identity::from_user_id("US.7001").unwrap()] {
        assert_eq!(shop.contact(&user).unwrap(), None);
        assert!(shop.conversation(&user, None, 9).unwrap().is_empty());
        let data = shop.export(&user).unwrap();
        for part in ["contacts", "messages", "statuses", "events", "unreadable"] {
            assert_eq!(data[part], serde_json::json!([]), "{part}");
        }
    }
    assert!(engine.messages(&"wamid.ADA".into()).unwrap().is_empty());
    let bodies = bodies(engine);
    for text in [
        ADA,
        "US.7001",
        "Ada Okafor",
        "My bell is broken",
        "wamid.ADA",
    ] {
        assert!(!bodies.contains(text), "{text} in {bodies}");
    }
}

#[test]
fn a_person_is_erased_and_a_repetition_brings_nothing_back() {
    for log in [false, true] {
        with_each_store(|engine| {
            let engine = engine.log_webhooks(log);
            let alone = ada().id("wamid.ALONE").body();
            for body in [&both(), &alone] {
                assert!(!engine.process(body).unwrap().should_retry());
            }
            send(&engine, "wamid.OUT", ADA);
            let read = testing::read("wamid.OUT").to(ADA).body();
            _ = engine.process(&read).unwrap();
            let erased = engine.tenant(TENANT).erase(&phone(ADA)).unwrap();
            assert!(erased.is_complete());
            // Those of the webhooks, and the event of the sent message.
            let bodies = if log { 4 } else { 0 };
            assert_eq!((erased.contacts, erased.messages), (1, 3), "{erased:?}");
            assert_eq!((erased.bodies, erased.events), (bodies, bodies));
            assert_nothing_of_ada(&engine);

            let shop = engine.tenant(TENANT);
            let logged = engine.webhooks(None, 9).unwrap().len();
            for (body, events) in [(&both(), 2), (&alone, 1), (&read, 1)] {
                let again = engine.process(body).unwrap();
                assert_eq!((again.duplicates(), again.delivered()), (events, 0));
            }
            assert_nothing_of_ada(&engine);
            assert_eq!(engine.webhooks(None, 9).unwrap().len(), logged);
            let of_bram = shop.conversation(&phone("31970100202"), None, 9).unwrap();
            assert_eq!(of_bram.len(), 1, "another user's message stays");
            assert_eq!(shop.erase(&phone(ADA)).unwrap(), Erased::default());
        });
    }
}

#[test]
fn a_repeated_body_with_a_new_event_is_stored_without_the_erased_one() {
    for log in [false, true] {
        with_each_store(|engine| {
            let (context, _) = failing("Goedemorgen", false);
            let engine = engine.context(context).log_webhooks(log);
            _ = engine.process(&ada().body()).unwrap();
            engine.tenant(TENANT).erase(&phone(ADA)).unwrap();
            let outcome = engine.process(&both()).unwrap();
            assert_eq!((outcome.duplicates(), outcome.failed()), (1, 1));
            assert_nothing_of_ada(&engine);
            assert!(bodies(&engine).contains("Goedemorgen"));
            let engine = engine.context(Context::new().only_own_receivers());
            let outcome = engine.retry_unfinished().unwrap();
            assert_eq!((outcome.delivered(), outcome.unfinished()), (1, 0));
        });
    }
}

#[test]
fn open_events_of_messages_that_the_program_sent_go_with_their_user() {
    with_each_store(|engine| {
        let context = Context::new().only_own_receivers();
        context.connect(&MESSAGE_SENT, |_: &MessageSent| Err("not yet"));
        context.connect(&MESSAGE_REFUSED, |_: &MessageRefused| Err("not yet"));
        let engine = engine.context(context);
        let message = Message::outbound("wamid.OUT", phone(ADA), Content::text("It is ready"));
        let event = MessageSent::new(message.build()).with_account(account());
        assert_eq!(
            engine
                .process_sent(event.with_campaign("spring"))
                .unwrap()
                .failed(),
            1
        );
        let request = format!(r#"{{"to": "{ADA}", "text": {{"body": "It is ready"}}}}"#);
        let response = r#"{"error": {"code": 131049, "fbtrace_id": "Az8or"}}"#;
        let refused = MessageRefused::from_graph_error(request, response);
        let refused = refused.unwrap().unwrap().with_account(account());
        assert_eq!(engine.process_refused(refused).unwrap().failed(), 1);

        let shop = engine.tenant(TENANT);
        let data = shop.export(&phone(ADA)).unwrap();
        assert_eq!(data["messages"][0]["campaign"], "spring");
        assert_eq!(data["events"].as_array().unwrap().len(), 2);
        let erased = shop.erase(&phone(ADA)).unwrap();
        assert_eq!((erased.messages, erased.events), (1, 2));
        assert_nothing_of_ada(&engine);
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 0);
        let campaign = shop.campaign("spring").unwrap().unwrap();
        assert_eq!(
            campaign.counts.sent, 0,
            "it has the messages that are stored"
        );
    });
}

#[test]
fn open_events_of_others_are_delivered_from_a_body_that_was_erased() {
    for log in [false, true] {
        with_each_store(|engine| {
            let (context, _) = failing("", false);
            let engine = engine.context(context).log_webhooks(log);
            assert_eq!(engine.process(&both()).unwrap().failed(), 2);
            let erased = engine.tenant(TENANT).erase(&phone(ADA)).unwrap();
            assert_eq!((erased.bodies, erased.events), (1, 1));
            assert_nothing_of_ada(&engine);
            let webhook = engine.webhooks(None, 1).unwrap().remove(0);
            assert_eq!((webhook.open, webhook.dead), (1, 0));

            let (context, seen) = failing("none", false);
            let engine = engine.context(context);
            let outcome = engine.retry_unfinished().unwrap();
            assert_eq!((outcome.delivered(), outcome.unfinished()), (1, 0));
            assert_eq!(*seen.lock(), ["wamid.BRAM"]);
            let again = engine.process(&both()).unwrap();
            assert_eq!((again.duplicates(), again.delivered()), (2, 0));
            assert_nothing_of_ada(&engine);
        });
    }
}

#[test]
fn dead_letters_of_others_stay_and_can_be_tried_again() {
    with_each_store(|engine| {
        let (context, _) = failing("", true);
        let engine = engine.context(context);
        assert_eq!(engine.process(&both()).unwrap().dead_lettered(), 2);
        engine.tenant(TENANT).erase(&phone(ADA)).unwrap();
        let letters = engine.dead_letters(9).unwrap();
        let [letter] = &letters[..] else {
            panic!("one letter: {letters:?}");
        };
        assert!(letter.key.contains("wamid.BRAM") && letter.event.is_some());
        assert_eq!(letter.attempts, 1, "its progress stays");
        let (context, seen) = failing("none", true);
        let engine = engine.context(context);
        assert!(engine.requeue(&letter.key).unwrap());
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 1);
        assert_eq!(*seen.lock(), ["wamid.BRAM"]);
        assert!(engine.webhooks(None, 1).unwrap().is_empty());
    });
}

#[test]
fn an_event_of_a_queue_goes_with_its_user() {
    with_each_store(|engine| {
        let (context, _) = failing("", false);
        let engine = engine.context(context);
        let event = ada().webhook().into_events().remove(0);
        let key = event.dedup_key();
        assert_eq!(
            engine.process_event(&key, event.clone()).unwrap().failed(),
            1
        );
        let erased = engine.tenant(TENANT).erase(&phone(ADA)).unwrap();
        assert_eq!(erased.bodies, 1);
        assert!(engine.webhooks(None, 1).unwrap().is_empty());
        assert_eq!(engine.process_event(&key, event).unwrap().duplicates(), 1);
        assert_nothing_of_ada(&engine);
    });
}

#[test]
fn a_leased_body_stays_until_its_lease_has_ended() {
    with_each_clock(|engine, ahead| {
        let (context, _) = failing("", false);
        let engine = engine.context(context);
        _ = engine.process(&both()).unwrap();
        let id = engine.webhooks(None, 1).unwrap()[0].id;
        rows::lease(engine.store(), id, Lease::new(7, Duration::from_secs(60)));
        let shop = engine.tenant(TENANT);
        let erased = shop
            .erase(&Identity::from_user_id("US.7001").unwrap())
            .unwrap();
        assert_eq!((erased.leased, erased.contacts, erased.messages), (1, 0, 1));
        assert!(!erased.is_complete());
        assert!(bodies(&engine).contains(ADA));

        ahead.store(61, std::sync::atomic::Ordering::Relaxed);
        let erased = shop
            .erase(&Identity::from_user_id("US.7001").unwrap())
            .unwrap();
        assert!(erased.is_complete());
        assert_eq!((erased.leased, erased.contacts, erased.bodies), (0, 1, 1));
        assert_nothing_of_ada(&engine);
    });
}

#[test]
fn messages_of_groups_and_lone_statuses_are_erased() {
    with_each_store(|engine| {
        // `HBgL` and the number 15550101001, in Base64.
        let own = "wamid.HBgLMTU1NTAxMDEwMDEVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA";
        let other = "wamid.HBgLMzE5NzAxMDAyMDIVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA";
        for id in [own, other] {
            _ = engine.process(&testing::read(id).body()).unwrap();
        }
        for text in [ada(), bram()] {
            _ = engine.process(&text.in_group("G1").body()).unwrap();
        }
        let erased = engine.tenant(TENANT).erase(&phone(ADA)).unwrap();
        assert_eq!((erased.messages, erased.statuses), (1, 1));
        assert_nothing_of_ada(&engine);
        let mut step = whatsapp_signals::store::MessageScan::new(ScanFilter::Unassigned, 99);
        step.after = None;
        let left = pollster::block_on(engine.store().scan_messages(&step)).unwrap();
        let ids: Vec<_> = left.rows.iter().map(|row| row.key.id.as_str()).collect();
        assert_eq!(ids, [other, "wamid.BRAM"]);
    });
}

#[test]
fn an_unreadable_body_with_an_id_is_erased_as_a_whole() {
    with_each_store(|engine| {
        _ = engine.process(&ada().body()).unwrap();
        engine
            .store_unreadable(format!("{{\"from\":\"{ADA}\"").as_bytes())
            .unwrap();
        engine
            .store_unreadable(b"{\"user_id\":\"US.7001\"")
            .unwrap();
        engine
            .store_unreadable(b"{\"from\":\"31970100202\"")
            .unwrap();
        let erased = engine.tenant(TENANT).erase(&phone(ADA)).unwrap();
        assert_eq!(erased.unreadable, 2);
        assert_eq!(engine.dead_letters(9).unwrap().len(), 1);
        assert_nothing_of_ada(&engine);
        engine
            .store_unreadable(b"{\"user_id\":\"US.7001\"")
            .unwrap();
        assert_eq!(engine.dead_letters(9).unwrap().len(), 1, "it is known");
    });
}

#[test]
fn another_tenant_and_a_new_holder_of_the_number_keep_their_data() {
    with_each_store(|engine| {
        let engine = engine.log_webhooks(true);
        _ = engine.process(&ada().body()).unwrap();
        let elsewhere = ada().waba("2").to_number("302", "302").id("wamid.B");
        _ = engine.process(&elsewhere.body()).unwrap();
        // The number changes hands.
        let later = Timestamp::from_secs(Timestamp::now().as_secs());
        let cleo = ada().user_id("US.9").named("Cleo").id("wamid.C").at(later);
        _ = engine.process(&cleo.body()).unwrap();
        let shop = engine.tenant(TENANT);
        let erased = shop
            .erase(&Identity::from_user_id("US.7001").unwrap())
            .unwrap();
        assert_eq!((erased.contacts, erased.messages, erased.bodies), (1, 1, 1));
        let contact = shop.contact(&phone(ADA)).unwrap().unwrap();
        assert_eq!(contact.name.as_deref(), Some("Cleo"));
        assert_eq!(shop.conversation(&phone(ADA), None, 9).unwrap().len(), 1);
        assert_eq!(
            engine
                .tenant("2")
                .conversation(&phone(ADA), None, 9)
                .unwrap()
                .len(),
            1
        );
        assert_eq!(engine.webhooks(None, 9).unwrap().len(), 2);

        let error = engine.number("unknown").erase(&phone(ADA)).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::UnknownNumber);
    });
}

#[test]
fn a_long_conversation_is_erased() {
    with_each_store(|engine| {
        let texts = (0..1200).map(|n| ada().id(&format!("wamid.{n}")));
        _ = engine.process(&testing::batch(texts).body()).unwrap();
        let erased = engine.number(NUMBER).erase(&phone(ADA)).unwrap();
        assert_eq!((erased.contacts, erased.messages), (1, 1200));
        assert_nothing_of_ada(&engine);
    });
}

#[test]
fn a_large_body_is_stored_again_without_erased_events() {
    with_each_store(|engine| {
        let (context, _) = failing("Goedemorgen", false);
        let engine = engine.context(context).log_webhooks(true);
        let old = |n: usize| ada().id(&format!("wamid.OLD{n}"));
        _ = engine
            .process(&testing::batch((0..2).map(old)).body())
            .unwrap();
        engine.tenant(TENANT).erase(&phone(ADA)).unwrap();
        // One of them in each part of the claim.
        let new = (0..2100).map(|n| bram().id(&format!("wamid.NEW{n}")));
        let items = std::iter::once(old(0)).chain(new).chain([old(1)]);
        let outcome = engine.process(&testing::batch(items).body()).unwrap();
        assert_eq!((outcome.duplicates(), outcome.failed()), (2, 2100));
        assert_nothing_of_ada(&engine);
        let engine = engine.context(Context::new().only_own_receivers());
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 2100);
    });
}

#[test]
fn a_replay_of_a_shared_body_goes_on_without_the_erased_events_for_its_receivers_alone() {
    with_each_store(|engine| {
        let context = Context::new().only_own_receivers();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let fails = Arc::new(AtomicBool::new(false));
        for uid in ["crm", "other"] {
            let (seen, fails) = (Arc::clone(&seen), Arc::clone(&fails));
            let receiver = move |event: &MessageReceived| {
                if fails.load(Ordering::Relaxed) {
                    return Err("down");
                }
                seen.lock().push(format!("{uid} {}", event.message.id));
                Ok(())
            };
            let options = ConnectOptions::new().uid(uid);
            let connected = context.connect_with(&MESSAGE_RECEIVED, options, receiver);
            connected.unwrap();
        }
        let engine = engine.context(context).log_webhooks(true);
        _ = engine.process(&both()).unwrap();
        let logged = engine.webhooks(None, 1).unwrap().remove(0).id;
        fails.store(true, Ordering::Relaxed);
        let replayed = engine.replay(logged, &["crm"]).unwrap().unwrap();
        assert_eq!((replayed.failed(), replayed.unfinished()), (2, 2));

        let erased = engine.tenant(TENANT).erase(&phone(ADA)).unwrap();
        assert_eq!((erased.bodies, erased.is_complete()), (2, true));
        assert_nothing_of_ada(&engine);
        fails.store(false, Ordering::Relaxed);
        seen.lock().clear();
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 1);
        assert_eq!(*seen.lock(), ["crm wamid.BRAM"]);
    });
}

#[test]
fn the_export_has_everything_that_an_erasure_deletes() {
    with_each_store(|engine| {
        let (context, _) = failing("", true);
        let engine = engine.context(context).keep_raw_payloads(true);
        _ = engine.process(&both()).unwrap();
        send(&engine, "wamid.OUT", ADA);
        _ = engine
            .process(&testing::read("wamid.OUT").to(ADA).body())
            .unwrap();
        let data = engine.tenant(TENANT).export(&phone(ADA)).unwrap();
        assert_eq!(data["contacts"][0]["contact"]["name"], "Ada Okafor");
        let messages = data["messages"].as_array().unwrap();
        assert_eq!(messages.len(), 2);
        let sent = messages
            .iter()
            .find(|row| row["message"]["id"] == "wamid.OUT");
        assert_eq!(sent.unwrap()["message"]["status"], "read");
        assert_eq!(sent.unwrap()["number"], NUMBER);
        assert!(sent.unwrap()["raw_payload"].is_null());
        let received = messages
            .iter()
            .find(|row| row["message"]["direction"] == "inbound");
        let raw_payload = received.unwrap()["raw_payload"].as_str().unwrap();
        assert!(raw_payload.contains("My bell is broken"));
        assert_eq!(data["events"].as_array().unwrap().len(), 1);
        assert_eq!(data["events"][0]["state"], "dead");
        let text = data.to_string();
        assert!(text.contains("My bell is broken") && !text.contains("Goedemorgen"));
    });
}

#[test]
fn a_store_that_waits_and_fails_erases_exports_and_prunes() {
    let rates = Rates {
        conflict: 20,
        unknown: 20,
        locked: 0,
    };
    for seed in 0..scaled(20) {
        let store = Unsteady::new(any_store(), seed, rates);
        let engine = engine_over(store).log_webhooks(true);
        pollster::block_on(async {
            for body in [both(), ada().id("wamid.ALONE").body()] {
                _ = engine.process_async(&body).await.unwrap();
            }
            let shop = engine.tenant(TENANT);
            let data = shop.export_async(&phone(ADA)).await.unwrap();
            assert_eq!(data["messages"].as_array().unwrap().len(), 2);
            let erased = shop.erase_async(&phone(ADA)).await.unwrap();
            assert_eq!((erased.contacts, erased.messages), (1, 2));
            assert_eq!((erased.bodies, erased.events), (2, 2));
            assert_eq!(shop.contact_async(&phone(ADA)).await.unwrap(), None);
            let years = Duration::from_secs(100 * 365 * 24 * 60 * 60);
            assert_eq!(engine.prune_messages_async(years).await.unwrap(), 0);
            assert_eq!(
                engine.prune_messages_async(Duration::ZERO).await.unwrap(),
                1
            );
        });
    }
}

#[test]
fn old_messages_are_pruned_and_others_stay() {
    with_each_store(|engine| {
        let ago =
            |days: i64| Timestamp::from_secs(Timestamp::now().as_secs() - days * 24 * 60 * 60);
        for (id, days) in [("wamid.1", 40), ("wamid.2", 20), ("wamid.3", 40)] {
            let text = ada().id(id).at(ago(days));
            _ = engine.process(&text.body()).unwrap();
        }
        let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
        assert_eq!(engine.prune_messages(days(60)).unwrap(), 0);
        assert_eq!(engine.prune_messages(days(30)).unwrap(), 2);
        let shop = engine.number(NUMBER);
        let left = shop.conversation(&phone(ADA), None, 9).unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].id, "wamid.2");
        assert_eq!(shop.unread_count(&phone(ADA)).unwrap(), 1);
        assert!(shop.contact(&phone(ADA)).unwrap().is_some());
    });
}

#[cfg(feature = "sqlite")]
#[test]
fn no_file_of_sqlite_has_the_text_of_an_erased_person() {
    use crate::support::folder::Folder;
    use whatsapp_signals::store::SqliteStore;

    const TEXTS: [&str; 7] = [
        ADA,
        "the workshop is closed",
        "US.7001",
        "Ada Okafor",
        "My bell is broken",
        "wamid.ADA",
        "MTU1NTAxMDEwMDE",
    ];
    let folder = Folder::new();
    let path = folder.file("store.db");
    let (context, _) = failing("My bell is broken", true);
    let engine = engine_over(SqliteStore::open(&path).unwrap());
    let engine = engine.context(context).log_webhooks(true).keep_errors(true);
    _ = engine.process(&both()).unwrap();
    for n in 0..300 {
        let text = ada().id(&format!("wamid.ADA{n}"));
        _ = engine
            .process(&testing::batch([text, bram().id(&format!("wamid.B{n}"))]).body())
            .unwrap();
    }
    let lone = "wamid.HBgLMTU1NTAxMDEwMDEVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA";
    _ = engine.process(&testing::read(lone).to(ADA).body()).unwrap();
    engine
        .store_unreadable(format!("{{\"from\":\"{ADA}\"").as_bytes())
        .unwrap();
    let found = |files: &[&str]| {
        let mut found = Vec::new();
        for file in files {
            let bytes = std::fs::read(folder.file(file)).unwrap_or_default();
            for text in TEXTS {
                if bytes
                    .windows(text.len())
                    .any(|part| part == text.as_bytes())
                {
                    found.push((file.to_string(), text));
                }
            }
        }
        found
    };
    let files = ["store.db", "store.db-wal", "store.db-shm", "backup.db"];
    assert!(found(&files).len() >= TEXTS.len(), "the test finds texts");

    let erased = engine.tenant(TENANT).erase(&phone(ADA)).unwrap();
    assert!(erased.is_complete(), "{erased:?}");
    assert_eq!(
        (erased.messages, erased.statuses, erased.unreadable),
        (301, 1, 1)
    );
    let backup = rusqlite::Connection::open(&path).unwrap();
    let to = folder.file("backup.db");
    backup
        .execute("VACUUM INTO ?1", [to.to_str().unwrap()])
        .unwrap();
    assert!(std::fs::metadata(&to).unwrap().len() > 0);
    assert_eq!(found(&files), []);
}
