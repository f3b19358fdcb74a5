//! SQLite's errors.

use rusqlite::{Error, ErrorCode};

use crate::store::{StoreError, StoreErrorKind};

/// What SQLite's error means.
#[cold]
pub(super) fn failed(error: Error) -> StoreError {
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
        Some(_) => StoreErrorKind::Other,
        // A value that is not of its column's type.
        None => return odd_row(),
    };
    StoreError::new(kind, error)
}

/// A row that nobody of us wrote. The error behind it may quote the row.
#[cold]
pub(super) fn odd_row() -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, "a row that does not read")
}
