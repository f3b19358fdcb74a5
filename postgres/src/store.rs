//! The store.

use std::fmt;

use deadpool_postgres::Pool;
use tokio_postgres::Row;
use whatsapp_signals::model::Signup;
use whatsapp_signals::store::{
    BacklogRow, CampaignKey, CampaignMessages, CampaignRow, Changes, DeadPlace, Durability,
    Fingerprint, Lease, LeaseQuery, LeasedPage, LoadQuery, MessageQuery, MessageScan, NumberKey,
    Prune, Pruned, ScanFilter, ScannedMessages, Snapshot, Store, StoreCheck, StoreError,
    StoreErrorKind, StoreFuture, StoredMessage, Tenant, Unread, UnreadQuery, WebhookPage,
    WebhookQuery,
};

use crate::counted::{self, CAMPAIGNS, Counted, SIGNUPS};
use crate::error::corrupt_row;
use crate::options::PostgresOptions;
use crate::schema::Schema;
use crate::session::{Batch, Param, connection, params, put_back, query, write};
use crate::{backlog, check, commit, load, pages, row, session};

/// The number of times that a statement of maintenance is tried if another transaction is in its
/// way.
const ATTEMPTS: usize = 5;

/// A store in a Postgres database, which any number of processes share.
///
/// All methods need a tokio runtime, and none of them blocks a thread. A load is one round trip,
/// and a commit is one statement. The clock of the store is that of the
/// server.
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
/// They have a [schema](PostgresOptions::schema) of their own. Other programs may read them, and
/// should expect that a later version adds to them. Comments of the tables and columns say more.
///
/// | table | rows |
/// | --- | --- |
/// | `webhook`, `body` | webhooks of which something is to be done, each with its body |
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
/// Strings of Meta's are `bytea`: `convert_from(wamid, 'UTF8')` is the text. Postgres has no text
/// with U+0000, and one such id would make its whole body fail. JSON is `text`, exactly as it was
/// written; `message::json` reads it where it has no `\u0000`. The functions of the schema are for
/// commits, and change with the version.
///
/// # Logs
///
/// `tokio-postgres` writes the parameters of each statement, which are personal data, to the
/// `log` at the level `debug`. Leave that level off for it.
pub struct PostgresStore {
    pub(crate) pool: Pool,
    pub(crate) schema: Schema,
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

    /// Returns a store over a pool that the program has, with TLS as the program made it. It is not
    /// used before the first operation.
    ///
    /// A pool without [`wait_timeout`] lets an operation wait for a free connection without an end.
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
    /// [`OtherVersion`](StoreErrorKind::OtherVersion) if the tables are of a version that this one
    /// does not read; [`Other`](StoreErrorKind::Other) if the database has another encoding than
    /// UTF-8, or the schema has tables of another program.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let mut client = connection(&self.pool).await?;
        let migrated = self.schema.migrate(&mut client).await;
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

    /// Reads by one statement.
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
        batch.push(pages::LEASE_DUE, pages::lease_params(lease, query));
        let results = write(&self.pool, Durability::Process, &batch).await?;
        let rows = results.iter().flatten();
        rows.map(pages::read_leased).collect()
    }

    async fn prune_once(&self, step: &Prune) -> Result<Pruned, StoreError> {
        let mut client = connection(&self.pool).await?;
        let pruned = pages::prune(&mut client, &self.schema, step).await;
        put_back(client, pruned)
    }
}

/// Tries an operation again after a conflict.
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
    fn load<'a>(&'a self, wanted: &'a LoadQuery) -> StoreFuture<'a, Snapshot> {
        Box::pin(load::load(&self.pool, &self.schema, wanted))
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
                pages::UNSETTLED_WEBHOOKS
            } else {
                pages::WEBHOOKS
            };
            let params = pages::webhook_params(query);
            self.query(sql, params, pages::read_webhook).await
        })
    }

    fn dead_events(
        &self,
        after: Option<DeadPlace>,
        limit: usize,
    ) -> StoreFuture<'_, Vec<(DeadPlace, Fingerprint)>> {
        Box::pin(async move {
            let after = after.map_or((i64::MIN, i64::MIN), |place| {
                (place.webhook.0, place.number)
            });
            let params = params![after.0, after.1, pages::limit(limit)];
            let read = backlog::read_dead_event;
            self.query(backlog::DEAD_EVENTS, params, read).await
        })
    }

    fn backlog(&self) -> StoreFuture<'_, BacklogRow> {
        Box::pin(async move {
            let rows = self.query(backlog::BACKLOG, Vec::new(), backlog::read_backlog);
            rows.await?.pop().ok_or_else(corrupt_row)
        })
    }

    fn messages<'a>(&'a self, query: &'a MessageQuery) -> StoreFuture<'a, Vec<StoredMessage>> {
        Box::pin(async move {
            let (sql, params) = match query {
                MessageQuery::Wamid { scope, id } => {
                    let (tenant, number) = pages::scope_params(scope)?;
                    let params = params![tenant, number, id.as_str().as_bytes()];
                    (pages::BY_WAMID, params)
                }
                MessageQuery::Replies { scope, id } => {
                    let (tenant, number) = pages::scope_params(scope)?;
                    let params = params![tenant, number, id.as_str().as_bytes()];
                    (pages::REPLIES, params)
                }
                MessageQuery::Conversation { key, before, limit } => {
                    let params = pages::conversation_params(key, before.as_ref(), *limit);
                    (pages::CONVERSATION, params)
                }
                _ => return Err(row::unknown("a query for messages")),
            };
            self.query(sql, params, row::stored_message).await
        })
    }

    fn unread<'a>(&'a self, query: &'a UnreadQuery) -> StoreFuture<'a, Vec<Unread>> {
        Box::pin(async move {
            let (tenant, number) = pages::scope_params(&query.scope)?;
            let (sql, params) = match query.contact {
                Some(contact) => {
                    let params = params![tenant, number, contact.0];
                    (pages::UNREAD_OF_CONTACT, params)
                }
                None => (pages::UNREAD, params![tenant, number]),
            };
            self.query(sql, params, pages::read_unread).await
        })
    }

    fn signups<'a>(&'a self, tenant: &'a Tenant) -> StoreFuture<'a, Vec<Signup>> {
        Box::pin(async move {
            let params = params![tenant.as_str().as_bytes()];
            let found = self.query(SIGNUPS.of_tenant, params, counted::read_listed);
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
            self.query(sql, params, counted::read_listed).await
        })
    }

    fn campaign_messages<'a>(
        &'a self,
        campaigns: &'a [CampaignKey],
    ) -> StoreFuture<'a, Vec<CampaignMessages>> {
        Box::pin(async move {
            let columns = campaigns.iter().map(CampaignRow::columns);
            let (tenants, ids): (Vec<_>, Vec<_>) = columns.unzip();
            let (sql, params) = (pages::CAMPAIGN_MESSAGES, params![tenants, ids]);
            let rows = query(&self.pool, &self.schema, sql, params).await?;
            pages::read_campaign_messages(&rows, campaigns.len())
        })
    }

    fn numbers(&self) -> StoreFuture<'_, Vec<(NumberKey, Tenant)>> {
        Box::pin(self.query(pages::NUMBERS, Vec::new(), pages::read_number))
    }

    fn prune<'a>(&'a self, step: &'a Prune) -> StoreFuture<'a, Pruned> {
        retry(move || Box::pin(self.prune_once(step)))
    }

    fn scan_messages<'a>(&'a self, step: &'a MessageScan) -> StoreFuture<'a, ScannedMessages> {
        Box::pin(async move {
            let most = step.limit.max(1);
            let first = step.after.unwrap_or(i64::MIN);
            let mut params = params![first, pages::limit(most)];
            let sql = match step.only {
                ScanFilter::Loose => pages::SCAN_LOOSE,
                ScanFilter::Before(time) => {
                    params.push(Box::new(time.as_secs()));
                    pages::SCAN_BEFORE
                }
                _ => return Err(row::unknown("a filter of messages")),
            };
            let rows = query(&self.pool, &self.schema, sql, params).await?;
            pages::read_scan(&rows, most, step.only)
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
