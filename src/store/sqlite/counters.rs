//! Tables with a counter: signups with their subscribers, and campaigns with their refusals.

use rusqlite::{Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Error;
use super::row::{Json, json};
use super::session::{SessionState, SqliteTransaction};
use crate::model::Signup;
use crate::store::{CampaignKey, CampaignRow, SignupKey, Tenant, Upsert, Versioned};

/// The statements of a table.
pub(super) struct Table {
    insert: &'static str,
    update: &'static str,
    count: &'static str,
    load: &'static str,
    version: &'static str,
    all: &'static str,
    of_tenant: &'static str,
}

/// Returns the statements of a table with the columns of its counter and its JSON.
macro_rules! table {
    ($name:literal, $counter:literal, $json:literal) => {
        Table {
            insert: concat!(
                "INSERT INTO ",
                $name,
                " (tenant, id, version, ",
                $json,
                ", ",
                $counter,
                ")
                VALUES (?1, ?2, 1, ?3, ?4)"
            ),
            update: concat!(
                "UPDATE ",
                $name,
                " SET version = 1 + ?3, ",
                $json,
                " = ?4
                WHERE tenant = ?1 AND id = ?2 AND version = ?3"
            ),
            count: concat!(
                "UPDATE ",
                $name,
                " SET ",
                $counter,
                " = ",
                $counter,
                " + 1
                WHERE tenant = ?1 AND id = ?2"
            ),
            load: concat!(
                "SELECT ",
                $json,
                ", ",
                $counter,
                ", version FROM ",
                $name,
                " WHERE tenant = ?1 AND id = ?2"
            ),
            version: concat!(
                "SELECT version FROM ",
                $name,
                " WHERE tenant = ?1 AND id = ?2"
            ),
            all: concat!(
                "SELECT ",
                $json,
                ", ",
                $counter,
                ", tenant, id FROM ",
                $name,
                " ORDER BY tenant, id"
            ),
            of_tenant: concat!(
                "SELECT ",
                $json,
                ", ",
                $counter,
                ", tenant, id FROM ",
                $name,
                " WHERE tenant = ?1 ORDER BY id"
            ),
        }
    };
}

/// A row with a counter that is no part of its JSON.
pub(super) trait CounterRow: Serialize + DeserializeOwned {
    type Key;
    const TABLE: Table;

    fn key(tenant: Tenant, id: &str) -> Self::Key;
    fn columns(key: &Self::Key) -> [&str; 2];
    fn counter(&mut self) -> &mut u64;
}

/// Implements [`CounterRow`] for a row with its key.
macro_rules! counter_rows {
    ($($row:ident of $key:ident: $table:expr, $counter:ident;)+) => { $(
        impl CounterRow for $row {
            type Key = $key;
            const TABLE: Table = $table;

            fn key(tenant: Tenant, id: &str) -> $key {
                let id = id.into();
                $key { tenant, id }
            }

            fn columns(key: &$key) -> [&str; 2] {
                [key.tenant.as_str(), key.id.as_str()]
            }

            fn counter(&mut self) -> &mut u64 {
                &mut self.$counter
            }
        }
    )+ };
}

counter_rows! {
    Signup of SignupKey: table!("signup", "subscriber_count", "signup"), subscriber_count;
    CampaignRow of CampaignKey: table!("campaign", "refused", "campaign"), refused;
}

/// Reads the JSON and the counter of a row.
fn read<R: CounterRow>(row: &Row<'_>) -> Result<R, Error> {
    let mut value: R = json(row, 0)?;
    let count: i64 = row.get(1)?;
    *value.counter() = u64::try_from(count).map_err(|_| Error::CorruptRow)?;
    Ok(value)
}

/// Reads a row.
pub(super) fn load<R: CounterRow>(
    transaction: &SqliteTransaction<'_>,
    key: &R::Key,
) -> Result<Option<Versioned<R>>, Error> {
    let mut select = transaction.statement(R::TABLE.load);
    select.first(R::columns(key), |row| {
        let (version, row) = (row.get(2)?, read(row)?);
        Ok(Versioned { version, row })
    })
}

/// Reads the version of a row.
pub(super) fn version<R: CounterRow>(
    transaction: &SqliteTransaction<'_>,
    key: &R::Key,
) -> Result<Option<i64>, Error> {
    let mut select = transaction.statement(R::TABLE.version);
    select.first(R::columns(key), |row| Ok(row.get(0)?))
}

/// Reads the rows of a tenant, or of all, in the order of their keys.
pub(super) fn list<R: CounterRow>(
    transaction: &SqliteTransaction<'_>,
    tenant: Option<&Tenant>,
) -> Result<Vec<(R::Key, R)>, Error> {
    let read = |row: &Row<'_>| {
        let (tenant, id): (String, String) = (row.get(2)?, row.get(3)?);
        Ok((R::key(Tenant::new(tenant), &id), read(row)?))
    };
    match tenant {
        None => transaction.statement(R::TABLE.all).all([], read),
        Some(tenant) => {
            let mut select = transaction.statement(R::TABLE.of_tenant);
            select.all([tenant.as_str()], read)
        }
    }
}

/// Writes rows, which keep the counters of existing rows, and then increments counters.
pub(super) fn write<R: CounterRow + Clone>(
    transaction: &SqliteTransaction<'_>,
    state: &mut SessionState,
    rows: &[Upsert<R::Key, R>],
    counted: &[R::Key],
) -> Result<(), Error> {
    let mut insert = transaction.statement(R::TABLE.insert);
    let mut update = transaction.statement(R::TABLE.update);
    for put in rows {
        let [tenant, id] = R::columns(&put.key);
        let json = Json::write(&mut state.json, &put.row)?;
        match put.version {
            None => {
                let count = *put.row.clone().counter();
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                insert.execute(params![tenant, id, json, count])?;
            }
            Some(version) => update.execute_one(params![tenant, id, version, json])?,
        }
    }
    let mut count = transaction.statement(R::TABLE.count);
    for key in counted {
        count.execute(R::columns(key))?;
    }
    Ok(())
}
