//! The errors of the statements.

use rusqlite::ErrorCode;

use crate::store::{StoreError, StoreErrorKind};

/// The failure of a statement, or of the decision that it belongs to.
pub(super) enum Error {
    /// SQLite's own.
    Sqlite(rusqlite::Error),
    /// A row that this crate did not write.
    CorruptRow,
    /// A row that a decision used has changed.
    Conflict,
    /// A row of a number that the store does not have.
    MissingNumber,
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Error {
    /// Returns the error of a failed `COMMIT`: a log that was written and not synced may still be
    /// recovered after a crash.
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
        // A row that the decision did not see, or an id that another contact holds.
        Some(ErrorCode::ConstraintViolation) => StoreErrorKind::Conflict,
        Some(_) => StoreErrorKind::Other,
        // A value of another type than its column's. The error behind it may quote the row.
        None => return corrupt_row(),
    };
    StoreError::new(kind, error)
}

fn corrupt_row() -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, "a row cannot be read")
}
