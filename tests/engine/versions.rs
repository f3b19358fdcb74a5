//! A stored body of which something is open, as versions see it that can read it
//! and that cannot.

use std::sync::Arc;
use std::time::Duration;

use crate::support::engines::engine_over;
use crate::support::folder::Folder;
use crate::support::messages::messages;
use crate::support::rows;
use parking_lot::{Mutex, MutexGuard};
use rusqlite::Connection;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::model::Timestamp;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::{
    EventState, Lease, MemoryStore, ProgressRow, SqliteStore, WebhookKind, WebhookRow,
};
use whatsapp_signals::{Context, Parser, WebhookEngine};

/// The messages at which a receiver fails now, and those that it has had.
static DESK: Mutex<(Vec<String>, Vec<String>)> = Mutex::new((Vec::new(), Vec::new()));
static TURN: Mutex<()> = Mutex::new(());

fn take(event: &MessageReceived) -> Result<(), &'static str> {
    let id = event.message.id.as_str();
    let (failing, taken) = &mut *DESK.lock();
    if failing.iter().any(|failing| failing == id) {
        return Err("not now");
    }
    taken.push(id.to_owned());
    Ok(())
}

fn fail_at(numbers: &[usize]) {
    let ids = numbers.iter().map(|number| format!("wamid.{number}"));
    DESK.lock().0 = ids.collect();
}

fn taken() -> Vec<String> {
    std::mem::take(&mut DESK.lock().1)
}

struct Versions {
    engine: WebhookEngine<Arc<SqliteStore>>,
    max_attempts: u32,
    connection: Connection,
    _folder: Folder,
    _turn: MutexGuard<'static, ()>,
}

/// Returns an engine of a version that can read bodies, or cannot.
fn engine(
    store: Arc<SqliteStore>,
    max_attempts: u32,
    is_reader: bool,
) -> WebhookEngine<Arc<SqliteStore>> {
    let context = Context::new().only_own_receivers();
    context.connect(&MESSAGE_RECEIVED, take);
    let parser = if is_reader {
        Parser::new()
    } else {
        Parser::new().accepted_objects(&["another"])
    };
    let engine = engine_over(store).context(context).parser(parser);
    engine.max_attempts(max_attempts)
}

impl Versions {
    fn new(max_attempts: u32) -> Self {
        let turn = TURN.lock();
        fail_at(&[]);
        taken();
        let folder = Folder::new();
        let path = folder.file("store.db");
        let store = Arc::new(SqliteStore::open(&path).unwrap());
        Self {
            engine: engine(store, max_attempts, true),
            max_attempts,
            connection: Connection::open(path).unwrap(),
            _folder: folder,
            _turn: turn,
        }
    }

    /// From now on the version is one that can read bodies, or cannot.
    fn set_version(&mut self, is_reader: bool) {
        let store = Arc::clone(self.engine.store());
        self.engine = engine(store, self.max_attempts, is_reader);
    }

    fn age(&self) {
        // The id of a webhook begins with its time.
        let sql = "UPDATE event SET webhook = 1; UPDATE progress SET webhook = 1;
            UPDATE body SET webhook = 1; UPDATE webhook SET id = 1, received_at = 0;";
        self.connection.execute_batch(sql).unwrap();
    }

    fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        self.connection
            .query_row(&sql, [], |row| row.get(0))
            .unwrap()
    }

    fn keys(&self) -> Vec<String> {
        let letters = self.engine.dead_letters(9).unwrap();
        letters.into_iter().map(|letter| letter.key).collect()
    }

    /// Two messages of which none is done, and a version that cannot read
    /// them.
    fn leave_two(&mut self) -> Vec<u8> {
        let body = messages(0..2);
        fail_at(&[0, 1]);
        assert_eq!(self.engine.process(&body).unwrap().unfinished(), 2);
        self.set_version(false);
        assert_eq!(self.engine.retry_unfinished().unwrap().dead_lettered(), 1);
        assert_eq!(
            self.engine.retry_unfinished().unwrap().dead_lettered(),
            0,
            "reported once"
        );
        assert_eq!(self.keys().len(), 1);
        fail_at(&[]);
        body
    }
}

#[test]
fn the_next_version_that_can_read_it_does_it_by_itself() {
    let it = Versions::new(20);
    let body = messages(0..2);
    fail_at(&[0, 1]);
    assert_eq!(it.engine.process(&body).unwrap().unfinished(), 2);
    fail_at(&[]);
    // The letter that a version made which could not read this body.
    let other = WebhookEngine::new(MemoryStore::new());
    other.store_unreadable(&body).unwrap();
    let key = other.dead_letters(1).unwrap().remove(0).key;
    let id = it.engine.webhooks(None, 1).unwrap()[0].id;
    let mut letter = ProgressRow::new(id, key.clone());
    letter.state = EventState::Dead;
    let bury = |row: &mut WebhookRow| (row.dead, row.kind) = (1, WebhookKind::Unreadable);
    rows::change_webhook(it.engine.store(), id, bury, Some(letter));
    assert_eq!(it.keys(), [key]);

    assert_eq!(it.engine.retry_unfinished().unwrap().delivered(), 2);
    assert_eq!(taken(), ["wamid.0", "wamid.1"]);
    assert!(it.keys().is_empty(), "no letter is open");
    assert_eq!(it.count("webhook") + it.count("body"), 0);
}

#[test]
fn a_repeat_after_a_requeue_loses_nothing_that_fails() {
    let mut it = Versions::new(20);
    let body = it.leave_two();
    it.set_version(true);
    assert!(it.engine.requeue(&it.keys()[0]).unwrap());
    fail_at(&[1]);
    let outcome = it.engine.process(&body).unwrap();
    assert_eq!((outcome.delivered(), outcome.unfinished()), (2, 1));
    fail_at(&[]);
    assert_eq!(it.engine.process(&body).unwrap().delivered(), 1);
    assert_eq!(taken(), ["wamid.0", "wamid.1"]);
    assert_eq!(it.count("webhook"), 0);
}

#[test]
fn a_part_of_it_that_comes_by_itself_finishes_no_more_than_that_part() {
    let mut it = Versions::new(20);
    it.leave_two();
    it.set_version(true);
    assert!(it.engine.requeue(&it.keys()[0]).unwrap());
    assert_eq!(it.engine.process(&messages(0..1)).unwrap().delivered(), 1);
    assert_eq!(it.engine.retry_unfinished().unwrap().delivered(), 1);
    assert_eq!(taken(), ["wamid.0", "wamid.1"]);
}

#[test]
fn its_open_events_are_not_pruned() {
    let mut it = Versions::new(20);
    let body = messages(0..2);
    fail_at(&[1]);
    assert_eq!(it.engine.process(&body).unwrap().unfinished(), 1);
    it.set_version(false);
    assert_eq!(it.engine.retry_unfinished().unwrap().dead_lettered(), 1);
    it.age();
    it.engine.prune(Duration::from_secs(1)).unwrap();
    it.set_version(true);
    fail_at(&[]);
    assert!(it.engine.requeue(&it.keys()[0]).unwrap());
    taken();
    assert_eq!(it.engine.retry_unfinished().unwrap().delivered(), 1);
    assert_eq!(taken(), ["wamid.1"], "only what had failed");
}

#[test]
fn two_rows_with_one_body_have_one_letter_and_go_with_it() {
    let mut it = Versions::new(20);
    fail_at(&[0]);
    assert_eq!(it.engine.process(&messages(0..1)).unwrap().unfinished(), 1);
    // It cannot be read: first Meta repeats it, then it is retried.
    it.set_version(false);
    it.engine.store_unreadable(&messages(0..1)).unwrap();
    assert_eq!(it.engine.retry_unfinished().unwrap().dead_lettered(), 1);
    let keys = it.keys();
    assert_eq!(keys.len(), 1);
    assert!(it.engine.discard(&keys[0]).unwrap());
    assert_eq!(it.count("webhook") + it.count("body"), 0);
}

#[test]
fn letters_that_are_requeued_one_by_one_are_counted_once() {
    let mut it = Versions::new(1);
    fail_at(&[0, 1]);
    assert_eq!(
        it.engine.process(&messages(0..2)).unwrap().dead_lettered(),
        2
    );
    it.set_version(false);
    for key in it.keys() {
        assert!(it.engine.requeue(&key).unwrap());
        let outcome = it.engine.retry_unfinished().unwrap();
        assert_eq!(outcome.delivered(), 0);
    }
    for key in it.keys() {
        assert!(it.engine.discard(&key).unwrap());
    }
    assert_eq!(it.count("webhook") + it.count("body"), 0);
}

#[test]
fn a_finished_one_that_was_left_with_its_lease_is_no_letter() {
    let it = Versions::new(20);
    let mut finished = WebhookRow::new(WebhookKind::Body, Timestamp::now(), 0);
    finished.lease = Some(Lease::new(7, Duration::ZERO));
    rows::add_webhook(it.engine.store(), finished, b"{", &[]);
    let outcome = it.engine.retry_unfinished().unwrap();
    assert_eq!((outcome.dead_lettered(), outcome.delivered()), (0, 0));
    assert_eq!(it.count("webhook"), 0);
}
