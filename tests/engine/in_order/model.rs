//! A model: random calls of three engines over one store, with crashes, dropped futures, clocks that
//! jump, commits that fail, erasures, and letters that are requeued or discarded. At the end each
//! user's events were handled in their order, and nothing is left.
//!
//! `SEEDS=400` runs as many random courses of each test (default: 20).

use std::collections::HashSet;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context as TaskContext, Waker};
use std::time::{Duration, SystemTime};
use std::{env, mem};

use super::message;
use crate::support::engines::{account, engine_over};
use crate::support::rows;
use crate::support::stores::{AnyStore, any_store_with_clock, scaled};
use crate::support::unsteady::{Rates, Unsteady};
use parking_lot::Mutex;
use pollster::block_on;
use whatsapp_signals::engine::DeadLetterFilter;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::model::Identity;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::{Fingerprint, LoadQuery, PartitionKey};
use whatsapp_signals::testing::{self, Sample};
use whatsapp_signals::{ConnectOptions, Context, Retry, WebhookEngine, parse, with_state};

pub(super) type Shared = Arc<Unsteady<AnyStore>>;

/// Returns a store, and the milliseconds by which its clock is ahead.
pub(super) fn store_with_clock(seed: u64, rates: Rates) -> (Shared, Arc<AtomicU64>) {
    let ahead = Arc::new(AtomicU64::new(0));
    let (of_clock, start) = (Arc::clone(&ahead), SystemTime::now());
    let clock = move || start + Duration::from_millis(of_clock.load(Ordering::Relaxed));
    let store = Unsteady::new(any_store_with_clock(clock), seed, rates);
    (Arc::new(store), ahead)
}

/// Returns whether all events of a body are stored.
pub(super) fn is_stored(store: &Shared, body: &[u8]) -> bool {
    let keys = parse(body).unwrap().dedup_keys();
    let mut wanted = LoadQuery::default();
    let keys = keys.iter().map(|key| Fingerprint::of(key));
    wanted.events.extend(keys);
    let loaded = rows::load(&**store, &wanted);
    loaded.events.values().all(Option::is_some)
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }
}

/// The state that the receivers of all engines share.
struct World {
    random: Mutex<Random>,
    is_calm: AtomicBool,
    handled: Mutex<Vec<String>>,
    /// The messages that were dead or erased: these have no place in the order.
    excluded: Mutex<HashSet<String>>,
}

async fn receive(world: Arc<World>, event: &MessageReceived) -> Result<(), Retry> {
    let id = event.message.id.to_string();
    let (yields, fate) = {
        let mut random = world.random.lock();
        (random.below(6), random.below(20))
    };
    for _ in 0..yields {
        tokio::task::yield_now().await;
    }
    match fate {
        _ if world.is_calm.load(Ordering::Relaxed) => {}
        0 => {
            world.excluded.lock().insert(id);
            return Err(Retry::never("refused"));
        }
        1..=7 => return Err(Retry::after(Duration::ZERO, "down")),
        _ => {}
    }
    world.handled.lock().push(id);
    Ok(())
}

type Engine = Arc<WebhookEngine<Shared>>;
type Task = Pin<Box<dyn Future<Output = ()>>>;

const USERS: usize = 4;

/// Returns a message of a user: of some users the number, the user id, or both.
fn message_of(user: usize, number: usize) -> Sample<MessageReceived> {
    let message = message(&format!("1555010100{user}"), &id_of(user, number));
    let user_id = format!("US.700{user}");
    match (user, number % 3) {
        (0 | 1, 0) => message.user_id(&user_id),
        (0 | 1, 1) => message.user_id(&user_id).without_phone(),
        _ => message,
    }
}

fn id_of(user: usize, number: usize) -> String {
    format!("wamid.{user}.{number}")
}

/// A random course of calls.
struct Course {
    store: Shared,
    ahead: Arc<AtomicU64>,
    world: Arc<World>,
    engines: Vec<Engine>,
    random: Random,
    tasks: Vec<Task>,
    bodies: Vec<Vec<u8>>,
    /// The last body of each user: the next one follows when it is stored.
    last: [Option<Vec<u8>>; USERS],
    /// The number of messages of each user.
    sent: [usize; USERS],
}

impl Course {
    fn new(seed: u64) -> Self {
        let rates = Rates {
            conflict: 12,
            unknown: 8,
            locked: 4,
        };
        let (store, ahead) = store_with_clock(seed, rates);
        let world = Arc::new(World {
            random: Mutex::new(Random(seed * 7 + 1)),
            is_calm: AtomicBool::new(false),
            handled: Mutex::default(),
            excluded: Mutex::default(),
        });
        let engine = |seconds| {
            let context = Context::new().only_own_receivers();
            let options = ConnectOptions::new().uid("log");
            let receiver = with_state(Arc::clone(&world), receive);
            let connected = context.connect_with(&MESSAGE_RECEIVED, options, receiver);
            connected.unwrap();
            let engine = engine_over(Arc::clone(&store)).context(context);
            let engine = engine.in_order(true).max_attempts(100_000);
            Arc::new(engine.lease(Duration::from_secs(seconds)))
        };
        Self {
            engines: [20, 40, 60].map(engine).into(),
            store,
            ahead,
            world,
            random: Random(seed * 31 + 5),
            tasks: Vec::new(),
            bodies: Vec::new(),
            last: [const { None }; USERS],
            sent: [0; USERS],
        }
    }

    /// Returns a new body, with up to `spans` messages of each other user; or the last one of the
    /// user, until it is stored.
    fn next_body(&mut self, spans: usize) -> Vec<u8> {
        let user = self.random.below(USERS);
        let is_open = |body: &&Vec<u8>| !is_stored(&self.store, body);
        if let Some(body) = self.last[user].as_ref().filter(is_open) {
            return body.clone();
        }
        let mut messages = Vec::new();
        let mut users = Vec::new();
        for other in 0..USERS {
            let is_open = |body: &&Vec<u8>| !is_stored(&self.store, body);
            let count = match self.last[other].as_ref().filter(is_open) {
                Some(_) => 0,
                None if other == user => 1 + self.random.below(2),
                None => self.random.below(spans),
            };
            for _ in 0..count {
                messages.push(message_of(other, self.sent[other]));
                self.sent[other] += 1;
                users.push(other);
            }
        }
        let body = testing::batch(messages).body();
        for user in users {
            self.last[user] = Some(body.clone());
        }
        self.bodies.push(body.clone());
        body
    }

    /// Returns a body of stored messages of several bodies, in any order.
    fn mixed_body(&mut self) -> Option<Vec<u8>> {
        let mut messages = Vec::new();
        for _ in 0..=self.random.below(6) {
            // Those whose messages all have the same ids.
            let user = 2 + self.random.below(2);
            let number = self.random.below(self.sent[user] + 1);
            let message = message_of(user, number);
            if number < self.sent[user] && is_stored(&self.store, &message.body()) {
                messages.push(message);
            }
        }
        (!messages.is_empty()).then(|| testing::batch(messages).body())
    }

    fn start(&mut self, task: impl Future<Output = ()> + 'static) {
        self.tasks.push(Box::pin(task));
    }

    fn process(&mut self, engine: Engine, body: Vec<u8>) {
        self.start(async move { _ = engine.process_async(&body).await });
    }

    /// Begins a call, ends one, or lets time pass.
    fn step(&mut self, spans: usize) {
        let engine = Arc::clone(&self.engines[self.random.below(3)]);
        match self.random.below(14) {
            0 | 1 => {
                let body = self.next_body(spans);
                self.process(engine, body);
            }
            2 | 3 => {
                let body = self.next_body(spans);
                self.start(async move { _ = engine.accept_async(&body).await });
            }
            4 if !self.bodies.is_empty() => {
                let body = self.bodies[self.random.below(self.bodies.len())].clone();
                if is_stored(&self.store, &body) {
                    self.process(engine, body);
                }
            }
            5 | 6 => self.start(async move { _ = engine.tend_async(pending()).await }),
            7 => self.start(async move { _ = engine.retry_unfinished_async().await }),
            8 if !self.tasks.is_empty() => {
                let task = self.tasks.swap_remove(self.random.below(self.tasks.len()));
                if self.random.below(2) == 0 {
                    mem::forget(task); // as a crash
                }
            }
            9 => {
                let passed = [1_000, 5_000, 25_000, 70_000][self.random.below(4)];
                self.ahead.fetch_add(passed, Ordering::Relaxed);
            }
            10 => self.start(async move {
                _ = engine.requeue_all_async(&DeadLetterFilter::new()).await;
            }),
            11 => self.start(async move {
                _ = engine.discard_all_async(&DeadLetterFilter::new()).await;
            }),
            12 if self.random.below(4) == 0 => {
                let user = 2 + self.random.below(2);
                let sent = (0..self.sent[user]).map(|number| id_of(user, number));
                self.world.excluded.lock().extend(sent);
                let user = Identity::from_phone(&format!("1555010100{user}")).unwrap();
                _ = block_on(engine.account(&account()).erase_async(&user));
            }
            13 if spans > 3 => {
                if let Some(body) = self.mixed_body() {
                    self.process(engine, body);
                }
            }
            _ => {}
        }
    }

    /// Lets tasks go on for a while.
    fn poll(&mut self) {
        let mut cx = TaskContext::from_waker(Waker::noop());
        for _ in 0..self.random.below(60) {
            if self.tasks.is_empty() {
                break;
            }
            let at = self.random.below(self.tasks.len());
            if self.tasks[at].as_mut().poll(&mut cx).is_ready() {
                drop(self.tasks.swap_remove(at));
            }
        }
    }

    /// Lets all succeed from now on, until nothing is due.
    fn finish(&mut self) {
        self.store.calm();
        self.world.is_calm.store(true, Ordering::Relaxed);
        self.tasks.drain(..).for_each(block_on);
        self.ahead.fetch_add(65_000, Ordering::Relaxed);
        for round in 0..400 {
            let engine = &self.engines[round % 3];
            let _ = block_on(engine.tend_async(pending())).unwrap();
            if round > 9 && block_on(engine.backlog_async()).unwrap().due == 0 {
                break;
            }
        }
    }

    fn check(&self, name: &str) {
        let backlog = block_on(self.engines[0].backlog_async()).unwrap();
        if backlog.open > 0 {
            let rows = block_on(self.engines[0].webhooks_async(None, 500)).unwrap();
            let mut wanted = LoadQuery::default();
            for webhook in &rows {
                wanted.turns.insert(webhook.id);
            }
            let turns = rows::load(&*self.store, &wanted).turns;
            let mut count = 0;
            for (id, turns) in &turns {
                for turn in turns {
                    count += 1;
                    if !turn.is_held_back || turn.row.position.number < 2 {
                        println!("{id:?} {:?}", rows::webhook(&*self.store, *id));
                        let mut w = LoadQuery::default();
                        w.events.extend(turn.row.events.iter().copied());
                        let l = rows::load(&*self.store, &w);
                        println!("   {turn:?}");
                        for e in &turn.row.events {
                            println!("      {:?} {:?}", l.events.get(e), l.progress.get(e));
                        }
                        for webhook in &rows {
                            if webhook.id == *id {
                                println!("    {:?}", String::from_utf8_lossy(&webhook.body).len());
                                let k = parse(&webhook.body).map(|p| p.dedup_keys());
                                println!("   {k:?}");
                            }
                        }
                    }
                }
            }
            println!("{count} turns, {} webhooks", rows.len());
            for user in 0..USERS {
                for (k, i) in [
                    ("wa_id", format!("1555010100{user}")),
                    ("user_id", format!("US.700{user}")),
                ] {
                    let key = PartitionKey::of(&["300200100500600", k, &i].join("\n"));
                    let mut w = LoadQuery::default();
                    w.partitions.insert(key);
                    println!(
                        "{user} {k} {:?} {:?}",
                        key,
                        rows::load(&*self.store, &w).partitions
                    );
                }
            }
        }
        assert_eq!(backlog.open, 0, "{name}: events wait for ever: {backlog}");
        let mut wanted = LoadQuery::default();
        for user in 0..USERS {
            let ids = [
                ("wa_id", format!("1555010100{user}")),
                ("user_id", format!("US.700{user}")),
            ];
            let names = ids.map(|(kind, id)| ["300200100500600", kind, &id].join("\n"));
            let keys = names.iter().map(|name| PartitionKey::of(name));
            wanted.partitions.extend(keys);
        }
        let partitions = rows::load(&*self.store, &wanted).partitions;
        assert!(partitions.values().all(Option::is_none), "{name}: turns");

        let mut seen = HashSet::new();
        let handled = self.world.handled.lock();
        let first: Vec<_> = handled.iter().filter(|id| seen.insert(*id)).collect();
        let excluded = self.world.excluded.lock();
        for user in 0..USERS {
            let of_user = format!("wamid.{user}.");
            let own = first.iter().filter(|id| !excluded.contains(**id));
            let numbers = own.filter_map(|id| id.strip_prefix(&of_user)?.parse().ok());
            let numbers: Vec<usize> = numbers.collect();
            assert!(numbers.is_sorted(), "{name}, user {user}: {numbers:?}");
            for number in 0..self.sent[user] {
                let id = id_of(user, number);
                let is_expected = !excluded.contains(&id)
                    && is_stored(&self.store, &message_of(user, number).body());
                assert!(!is_expected || seen.contains(&id), "{name}: {id} is lost");
            }
        }
    }
}

/// Runs random courses whose bodies have up to `spans` messages of each user.
fn run_all(spans: usize) {
    let wanted = env::var("SEEDS").map_or(20, |seeds| seeds.parse().unwrap());
    for seed in 0..scaled(wanted) {
        let mut course = Course::new(seed);
        for _ in 0..400 {
            course.step(spans);
            course.poll();
        }
        course.finish();
        course.check(&format!("seed {seed}"));
    }
}

#[test]
fn bodies_of_one_user_are_in_order_whatever_happens() {
    run_all(1);
}

#[test]
fn bodies_of_several_users_are_in_order_whatever_happens() {
    run_all(3);
}

#[test]
fn bodies_that_share_events_are_in_order_whatever_happens() {
    run_all(4);
}
