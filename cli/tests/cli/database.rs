//! Filled stores: a file of SQLite, and a Postgres database if there is a server.

use std::sync::Arc;

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::{SqliteStore, Store};
use whatsapp_signals::{ConnectOptions, Context, WebhookEngine, testing};

use super::{Run, run_with};

/// The users, who wrote one message each. Bram's is a dead letter.
pub(crate) const ADA: &str = "15550101001";
pub(crate) const BRAM: &str = "31970100202";

/// The numbers that received the messages.
pub(crate) const NUMBER: &str = "300200100500600";

/// Another tenant and its number.
pub(crate) const BOATS: &str = "520400300200800";
pub(crate) const BOATS_NUMBER: &str = "300200100500601";

/// Texts and ids that no masked output has.
pub(crate) const PERSONAL: [&str; 7] = [
    ADA,
    BRAM,
    "Ada Okafor",
    "Bram de Wit",
    "Lantern Street",
    "HBgLMTU1NTAxMDEwMDEV",
    "HBgLMzE5NzAxMDAyMDIV",
];

const ADAS: &str = "wamid.HBgLMTU1NTAxMDEwMDEVAgASGBQzQTZFNzJENkE4MEEwMTRBMDQ4RgA=";
const BRAMS: &str = "wamid.HBgLMzE5NzAxMDAyMDIVAgASGBQzQTlCMDM1MEZDMTlEMkJGMEIwMgA=";

/// The masked key of Bram's dead letter.
pub(crate) const MASKED: &str = "message_received:wamid.…MkJGMEIwMgA=:text:number=300200100500600";

/// A filled store.
pub(crate) struct Database {
    url: String,
    folder: Option<TempDir>,
}

impl Database {
    pub(crate) fn is_sqlite(&self) -> bool {
        self.folder.is_some()
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Stores a body with a dead message of Bram's, and another one to another tenant.
    pub(crate) fn add_body_of_two_tenants(&self) {
        let bikes = testing::text("Lantern Street 7 is down").from(BRAM);
        let boats = testing::text("Ahoy, the mast is down")
            .from(BRAM)
            .waba(BOATS);
        let boats = boats.to_number(BOATS_NUMBER, "15550100201");
        let body = testing::batch([bikes, boats]).body();
        runtime().block_on(async {
            let engine = engine_over(open(&self.url).await);
            let _ = engine.process_async(&body).await.unwrap();
        });
    }

    /// Runs a command over the store.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        run_with(args, "", &[("DATABASE", &self.url)])
    }
}

/// Returns a filled store of each kind.
pub(crate) fn databases() -> Vec<Database> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bikes.db");
    runtime().block_on(fill(Arc::new(SqliteStore::open(&path).unwrap())));
    let url = path.to_str().unwrap().to_owned();
    let sqlite = Database {
        url,
        folder: Some(folder),
    };
    let mut databases = vec![sqlite];
    #[cfg(feature = "postgres")]
    databases.extend(postgres());
    databases
}

/// Returns a filled Postgres database of its own.
#[cfg(feature = "postgres")]
fn postgres() -> Option<Database> {
    let url = empty_postgres()?;
    runtime().block_on(async {
        let store = whatsapp_signals_postgres::PostgresStore::connect(&url)
            .await
            .unwrap();
        store.migrate().await.unwrap();
        fill(Arc::new(store)).await;
    });
    Some(Database { url, folder: None })
}

/// Returns the URL of a database without tables, or `None` without a server.
#[cfg(feature = "postgres")]
pub(crate) fn empty_postgres() -> Option<String> {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::postgres_server::Server;

    static NEXT: AtomicU32 = AtomicU32::new(1);
    let server = Server::shared()?;
    let name = format!("cli_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    runtime().block_on(async {
        let client = server.pool().get().await.unwrap();
        let create = format!("CREATE DATABASE {name}");
        client.batch_execute(&create).await.unwrap();
    });
    let url = server.url();
    let server = url.strip_suffix("/postgres").unwrap();
    Some(format!("{server}/{name}"))
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Opens a store again.
async fn open(url: &str) -> Arc<dyn Store> {
    #[cfg(feature = "postgres")]
    if url.starts_with("postgres://") {
        let store = whatsapp_signals_postgres::PostgresStore::connect(url).await;
        return Arc::new(store.unwrap());
    }
    Arc::new(SqliteStore::open(url).unwrap())
}

/// Returns an engine whose receiver fails at messages about something that is down.
fn engine_over(store: Arc<dyn Store>) -> WebhookEngine<Arc<dyn Store>> {
    let context = Context::new().only_own_receivers();
    let crm = ConnectOptions::new().uid("crm");
    let receiver = |event: &MessageReceived| match event.message.text() {
        Some(text) if text.contains("down") => Err("the CRM is down"),
        _ => Ok(()),
    };
    context
        .connect_with(&MESSAGE_RECEIVED, crm, receiver)
        .unwrap();
    WebhookEngine::new(store)
        .context(context)
        .max_attempts(1)
        .keep_errors(true)
        .log_webhooks(true)
}

/// Stores a message of Ada's, a dead letter of Bram's, and a body that is no webhook.
async fn fill(store: Arc<dyn Store>) {
    let engine = engine_over(store);
    let ada = testing::text("I live in Lantern Street").from(ADA).id(ADAS);
    let bram = testing::text("The light of Lantern Street is down").from(BRAM);
    let bram = bram.named("Bram de Wit").id(BRAMS);
    for body in [ada.body(), bram.body()] {
        let _ = engine.process_async(&body).await.unwrap();
    }
    let broken = format!("{{ {BRAM} wrote about Lantern Street");
    engine
        .store_unreadable_async(broken.as_bytes())
        .await
        .unwrap();
}
