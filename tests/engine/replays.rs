//! A replay delivers a stored webhook once more, to the receivers that it names and no other.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context as TaskContext, Waker};
use std::time::Duration;

use crate::support::batch::value;
use crate::support::engines::{
    Engine, engine_over, records, with_each_clock, with_each_steady_store, with_each_store,
};
use crate::support::messages::messages;
use crate::support::rows;
use crate::support::watched::{Access, Watched};
use parking_lot::Mutex;
use whatsapp_signals::event::{MessageReceived, UserSubscribed};
use whatsapp_signals::model::{Identity, Signup};
use whatsapp_signals::signals::{ANY_EVENT, MESSAGE_RECEIVED, USER_SUBSCRIBED};
use whatsapp_signals::store::{StoreError, StoreErrorKind, WebhookId, WebhookKind, WebhookRow};
use whatsapp_signals::{
    ConnectOptions, Context, EngineErrorKind, Outcome, WebhookEngine, WebhookEvent, parse, testing,
    with_state,
};

/// The receivers that fail, and the calls that have succeeded.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<(Vec<&'static str>, Vec<String>)>>);

impl Book {
    fn fail(&self, receivers: &[&'static str]) {
        self.0.lock().0 = receivers.to_vec();
    }

    /// Returns the calls that have succeeded since the last call of this.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().1)
    }

    fn call(&self, receiver: &'static str, id: &str) -> Result<(), &'static str> {
        let mut book = self.0.lock();
        if book.0.contains(&receiver) {
            return Err("on purpose");
        }
        book.1.push(format!("{receiver} {id}"));
        Ok(())
    }
}

/// Returns a context with these receivers of messages, by their uids.
fn context_of(book: &Book, receivers: &[&'static str]) -> Context {
    let context = Context::new().only_own_receivers();
    for &uid in receivers {
        let book = book.clone();
        let receiver = move |event: &MessageReceived| book.call(uid, event.message.id.as_str());
        let options = ConnectOptions::new().uid(uid);
        context
            .connect_with(&MESSAGE_RECEIVED, options, receiver)
            .unwrap();
    }
    context
}

/// Returns an engine with a log and these receivers, over the store of another one.
fn engine_with(engine: &Engine, book: &Book, receivers: &[&'static str]) -> Engine {
    engine_over(Arc::clone(engine.store()))
        .log_webhooks(true)
        .context(context_of(book, receivers))
}

/// Returns an engine that has processed a body, whose receivers `a` and `b` have succeeded, and
/// the id of the webhook.
fn after_processing(engine: &Engine, book: &Book, body: &[u8]) -> (Engine, WebhookId) {
    let engine = engine_with(engine, book, &["a", "b"]);
    process(&engine, body);
    book.take();
    let id = engine.webhooks(None, 9).unwrap()[0].id;
    (engine, id)
}

fn process(engine: &Engine, body: &[u8]) {
    assert!(!engine.process(body).unwrap().should_retry());
}

/// Replays to the end.
fn replay_all(engine: &Engine, id: WebhookId, only: &[&str]) {
    assert!(!replay(engine, id, only).should_retry());
}

fn replay(engine: &Engine, id: WebhookId, only: &[&str]) -> Outcome {
    let outcome = engine.replay(id, only).unwrap();
    outcome.expect("the webhook is stored")
}

fn ada() -> Identity {
    Identity::from_phone("15550101001").unwrap()
}

#[test]
fn a_replay_calls_the_receivers_that_it_names_with_each_event() {
    with_each_store(|engine| {
        let book = Book::default();
        let (engine, id) = after_processing(&engine, &book, &messages(0..2));
        let outcome = replay(&engine, id, &["b"]);
        assert_eq!((outcome.delivered(), outcome.without_receivers()), (2, 0));
        assert_eq!(book.take(), ["b wamid.0", "b wamid.1"]);
        replay_all(&engine, id, &["b", "a", "b"]);
        let both = ["a wamid.0", "b wamid.0", "a wamid.1", "b wamid.1"];
        assert_eq!(book.take(), both);
        replay_all(&engine, id, &[]);
        assert_eq!(book.take(), both);
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 0);
        let log = engine.webhooks(None, 9).unwrap();
        assert_eq!(log.len(), 1, "a replay is in no log");
        assert_eq!((log[0].id, log[0].replay_of), (id, None));
    });
}

#[test]
fn a_tenant_and_a_number_replay_their_events_of_a_body_that_they_share() {
    with_each_store(|engine| {
        let book = Book::default();
        let bikes = testing::text("Hi").waba("900").to_number("300", "1");
        let boats = testing::text("Ahoy").waba("901").to_number("301", "2");
        let repairs = testing::text("Hi").waba("901").to_number("302", "3");
        let all = [
            bikes.id("wamid.A"),
            boats.id("wamid.B"),
            repairs.id("wamid.C"),
        ];
        let body = testing::batch(all).body();
        let (engine, id) = after_processing(&engine, &book, &body);
        for (records, expected) in [
            (engine.tenant("901"), &["a wamid.B", "a wamid.C"][..]),
            (engine.tenant("900"), &["a wamid.A"]),
            (engine.number("302"), &["a wamid.C"]),
        ] {
            let log = records.webhooks(None, 9).unwrap();
            assert_eq!((log.len(), log[0].id), (1, id));
            let events = log[0].events.as_ref().unwrap().len();
            assert_eq!(
                (events, log[0].omitted_events),
                (expected.len(), 3 - expected.len())
            );

            let outcome = records.replay(id, &["a"]).unwrap().unwrap();
            assert_eq!(
                (outcome.delivered(), outcome.should_retry()),
                (expected.len(), false)
            );
            assert_eq!(book.take(), expected);
            // Stored by one program, and delivered by another one.
            let outcome = records.accept_replay(id, &["a"]).unwrap().unwrap();
            assert_eq!(outcome.unfinished(), expected.len());
            let stored = engine.webhooks(Some(id), 9).unwrap();
            assert_eq!((stored.len(), stored[0].replay_of), (1, Some(id)));
            assert_eq!(
                engine.retry_unfinished().unwrap().delivered(),
                expected.len()
            );
            assert_eq!(book.take(), expected);
        }
        let other = engine.tenant("902");
        assert!(other.webhooks(None, 9).unwrap().is_empty());
        assert!(other.replay(id, &["a"]).unwrap().is_none());
        engine.store_unreadable(b"{").unwrap();
        assert_eq!(engine.tenant("900").webhooks(None, 9).unwrap().len(), 1);
    });
}

#[test]
fn an_unfinished_replay_of_a_tenant_does_not_hold_up_the_events_of_others() {
    with_each_store(|engine| {
        let book = Book::default();
        let bikes = testing::text("Hi").waba("900").to_number("300", "1");
        let boats = testing::text("Ahoy").waba("901").to_number("301", "2");
        let body = testing::batch([bikes.id("wamid.A"), boats.id("wamid.B")]).body();
        let (engine, id) = after_processing(&engine, &book, &body);
        replay_all(&engine, id, &["a"]);
        book.take();
        let outcome = engine.tenant("901").accept_replay(id, &["a"]);
        assert_eq!(outcome.unwrap().unwrap().unfinished(), 1);
        let outcome = replay(&engine, id, &["a"]);
        assert_eq!((outcome.delivered(), outcome.duplicates()), (2, 0));
        assert_eq!(book.take(), ["a wamid.A", "a wamid.B"]);
    });
}

#[test]
fn an_event_that_fails_in_a_replay_does_not_hold_up_the_replay_of_another_tenant() {
    with_each_store(|engine| {
        let book = Book::default();
        let bikes = testing::text("Hi").waba("900").to_number("300", "1");
        let boats = testing::text("Ahoy").waba("901").to_number("301", "2");
        let body = testing::batch([bikes.id("wamid.A"), boats.id("wamid.B")]).body();
        let (engine, id) = after_processing(&engine, &book, &body);
        let (context, calls) = (Context::new().only_own_receivers(), book.clone());
        let receiver = move |event: &MessageReceived| match event.message.id.as_str() {
            "wamid.A" => Err("on purpose"),
            wamid => calls.call("a", wamid),
        };
        let uid = ConnectOptions::new().uid("a");
        context
            .connect_with(&MESSAGE_RECEIVED, uid, receiver)
            .unwrap();
        let failing = engine_over(Arc::clone(engine.store())).context(context);
        let outcome = replay(&failing.log_webhooks(true), id, &["a"]);
        assert_eq!((outcome.failed(), outcome.unfinished()), (1, 1));
        book.take();
        let outcome = engine.tenant("901").replay(id, &["a"]).unwrap().unwrap();
        assert_eq!((outcome.delivered(), outcome.duplicates()), (1, 0));
        assert_eq!(book.take(), ["a wamid.B"]);
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 1);
        assert_eq!(book.take(), ["a wamid.A"]);
    });
}

#[test]
fn the_webhooks_of_a_tenant_are_found_behind_those_of_others() {
    with_each_store(|engine| {
        let engine = engine.log_webhooks(true);
        for n in 0..120 {
            let waba = if n % 40 == 39 { "901" } else { "900" };
            let text = testing::text("Hi").waba(waba).to_number(waba, "1");
            process(&engine, &text.id(&format!("wamid.{n}")).body());
        }
        let tenant = engine.tenant("901");
        let all = tenant.webhooks(None, 9).unwrap();
        assert_eq!(all.len(), 3);
        assert_eq!(tenant.webhooks(None, 2).unwrap(), all[..2]);
        assert_eq!(tenant.webhooks(Some(all[1].id), 2).unwrap(), all[2..]);
    });
}

#[test]
fn the_log_has_the_events_that_came_without_a_body() {
    with_each_store(|engine| {
        let engine = engine.log_webhooks(true);
        let event = parse(&messages(0..1)).unwrap().into_events().remove(0);
        let key = event.dedup_key();
        let outcome = engine.process_event(&key, event).unwrap();
        assert!(!outcome.should_retry());
        let log = engine.webhooks(None, 9).unwrap();
        let names: Vec<_> = log[0]
            .events
            .iter()
            .flatten()
            .map(WebhookEvent::name)
            .collect();
        assert_eq!(names, ["message_received"]);
    });
}

#[test]
fn receivers_are_named_by_paths_and_those_of_all_events_too() {
    with_each_steady_store(|engine| {
        let book = Book::default();
        let context = context_of(&book, &["typed"]);
        for name in ["first", "second"] {
            let book = book.clone();
            context.connect(&ANY_EVENT, move |_: &WebhookEvent| book.call(name, "-"));
        }
        let engine = engine.log_webhooks(true).context(context.clone());
        process(&engine, &messages(0..1));
        book.take();
        let id = engine.webhooks(None, 9).unwrap()[0].id;
        let path = ANY_EVENT.with(&context).receivers()[0].path();
        replay_all(&engine, id, &[&format!("any_event:{path}#2")]);
        assert_eq!(book.take(), ["second -"]);
        replay_all(&engine, id, &["typed", &format!("any_event:{path}")]);
        assert_eq!(book.take(), ["typed wamid.0", "first -"]);
    });
}

#[test]
fn a_name_that_no_receiver_has_is_an_error_and_nothing_is_stored_or_called() {
    with_each_steady_store(|engine| {
        let book = Book::default();
        let (engine, id) = after_processing(&engine, &book, &messages(0..1));
        for name in ["c", "", "any_event:a", "MESSAGE_RECEIVED", "a#2"] {
            let error = engine.replay(id, &["a", name]).unwrap_err();
            let EngineErrorKind::UnknownReceiver(found) = error.kind() else {
                panic!("{error}");
            };
            assert_eq!(&**found, name);
            assert!(!error.should_retry());
        }
        assert_eq!(book.take(), Vec::<String>::new());
        assert_eq!(engine.webhooks(None, 9).unwrap().len(), 1);
    });
}

#[test]
fn a_webhook_that_is_not_stored_is_none() {
    with_each_steady_store(|engine| {
        let book = Book::default();
        let engine = engine_with(&engine, &book, &["a"]);
        assert!(engine.replay(WebhookId(7), &["a"]).unwrap().is_none());
        // Without a log it is gone once it is finished.
        let engine = engine.log_webhooks(false);
        process(&engine, &messages(0..1));
        assert!(engine.replay(WebhookId(7), &[]).unwrap().is_none());
        assert_eq!(book.take(), ["a wamid.0"]);
    });
}

#[test]
fn a_replay_that_failed_is_retried_by_another_engine_for_the_same_receivers() {
    with_each_store(|engine| {
        let book = Book::default();
        let (engine, id) = after_processing(&engine, &book, &messages(0..2));
        book.fail(&["b"]);
        let outcome = replay(&engine, id, &["a", "b"]);
        assert_eq!((outcome.failed(), outcome.unfinished()), (2, 2));
        assert_eq!(book.take(), ["a wamid.0", "a wamid.1"]);

        let unfinished = engine.webhooks(Some(id), 9).unwrap().remove(0);
        assert_eq!((unfinished.replay_of, unfinished.open), (Some(id), 2));
        assert_eq!(unfinished.body, messages(0..2), "as it came");

        // Later programs have a receiver more, which comes first.
        let later = engine_with(&engine, &book, &["new", "a", "b"]);
        assert_eq!(later.retry_unfinished().unwrap().failed(), 2);
        book.fail(&[]);
        assert_eq!(later.retry_unfinished().unwrap().unfinished(), 0);
        assert_eq!(book.take(), ["b wamid.0", "b wamid.1"]);
        assert_eq!(later.webhooks(Some(id), 9).unwrap(), []);
    });
}

#[test]
fn the_same_call_goes_on_with_an_unfinished_replay_and_is_a_new_one_after_that() {
    with_each_store(|engine| {
        let book = Book::default();
        let (engine, id) = after_processing(&engine, &book, &messages(0..2));
        book.fail(&["b"]);
        let failed = replay(&engine, id, &["a", "b"]);
        assert_eq!((failed.unfinished(), book.take().len()), (2, 2));
        // Names in another order are the same replay, others are another one.
        let outcome = replay(&engine, id, &["b", "a"]);
        assert_eq!((outcome.delivered(), outcome.duplicates()), (2, 0));
        assert_eq!(book.take(), Vec::<String>::new());
        assert_eq!(replay(&engine, id, &["a"]).unfinished(), 0);
        assert_eq!(book.take(), ["a wamid.0", "a wamid.1"]);
        assert_eq!(engine.webhooks(Some(id), 9).unwrap().len(), 1);

        // Its id is as good as that of the webhook.
        let of_replay = engine.webhooks(Some(id), 9).unwrap()[0].id;
        book.fail(&[]);
        assert_eq!(replay(&engine, of_replay, &["a", "b"]).unfinished(), 0);
        assert_eq!(book.take(), ["b wamid.0", "b wamid.1"]);

        assert_eq!(replay(&engine, id, &["a", "b"]).delivered(), 2);
        assert_eq!(book.take().len(), 4, "a new one");
    });
}

#[test]
fn an_event_that_is_finished_is_a_duplicate_for_the_call_that_goes_on() {
    with_each_store(|engine| {
        let book = Book::default();
        let failing = Arc::new(AtomicBool::new(false));
        let context = Context::new().only_own_receivers();
        let (receiver, seen) = (book.clone(), Arc::clone(&failing));
        let receiver = move |event: &MessageReceived| {
            let id = event.message.id.as_str();
            match id {
                // Ordering: one thread.
                "wamid.1" if seen.load(Ordering::Relaxed) => Err("on purpose"),
                _ => receiver.call("a", id),
            }
        };
        let options = ConnectOptions::new().uid("a");
        context
            .connect_with(&MESSAGE_RECEIVED, options, receiver)
            .unwrap();
        let engine = engine.log_webhooks(true).context(context);
        process(&engine, &messages(0..3));
        let id = engine.webhooks(None, 9).unwrap()[0].id;
        book.take();

        failing.store(true, Ordering::Relaxed);
        assert_eq!(replay(&engine, id, &["a"]).unfinished(), 1);
        assert_eq!(book.take(), ["a wamid.0", "a wamid.2"]);
        failing.store(false, Ordering::Relaxed);
        let outcome = replay(&engine, id, &["a"]);
        assert_eq!((outcome.delivered(), outcome.duplicates()), (1, 2));
        assert_eq!(book.take(), ["a wamid.1"]);
        assert_eq!(replay(&engine, id, &["a"]).delivered(), 3);
    });
}

#[test]
fn a_replay_is_retried_for_the_same_receivers_after_a_crash() {
    with_each_clock(|engine, ahead| {
        let book = Book::default();
        let (engine, id) = after_processing(&engine, &book, &messages(0..2));
        let context = context_of(&book, &["a", "b"]);
        let hangs = with_state((), async |(), _: &MessageReceived| pending::<()>().await);
        let options = ConnectOptions::new().uid("hangs");
        context
            .connect_with(&MESSAGE_RECEIVED, options, hangs)
            .unwrap();
        let crashed = engine_over(Arc::clone(engine.store())).context(context);
        {
            let mut replay = pin!(crashed.replay_async(id, &["a", "hangs"]));
            let mut cx = TaskContext::from_waker(Waker::noop());
            assert!(replay.as_mut().poll(&mut cx).is_pending());
        }
        // It never calls its engine again.
        drop(crashed);
        assert_eq!(book.take(), ["a wamid.0"]);

        let later = engine_with(&engine, &book, &["a", "b", "hangs"]);
        assert_eq!(later.retry_unfinished().unwrap().unfinished(), 2, "leased");
        assert_eq!(replay(&later, id, &["a", "hangs"]).unfinished(), 2);
        ahead.store(100, Ordering::Relaxed);
        assert_eq!(later.retry_unfinished().unwrap().unfinished(), 0);
        let expected = ["hangs wamid.0", "a wamid.1", "hangs wamid.1"];
        assert_eq!(
            book.take(),
            expected,
            "`a` was marked before the other hung"
        );
    });
}

#[test]
fn a_repetition_by_meta_neither_runs_a_replay_nor_is_held_up_by_it() {
    with_each_store(|engine| {
        let book = Book::default();
        let body = messages(0..1);
        let (engine, id) = after_processing(&engine, &book, &body);
        // During the replay.
        let inner = engine_with(&engine, &book, &["a", "b"]);
        let repeated = Arc::new(Mutex::new(None));
        let (result, again) = (Arc::clone(&repeated), body.clone());
        let context = context_of(&book, &["b"]);
        let receiver = move |_: &MessageReceived| {
            *result.lock() = Some(inner.process(&again).unwrap());
            Err::<(), _>("on purpose")
        };
        let options = ConnectOptions::new().uid("a");
        context
            .connect_with(&MESSAGE_RECEIVED, options, receiver)
            .unwrap();
        let replaying = engine_over(Arc::clone(engine.store())).context(context);
        assert_eq!(replay(&replaying, id, &["a"]).unfinished(), 1);
        let outcome = repeated.lock().take().unwrap();
        assert_eq!((outcome.duplicates(), outcome.unfinished()), (1, 0));
        // While it is unfinished.
        let outcome = engine.process(&body).unwrap();
        assert_eq!((outcome.delivered(), outcome.duplicates()), (0, 1));
        assert_eq!(book.take(), Vec::<String>::new());
        assert_eq!(engine.retry_unfinished().unwrap().unfinished(), 0);
        assert_eq!(book.take(), ["a wamid.0"]);
        assert_eq!(engine.process(&body).unwrap().duplicates(), 1);
    });
}

#[test]
fn a_webhook_that_is_unfinished_stays_so() {
    with_each_store(|engine| {
        let book = Book::default();
        let engine = engine_with(&engine, &book, &["a", "b"]);
        book.fail(&["b"]);
        assert_eq!(engine.process(&messages(0..1)).unwrap().unfinished(), 1);
        let id = engine.webhooks(None, 9).unwrap()[0].id;
        book.take();
        assert_eq!(replay(&engine, id, &["a"]).unfinished(), 0);
        assert_eq!(book.take(), ["a wamid.0"]);
        assert_eq!(engine.webhooks(None, 9).unwrap()[0].open, 1);
        book.fail(&[]);
        assert_eq!(replay(&engine, id, &["b"]).unfinished(), 0);
        assert_eq!(engine.webhooks(None, 9).unwrap()[0].open, 1);
        assert_eq!(book.take(), ["b wamid.0"]);
        let outcome = engine.process(&messages(0..1)).unwrap();
        assert_eq!((outcome.delivered(), outcome.unfinished()), (1, 0));
        assert_eq!(book.take(), ["b wamid.0"]);
    });
}

#[test]
fn no_record_is_written_again_and_receivers_get_the_stored_contact() {
    with_each_store(|engine| {
        let book = Book::default();
        let (engine, id) = after_processing(&engine, &book, &messages(0..2));
        let shop = records(&engine);
        shop.mark_read(&ada()).unwrap();
        shop.update_contact(&ada(), |ada| ada.labels.push("gravel".into()))
            .unwrap();
        let before = shop.contact(&ada()).unwrap();
        let context = Context::new().only_own_receivers();
        let labels = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&labels);
        context.connect(&MESSAGE_RECEIVED, move |event: &MessageReceived| {
            let contact = event.contact.as_ref().unwrap();
            seen.lock().extend(contact.labels.clone());
        });
        // A message that is written again gets its JSON.
        let replaying = engine_over(Arc::clone(engine.store())).keep_raw_payloads(true);
        assert_eq!(replay(&replaying.context(context), id, &[]).delivered(), 2);
        assert_eq!(*labels.lock(), ["gravel", "gravel"]);
        assert_eq!(shop.unread_count(&ada()).unwrap(), 0);
        assert_eq!(shop.contact(&ada()).unwrap(), before);
        assert_eq!(shop.raw_payload(&"wamid.0".into()).unwrap(), None);
    });
}

#[test]
fn a_subscriber_is_counted_once() {
    with_each_store(|engine| {
        let context = Context::new().only_own_receivers();
        let counts = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&counts);
        context.connect(&USER_SUBSCRIBED, move |event: &UserSubscribed| {
            seen.lock().push(event.signup.subscriber_count);
        });
        let engine = engine.log_webhooks(true).context(context);
        let body = include_bytes!("../payloads/signup-field.json");
        let webhook = parse(body).unwrap();
        let [WebhookEvent::UserSubscribed(event), ..] = webhook.events() else {
            panic!("a signup");
        };
        let shop = engine.account(&event.account);
        let signup = Signup::new(event.signup.signup_id.clone());
        shop.save_signup(&signup).unwrap();
        process(&engine, body);
        let id = engine.webhooks(None, 9).unwrap()[0].id;
        replay_all(&engine, id, &[]);
        assert_eq!(*counts.lock(), [1, 1]);
        assert_eq!(shop.signups().unwrap()[0].subscriber_count, 1);
    });
}

#[test]
fn a_dead_letter_of_a_replay_is_requeued_for_its_receivers() {
    with_each_store(|engine| {
        let book = Book::default();
        let body = messages(0..1);
        let (engine, id) = after_processing(&engine, &book, &body);
        let engine = engine.max_attempts(1);
        book.fail(&["a"]);
        assert_eq!(replay(&engine, id, &["a"]).dead_lettered(), 1);
        let letter = engine.dead_letters(9).unwrap().remove(0);
        assert_eq!(
            (&letter.failed[..], &*letter.body),
            (&["a".into()][..], &*body)
        );
        assert!(letter.event.is_some());
        let own = parse(&body).unwrap().dedup_keys().remove(0);
        assert!(engine.dead_letter(&own).unwrap().is_none());

        book.fail(&[]);
        assert!(engine.requeue(&letter.key).unwrap());
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 1);
        assert_eq!(book.take(), ["a wamid.0"]);

        // A dead replay is over, so that the same call is a new one.
        book.fail(&["a"]);
        assert_eq!(replay(&engine, id, &["a"]).dead_lettered(), 1);
        book.fail(&[]);
        assert_eq!(replay(&engine, id, &["a"]).delivered(), 1);
        assert_eq!(book.take(), ["a wamid.0"]);
        assert_eq!(engine.dead_letters(9).unwrap(), []);
        assert_eq!(engine.webhooks(Some(id), 9).unwrap(), []);
    });
}

#[test]
fn an_event_from_a_queue_is_replayed_too() {
    with_each_store(|engine| {
        let book = Book::default();
        let engine = engine_with(&engine, &book, &["a", "b"]);
        let event = parse(&messages(0..1)).unwrap().into_events().remove(0);
        assert_eq!(
            engine.process_event("the key", event).unwrap().delivered(),
            1
        );
        book.take();
        let id = engine.webhooks(None, 9).unwrap()[0].id;
        book.fail(&["a"]);
        assert_eq!(replay(&engine, id, &["a"]).unfinished(), 1);
        book.fail(&[]);
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 1);
        assert_eq!(book.take(), ["a wamid.0"]);
    });
}

#[test]
fn a_body_that_is_no_webhook_is_an_error() {
    with_each_steady_store(|engine| {
        let book = Book::default();
        let engine = engine_with(&engine, &book, &["a"]);
        engine.store_unreadable(b"{").unwrap();
        let id = engine.webhooks(None, 9).unwrap()[0].id;
        let error = engine.replay(id, &["a"]).unwrap_err();
        assert!(matches!(error.kind(), EngineErrorKind::Parse(_)));
        // A body without events has nothing to deliver.
        let body = value("messages", r#""messages":[]"#);
        process(&engine, &body);
        let log = engine.webhooks(Some(id), 9).unwrap();
        assert_eq!(replay(&engine, log[0].id, &[]).delivered(), 0);
        assert_eq!(engine.webhooks(None, 9).unwrap().len(), 2);
    });
}

#[test]
fn a_replay_that_another_version_could_not_read_is_still_one() {
    with_each_steady_store(|engine| {
        let book = Book::default();
        let (engine, id) = after_processing(&engine, &book, &messages(0..1));
        book.fail(&["a"]);
        assert_eq!(replay(&engine, id, &["a"]).unfinished(), 1);
        let of_replay = engine.webhooks(Some(id), 9).unwrap()[0].id;
        let bury = |row: &mut WebhookRow| row.kind = WebhookKind::Unreadable;
        rows::change_webhook(engine.store(), of_replay, bury, None);
        book.fail(&[]);
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 1);
        assert_eq!(book.take(), ["a wamid.0"]);
    });
}

/// A body that is claimed in parts, whose claim is interrupted after the first one.
#[test]
fn a_large_replay_that_was_interrupted_while_it_was_stored_is_retried_as_a_whole() {
    with_each_clock(|engine, ahead| {
        let book = Book::default();
        let (engine, id) = after_processing(&engine, &book, &messages(0..4100));
        records(&engine).mark_read(&ada()).unwrap();
        let commits = Arc::new(AtomicU64::new(0));
        let store = Watched::new(Arc::clone(engine.store()), move |access| {
            let is_claim = matches!(access, Access::Commit(changes) if !changes.events.is_empty());
            if is_claim && commits.fetch_add(1, Ordering::Relaxed) > 0 {
                return Err(StoreError::new(StoreErrorKind::Locked, "on purpose"));
            }
            Ok(())
        });
        let interrupted = WebhookEngine::new(store).context(context_of(&book, &["a", "b"]));
        assert!(interrupted.replay(id, &["b"]).is_err());
        drop(interrupted);
        ahead.store(Duration::from_secs(100).as_secs(), Ordering::Relaxed);
        assert_eq!(book.take(), Vec::<String>::new());
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 4100);
        let calls = book.take();
        assert_eq!(calls.len(), 4100);
        assert!(calls.iter().all(|call| call.starts_with("b ")));
        assert_eq!(records(&engine).unread_count(&ada()).unwrap(), 0);
        assert_eq!(engine.webhooks(Some(id), 9).unwrap(), []);
    });
}

#[test]
fn an_accepted_replay_is_delivered_by_the_program_with_the_receivers() {
    with_each_store(|engine| {
        let book = Book::default();
        let (engine, id) = after_processing(&engine, &book, &messages(0..2));
        let tool = engine_over(Arc::clone(engine.store()));
        for only in [&["a"][..], &["a"], &[]] {
            let outcome = tool.accept_replay(id, only).unwrap().unwrap();
            assert_eq!((outcome.delivered(), outcome.unfinished()), (0, 2));
        }
        assert!(book.take().is_empty());
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!((outcome.delivered(), outcome.unfinished()), (4, 0));
        let mut calls = book.take();
        calls.sort_unstable();
        let expected = [
            "a wamid.0",
            "a wamid.0",
            "a wamid.1",
            "a wamid.1",
            "b wamid.0",
            "b wamid.1",
        ];
        assert_eq!(calls, expected, "the same replay twice is one");

        // Of a receiver that no program has, and of a webhook that is not stored.
        let outcome = tool.accept_replay(id, &["nobody"]).unwrap().unwrap();
        assert_eq!(outcome.unfinished(), 2);
        assert_eq!(engine.retry_unfinished().unwrap().unfinished(), 0);
        assert!(book.take().is_empty());
        assert!(tool.accept_replay(WebhookId(1), &["a"]).unwrap().is_none());
    });
}
