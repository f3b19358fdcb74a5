//! The rows about webhooks and their events.

use super::{Check, read, write};
use crate::model::{MessageStatus, Timestamp};
use crate::store::{EventRecord, Lease, Progress, Store, WebhookId, WebhookRecord};

pub(super) const CHECKS: &[Check] = &[
    ("a webhook is what was stored", webhooks_are_kept),
    ("no number of a webhook comes twice", numbers_are_new),
    ("webhooks are listed in order", webhooks_are_listed),
    ("an event is what was stored", events_are_kept),
    ("dead events are listed in order", dead_events_are_listed),
    ("what is old and over is pruned", old_is_pruned),
];

const NOW: Timestamp = Timestamp::from_secs(1_785_000_000);
const FIRST: WebhookId = WebhookId(i64::MIN);

fn webhooks_are_kept(store: &dyn Store) {
    let mut webhook = WebhookRecord::new(NOW, 3, Some(Lease::new(i64::MIN, i64::MAX)));
    let body = [0, 255, b'{', b'\n'];
    let id = write(store, |tx| tx.add_webhook(&webhook, &body));
    let empty = write(store, |tx| tx.add_webhook(&webhook, b""));
    assert_eq!(
        read(store, |tx| tx.webhook(id)).as_ref(),
        Some(&webhook),
        "as it was added"
    );
    assert_eq!(read(store, |tx| tx.body(id)).as_deref(), Some(&body[..]));
    assert_eq!(read(store, |tx| tx.body(empty)).as_deref(), Some(&b""[..]));

    webhook.open = 0;
    webhook.dead = u32::MAX;
    webhook.lease = None;
    write(store, |tx| tx.put_webhook(id, &webhook));
    assert_eq!(read(store, |tx| tx.webhook(id)), Some(webhook));
    assert_eq!(read(store, |tx| tx.body(id)).as_deref(), Some(&body[..]));

    write(store, |tx| tx.delete_webhook(id));
    write(store, |tx| tx.delete_webhook(id));
    assert_eq!(read(store, |tx| tx.webhook(id)), None);
    assert_eq!(read(store, |tx| tx.body(id)), None);
}

fn numbers_are_new(store: &dyn Store) {
    let webhook = WebhookRecord::new(NOW, 1, None);
    let mut last = FIRST;
    for _ in 0..3 {
        let id = write(store, |tx| tx.add_webhook(&webhook, b"{}"));
        assert!(id > last, "{id:?} after {last:?}");
        write(store, |tx| tx.delete_webhook(id));
        last = id;
    }
}

fn webhooks_are_listed(store: &dyn Store) {
    let add = |open, lease| {
        let webhook = WebhookRecord::new(NOW, open, lease);
        write(store, |tx| tx.add_webhook(&webhook, b"{}"))
    };
    let lease = Some(Lease::new(1, 2));
    let ids = [
        add(1, None),
        add(0, None),
        add(0, lease),
        add(0, None),
        add(3, lease),
    ];
    let list = |after, only_unsettled, limit| {
        let listed = read(store, |tx| tx.webhooks(after, only_unsettled, limit));
        listed.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(list(FIRST, false, 9), ids);
    assert_eq!(list(FIRST, true, 9), [ids[0], ids[2], ids[4]]);
    assert_eq!(list(FIRST, true, 2), [ids[0], ids[2]]);
    assert_eq!(list(ids[2], true, 9), [ids[4]]);
    assert_eq!(list(ids[4], false, 9), []);
}

fn events_are_kept(store: &dyn Store) {
    let id = write(store, |tx| {
        tx.add_webhook(&WebhookRecord::new(NOW, 1, None), b"{}")
    });
    let keys = [
        "message_received:wamid.A:text".to_owned(),
        "message_received:wamid.a:text".to_owned(),
        "it's \"odd\" \\ %_ \u{1f6b2}".to_owned(),
        "long".repeat(1000),
    ];
    for key in &keys {
        assert_eq!(read(store, |tx| tx.event(key)), None, "{key}");
        let mut event = EventRecord::new(id, NOW);
        assert!(write(store, |tx| tx.add_event(key, &event)), "{key}");
        assert_eq!(read(store, |tx| tx.event(key)).as_ref(), Some(&event));

        event.progress = Progress::Finished;
        assert!(!write(store, |tx| tx.add_event(key, &event)), "it is known");
        let kept = read(store, |tx| tx.event(key)).expect("it is there");
        assert_eq!(kept.progress, Progress::Open, "it was not replaced");

        event.webhook = WebhookId(id.0 + 1);
        event.attempts = 20;
        event.done = vec!["app::it's \"odd\"".to_owned(), "b#2".to_owned()];
        event.failed = vec!["c".to_owned()];
        write(store, |tx| tx.put_event(key, &event));
        assert_eq!(read(store, |tx| tx.event(key)), Some(event));
    }
    write(store, |tx| {
        tx.put_event("unknown", &EventRecord::new(id, NOW))
    });
    assert_eq!(read(store, |tx| tx.event("unknown")), None, "only replaced");
}

fn dead_events_are_listed(store: &dyn Store) {
    let id = WebhookId(1);
    for key in ["c", "a", "b"] {
        let event = EventRecord::new(id, NOW);
        write(store, |tx| tx.add_event(key, &event));
    }
    let put = |key: &str, progress| {
        let mut event = EventRecord::new(id, NOW);
        event.progress = progress;
        write(store, |tx| tx.put_event(key, &event));
    };
    for key in ["a", "b", "c"] {
        put(key, Progress::Dead);
    }
    let list = |limit| {
        let dead = read(store, |tx| tx.dead_events(limit)).into_iter();
        dead.map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(list(9), ["c", "a", "b"], "as they came");
    assert_eq!(list(2), ["c", "a"]);
    put("c", Progress::Open);
    put("b", Progress::Finished);
    assert_eq!(list(9), ["a"]);

    let mut event = EventRecord::new(id, NOW);
    event.progress = Progress::Dead;
    write(store, |tx| tx.add_event("dead from the start", &event));
    assert_eq!(list(9), ["a", "dead from the start"]);
}

fn old_is_pruned(store: &dyn Store) {
    let young = Timestamp::from_secs(NOW.as_secs() + 1);
    let add = |at, open, dead| {
        let mut webhook = WebhookRecord::new(at, open, None);
        webhook.dead = dead;
        write(store, |tx| tx.add_webhook(&webhook, b"{}"))
    };
    let (open, closed, dead) = (add(NOW, 1, 0), add(NOW, 0, 0), add(NOW, 0, 1));
    let (recent, gone) = (add(young, 0, 0), WebhookId(i64::MAX));
    let events = [
        ("open", open, NOW, Progress::Open, true),
        ("finished", open, NOW, Progress::Finished, false),
        ("closed", closed, NOW, Progress::Open, false),
        ("beside a dead one", dead, NOW, Progress::Open, false),
        ("dead", dead, NOW, Progress::Dead, true),
        ("gone", gone, NOW, Progress::Open, false),
        ("young", gone, young, Progress::Finished, true),
    ];
    for (key, webhook, at, progress, _) in events {
        let mut event = EventRecord::new(webhook, at);
        event.progress = progress;
        write(store, |tx| tx.add_event(key, &event));
    }
    let status = MessageStatus::Sent;
    write(store, |tx| {
        tx.put_status(&"wamid.A".into(), &status, NOW)?;
        tx.put_status(&"wamid.B".into(), &status, young)
    });

    let mut pruned = 0;
    loop {
        match write(store, |tx| tx.prune(young, 2)) {
            0 => break,
            piece => {
                assert!(piece <= 2, "{piece} rows, with a limit of two");
                pruned += piece;
            }
        }
    }
    assert_eq!(pruned, 4 + 1 + 1, "events, a webhook and a status");
    for (key, _, _, _, stays) in events {
        assert_eq!(read(store, |tx| tx.event(key)).is_some(), stays, "{key}");
    }
    let left = read(store, |tx| tx.webhooks(FIRST, false, 9)).into_iter();
    let left: Vec<_> = left.map(|(id, _)| id).collect();
    assert_eq!(left, [open, dead, recent]);
    assert_eq!(read(store, |tx| tx.body(closed)), None);
    let status = |id: &str| read(store, |tx| tx.message_state(&id.into())).status;
    assert_eq!(status("wamid.A"), None);
    assert_eq!(status("wamid.B"), Some(MessageStatus::Sent));
}
