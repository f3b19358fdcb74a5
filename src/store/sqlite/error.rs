//! The errors of statements.

use rusqlite::ErrorCode;

use crate::store::{StoreError, StoreErrorKind};

/// The failure of a statement, or a conflict.
pub(super) enum Error {
    /// An error of SQLite.
    Sqlite(rusqlite::Error),
    /// A row that this crate did not write.
    CorruptRow,
    /// A row has changed since the decision read it.
    Conflict,
    /// The number of a row does not exist.
    MissingNumber,
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Error {
    /// Returns the error of a failed `COMMIT`. After an I/O error the result is unknown, because a log
    /// that was written but not synced may be recovered after a crash.
    #[cold]
    pub(super) fn in_commit(error: rusqlite::Error) -> StoreError {
        match error.sqlite_error_code() {
            Some(ErrorCode::SystemIoFailure) => StoreError::new(StoreErrorKind::Unknown, error),
            _ => Self::from(error).into(),
        }
    }
}

impl From<Error> for StoreError {
    #[cold]
    fn from(error: Error) -> Self {
        match error {
            Error::Sqlite(error) => from_sqlite(error),
            Error::CorruptRow => corrupt_row(),
            Error::Conflict => Self::new(StoreErrorKind::Conflict, "a row has another version"),
            Error::MissingNumber => Self::new(StoreErrorKind::Other, "a number has no row"),
        }
    }
}

fn from_sqlite(error: rusqlite::Error) -> StoreError {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreErrorKind::Locked,
        Some(ErrorCode::DiskFull) => StoreErrorKind::Full,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreErrorKind::Corrupt,
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure,
        ) => StoreErrorKind::Unavailable,
        // The key of a new row exists, or another contact has the id.
        Some(ErrorCode::ConstraintViolation) => StoreErrorKind::Conflict,
        Some(_) => StoreErrorKind::Other,
        // A value has another type than its column. The error may quote the row.
        None => return corrupt_row(),
    };
    StoreError::new(kind, error)
}

fn corrupt_row() -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, "a row cannot be read")
}
