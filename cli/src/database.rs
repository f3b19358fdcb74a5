//! The store of an engine: a file of SQLite, or a Postgres database.

use std::error::Error as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use tokio::runtime::{Builder, Runtime};
use whatsapp_signals::store::{SqliteStore, Store, StoreCheck, StoreError, StoreErrorKind};
use whatsapp_signals::{EngineError, WebhookEngine};

use crate::exit::Error;
use crate::output::Output;

/// The engine of any store.
pub(crate) type Engine = WebhookEngine<Arc<dyn Store>>;

/// The place of the store.
#[derive(Args)]
pub(crate) struct Place {
    /// File of SQLite, or `postgres://` URL
    #[arg(
        long,
        global = true,
        env = "DATABASE",
        hide_env_values = true,
        value_name = "FILE|URL"
    )]
    database: Option<String>,
}

/// An open store. No receiver is ever called.
pub(crate) struct Database {
    pub(crate) engine: Engine,
    runtime: Runtime,
    shows_personal: bool,
}

impl Place {
    /// Opens the store, which must exist.
    ///
    /// With `log_webhooks` the bodies of finished webhooks stay.
    pub(crate) fn open(&self, log_webhooks: bool, output: &Output) -> Result<Database, Error> {
        let place = self.name()?;
        let runtime = runtime()?;
        let store = if is_url(place) {
            runtime.block_on(open_postgres(place))?
        } else {
            open_sqlite(Path::new(place))?
        };
        let engine = WebhookEngine::new(store).log_webhooks(log_webhooks);
        Ok(Database {
            engine,
            runtime,
            shows_personal: output.shows_personal(),
        })
    }

    /// Checks the store, which is not changed.
    pub(crate) fn check(&self, output: &Output) -> Result<StoreCheck, Error> {
        let place = self.name()?;
        if is_url(place) {
            let check = runtime()?.block_on(check_postgres(place))?;
            return check.map_err(|error| failed(&error, output.shows_personal()));
        }
        let path = Path::new(place);
        find_file(path)?;
        SqliteStore::check(path).map_err(|error| not_opened(path, &with_source(&error)))
    }

    fn name(&self) -> Result<&str, Error> {
        let text = "expected a file or a URL in DATABASE or --database, found none";
        let database = self.database.as_deref();
        database.ok_or_else(|| Error::Usage(text.into()))
    }
}

/// Returns a runtime with one thread, whichever the store.
pub(crate) fn runtime() -> Result<Runtime, Error> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Error::Failed(error.to_string()))
}

fn is_url(place: &str) -> bool {
    let schemes = ["postgres://", "postgresql://"];
    schemes.iter().any(|scheme| place.starts_with(scheme))
}

impl Database {
    /// Runs an operation of the engine.
    pub(crate) fn run<T, E: Into<EngineError>>(
        &self,
        operation: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error> {
        let result = self.runtime.block_on(operation);
        result.map_err(|error| match error.into() {
            EngineError::Store(error) => failed(&error, self.shows_personal),
            error => Error::Failed(error.to_string()),
        })
    }
}

/// Returns the error of an operation. The database's own text may quote a row.
fn failed(error: &StoreError, shows_personal: bool) -> Error {
    if shows_personal || is_free_of_rows(error.kind()) {
        return Error::Failed(with_source(error));
    }
    let text = "--show-personal prints the message of the database, which may quote a row";
    Error::Failed(format!("{error} ({text})"))
}

fn is_free_of_rows(kind: StoreErrorKind) -> bool {
    use StoreErrorKind::{Full, Locked, OtherVersion, Unavailable};
    matches!(kind, Full | Locked | OtherVersion | Unavailable)
}

fn with_source(error: &StoreError) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Opens a file. A file that is missing is not created, and an empty one gets no tables.
fn open_sqlite(path: &Path) -> Result<Arc<dyn Store>, Error> {
    if find_file(path)? == 0 {
        return Err(not_opened(path, "the file is empty"));
    }
    let store = SqliteStore::open(path);
    Ok(Arc::new(
        store.map_err(|error| not_opened(path, &with_source(&error)))?,
    ))
}

/// Returns the length of a file.
fn find_file(path: &Path) -> Result<u64, Error> {
    match fs::metadata(path) {
        Ok(file) if file.is_file() => Ok(file.len()),
        Ok(_) => Err(not_opened(path, "it is no file")),
        Err(error) => Err(not_opened(path, &error.to_string())),
    }
}

fn not_opened(path: &Path, cause: &str) -> Error {
    Error::Failed(format!("opening {} failed: {cause}", path.display()))
}

#[cfg(feature = "postgres")]
async fn open_postgres(url: &str) -> Result<Arc<dyn Store>, Error> {
    Ok(Arc::new(connect(url).await?))
}

#[cfg(feature = "postgres")]
async fn check_postgres(url: &str) -> Result<Result<StoreCheck, StoreError>, Error> {
    Ok(connect(url).await?.check().await)
}

/// Connects to a database. Its tables are not created. No error has the URL, which may have a
/// password.
#[cfg(feature = "postgres")]
async fn connect(url: &str) -> Result<whatsapp_signals_postgres::PostgresStore, Error> {
    let store = whatsapp_signals_postgres::PostgresStore::connect(url).await;
    store.map_err(|error| {
        let error = with_source(&error);
        Error::Failed(format!("connecting to the database failed: {error}"))
    })
}

#[cfg(not(feature = "postgres"))]
#[allow(clippy::unused_async, reason = "the feature postgres connects")]
async fn open_postgres(_: &str) -> Result<Arc<dyn Store>, Error> {
    Err(without_postgres())
}

#[cfg(not(feature = "postgres"))]
#[allow(clippy::unused_async, reason = "the feature postgres connects")]
async fn check_postgres(_: &str) -> Result<Result<StoreCheck, StoreError>, Error> {
    Err(without_postgres())
}

#[cfg(not(feature = "postgres"))]
fn without_postgres() -> Error {
    let text = "expected a file, found a postgres:// URL: this build lacks the feature postgres";
    Error::Usage(text.into())
}
