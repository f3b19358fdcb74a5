//! The store of an engine, an SQLite file or a Postgres database, and the part of it that a command
//! reads.

use std::error::Error as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use tokio::runtime::{Builder, Runtime};
use whatsapp_signals::engine::Records;
use whatsapp_signals::model::Identity;
use whatsapp_signals::store::{SqliteStore, Store, StoreCheck, StoreError, StoreErrorKind};
use whatsapp_signals::{EngineError, EngineErrorKind, WebhookEngine};

use crate::exit::Error;
use crate::output::Output;

/// An engine with any store.
pub(crate) type Engine = WebhookEngine<Arc<dyn Store>>;

/// The location of the store.
#[derive(Args)]
pub(crate) struct DatabaseArgs {
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

/// An open store. Its engine calls no receiver.
pub(crate) struct Database {
    pub(crate) engine: Engine,
    runtime: Runtime,
    shows_personal: bool,
}

impl DatabaseArgs {
    /// Opens the store, which must exist.
    ///
    /// With `log_webhooks`, the bodies of finished webhooks are kept.
    pub(crate) fn open(&self, log_webhooks: bool, output: &Output) -> Result<Database, Error> {
        let location = self.location()?;
        let runtime = runtime()?;
        let store = if is_url(location) {
            runtime.block_on(open_postgres(location))?
        } else {
            open_sqlite(Path::new(location))?
        };
        let engine = WebhookEngine::new(store).log_webhooks(log_webhooks);
        Ok(Database {
            engine,
            runtime,
            shows_personal: output.shows_personal(),
        })
    }

    /// Checks the store without changing it.
    pub(crate) fn check(&self, output: &Output) -> Result<StoreCheck, Error> {
        let location = self.location()?;
        if is_url(location) {
            let check = runtime()?.block_on(check_postgres(location))?;
            return check.map_err(|error| operation_error(&error, output.shows_personal()));
        }
        let path = Path::new(location);
        file_len(path)?;
        SqliteStore::check(path).map_err(|error| open_error(path, &with_source(&error)))
    }

    fn location(&self) -> Result<&str, Error> {
        let text = "expected a file or a URL in DATABASE or --database, found none";
        let database = self.database.as_deref();
        database.ok_or_else(|| Error::Usage(text.into()))
    }
}

/// Creates a runtime with one thread.
pub(crate) fn runtime() -> Result<Runtime, Error> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Error::Failed(error.to_string()))
}

fn is_url(location: &str) -> bool {
    let schemes = ["postgres://", "postgresql://"];
    schemes.iter().any(|scheme| location.starts_with(scheme))
}

impl Database {
    /// Runs an operation of the engine.
    pub(crate) fn run<T, E: Into<EngineError>>(
        &self,
        operation: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error> {
        let result = self.runtime.block_on(operation);
        result.map_err(|error| match error.into().kind() {
            EngineErrorKind::Store(error) => operation_error(error, self.shows_personal),
            kind => Error::Failed(kind.to_string()),
        })
    }
}

/// Returns the error of an operation. The text of the database is left out, as it may quote a row.
fn operation_error(error: &StoreError, shows_personal: bool) -> Error {
    if shows_personal || quotes_no_row(error.kind()) {
        return Error::Failed(with_source(error));
    }
    let text = "--show-personal prints the message of the database, which may quote a row";
    Error::Failed(format!("{error} ({text})"))
}

fn quotes_no_row(kind: StoreErrorKind) -> bool {
    use StoreErrorKind::{Full, Locked, Unavailable, UnsupportedVersion};
    matches!(kind, Full | Locked | UnsupportedVersion | Unavailable)
}

fn with_source(error: &StoreError) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Opens a file. A missing file is not created, and an empty one gets no tables.
fn open_sqlite(path: &Path) -> Result<Arc<dyn Store>, Error> {
    if file_len(path)? == 0 {
        return Err(open_error(path, "the file is empty"));
    }
    let store = SqliteStore::open(path);
    Ok(Arc::new(
        store.map_err(|error| open_error(path, &with_source(&error)))?,
    ))
}

/// Returns the length of a file.
fn file_len(path: &Path) -> Result<u64, Error> {
    match fs::metadata(path) {
        Ok(file) if file.is_file() => Ok(file.len()),
        Ok(_) => Err(open_error(path, "not a file")),
        Err(error) => Err(open_error(path, &error.to_string())),
    }
}

fn open_error(path: &Path, cause: &str) -> Error {
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
    Err(postgres_missing())
}

#[cfg(not(feature = "postgres"))]
#[allow(clippy::unused_async, reason = "the feature postgres connects")]
async fn check_postgres(_: &str) -> Result<Result<StoreCheck, StoreError>, Error> {
    Err(postgres_missing())
}

#[cfg(not(feature = "postgres"))]
fn postgres_missing() -> Error {
    let text = "expected a file, found a postgres:// URL: this build lacks the feature postgres";
    Error::Usage(text.into())
}

/// A tenant or a number.
#[derive(Args, Default)]
pub(crate) struct Scope {
    /// Only data of this tenant, by default the id of a WhatsApp Business Account
    #[arg(long, value_name = "ID", conflicts_with = "number")]
    pub(crate) tenant: Option<String>,
    /// Only data of your number with this `phone_number_id`
    #[arg(long, value_name = "ID")]
    pub(crate) number: Option<String>,
}

impl Scope {
    /// Returns true for the whole store.
    pub(crate) fn is_empty(&self) -> bool {
        self.tenant.is_none() && self.number.is_none()
    }

    /// Returns the records of the tenant or the number; `None` for the whole store.
    pub(crate) fn records<'d>(
        &self,
        database: &'d Database,
    ) -> Result<Option<Records<'d, Arc<dyn Store>>>, Error> {
        let engine = &database.engine;
        if let Some(tenant) = &self.tenant {
            return Ok(Some(engine.tenant(tenant.as_str())));
        }
        let Some(number) = &self.number else {
            return Ok(None);
        };
        let numbers = database.run(engine.numbers_async())?;
        if numbers.iter().any(|(stored, _)| stored.as_str() == number) {
            return Ok(Some(engine.number(number.as_str())));
        }
        let text = format!("expected a number that has received an event, found {number}");
        Err(Error::NotFound(text))
    }
}

/// A user of a tenant or a number.
#[derive(Args)]
pub(crate) struct UserArgs {
    /// Phone number of the user, or the id that begins with a country code and a dot
    #[arg(value_parser = parse_identity)]
    pub(crate) user: Identity,
    #[command(flatten)]
    scope: Scope,
}

impl UserArgs {
    /// Returns the records of the number or of the tenant (default: the only tenant of the store).
    pub(crate) fn records<'d>(
        &self,
        database: &'d Database,
    ) -> Result<Records<'d, Arc<dyn Store>>, Error> {
        if let Some(records) = self.scope.records(database)? {
            return Ok(records);
        }
        let engine = &database.engine;
        let numbers = database.run(engine.numbers_async())?;
        let mut tenants: Vec<_> = numbers.iter().map(|(_, tenant)| tenant.as_str()).collect();
        tenants.sort_unstable();
        tenants.dedup();
        if let [tenant] = tenants[..] {
            return Ok(engine.tenant(tenant));
        }
        let found = tenants.len();
        let text = format!("expected --tenant or --number, found {found} tenants");
        Err(Error::Usage(text))
    }
}

fn parse_identity(text: &str) -> Result<Identity, String> {
    // A phone number has no dot, as `US.7001` has.
    let identity = if text.contains('.') {
        Identity::from_user_id(text)
    } else {
        Identity::from_phone(text)
    };
    identity.ok_or_else(|| "expected a phone number or a user id such as US.7001".into())
}
