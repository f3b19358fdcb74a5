//! The options of a store.

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::{Config, NoTls};
use whatsapp_signals::store::{StoreError, StoreErrorKind};

use crate::error::from_pool;
use crate::schema::{DEFAULT_NAME, Schema};
use crate::store::PostgresStore;

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
    /// Returns the default options.
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

    /// Sets the greatest number of connections of [`connect`](Self::connect) (default: 10).
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
        // A server that is gone without a word is noticed in about 30 s: not in 15 minutes if it
        // has not confirmed a request, and not in 2 hours if it has.
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

    /// Returns a store over a pool: see [`PostgresStore::new`].
    ///
    /// # Errors
    ///
    /// If a schema cannot have the name.
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
