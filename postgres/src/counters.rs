//! Tables with a counter: signups with their subscribers, and campaigns with their refusals.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use whatsapp_signals::model::Signup;
use whatsapp_signals::store::{
    CampaignKey, CampaignRow, SignupKey, StoreError, Tenant, Upsert, Versioned,
};

use crate::calls::{Calls, Function};
use crate::row::params;
use crate::row::{get, json, number, string, to_json};

/// The functions and statements of a table.
pub(crate) struct Table {
    add: Function,
    put: Function,
    count: Function,
    pub(crate) check: Function,
    pub(crate) lock_absent: Function,
    pub(crate) load: &'static str,
    pub(crate) all: &'static str,
    pub(crate) of_tenant: &'static str,
}

/// Returns the functions and statements of a table with the columns of its counter and its JSON.
macro_rules! table {
    ($table:literal, $counter:literal, $json:literal) => {
        Table {
            add: Function::write(
                concat!("add_", $table, "s"),
                "bytea[], bytea[], text[], bigint[]",
                concat!(
                    "INSERT INTO schema.",
                    $table,
                    " (tenant, id, version, ",
                    $json,
                    ", ",
                    $counter,
                    ")
                    SELECT input.tenant, input.id, 1, input.json, input.count
                    FROM unnest($1, $2, $3, $4) AS input(tenant, id, json, count)"
                ),
            ),
            put: Function::write_all(
                concat!("put_", $table, "s"),
                "bytea[], bytea[], text[], bigint[]",
                concat!(
                    "UPDATE schema.",
                    $table,
                    " AS stored
                    SET version = input.version + 1, ",
                    $json,
                    " = input.json
                    FROM unnest($1, $2, $3, $4) AS input(tenant, id, json, version)
                    WHERE stored.tenant = input.tenant AND stored.id = input.id
                        AND stored.version = input.version"
                ),
            ),
            count: Function::write(
                concat!("count_", $table, "s"),
                "bytea[], bytea[]",
                concat!(
                    "UPDATE schema.",
                    $table,
                    " AS stored
                    SET ",
                    $counter,
                    " = stored.",
                    $counter,
                    " + input.count
                    FROM (SELECT tenant, id, count(*) AS count
                        FROM unnest($1, $2) AS counted(tenant, id) GROUP BY tenant, id) AS input
                    WHERE stored.tenant = input.tenant AND stored.id = input.id"
                ),
            ),
            check: Function::check(
                concat!("check_", $table, "s"),
                "bytea[], bytea[], bigint[]",
                concat!(
                    "(SELECT count(*) FROM (
                        SELECT 1 FROM unnest($1, $2, $3) AS input(tenant, id, version)
                            JOIN schema.",
                    $table,
                    " AS stored ON stored.tenant = input.tenant
                                AND stored.id = input.id AND stored.version = input.version
                        FOR SHARE OF stored) AS found) = cardinality($1)"
                ),
            ),
            lock_absent: Function::write(
                concat!("lock_absent_", $table, "s"),
                "bytea[], bytea[]",
                concat!(
                    "INSERT INTO schema.",
                    $table,
                    " (tenant, id, version, ",
                    $counter,
                    ", ",
                    $json,
                    ")
                    SELECT tenant, id, 0, 0, '' FROM unnest($1, $2) AS input(tenant, id);
                    DELETE FROM schema.",
                    $table,
                    " AS stored
                    USING unnest($1, $2) AS input(tenant, id)
                    WHERE stored.tenant = input.tenant AND stored.id = input.id"
                ),
            ),
            load: concat!(
                "SELECT stored.",
                $json,
                ", stored.",
                $counter,
                ", stored.version, input.ordinal
                FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY
                        AS input(tenant, id, ordinal)
                    JOIN schema.",
                $table,
                " AS stored
                        ON stored.tenant = input.tenant AND stored.id = input.id"
            ),
            all: concat!(
                "SELECT ",
                $json,
                ", ",
                $counter,
                ", tenant, id FROM schema.",
                $table,
                " ORDER BY tenant, id"
            ),
            of_tenant: concat!(
                "SELECT ",
                $json,
                ", ",
                $counter,
                ", tenant, id FROM schema.",
                $table,
                " WHERE tenant = $1 ORDER BY id"
            ),
        }
    };
}

pub(crate) static SIGNUPS: Table = table!("signup", "subscriber_count", "signup");
pub(crate) static CAMPAIGNS: Table = table!("campaign", "refused", "campaign");

pub(crate) static FUNCTIONS: &[&Function] = &[
    &SIGNUPS.add,
    &SIGNUPS.put,
    &SIGNUPS.count,
    &SIGNUPS.check,
    &SIGNUPS.lock_absent,
    &CAMPAIGNS.add,
    &CAMPAIGNS.put,
    &CAMPAIGNS.count,
    &CAMPAIGNS.check,
    &CAMPAIGNS.lock_absent,
];

/// A row with a counter that is no part of its JSON.
pub(crate) trait CounterRow: Serialize + DeserializeOwned {
    type Key;

    fn table() -> &'static Table;
    fn key(tenant: Tenant, id: &str) -> Self::Key;
    fn columns(key: &Self::Key) -> (&[u8], &[u8]);
    fn counter(&self) -> u64;
    fn set_counter(&mut self, count: u64);
}

/// Implements [`CounterRow`] for a row with its key.
macro_rules! counter_rows {
    ($($row:ident of $key:ident: $table:ident, $counter:ident;)+) => { $(
        impl CounterRow for $row {
            type Key = $key;

            fn table() -> &'static Table {
                &$table
            }

            fn key(tenant: Tenant, id: &str) -> $key {
                let id = id.into();
                $key { tenant, id }
            }

            fn columns(key: &$key) -> (&[u8], &[u8]) {
                (key.tenant.as_str().as_bytes(), key.id.as_str().as_bytes())
            }

            fn counter(&self) -> u64 {
                self.$counter
            }

            fn set_counter(&mut self, count: u64) {
                self.$counter = count;
            }
        }
    )+ };
}

counter_rows! {
    Signup of SignupKey: SIGNUPS, subscriber_count;
    CampaignRow of CampaignKey: CAMPAIGNS, refused;
}

/// Adds the calls that write rows, which keep the counters of existing rows, and then increment
/// counters.
pub(crate) fn write<'a, R: CounterRow>(
    calls: &mut Calls<'a>,
    rows: &'a [Upsert<R::Key, R>],
    counted: &'a [R::Key],
) -> Result<(), StoreError> {
    let table = R::table();
    for (function, is_new) in [(&table.add, true), (&table.put, false)] {
        let (mut tenants, mut ids) = (Vec::new(), Vec::new());
        let (mut texts, mut numbers) = (Vec::new(), Vec::new());
        for Upsert { key, version, row } in rows {
            if version.is_none() != is_new {
                continue;
            }
            let (tenant, id) = R::columns(key);
            tenants.push(tenant);
            ids.push(id);
            texts.push(to_json(row)?);
            let count = i64::try_from(row.counter()).unwrap_or(i64::MAX);
            numbers.push(version.unwrap_or(count));
        }
        if !ids.is_empty() {
            calls.push(function, params![tenants, ids, texts, numbers]);
        }
    }
    if !counted.is_empty() {
        let (tenants, ids): (Vec<_>, Vec<_>) = counted.iter().map(R::columns).unzip();
        calls.push(&table.count, params![tenants, ids]);
    }
    Ok(())
}

/// Reads the JSON and the counter of a row.
fn read<R: CounterRow>(row: &Row) -> Result<R, StoreError> {
    let mut value: R = json(row, 0)?;
    value.set_counter(number(row, 1)?);
    Ok(value)
}

/// Reads a row of [`Table::load`].
pub(crate) fn read_loaded<R: CounterRow>(row: &Row) -> Result<Versioned<R>, StoreError> {
    let (version, row) = (get(row, 2)?, read(row)?);
    Ok(Versioned { version, row })
}

/// Reads a row of [`Table::all`] or [`Table::of_tenant`].
pub(crate) fn read_listed<R: CounterRow>(row: &Row) -> Result<(R::Key, R), StoreError> {
    let key = R::key(Tenant::new(string(row, 2)?), string(row, 3)?);
    Ok((key, read(row)?))
}
