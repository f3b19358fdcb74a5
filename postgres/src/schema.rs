//! The schema with the tables, and its statements.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deadpool_postgres::{Object, Transaction};
use parking_lot::RwLock;
use tokio_postgres::IsolationLevel;
use whatsapp_signals::store::{StoreError, StoreErrorKind};

use crate::error::from_postgres;

/// The version of the tables and functions.
pub(crate) const VERSION: i32 = 1;

/// The name of the schema, unless the program gives another one.
pub(crate) const DEFAULT_NAME: &str = "whatsapp_signals";

/// The greatest length of a name in bytes: Postgres cuts off longer ones.
const MAX_NAME: usize = 63;

/// The tables and functions. No index has the status of a message: then an update of a status
/// changes no index (a heap-only tuple), which halves its log. Columns that hold strings of others
/// are `bytea`, as `text` cannot hold U+0000; JSON is `text`, as `jsonb` refuses `\u0000` and does
/// not keep it exactly.
pub(crate) const TABLES: &str = "
    CREATE TABLE schema.store_version (
        version integer NOT NULL
    );

    CREATE TABLE schema.webhook (
        id bigint PRIMARY KEY,
        version bigint NOT NULL,
        kind integer NOT NULL,
        received_at bigint NOT NULL,
        open bigint NOT NULL,
        dead bigint NOT NULL,
        unclaimed bigint NOT NULL,
        lease_holder bigint,
        lease_length bigint,
        lease_until bigint,
        due_at bigint,
        due_delay bigint,
        held_back bigint NOT NULL
    );
    CREATE INDEX webhook_unsettled ON schema.webhook (id)
        WHERE open > 0 OR unclaimed > 0 OR lease_until IS NOT NULL;
    CREATE INDEX webhook_leased ON schema.webhook (id) WHERE lease_until IS NOT NULL;
    CREATE INDEX webhook_dead ON schema.webhook (kind, dead) WHERE dead > 0;
    COMMENT ON TABLE schema.webhook IS 'Webhooks of which something is to be done. Times of leases and due times are milliseconds since 1970, all others seconds.';
    COMMENT ON COLUMN schema.webhook.id IS 'milliseconds since 1970, and 20 random bits';
    COMMENT ON COLUMN schema.webhook.kind IS '0 body, 1 queued event, 2 unreadable, 3 replay';
    COMMENT ON COLUMN schema.webhook.due_at IS 'the due time of the first open event; NULL: at once';

    CREATE TABLE schema.body (
        webhook bigint PRIMARY KEY,
        body bytea NOT NULL
    );
    COMMENT ON TABLE schema.body IS 'The bodies of webhooks, apart from their rows, so that a body is written once.';

    CREATE TABLE schema.event (
        fingerprint bytea PRIMARY KEY,
        webhook bigint NOT NULL
    );
    COMMENT ON TABLE schema.event IS 'Fingerprints of the keys of all events, with the id of their webhook.';

    CREATE TABLE schema.progress (
        fingerprint bytea PRIMARY KEY,
        webhook bigint NOT NULL,
        key bytea NOT NULL,
        state integer NOT NULL,
        attempts bigint NOT NULL,
        receivers text,
        died bigint,
        due_at bigint,
        due_delay bigint
    );
    CREATE INDEX progress_webhook ON schema.progress (webhook);
    CREATE INDEX progress_dead ON schema.progress (webhook, died) WHERE died IS NOT NULL;
    COMMENT ON TABLE schema.progress IS 'Events that did not succeed at once.';
    COMMENT ON COLUMN schema.progress.key IS 'the key of the event in UTF-8';
    COMMENT ON COLUMN schema.progress.state IS '0 open, 1 finished, 2 dead';
    COMMENT ON COLUMN schema.progress.receivers IS 'JSON';
    COMMENT ON COLUMN schema.progress.died IS 'the order of the dead events of a webhook';

    CREATE TABLE schema.turn (
        partition bytea NOT NULL,
        number bigint NOT NULL,
        webhook bigint NOT NULL,
        events bytea NOT NULL,
        PRIMARY KEY (partition, number)
    );
    CREATE INDEX turn_webhook ON schema.turn (webhook);
    COMMENT ON TABLE schema.turn IS 'The unfinished events of a partition, of engines that deliver in order.';
    COMMENT ON COLUMN schema.turn.number IS 'from 1 on, the first turn has the least';
    COMMENT ON COLUMN schema.turn.events IS 'fingerprints, 16 bytes each';

    CREATE TABLE schema.number (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        number bytea NOT NULL UNIQUE,
        tenant bytea NOT NULL
    );
    COMMENT ON TABLE schema.number IS 'Your numbers with their tenants, both in UTF-8. Rows are never changed or deleted.';

    CREATE TABLE schema.message (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        version bigint NOT NULL,
        number bigint NOT NULL,
        wamid bytea NOT NULL,
        contact bigint,
        at bigint NOT NULL,
        is_unread boolean NOT NULL,
        status bytea,
        reply_to bytea,
        message text,
        raw_payload text,
        campaign bytea,
        UNIQUE (wamid, number)
    );
    CREATE INDEX message_conversation ON schema.message (contact, at, id)
        WHERE contact IS NOT NULL;
    CREATE INDEX message_unread ON schema.message (contact, number)
        WHERE is_unread AND contact IS NOT NULL;
    CREATE INDEX message_reply_to ON schema.message (reply_to) WHERE reply_to IS NOT NULL;
    CREATE INDEX message_campaign ON schema.message (campaign, number)
        WHERE campaign IS NOT NULL;
    CREATE INDEX message_status ON schema.message (at) WHERE message IS NULL;
    COMMENT ON TABLE schema.message IS 'Messages by wamid and the id of the number; the bytea columns are UTF-8.';
    COMMENT ON COLUMN schema.message.at IS 'when it counts as sent';
    COMMENT ON COLUMN schema.message.message IS 'JSON; NULL if only the status is known';
    COMMENT ON COLUMN schema.message.raw_payload IS 'JSON as Meta sent it, if the program keeps it';

    CREATE TABLE schema.contact (
        id bigint PRIMARY KEY,
        version bigint NOT NULL,
        tenant bytea NOT NULL,
        contact text NOT NULL,
        ids text NOT NULL,
        profile_at bigint,
        preference_at bigint
    );
    COMMENT ON TABLE schema.contact IS 'Contacts, and the ids that they have and had, as JSON; the tenant in UTF-8.';

    CREATE TABLE schema.contact_id (
        id bytea NOT NULL,
        kind text NOT NULL,
        tenant bytea NOT NULL,
        former bigint NOT NULL,
        contact bigint NOT NULL,
        until bigint,
        PRIMARY KEY (id, kind, tenant, former)
    );
    CREATE INDEX contact_id_contact ON schema.contact_id (contact);
    COMMENT ON TABLE schema.contact_id IS 'The ids that contacts have, and had until a time; the bytea columns are UTF-8.';
    COMMENT ON COLUMN schema.contact_id.kind IS 'wa_id, user_id, parent_user_id';
    COMMENT ON COLUMN schema.contact_id.former IS '0 if the contact has the id now, so that no other one has it; else the contact';

    CREATE TABLE schema.signup (
        tenant bytea NOT NULL,
        id bytea NOT NULL,
        version bigint NOT NULL,
        subscriber_count bigint NOT NULL,
        signup text NOT NULL,
        PRIMARY KEY (tenant, id)
    );
    COMMENT ON COLUMN schema.signup.subscriber_count IS 'in place of the one in the JSON';

    CREATE TABLE schema.campaign (
        tenant bytea NOT NULL,
        id bytea NOT NULL,
        version bigint NOT NULL,
        refused bigint NOT NULL,
        campaign text NOT NULL,
        PRIMARY KEY (tenant, id)
    );
    COMMENT ON COLUMN schema.campaign.refused IS 'messages that Meta refused';
    COMMENT ON COLUMN schema.campaign.campaign IS 'JSON, with the number of times that it was completed';

    CREATE FUNCTION schema.now() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
    BEGIN
        RETURN floor(date_part('epoch', transaction_timestamp()) * 1000)::bigint;
    END $$;
    COMMENT ON FUNCTION schema.now IS 'The clock of leases and due times in milliseconds since 1970: when the transaction began.';

    CREATE FUNCTION schema.require(is_current boolean) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        IF is_current IS NOT TRUE THEN
            RAISE EXCEPTION 'a row has another version' USING ERRCODE = 'serialization_failure';
        END IF;
    END $$;
    COMMENT ON FUNCTION schema.require IS 'Fails with 40001 unless all rows that a commit used are as they were, which its other functions return.';
";

/// The name of a schema, and the statements with this name.
pub(crate) struct Schema {
    quoted: String,
    /// The first key of the advisory locks, so that two schemas do not share any.
    pub(crate) lock_class: i32,
    statements: RwLock<HashMap<&'static str, Arc<str>>>,
    needs_begin: AtomicBool,
}

impl Schema {
    /// Returns the schema with a name, quoted.
    pub(crate) fn new(name: &str) -> Result<Self, StoreError> {
        if name.is_empty() || name.len() > MAX_NAME || name.contains('\0') {
            let source = "expected a schema's name of 1 to 63 bytes without U+0000";
            return Err(StoreError::new(StoreErrorKind::Other, source));
        }
        Ok(Self::with_name(name))
    }

    fn with_name(name: &str) -> Self {
        Self {
            quoted: format!("\"{}\"", name.replace('"', "\"\"")),
            lock_class: hash(&[b"whatsapp-signals", name.as_bytes()]).cast_signed(),
            statements: RwLock::default(),
            needs_begin: AtomicBool::new(false),
        }
    }

    /// Returns the quoted name.
    pub(crate) fn quoted(&self) -> &str {
        &self.quoted
    }

    /// Returns whether a statement that is a transaction by itself has another level than
    /// `READ COMMITTED`, or only reads, by the configuration of the database.
    pub(crate) fn needs_begin(&self) -> bool {
        self.needs_begin.load(Ordering::Relaxed)
    }

    pub(crate) fn set_needs_begin(&self) {
        self.needs_begin.store(true, Ordering::Relaxed);
    }

    /// Returns a statement with the quoted name in place of `schema`.
    pub(crate) fn statement(&self, sql: &'static str) -> Arc<str> {
        if let Some(statement) = self.statements.read().get(sql) {
            return statement.clone();
        }
        let statement: Arc<str> = self.insert_name(sql).into();
        let mut statements = self.statements.write();
        statements.entry(sql).or_insert(statement).clone()
    }

    /// Returns a text with the quoted name in place of `schema`.
    pub(crate) fn insert_name(&self, sql: &str) -> String {
        sql.replace("schema.", &format!("{}.", self.quoted))
    }

    /// Creates the tables and functions, or checks their version, in one transaction. `functions` are
    /// the statements that create the functions.
    pub(crate) async fn migrate(
        &self,
        client: &mut Object,
        functions: &[String],
    ) -> Result<(), StoreError> {
        // A snapshot from before the lock would not have the tables of another instance.
        let transaction = client
            .build_transaction()
            .isolation_level(IsolationLevel::ReadCommitted)
            .read_only(false)
            .start();
        let transaction = transaction.await.map_err(from_postgres)?;
        let found = self.lock_and_read_version(&transaction).await;
        match found.map_err(from_postgres)? {
            Found::Nothing => {
                let create = self.create(&transaction, functions).await;
                create.map_err(from_postgres)?;
            }
            Found::Version(VERSION) => {}
            Found::Version(version) => {
                let source =
                    format!("expected version {VERSION} of the tables, found version {version}");
                return Err(StoreError::new(StoreErrorKind::UnsupportedVersion, source));
            }
            Found::Other(source) => return Err(StoreError::new(StoreErrorKind::Other, source)),
        }
        transaction.commit().await.map_err(from_postgres)
    }

    async fn lock_and_read_version(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<Found, tokio_postgres::Error> {
        // Instances that start together create the tables once.
        let lock = "SELECT pg_advisory_xact_lock($1, -1)";
        transaction.execute(lock, &[&self.lock_class]).await?;
        let read = "SELECT current_setting('server_encoding'), to_regclass($1) IS NOT NULL,
            to_regclass($2) IS NOT NULL";
        let [version, webhook] = ["schema.store_version", "schema.webhook"];
        let (version, webhook) = (self.insert_name(version), self.insert_name(webhook));
        let row = transaction.query_one(read, &[&version, &webhook]).await?;
        if row.try_get::<_, String>(0)? != "UTF8" {
            return Ok(Found::Other("expected a database with the encoding UTF8"));
        }
        if row.try_get(1)? {
            let read = self.insert_name("SELECT max(version) FROM schema.store_version");
            let version: Option<i32> = transaction.query_one(&read, &[]).await?.try_get(0)?;
            return Ok(Found::Version(version.unwrap_or_default()));
        }
        if row.try_get(2)? {
            return Ok(Found::Other("the schema has tables of another program"));
        }
        Ok(Found::Nothing)
    }

    async fn create(
        &self,
        transaction: &Transaction<'_>,
        functions: &[String],
    ) -> Result<(), tokio_postgres::Error> {
        // `IF NOT EXISTS` asks for the right to create schemas even if there is one.
        let find = "SELECT to_regnamespace($1) IS NOT NULL";
        let row = transaction.query_one(find, &[&self.quoted]).await?;
        if !row.try_get::<_, bool>(0)? {
            let create = format!("CREATE SCHEMA {}", self.quoted);
            transaction.batch_execute(&create).await?;
        }
        let tables = self.insert_name(TABLES);
        transaction.batch_execute(&tables).await?;
        for function in functions {
            transaction.batch_execute(function).await?;
        }
        let insert = self.insert_name("INSERT INTO schema.store_version (version) VALUES ($1)");
        transaction.execute(&insert, &[&VERSION]).await?;
        Ok(())
    }
}

impl Default for Schema {
    fn default() -> Self {
        Self::with_name(DEFAULT_NAME)
    }
}

/// The tables that a schema has.
enum Found {
    Nothing,
    Version(i32),
    Other(&'static str),
}

/// Returns a hash that is the same in every process: FNV-1a.
pub(crate) fn hash(parts: &[&[u8]]) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    for part in parts {
        // A byte that no UTF-8 has ends each part.
        for byte in part.iter().chain(&[0xff]) {
            hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    }
    hash
}
