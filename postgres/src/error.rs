//! The errors of the server and of the connection to it.

use std::error::Error as _;
use std::fmt;
use std::io;

use deadpool_postgres::PoolError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};
use whatsapp_signals::store::{StoreError, StoreErrorKind};

/// An error of the server: its code, and its text if the text quotes no row.
///
/// The details of a Postgres error quote keys, which are personal data.
#[derive(Debug)]
struct ServerError {
    code: String,
    text: Option<String>,
    constraint: Option<String>,
}

impl From<&DbError> for ServerError {
    fn from(error: &DbError) -> Self {
        let code = error.code().code();
        // Connections, features, authentication, names, rights, resources, locks, shutdowns, the
        // system.
        let classes = [
            "08", "0A", "25", "28", "3D", "3F", "42", "53", "55", "57", "58", "XX",
        ];
        let is_free_of_rows = classes.iter().any(|class| code.starts_with(class));
        Self {
            code: code.to_owned(),
            text: is_free_of_rows.then(|| error.message().to_owned()),
            constraint: error.constraint().map(str::to_owned),
        }
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SQLSTATE {}", self.code)?;
        if let Some(constraint) = &self.constraint {
            write!(f, " of {constraint}")?;
        }
        match &self.text {
            Some(text) => write!(f, ": {text}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ServerError {}

/// Returns the error of a statement, after which nothing is written.
#[cold]
pub(crate) fn from_postgres(error: Error) -> StoreError {
    if let Some(error) = error.as_db_error() {
        return StoreError::new(kind_of(error.code()), ServerError::from(error));
    }
    let kind = if is_of_connection(&error) {
        StoreErrorKind::Unavailable
    } else {
        StoreErrorKind::Other
    };
    StoreError::new(kind, error)
}

/// Returns the error of a commit, or of a statement that was sent with one or commits by itself.
///
/// An error of the server before the commit has undone all. Without an answer the commit may have
/// been reached.
#[cold]
pub(crate) fn in_commit(error: Error, is_of_commit: bool) -> StoreError {
    let is_unknown = match error.as_db_error() {
        Some(error) => is_of_commit && error.severity() != "ERROR",
        None => true,
    };
    if is_unknown {
        return match error.as_db_error() {
            Some(error) => StoreError::new(StoreErrorKind::Unknown, ServerError::from(error)),
            None => StoreError::new(StoreErrorKind::Unknown, error),
        };
    }
    from_postgres(error)
}

/// Returns the error of a pool.
#[cold]
pub(crate) fn from_pool(error: PoolError) -> StoreError {
    match error {
        PoolError::Backend(error) => match from_postgres(error) {
            error if error.kind() == StoreErrorKind::Other => unavailable(error),
            error => error,
        },
        error => unavailable(error),
    }
}

fn unavailable(source: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, source)
}

/// Returns the error of a row that this crate did not write.
#[cold]
pub(crate) fn corrupt_row() -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, "a row cannot be read")
}

fn is_of_connection(error: &Error) -> bool {
    error.is_closed()
        || error
            .source()
            .is_some_and(<dyn std::error::Error>::is::<io::Error>)
}

fn kind_of(code: &SqlState) -> StoreErrorKind {
    if [
        &SqlState::T_R_SERIALIZATION_FAILURE,
        &SqlState::T_R_DEADLOCK_DETECTED,
        &SqlState::UNIQUE_VIOLATION,
    ]
    .contains(&code)
    {
        return StoreErrorKind::Conflict;
    }
    match code.code() {
        "55P03" => StoreErrorKind::Locked,
        "53100" => StoreErrorKind::Full,
        "XX001" | "XX002" => StoreErrorKind::Corrupt,
        // A server that only reads, as a standby does: its `READ WRITE` is a feature that is not
        // supported. So is a statement that was prepared before a table was changed.
        "0A000" | "25006" | "3F000" | "42P01" | "42501" | "42883" => StoreErrorKind::Unavailable,
        code => match &code[..code.len().min(2)] {
            "08" | "28" | "3D" | "53" | "57" | "58" => StoreErrorKind::Unavailable,
            _ => StoreErrorKind::Other,
        },
    }
}
