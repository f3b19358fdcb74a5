//! The store.

use std::fmt;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::{Config, NoTls, Row};
use whatsapp_signals::model::Signup;
use whatsapp_signals::store::{
    BacklogRow, CampaignKey, CampaignMessages, CampaignRow, Changes, DeadEventPosition, Durability,
    Fingerprint, Lease, LeaseQuery, LeasedPage, LoadQuery, MessageQuery, MessageScan, NumberKey,
    Prune, Pruned, ScanFilter, ScannedMessages, Snapshot, Store, StoreCheck, StoreError,
    StoreErrorKind, StoreFuture, StoredMessage, Tenant, Unread, UnreadQuery, WebhookPage,
    WebhookQuery,
};

use crate::counters::{self, CAMPAIGNS, CounterRow, SIGNUPS};
use crate::error::{corrupt_row, from_pool};
use crate::row::{Param, params};
use crate::schema::{DEFAULT_NAME, Schema};
use crate::session::{Batch, connection, put_back, query, write};
use crate::{check, commit, load, queries, row, session};

/// The number of attempts of a statement of maintenance that conflicts with another transaction.
const ATTEMPTS: usize = 5;

/// A store in a Postgres database, which any number of processes share.
///
/// All methods need a tokio runtime, and none of them blocks a thread. A load is one round trip,
/// and a commit is one statement. The clock of the store is that of the server.
///
/// # Examples
///
/// ```no_run
/// use whatsapp_signals::WebhookEngine;
/// use whatsapp_signals_postgres::PostgresStore;
///
/// # async fn run(body: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
/// let store = PostgresStore::connect("postgres://bikes@localhost/bikes").await?;
/// store.migrate().await?;
/// let engine = WebhookEngine::new(store);
/// engine.process_async(body).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Its tables
///
/// The tables are in their own [schema](PostgresOptions::schema). Other programs may read them, and
/// should expect that a later version adds to them. The tables and columns have comments.
///
/// | table | rows |
/// | --- | --- |
/// | `webhook`, `body` | unfinished webhooks, each with its body |
/// | `event` | fingerprints of the keys of all events, with the id of their webhook |
/// | `progress` | events that did not succeed at once |
/// | `turn` | unfinished events of engines that deliver in order |
/// | `number` | your numbers with their tenants |
/// | `message` | messages by `wamid` and the id of the `number`, as JSON; their `status` and whether they are unread in columns; `message` is `NULL` where only the status is known |
/// | `contact` | contacts as JSON |
/// | `contact_id` | the ids that contacts have, and had `until` a time |
/// | `signup` | signups as JSON, with their subscriber count in a column |
/// | `store_version` | the version of the tables |
///
/// Strings from Meta are `bytea`: `convert_from(wamid, 'UTF8')` is the text. A `text` of Postgres
/// cannot hold U+0000, and one such id would make its whole body fail. JSON is `text`, exactly as it was
/// written; `message::json` reads it where it has no `\u0000`. The functions of the schema are for
/// commits, and change with the version.
///
/// # Logs
///
/// `tokio-postgres` writes the parameters of each statement, which are personal data, to the
/// `log` at the level `debug`. Disable that level for it.
pub struct PostgresStore {
    pool: Pool,
    schema: Schema,
}

impl PostgresStore {
    /// Connects to a database, without TLS, by a pool of its own and with the default options. For
    /// TLS see [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// If the URL cannot be read, or the server cannot be reached.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        PostgresOptions::new().connect(url).await
    }

    /// Creates a store with a pool of the program, which decides about TLS. The pool is not used before
    /// the first operation.
    ///
    /// Without a [`wait_timeout`] of the pool, an operation waits indefinitely for a free connection.
    ///
    /// [`wait_timeout`]: https://docs.rs/deadpool-postgres/latest/deadpool_postgres/type.PoolBuilder.html
    ///
    /// # Examples
    ///
    /// ```
    /// use deadpool_postgres::tokio_postgres::{Config, NoTls};
    /// use deadpool_postgres::{Manager, Pool};
    /// use whatsapp_signals_postgres::{PostgresStore, deadpool_postgres};
    ///
    /// let config: Config = "postgres://bikes@localhost/bikes".parse()?;
    /// let pool = Pool::builder(Manager::new(config, NoTls)).build()?;
    /// let store = PostgresStore::new(pool);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(pool: Pool) -> Self {
        let schema = Schema::default();
        Self { pool, schema }
    }

    /// Creates the schema and its tables, or brings those of an earlier version up to date, in one
    /// transaction. Any number of instances may call it at the same time.
    ///
    /// The user of the database needs the right to create a schema, or to create tables in one that
    /// is there.
    ///
    /// # Errors
    ///
    /// [`UnsupportedVersion`](StoreErrorKind::UnsupportedVersion) if the tables are of a version that this one
    /// does not read; [`Other`](StoreErrorKind::Other) if the database has another encoding than
    /// UTF-8, or the schema has tables of another program.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let mut client = connection(&self.pool).await?;
        let functions = commit::functions().map(|function| function.create(&self.schema));
        let functions: Vec<_> = functions.collect();
        let migrated = self.schema.migrate(&mut client, &functions).await;
        put_back(client, migrated)
    }

    /// Checks the schema: the version of its tables, that each table, index and function of this
    /// version is there, that no index is invalid, and that each webhook has its body. Nothing is
    /// changed.
    ///
    /// The pages of tables and indexes are not read: `pg_amcheck` and `pg_checksums` of Postgres do
    /// so. If the database has checksums, the pages with a wrong one that the server has met are a
    /// fault.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached. A schema without tables, or with those of another version,
    /// is a [fault](StoreCheck::faults).
    ///
    /// ```no_run
    /// use whatsapp_signals_postgres::PostgresStore;
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = PostgresStore::connect("postgres://bikes@localhost/bikes").await?;
    /// for fault in store.check().await?.faults {
    ///     println!("{fault}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn check(&self) -> Result<StoreCheck, StoreError> {
        let mut check = check::check(&self.pool, &self.schema).await?;
        if check.is_ok() {
            check.backlog = Some(self.backlog().await?);
        }
        Ok(check)
    }

    /// Runs one statement and reads its rows.
    async fn query<T>(
        &self,
        sql: &'static str,
        params: Vec<Param<'_>>,
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = query(&self.pool, &self.schema, sql, params).await?;
        rows.iter().map(read).collect()
    }

    async fn lease(&self, lease: Lease, query: LeaseQuery) -> Result<LeasedPage, StoreError> {
        let mut batch = Batch::new(&self.schema);
        batch.push(queries::LEASE_DUE, queries::lease_params(lease, query));
        let results = write(&self.pool, Durability::Process, &batch).await?;
        let rows = results.iter().flatten();
        rows.map(queries::read_leased).collect()
    }

    async fn prune_once(&self, step: &Prune) -> Result<Pruned, StoreError> {
        let mut client = connection(&self.pool).await?;
        let pruned = queries::prune(&mut client, &self.schema, step).await;
        put_back(client, pruned)
    }
}

/// Repeats an operation after a conflict.
fn retry<'a, T: Send>(
    operation: impl Fn() -> StoreFuture<'a, T> + Send + Sync + 'a,
) -> StoreFuture<'a, T> {
    Box::pin(async move {
        for _ in 1..ATTEMPTS {
            match operation().await {
                Err(error) if error.kind() == StoreErrorKind::Conflict => {}
                result => return result,
            }
        }
        operation().await
    })
}

impl Store for PostgresStore {
    fn load<'a>(&'a self, query: &'a LoadQuery) -> StoreFuture<'a, Snapshot> {
        Box::pin(load::load(&self.pool, &self.schema, query))
    }

    fn commit<'a>(
        &'a self,
        changes: &'a Changes<'a>,
        durability: Durability,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            if changes.is_empty() && changes.reads.is_empty() && durability == Durability::Process {
                return Ok(());
            }
            let calls = commit::calls(&self.schema, changes, durability)?;
            session::commit(&self.pool, &self.schema, calls, durability).await
        })
    }

    fn lease_due(&self, lease: Lease, query: LeaseQuery) -> StoreFuture<'_, LeasedPage> {
        if query.limit == 0 {
            return Box::pin(async { Ok(Vec::new()) });
        }
        retry(move || Box::pin(self.lease(lease, query)))
    }

    fn webhooks<'a>(&'a self, query: &'a WebhookQuery) -> StoreFuture<'a, WebhookPage> {
        Box::pin(async move {
            let sql = if query.only_unsettled {
                queries::UNSETTLED_WEBHOOKS
            } else {
                queries::WEBHOOKS
            };
            let params = queries::webhook_params(query);
            self.query(sql, params, queries::read_webhook).await
        })
    }

    fn dead_events(
        &self,
        after: Option<DeadEventPosition>,
        limit: usize,
    ) -> StoreFuture<'_, Vec<(DeadEventPosition, Fingerprint)>> {
        Box::pin(async move {
            let after = after.map_or((i64::MIN, i64::MIN), |position| {
                (position.webhook.0, position.number)
            });
            let params = params![after.0, after.1, queries::limit(limit)];
            let read = queries::read_dead_event;
            self.query(queries::DEAD_EVENTS, params, read).await
        })
    }

    fn backlog(&self) -> StoreFuture<'_, BacklogRow> {
        Box::pin(async move {
            let rows = self.query(queries::BACKLOG, Vec::new(), queries::read_backlog);
            rows.await?.pop().ok_or_else(corrupt_row)
        })
    }

    fn messages<'a>(&'a self, query: &'a MessageQuery) -> StoreFuture<'a, Vec<StoredMessage>> {
        Box::pin(async move {
            let (sql, params) = match query {
                MessageQuery::Wamid { scope, id } => {
                    let (tenant, number) = queries::scope_params(scope)?;
                    let params = params![tenant, number, id.as_str().as_bytes()];
                    (queries::BY_WAMID, params)
                }
                MessageQuery::Replies { scope, id } => {
                    let (tenant, number) = queries::scope_params(scope)?;
                    let params = params![tenant, number, id.as_str().as_bytes()];
                    (queries::REPLIES, params)
                }
                MessageQuery::Conversation { key, before, limit } => {
                    let params = queries::conversation_params(key, before.as_ref(), *limit);
                    (queries::CONVERSATION, params)
                }
                _ => return Err(row::unknown("a query for messages")),
            };
            self.query(sql, params, row::stored_message).await
        })
    }

    fn unread<'a>(&'a self, query: &'a UnreadQuery) -> StoreFuture<'a, Vec<Unread>> {
        Box::pin(async move {
            let (tenant, number) = queries::scope_params(&query.scope)?;
            let (sql, params) = match query.contact {
                Some(contact) => {
                    let params = params![tenant, number, contact.0];
                    (queries::UNREAD_OF_CONTACT, params)
                }
                None => (queries::UNREAD, params![tenant, number]),
            };
            self.query(sql, params, queries::read_unread).await
        })
    }

    fn signups<'a>(&'a self, tenant: &'a Tenant) -> StoreFuture<'a, Vec<Signup>> {
        Box::pin(async move {
            let params = params![tenant.as_str().as_bytes()];
            let found = self.query(SIGNUPS.of_tenant, params, counters::read_listed);
            Ok((found.await?.into_iter()).map(|(_, row)| row).collect())
        })
    }

    fn campaigns<'a>(
        &'a self,
        tenant: Option<&'a Tenant>,
    ) -> StoreFuture<'a, Vec<(CampaignKey, CampaignRow)>> {
        Box::pin(async move {
            let (sql, params) = match tenant {
                None => (CAMPAIGNS.all, Vec::new()),
                Some(tenant) => (CAMPAIGNS.of_tenant, params![tenant.as_str().as_bytes()]),
            };
            self.query(sql, params, counters::read_listed).await
        })
    }

    fn campaign_messages<'a>(
        &'a self,
        campaigns: &'a [CampaignKey],
    ) -> StoreFuture<'a, Vec<CampaignMessages>> {
        Box::pin(async move {
            let columns = campaigns.iter().map(CampaignRow::columns);
            let (tenants, ids): (Vec<_>, Vec<_>) = columns.unzip();
            let (sql, params) = (queries::CAMPAIGN_MESSAGES, params![tenants, ids]);
            let rows = query(&self.pool, &self.schema, sql, params).await?;
            queries::read_campaign_messages(&rows, campaigns.len())
        })
    }

    fn numbers(&self) -> StoreFuture<'_, Vec<(NumberKey, Tenant)>> {
        Box::pin(self.query(queries::NUMBERS, Vec::new(), queries::read_number))
    }

    fn prune<'a>(&'a self, step: &'a Prune) -> StoreFuture<'a, Pruned> {
        retry(move || Box::pin(self.prune_once(step)))
    }

    fn scan_messages<'a>(&'a self, step: &'a MessageScan) -> StoreFuture<'a, ScannedMessages> {
        Box::pin(async move {
            let most = step.limit.max(1);
            let first = step.after.unwrap_or(i64::MIN);
            let mut params = params![first, queries::limit(most)];
            let sql = match step.only {
                ScanFilter::Unassigned => queries::SCAN_LOOSE,
                ScanFilter::Before(time) => {
                    params.push(Box::new(time.as_secs()));
                    queries::SCAN_BEFORE
                }
                _ => return Err(row::unknown("a filter of messages")),
            };
            let rows = query(&self.pool, &self.schema, sql, params).await?;
            queries::read_scan(&rows, most, step.only)
        })
    }

    /// Returns `false`: deleted rows stay in the files until autovacuum has removed them, and in
    /// the log until it is recycled.
    fn scrub(&self) -> StoreFuture<'_, bool> {
        Box::pin(async { Ok(false) })
    }

    fn is_remote(&self) -> bool {
        true
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

/// The options of a [`PostgresStore`].
///
/// # Examples
///
/// ```no_run
/// use whatsapp_signals_postgres::PostgresOptions;
///
/// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
/// let store = PostgresOptions::new()
///     .schema("bikes_inbox")
///     .connections(8)
///     .connect("postgres://bikes@localhost/bikes")
///     .await?;
/// store.migrate().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    schema: String,
    connections: usize,
    timeout: Duration,
}

impl PostgresOptions {
    /// Creates the default options.
    #[must_use]
    pub fn new() -> Self {
        Self {
            schema: DEFAULT_NAME.to_owned(),
            connections: 10,
            timeout: Duration::from_secs(10),
        }
    }

    /// Sets the schema of the tables (default: `whatsapp_signals`): 1 to 63 bytes, in which upper
    /// and lower case differ.
    #[must_use]
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = name.into();
        self
    }

    /// Sets the maximum number of connections of [`connect`](Self::connect) (default: 10).
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// Sets the time that [`connect`](Self::connect) waits for a new connection, and an operation
    /// for a connection that is free, before the store is
    /// [`Unavailable`](StoreErrorKind::Unavailable) (default: 10 s). Of several hosts of a URL
    /// without `connect_timeout`, each has an equal part of the time.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Connects to a database, without TLS, by a pool of its own: see
    /// [`PostgresStore::connect`].
    ///
    /// # Errors
    ///
    /// See [`PostgresStore::connect`].
    pub async fn connect(self, url: &str) -> Result<PostgresStore, StoreError> {
        // The error of a URL may quote a part of it, and so a password.
        let config = url.parse::<Config>();
        let mut config = config.map_err(|_| other("the URL of the database cannot be read"))?;
        if config.get_application_name().is_none() {
            config.application_name("whatsapp-signals");
        }
        if config.get_connect_timeout().is_none() {
            // A host that does not answer leaves time for the next ones.
            let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
            let hosts = u32::try_from(hosts).unwrap_or(u32::MAX).max(1);
            config.connect_timeout(self.timeout / hosts);
        }
        // A server that vanishes is detected in about 30 s. By default, TCP takes 15 minutes with an
        // unacknowledged request, and 2 hours without one.
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_secs(30));
        }
        if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
            config.keepalives_idle(Duration::from_secs(20));
        }
        if config.get_keepalives_interval().is_none() {
            config.keepalives_interval(Duration::from_secs(10));
        }
        let recycling_method = RecyclingMethod::Fast;
        let manager = ManagerConfig { recycling_method };
        let pool = Pool::builder(Manager::from_config(config, NoTls, manager))
            .max_size(self.connections)
            .wait_timeout(Some(self.timeout))
            .create_timeout(Some(self.timeout))
            .runtime(Runtime::Tokio1)
            .build();
        let pool = pool.map_err(|error| StoreError::new(StoreErrorKind::Other, error))?;
        let store = self.over(pool)?;
        drop(store.pool.get().await.map_err(from_pool)?);
        Ok(store)
    }

    /// Creates a store with a pool: see [`PostgresStore::new`].
    ///
    /// # Errors
    ///
    /// If the name of the schema is invalid.
    pub fn over(self, pool: Pool) -> Result<PostgresStore, StoreError> {
        let schema = Schema::new(&self.schema)?;
        Ok(PostgresStore { pool, schema })
    }
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self::new()
    }
}

fn other(source: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Other, source)
}
