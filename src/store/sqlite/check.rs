//! The check of a file.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::Error;
use super::queries::backlog;
use super::schema::{APPLICATION_ID, VERSION};
use super::session::SqliteTransaction;
use crate::model::Timestamp;
use crate::store::{StoreCheck, StoreError, StoreErrorKind};

/// Names of tables and numbers of pages and rows are its whole text, and no value of a row.
const INTEGRITY: &str = "PRAGMA integrity_check(100)";

const WITHOUT_BODY: &str =
    "SELECT count(*) FROM webhook WHERE id NOT IN (SELECT webhook FROM body)";

/// Checks a file, which is not changed.
pub(super) fn check(path: &Path) -> Result<StoreCheck, StoreError> {
    // Not `READ_ONLY`: a reader could not recover the log of a program that was killed.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(Error::from)?;
    let mut check = StoreCheck::new(VERSION);
    match run(&connection, &mut check).map_err(StoreError::from) {
        Ok(()) => {}
        // The pages are so damaged that SQLite gives up.
        Err(error) if error.kind() == StoreErrorKind::Corrupt => {
            let source = std::error::Error::source(&error);
            let cause = source.map(ToString::to_string).unwrap_or_default();
            check.faults.push(format!("the file is damaged: {cause}"));
        }
        Err(error) => return Err(error),
    }
    Ok(check)
}

fn run(connection: &Connection, check: &mut StoreCheck) -> Result<(), Error> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "query_only", true)?;
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let bytes = number("PRAGMA page_count")?.saturating_mul(number("PRAGMA page_size")?);
    let free = number("PRAGMA freelist_count")?.saturating_mul(number("PRAGMA page_size")?);
    let mode = "PRAGMA journal_mode";
    let mode: String = connection.query_row(mode, [], |row| row.get(0))?;
    check.facts.extend([
        ("journal_mode", mode),
        ("bytes", bytes.to_string()),
        ("free_bytes", free.to_string()),
    ]);
    if number("SELECT count(*) FROM sqlite_schema")? == 0 {
        check.add_version_fault();
        return Ok(());
    }
    if number("PRAGMA application_id")? != APPLICATION_ID {
        let fault = "expected tables of whatsapp-signals, found those of another program";
        check.faults.push(fault.to_owned());
        return Ok(());
    }
    check.version = Some(number("PRAGMA user_version")?);
    check.add_version_fault();
    let mut integrity = connection.prepare(INTEGRITY)?;
    let mut rows = integrity.query([])?;
    while let Some(row) = rows.next()? {
        let lines: String = row.get(0)?;
        // A row may have several lines, of which the first names the table.
        let faults = lines.lines().filter(|line| *line != "ok");
        check.faults.extend(faults.map(str::to_owned));
    }
    // Tables of another version may have other columns.
    if check.is_ok() {
        let missing = number(WITHOUT_BODY)?;
        if missing > 0 {
            check
                .faults
                .push(format!("webhooks without a body: {missing}"));
        }
    }
    if check.is_ok() {
        let now = Timestamp::now().as_secs().saturating_mul(1000);
        let transaction = SqliteTransaction::begin(connection, "BEGIN")?;
        check.backlog = Some(backlog(&transaction, now)?);
    }
    Ok(())
}
