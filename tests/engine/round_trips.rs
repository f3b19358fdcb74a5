//! Accesses to the store: few for a body, and none that loses part of a large one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::batch::value;
use crate::support::engines::{account, engine_over, with_each_steady_store};
use crate::support::messages::messages;
use crate::support::rows;
use crate::support::stores::any_store;
use crate::support::watched::{Access, Watched};
use parking_lot::Mutex;
use whatsapp_signals::Context;
use whatsapp_signals::event::{MessageReceived, MessageSent};
use whatsapp_signals::model::{Content, Identity, Message};
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::{
    Changes, Lease, StoreError, StoreErrorKind, WebhookChange, WebhookQuery,
};

/// Returns whether a commit is a checkpoint between the claim and the end: there is one every 10 ms.
fn is_intermediate(changes: &Changes<'_>) -> bool {
    let keeps_lease = |change: &WebhookChange<'_>| match change {
        WebhookChange::Update { row, .. } => row.lease.is_some(),
        _ => false,
    };
    changes.events.is_empty() && changes.webhooks.iter().all(keeps_lease)
}

#[test]
fn a_body_of_any_size_or_a_sent_message_costs_at_most_four_round_trips() {
    with_each_steady_store(|engine| {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let store = Watched::new(Arc::clone(engine.store()), move |access| {
            let is_counted = !matches!(access, Access::Commit(changes) if is_intermediate(changes));
            counted.fetch_add(usize::from(is_counted), Relaxed);
            Ok(())
        });
        for (in_order, first) in [(false, 0), (true, 2000)] {
            let engine = engine_over(&store).in_order(in_order);
            for numbers in [0..1, 1..2, 2..1002] {
                let body = messages(first + numbers.start..first + numbers.end);
                count.store(0, Relaxed);
                assert!(!engine.process(&body).unwrap().should_retry());
                let count = count.load(Relaxed);
                assert!((2..=4).contains(&count), "{count} round trips");
            }
            // The first message of a campaign, and another one.
            for number in [0, 1] {
                let ada = Identity::from_phone("15550101001").unwrap();
                let id = format!("wamid.SENT{in_order}{number}");
                let message = Message::outbound(id, ada, Content::text("An offer")).build();
                let sent = MessageSent::new(message).with_account(account());
                count.store(0, Relaxed);
                let outcome = engine.process_sent(sent.with_campaign("spring")).unwrap();
                assert!(!outcome.should_retry());
                let count = count.load(Relaxed);
                assert!((2..=4).contains(&count), "{count} round trips");
            }
        }
    });
}

/// The work of an access in rows: those that it names.
fn rows_of(access: Access<'_>) -> usize {
    match access {
        Access::Load(wanted) => wanted.events.len() + wanted.messages.len() + wanted.ids.len(),
        // Not the rows of progress: they depend on the number of checkpoints, and so on time.
        Access::Commit(changes) => changes.events.len() + changes.statuses.len(),
        Access::Other => 1,
    }
}

/// Errors have neither an id nor a time: the claim asks whether they have happened again.
#[test]
fn repeated_errors_beside_many_statuses_cost_work_that_is_linear() {
    let work = |count: usize| {
        let (total, greatest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (sum, max) = (Arc::clone(&total), Arc::clone(&greatest));
        let store = Watched::new(any_store(), move |access| {
            sum.fetch_add(rows_of(access), Relaxed);
            max.fetch_max(rows_of(access), Relaxed);
            Ok(())
        });
        let engine = engine_over(store);
        let errors = vec![r#"{"code":130429,"title":"Rate limit hit"}"#; count].join(",");
        let status = |n| format!(r#"{{"id":"wamid.{n}","status":"read","recipient_id":"1"}}"#);
        let statuses: Vec<_> = (0..count).map(status).collect();
        let statuses = statuses.join(",");
        let lists = format!(r#""errors":[{errors}],"statuses":[{statuses}]"#);
        let body = value("messages", &lists);
        for round in 0..2 {
            let outcome = engine.process(&body).unwrap();
            let expected = if round == 0 {
                (2 * count, 0)
            } else {
                (0, 2 * count)
            };
            assert_eq!((outcome.delivered(), outcome.duplicates()), expected);
        }
        (total.load(Relaxed), greatest.load(Relaxed))
    };
    let (few, many) = (work(300), work(3000));
    assert!(
        many.0 <= 15 * few.0,
        "{many:?} rows for ten times as many as {few:?}"
    );
    assert!(
        many.1 <= 4 * 2000,
        "no access is larger than a part: {many:?}"
    );
}

#[test]
fn a_large_body_that_is_stored_in_part_is_delivered_once_as_a_whole() {
    with_each_steady_store(|engine| {
        let inner = Arc::clone(engine.store());
        let parts = AtomicUsize::new(0);
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let store = Watched::new(Arc::clone(&inner), move |access| {
            let is_part = matches!(access, Access::Commit(changes) if !changes.events.is_empty());
            let is_counted = !matches!(access, Access::Commit(changes) if is_intermediate(changes));
            counted.fetch_add(usize::from(is_counted), Relaxed);
            if is_part && parts.fetch_add(1, Relaxed) == 1 {
                return Err(StoreError::new(StoreErrorKind::Locked, "the second part"));
            }
            Ok(())
        });
        let context = Context::new().only_own_receivers();
        let received = Arc::new(Mutex::new(Vec::new()));
        let book = Arc::clone(&received);
        context.connect(&MESSAGE_RECEIVED, move |event: &MessageReceived| {
            book.lock().push(event.message.id.to_string());
        });
        let engine = engine_over(store).context(context);
        let body = messages(0..5000);
        assert!(engine.process(&body).unwrap_err().should_retry());
        assert!(received.lock().is_empty(), "no part runs before the last");
        let id = engine.webhooks(None, 9).unwrap()[0].id;
        let row = rows::webhook(&inner, id).unwrap();
        assert!(row.unclaimed > 0);
        assert_eq!(row.open + row.unclaimed, 5000);

        count.store(0, Relaxed);
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!((outcome.delivered(), outcome.unfinished()), (5000, 0));
        let count = count.load(Relaxed);
        assert!(count < 30, "{count} round trips");
        let ids: Vec<_> = (0..5000).map(|number| format!("wamid.{number}")).collect();
        assert_eq!(*received.lock(), ids);
        assert_eq!(engine.process(&body).unwrap().duplicates(), 5000);
    });
}

#[test]
fn a_lease_is_renewed_before_the_first_receiver_after_a_slow_claim() {
    with_each_steady_store(|engine| {
        let inner = Arc::clone(engine.store());
        let left = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&left);
        let context = Context::new().only_own_receivers();
        context.connect(&MESSAGE_RECEIVED, move |_: &MessageReceived| {
            let query = WebhookQuery::first(1).only_unsettled();
            let page = pollster::block_on(inner.webhooks(&query)).unwrap();
            let lease = page[0].1.lease.unwrap();
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let now = i64::try_from(now.as_millis()).unwrap();
            noted.lock().push(lease.until - now);
            Err("not yet")
        });
        let store = Watched::new(Arc::clone(engine.store()), |access| {
            if matches!(access, Access::Load(_)) {
                thread::sleep(Duration::from_millis(150));
            }
            Ok(())
        });
        let engine = engine_over(store).context(context);
        let engine = engine.lease(Duration::from_millis(600));
        assert!(engine.process(&messages(0..1)).unwrap().should_retry());
        // It loads the body, and then the progress of its event.
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 1);
        let left = left.lock();
        assert!(
            left.len() == 2 && left.iter().all(|left| *left > 400),
            "{left:?}"
        );
    });
}

#[test]
fn a_large_body_that_loses_its_lease_between_parts_is_left_to_the_new_holder() {
    with_each_steady_store(|engine| {
        let inner = Arc::clone(engine.store());
        let steal = |length: Duration| {
            let id = engine.webhooks(None, 9).unwrap()[0].id;
            rows::lease(engine.store(), id, Lease::new(1, length));
        };
        let parts = AtomicUsize::new(0);
        let thief = Arc::clone(engine.store());
        let store = Watched::new(inner, move |access| {
            let is_part = matches!(access, Access::Commit(changes) if !changes.events.is_empty());
            if is_part && parts.fetch_add(1, Relaxed) == 1 {
                let id = engine_over(Arc::clone(&thief)).webhooks(None, 9).unwrap()[0].id;
                rows::lease(&thief, id, Lease::new(1, Duration::from_secs(60)));
            }
            Ok(())
        });
        let context = Context::new().only_own_receivers();
        let count = Arc::new(AtomicUsize::new(0));
        let runs = Arc::clone(&count);
        context.connect(&MESSAGE_RECEIVED, move |_: &MessageReceived| {
            runs.fetch_add(1, Relaxed);
        });
        let losing = engine_over(store).context(context.clone());
        let outcome = losing.process(&messages(0..5000)).unwrap();
        assert_eq!((outcome.unfinished(), outcome.should_retry()), (5000, true));
        steal(Duration::ZERO);
        let outcome = engine.context(context).retry_unfinished().unwrap();
        assert_eq!(outcome.unfinished(), 0);
        assert_eq!(count.load(Relaxed), 5000, "each once");
    });
}
