//! The check of the tables, their indexes and the functions.

use std::collections::HashMap;

use deadpool_postgres::Pool;
use whatsapp_signals::store::{StoreCheck, StoreError};

use crate::commit;
use crate::row::get;
use crate::row::{Param, params};
use crate::schema::{Schema, TABLES, VERSION};
use crate::session::query;

const SERVER: &str = "
    SELECT current_setting('server_version'), current_setting('server_encoding'),
        current_setting('data_checksums'), pg_is_in_recovery(),
        coalesce((SELECT checksum_failures FROM pg_stat_database
            WHERE datname = current_database()), 0)";

/// The tables (`r`) and indexes (`i`) of a schema, and whether an index can be used.
const RELATIONS: &str = "
    SELECT relation.relname::text, relation.relkind::text,
        coalesce(index.indisvalid AND index.indisready, true),
        CASE WHEN relation.relkind = 'r' THEN pg_total_relation_size(relation.oid) ELSE 0 END
    FROM pg_class AS relation LEFT JOIN pg_index AS index ON index.indexrelid = relation.oid
    WHERE relation.relnamespace = to_regnamespace($1) AND relation.relkind IN ('r', 'i')";

const FUNCTIONS: &str = "
    SELECT proname::text, prosrc FROM pg_proc WHERE pronamespace = to_regnamespace($1)";

const STORED_VERSION: &str = "SELECT max(version) FROM schema.store_version";

const WITHOUT_BODY: &str = "
    SELECT count(*) FROM schema.webhook AS webhook
    WHERE NOT EXISTS (SELECT FROM schema.body AS body WHERE body.webhook = webhook.id)";

/// Checks the schema, which is not changed.
pub(crate) async fn check(pool: &Pool, schema: &Schema) -> Result<StoreCheck, StoreError> {
    let mut check = StoreCheck::new(VERSION.into());
    check_server(pool, schema, &mut check).await?;
    let relations = relations(pool, schema).await?;
    if relations.contains_key("store_version") {
        let rows = query(pool, schema, STORED_VERSION, Vec::new()).await?;
        let version = rows.first().map(|row| get::<Option<i32>>(row, 0));
        check.version = version.transpose()?.flatten().map(i64::from);
    }
    check.add_version_fault();
    let bytes: i64 = relations.values().map(|relation| relation.bytes).sum();
    check.facts.push(("bytes", bytes.to_string()));
    // Another version has other tables and functions.
    if check.version != Some(VERSION.into()) {
        return Ok(check);
    }
    let faults = &mut check.faults;
    for (kind, name) in expected() {
        match relations.get(name) {
            Some(relation) if relation.kind == kind => {}
            _ if kind == "r" => faults.push(format!("the table {name} is missing")),
            _ => faults.push(format!("the index {name} is missing")),
        }
    }
    let mut invalid: Vec<_> = relations
        .iter()
        .filter(|(_, relation)| !relation.is_valid)
        .map(|(name, _)| format!("the index {name} is invalid: REINDEX repairs it"))
        .collect();
    invalid.sort_unstable();
    faults.append(&mut invalid);
    check_functions(pool, schema, faults).await?;
    if check.is_ok() {
        let rows = query(pool, schema, WITHOUT_BODY, Vec::new()).await?;
        let missing = rows.first().map(|row| get::<i64>(row, 0));
        if let Some(missing) = missing.transpose()?.filter(|missing| *missing > 0) {
            let fault = format!("webhooks without a body: {missing}");
            check.faults.push(fault);
        }
    }
    Ok(check)
}

async fn check_server(
    pool: &Pool,
    schema: &Schema,
    check: &mut StoreCheck,
) -> Result<(), StoreError> {
    for row in query(pool, schema, SERVER, Vec::new()).await? {
        let encoding: String = get(&row, 1)?;
        if encoding != "UTF8" {
            let fault = format!("expected a database with the encoding UTF8, found {encoding}");
            check.faults.push(fault);
        }
        if get(&row, 3)? {
            let fault = "expected a primary server, found a standby, which cannot be written to";
            check.faults.push(fault.to_owned());
        }
        let failures: i64 = get(&row, 4)?;
        if failures > 0 {
            let fault = format!("pages of the database with a wrong checksum: {failures}");
            check.faults.push(fault);
        }
        check.facts.push(("server_version", get(&row, 0)?));
        check.facts.push(("data_checksums", get(&row, 2)?));
    }
    Ok(())
}

async fn check_functions(
    pool: &Pool,
    schema: &Schema,
    faults: &mut Vec<String>,
) -> Result<(), StoreError> {
    let mut found = HashMap::new();
    for row in query(pool, schema, FUNCTIONS, name(schema)).await? {
        found.insert(get::<String>(&row, 0)?, get::<String>(&row, 1)?);
    }
    for function in commit::functions() {
        match found.get(function.name()) {
            Some(source) if *source == function.source(schema) => {}
            Some(_) => faults.push(format!(
                "the function {} is not that of this version",
                function.name()
            )),
            None => faults.push(format!("the function {} is missing", function.name())),
        }
    }
    for name in names_after("CREATE FUNCTION schema.") {
        if !found.contains_key(name) {
            faults.push(format!("the function {name} is missing"));
        }
    }
    Ok(())
}

struct Relation {
    kind: String,
    is_valid: bool,
    bytes: i64,
}

async fn relations(pool: &Pool, schema: &Schema) -> Result<HashMap<String, Relation>, StoreError> {
    let rows = query(pool, schema, RELATIONS, name(schema)).await?;
    let relation = |row| {
        let relation = Relation {
            kind: get(row, 1)?,
            is_valid: get(row, 2)?,
            bytes: get(row, 3)?,
        };
        Ok((get(row, 0)?, relation))
    };
    rows.iter().map(relation).collect()
}

fn name(schema: &Schema) -> Vec<Param<'_>> {
    params![schema.quoted()]
}

/// Returns the kinds and names of the tables and indexes of this version.
fn expected() -> impl Iterator<Item = (&'static str, &'static str)> {
    let tables = names_after("CREATE TABLE schema.").map(|name| ("r", name));
    tables.chain(names_after("CREATE INDEX ").map(|name| ("i", name)))
}

/// Returns the names that follow these words in the statements.
fn names_after(words: &'static str) -> impl Iterator<Item = &'static str> {
    let rest = TABLES.split(words).skip(1);
    rest.filter_map(|rest| rest.split([' ', '(']).next())
}

#[cfg(test)]
mod tests {
    use super::expected;

    #[test]
    fn all_tables_and_indexes_of_the_statements_are_expected() {
        let expected: Vec<_> = expected().collect();
        assert!(expected.contains(&("r", "webhook")));
        assert!(expected.contains(&("i", "webhook_dead")));
        let count = crate::schema::TABLES.matches("CREATE TABLE").count()
            + crate::schema::TABLES.matches("INDEX").count();
        assert_eq!(expected.len(), count);
    }
}
