//! Stores in Postgres for tests that expect a store to be ready at once.

use std::fs;
use std::future::ready;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};

use deadpool_postgres::Pool;
use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use whatsapp_signals::model::Signup;
use whatsapp_signals::store::{
    BacklogRow, CampaignKey, CampaignMessages, CampaignRow, Changes, DeadEventPosition, Durability,
    Fingerprint, Lease, LeaseQuery, LeasedPage, LoadQuery, MemoryStore, MessageQuery, MessageScan,
    NumberKey, Prune, Pruned, ReadyStore, ScannedMessages, Snapshot, Store, StoreError,
    StoreFuture, StoredMessage, Tenant, Unread, UnreadQuery, WebhookPage, WebhookQuery,
};
use whatsapp_signals_postgres::{PostgresOptions, PostgresStore, deadpool_postgres};

use super::engines::clock;
use super::folder::Folder;
use crate::server::Server;

/// The store of tests that need one store, or that put another one around it.
pub(crate) type AnyStore = Arc<dyn ReadyStore>;

type Clock = Box<dyn Fn() -> SystemTime + Send + Sync>;

/// Runs the connections.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
});

/// Stores of tests that have ended. Their connections know the statements already.
static FREE: Mutex<Vec<(PostgresStore, Admin)>> = Mutex::new(Vec::new());

/// Returns an empty store. Without a server it is one in memory, with which the tests pass, too.
pub(crate) fn any_store() -> AnyStore {
    match Blocking::new(None) {
        Some(store) => Arc::new(store),
        None => Arc::new(MemoryStore::new()),
    }
}

/// Returns an empty store with this clock.
pub(crate) fn any_store_with_clock(
    clock: impl Fn() -> SystemTime + Send + Sync + Clone + 'static,
) -> AnyStore {
    match Blocking::new(Some(Box::new(clock.clone()))) {
        Some(store) => Arc::new(store),
        None => Arc::new(MemoryStore::new().clock(clock)),
    }
}

/// Returns the number of times that a test repeats its work, of those for a store that needs no
/// server.
pub(crate) fn scaled(count: u64) -> u64 {
    count.div_ceil(20)
}

/// Runs a test with each store.
pub(crate) fn with_each_store(test: impl Fn(Arc<dyn ReadyStore>)) {
    test(any_store());
}

/// Runs a test with each store, and the seconds by which its clock is ahead.
pub(crate) fn with_each_clock(test: impl Fn(Arc<dyn ReadyStore>, Arc<AtomicU64>)) {
    let (ahead, now) = clock();
    test(any_store_with_clock(now), ahead);
}

/// A store whose calls block until they have ended, and whose clock may be that of a test.
struct Blocking {
    /// `None` once it is dropped.
    store: Option<PostgresStore>,
    /// `None` if programs share the store.
    admin: Option<Admin>,
    clock: Option<Clock>,
}

impl Blocking {
    fn new(clock: Option<Clock>) -> Option<Self> {
        let server = Server::shared()?;
        let free = FREE.lock().pop();
        let (store, admin) = free.unwrap_or_else(|| block_on(Admin::create_store(server)));
        Some(Self {
            store: Some(store),
            admin: Some(admin),
            clock,
        })
    }

    /// Waits for a call.
    fn call<'a, T: Send + 'a>(
        &'a self,
        call: impl FnOnce(&'a PostgresStore) -> StoreFuture<'a, T> + Send + 'a,
    ) -> StoreFuture<'a, T> {
        let store = self.store.as_ref().expect("a store that is not dropped");
        // At the first poll, as a future does nothing before.
        Box::pin(async move {
            block_on(async {
                if let (Some(admin), Some(clock)) = (&self.admin, &self.clock) {
                    admin.set_clock(clock()).await;
                }
                call(store).await
            })
        })
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        if let (Some(store), Some(admin)) = (self.store.take(), self.admin.take()) {
            block_on(admin.empty());
            FREE.lock().push((store, admin));
        }
    }
}

/// The programs that share a store have no clocks of their own: the clock is the server's.
pub(crate) const HAS_CLOCKS: bool = false;

/// Prepares the store that the programs of a folder share. Returns whether there can be one.
pub(crate) fn create_shared(folder: &Folder) -> bool {
    let Some(server) = Server::shared() else {
        return false;
    };
    fs::write(folder.file("url"), server.url()).unwrap();
    block_on(async { connect_shared(folder.path()).await.migrate().await }).unwrap();
    true
}

/// Opens the store that the programs of a folder share.
pub(crate) fn open_shared(folder: &Path, _: impl Fn() -> SystemTime) -> AnyStore {
    Arc::new(Blocking {
        store: Some(block_on(connect_shared(folder))),
        admin: None,
        clock: None,
    })
}

async fn connect_shared(folder: &Path) -> PostgresStore {
    let url = fs::read_to_string(folder.join("url")).unwrap();
    let schema = folder.file_name().unwrap().to_str().unwrap();
    let options = PostgresOptions::new().schema(schema);
    options.connect(&url).await.unwrap()
}

/// Checks that a shared store is not damaged: the server does.
pub(crate) fn check_shared(_: &Folder) {}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    // Timers and connections belong to the runtime, also if the test has one of its own. A task
    // whose budget is used up would be woken only after the test's runtime has its turn.
    let _entered = RUNTIME.enter();
    pollster::block_on(tokio::task::unconstrained(future))
}

/// Changes a schema past its store.
struct Admin {
    schema: String,
    pool: Pool,
}

impl Admin {
    /// Creates a store whose clock can be set.
    async fn create_store(server: &Server) -> (PostgresStore, Self) {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        static POOL: LazyLock<Pool> = LazyLock::new(|| Server::shared().unwrap().pool());
        let schema = format!("engine_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let store = server.open(PostgresOptions::new().schema(&*schema)).await;
        let admin = Self {
            schema,
            pool: POOL.clone(),
        };
        admin
            .run(
                "CREATE TABLE schema.clock (now bigint);
                INSERT INTO schema.clock VALUES (NULL);
                CREATE FUNCTION schema.server_now() RETURNS bigint LANGUAGE sql STABLE AS $$
                    SELECT floor(extract(epoch FROM transaction_timestamp()) * 1000)::bigint
                $$;
                CREATE OR REPLACE FUNCTION schema.now() RETURNS bigint LANGUAGE sql STABLE AS $$
                    SELECT coalesce((SELECT now FROM schema.clock), schema.server_now())
                $$",
            )
            .await;
        (store, admin)
    }

    async fn set_clock(&self, now: SystemTime) {
        let now = now.duration_since(UNIX_EPOCH).unwrap().as_millis();
        self.run(&format!("UPDATE schema.clock SET now = {now}"))
            .await;
    }

    /// Deletes all rows. A table of few pages is emptied by `DELETE`: `TRUNCATE` writes a new file
    /// for each table and index, and lets each connection plan its statements again. As with
    /// `TRUNCATE`, a lock waits for transactions that a dropped future has left to the server.
    async fn empty(&self) {
        self.run(
            "DO $$ DECLARE name text; BEGIN
                FOREACH name IN ARRAY ARRAY['webhook', 'body', 'event', 'progress', 'turn',
                    'number', 'message', 'contact', 'contact_id', 'signup', 'campaign'] LOOP
                    name := 'schema.' || name;
                    EXECUTE 'LOCK TABLE ' || name || ' IN ACCESS EXCLUSIVE MODE';
                    IF pg_total_relation_size(name) > 400000 THEN
                        EXECUTE 'TRUNCATE ' || name;
                    ELSE
                        EXECUTE 'DELETE FROM ' || name;
                    END IF;
                END LOOP;
            END $$;
            UPDATE schema.clock SET now = NULL",
        )
        .await;
    }

    async fn run(&self, sql: &str) {
        let sql = sql.replace("schema.", &format!("{}.", self.schema));
        self.pool
            .get()
            .await
            .unwrap()
            .batch_execute(&sql)
            .await
            .unwrap();
    }
}

impl Store for Blocking {
    fn load<'a>(&'a self, wanted: &'a LoadQuery) -> StoreFuture<'a, Snapshot> {
        self.call(move |store| store.load(wanted))
    }

    fn commit<'a>(
        &'a self,
        changes: &'a Changes<'a>,
        durability: Durability,
    ) -> StoreFuture<'a, ()> {
        self.call(move |store| store.commit(changes, durability))
    }

    fn lease_due(&self, lease: Lease, query: LeaseQuery) -> StoreFuture<'_, LeasedPage> {
        self.call(move |store| store.lease_due(lease, query))
    }

    fn webhooks<'a>(&'a self, query: &'a WebhookQuery) -> StoreFuture<'a, WebhookPage> {
        self.call(move |store| store.webhooks(query))
    }

    fn dead_events(
        &self,
        after: Option<DeadEventPosition>,
        limit: usize,
    ) -> StoreFuture<'_, Vec<(DeadEventPosition, Fingerprint)>> {
        self.call(move |store| store.dead_events(after, limit))
    }

    fn backlog(&self) -> StoreFuture<'_, BacklogRow> {
        self.call(|store| store.backlog())
    }

    fn messages<'a>(&'a self, query: &'a MessageQuery) -> StoreFuture<'a, Vec<StoredMessage>> {
        self.call(move |store| store.messages(query))
    }

    fn unread<'a>(&'a self, query: &'a UnreadQuery) -> StoreFuture<'a, Vec<Unread>> {
        self.call(move |store| store.unread(query))
    }

    fn signups<'a>(&'a self, tenant: &'a Tenant) -> StoreFuture<'a, Vec<Signup>> {
        self.call(move |store| store.signups(tenant))
    }

    fn campaigns<'a>(
        &'a self,
        tenant: Option<&'a Tenant>,
    ) -> StoreFuture<'a, Vec<(CampaignKey, CampaignRow)>> {
        self.call(move |store| store.campaigns(tenant))
    }

    fn campaign_messages<'a>(
        &'a self,
        campaigns: &'a [CampaignKey],
    ) -> StoreFuture<'a, Vec<CampaignMessages>> {
        self.call(move |store| store.campaign_messages(campaigns))
    }

    fn numbers(&self) -> StoreFuture<'_, Vec<(NumberKey, Tenant)>> {
        self.call(|store| store.numbers())
    }

    fn prune<'a>(&'a self, step: &'a Prune) -> StoreFuture<'a, Pruned> {
        self.call(move |store| store.prune(step))
    }

    fn scan_messages<'a>(&'a self, step: &'a MessageScan) -> StoreFuture<'a, ScannedMessages> {
        self.call(move |store| store.scan_messages(step))
    }

    /// The tests of erasure look at rows, which are gone.
    fn scrub(&self) -> StoreFuture<'_, bool> {
        Box::pin(ready(Ok::<_, StoreError>(true)))
    }

    fn is_remote(&self) -> bool {
        true
    }
}

impl ReadyStore for Blocking {}
