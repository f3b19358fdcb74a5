//! The schema and its tables.

use whatsapp_signals::store::{Changes, Durability, LoadQuery, Store, StoreErrorKind};
use whatsapp_signals_postgres::deadpool_postgres::tokio_postgres::{Config, NoTls};
use whatsapp_signals_postgres::deadpool_postgres::{Manager, Pool};
use whatsapp_signals_postgres::{PostgresOptions, PostgresStore};

use crate::require_server;
use crate::server::Server;

const INSTANCES: usize = 10;

/// Runs statements of an administrator.
async fn execute(server: &Server, statements: &str) {
    let store = server.pool();
    let client = store.get().await.unwrap();
    client.batch_execute(statements).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_instances_migrate_at_once() {
    let server = require_server!();
    let options = Server::options();
    let tasks: Vec<_> = (0..INSTANCES)
        .map(|_| {
            let options = options.clone();
            tokio::spawn(async move {
                let store = options.connect(&server.url()).await.unwrap();
                store.migrate().await.unwrap();
                // All see the tables, and once more changes nothing.
                assert!(store.numbers().await.unwrap().is_empty());
                store.migrate().await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn tables_of_another_version_are_refused() {
    let server = require_server!();
    let store = server.open(PostgresOptions::new().schema("later")).await;
    for version in [2, 0, -1] {
        execute(
            server,
            &format!("UPDATE later.store_version SET version = {version}"),
        )
        .await;
        let error = store.migrate().await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::UnsupportedVersion);
    }
    execute(server, "DELETE FROM later.store_version").await;
    let error = store.migrate().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::UnsupportedVersion);
}

#[tokio::test]
async fn tables_of_another_program_are_refused() {
    let server = require_server!();
    execute(
        server,
        "CREATE SCHEMA shop; CREATE TABLE shop.webhook (id bigint)",
    )
    .await;
    let store = PostgresOptions::new().schema("shop");
    let store = store.connect(&server.url()).await.unwrap();
    let error = store.migrate().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Other);
    // An empty schema is taken.
    execute(server, "DROP TABLE shop.webhook").await;
    store.migrate().await.unwrap();
    assert!(store.numbers().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_store_without_tables_is_unavailable() {
    let server = require_server!();
    let store = Server::options().connect(&server.url()).await.unwrap();
    let load = store.load(&LoadQuery::default()).await.map(drop);
    for result in [load, store.numbers().await.map(drop)] {
        assert_eq!(result.unwrap_err().kind(), StoreErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn names_of_schemas_are_checked() {
    let server = require_server!();
    for name in [String::new(), "a\0b".to_owned(), "\u{e4}".repeat(32)] {
        let options = PostgresOptions::new().schema(name);
        let error = options.over(server.pool()).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Other);
    }
    let longest = "\u{e4}".repeat(31);
    for name in [longest.as_str(), "a.b", "\"; DROP", "schema.x", "Select"] {
        let store = server.open(PostgresOptions::new().schema(name)).await;
        assert!(store.numbers().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn the_user_needs_no_more_than_a_schema() {
    let server = require_server!();
    execute(
        server,
        "CREATE ROLE bikes LOGIN; CREATE SCHEMA bikes AUTHORIZATION bikes",
    )
    .await;
    let options = PostgresOptions::new().schema("bikes");
    let store = options.connect(&server.url_of("bikes")).await.unwrap();
    store.migrate().await.unwrap();
    let nothing = Changes::default();
    store.commit(&nothing, Durability::Disk).await.unwrap();
}

#[tokio::test]
async fn a_store_takes_the_pool_of_a_program() {
    let server = require_server!();
    let config: Config = server.url().parse().unwrap();
    let pool = Pool::builder(Manager::new(config, NoTls)).build().unwrap();
    let store = PostgresStore::new(pool.clone());
    store.migrate().await.unwrap();
    assert!(store.numbers().await.unwrap().is_empty());
    let client = pool.get().await.unwrap();
    let rows = client.query("SELECT 1 FROM whatsapp_signals.webhook", &[]);
    assert!(rows.await.unwrap().is_empty());
}

/// Returns the faults of a schema after statements of an administrator.
async fn faults_after(server: &Server, store: &PostgresStore, statements: &str) -> Vec<String> {
    execute(server, statements).await;
    store.check().await.unwrap().faults
}

#[tokio::test]
async fn a_check_names_each_part_of_the_schema_that_is_missing_or_changed() {
    let server = require_server!();
    let store = server.open(PostgresOptions::new().schema("checked")).await;
    let check = store.check().await.unwrap();
    assert_eq!(check.faults, Vec::<String>::new());
    assert_eq!(check.version, Some(check.expected_version));
    let facts: Vec<_> = check.facts.iter().map(|(name, _)| *name).collect();
    assert_eq!(facts, ["server_version", "data_checksums", "bytes"]);

    let insert = "INSERT INTO checked.webhook VALUES (7, 1, 0, 1, 1, 0, 0, NULL, NULL, NULL,
        NULL, NULL, 0)";
    let faults = faults_after(server, &store, insert).await;
    assert_eq!(faults, ["webhooks without a body: 1"]);
    let changes = [
        (
            "UPDATE pg_index SET indisvalid = false
                WHERE indexrelid = 'checked.webhook_dead'::regclass",
            "the index webhook_dead is invalid: REINDEX repairs it",
        ),
        (
            "DROP INDEX checked.webhook_dead",
            "the index webhook_dead is missing",
        ),
        (
            "CREATE INDEX webhook_dead ON checked.webhook (kind, dead) WHERE dead > 0;
                DROP FUNCTION checked.now",
            "the function now is missing",
        ),
        ("DROP TABLE checked.turn", "the table turn is missing"),
        (
            "UPDATE pg_proc SET prosrc = 'BEGIN RETURN true; END' WHERE proname = 'require'
                AND pronamespace = 'checked'::regnamespace; UPDATE pg_proc
                SET prosrc = 'BEGIN RETURN true; END' WHERE proname = 'add_events'
                AND pronamespace = 'checked'::regnamespace",
            "the function add_events is not that of this version",
        ),
    ];
    for (statements, fault) in changes {
        let faults = faults_after(server, &store, statements).await;
        assert!(faults.iter().any(|found| found == fault), "{faults:?}");
    }
}

#[tokio::test]
async fn a_check_finds_tables_of_another_version_or_none() {
    let server = require_server!();
    let none = PostgresOptions::new().schema("unmigrated");
    let none = none.connect(&server.url()).await.unwrap();
    let check = none.check().await.unwrap();
    assert_eq!(check.version, None);
    assert_eq!(
        check.faults,
        ["expected version 1 of the tables, found none"]
    );
    let store = server.open(PostgresOptions::new().schema("newer")).await;
    for (version, age) in [(2, "a newer"), (0, "an older")] {
        let update = format!("UPDATE newer.store_version SET version = {version}");
        let faults = faults_after(server, &store, &update).await;
        let fault = format!(
            "expected version 1 of the tables, found version {version} of {age} whatsapp-signals"
        );
        assert_eq!(faults, [fault]);
    }
}
