//! The engine over a database, and the threads on which its receivers run.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{RwLock, watch};
use tokio::time::sleep;
use whatsapp_signals::store::{SqliteStore, Store};
use whatsapp_signals::{BoxError, Context, Outcome, WebhookEngine};
use whatsapp_signals_postgres::PostgresStore;

use crate::metrics::Metrics;
use crate::{crm, log, setting, stop};

/// The pause after a round that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// The time at which a webhook is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// When its receivers have run.
    Delivered,
    /// When it is stored. Its receivers run in the background, those of one user in order.
    Stored,
}

impl Answer {
    /// Reads `ANSWER`.
    pub fn from_env() -> Result<Self, BoxError> {
        match setting("ANSWER").as_deref() {
            Ok("stored") => Ok(Self::Stored),
            Ok("delivered") | Err(_) => Ok(Self::Delivered),
            Ok(_) => Err("expected delivered or stored in ANSWER".into()),
        }
    }
}

/// An engine over any store.
pub type Engine = WebhookEngine<Arc<dyn Store>>;

/// The engine over the store that `DATABASE` names.
pub struct Inbox {
    pub(crate) engine: Engine,
    pub(crate) answer: Answer,
    /// The runtime that opened the store: the connections to Postgres end with it.
    runtime: Handle,
    /// Each running operation holds it for reading.
    running: Arc<RwLock<()>>,
}

impl Inbox {
    /// Opens a database, and checks that the receivers can be called. All programs of a database
    /// need the same answer.
    pub async fn open(database: &str, answer: Answer) -> Result<Arc<Self>, BoxError> {
        let is_background = answer == Answer::Stored;
        let context = Context::new();
        crm::connect(&context)?;
        let engine = WebhookEngine::new(open_store(database).await?)
            .observe(Metrics)
            .context(context)
            .log_webhooks(setting("LOG_WEBHOOKS").is_ok_and(|log| log == "yes"))
            // Longer than the slowest receiver. After a crash, its events wait as long.
            .lease(Duration::from_secs(10))
            .timer(|duration| Box::pin(sleep(duration)))
            // Fewer than the 10 connections of a pool, so that a receiver that blocks a round
            // leaves some to the answers.
            .concurrency(8)
            .tended(is_background)
            .in_order(is_background);
        engine.check()?;
        Ok(Arc::new(Self {
            engine,
            answer,
            runtime: Handle::current(),
            running: Arc::default(),
        }))
    }

    /// Returns the engine. Its operations may block.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Runs an operation on a thread of its own, as SQLite and receivers may block. It runs to its
    /// end also if the caller is gone, as Meta hangs up after some seconds. Returns `None` if it
    /// panicked.
    pub(crate) async fn run<F>(
        self: &Arc<Self>,
        operation: impl FnOnce(Arc<Self>) -> F + Send + 'static,
    ) -> Option<F::Output>
    where
        F: Future<Output: Send + 'static>,
    {
        let guard = Arc::clone(&self.running).read_owned().await;
        let inbox = Arc::clone(self);
        let operation = move || {
            let _guard = guard;
            let runtime = inbox.runtime.clone();
            runtime.block_on(operation(inbox))
        };
        self.runtime.spawn_blocking(operation).await.ok()
    }

    /// Waits for the operations that have begun, and lets no other one begin. It belongs before
    /// the end of the runtime, which closes the connections of Postgres.
    pub async fn finish(&self) {
        std::mem::forget(self.running.write().await);
    }

    /// Runs the receivers that are due, and deletes old rows. Returns the time until the next
    /// round. When `stop` is ready, it begins no other webhook.
    pub async fn tend(
        self: &Arc<Self>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Duration {
        let round = async move |inbox: Arc<Self>| inbox.engine.tend_async(stop).await;
        match self.run(round).await {
            Some(Ok(tended)) => {
                report(&tended.outcome);
                tended.next
            }
            Some(Err(error)) => {
                log(&error);
                AFTER_FAILURE
            }
            None => AFTER_FAILURE,
        }
    }

    /// Tends the engine until the program is asked to end and the round has ended. A round begins
    /// after `most` at the latest, as other programs may have stored webhooks.
    pub async fn keep_tending(self: &Arc<Self>, most: Duration) {
        let (stopping, mut stopped) = watch::channel(false);
        tokio::spawn(async move {
            let _ = stop().await;
            stopping.send_replace(true);
        });
        while !*stopped.borrow() {
            let mut stop = stopped.clone();
            let stop = async move { _ = stop.wait_for(|stopped| *stopped).await };
            let next = self.tend(stop).await.min(most);
            tokio::select! {
                () = sleep(next) => {}
                () = self.engine.wait_for_work() => {}
                _ = stopped.changed() => {}
            }
        }
    }
}

/// Opens a database: a URL of Postgres, in which missing tables are created, or a file of SQLite.
pub async fn open_store(database: &str) -> Result<Arc<dyn Store>, BoxError> {
    if database.starts_with("postgres://") || database.starts_with("postgresql://") {
        let store = PostgresStore::connect(database).await?;
        store.migrate().await?;
        Ok(Arc::new(store))
    } else {
        Ok(Arc::new(SqliteStore::open(database)?))
    }
}

/// Logs the failures of receivers, and the number of events that are not tried again.
pub fn report(outcome: &Outcome) {
    for failed in outcome.failures() {
        log(&failed.failure);
    }
    if outcome.dead_lettered() > 0 {
        log(&format_args!(
            "{} new dead letters",
            outcome.dead_lettered()
        ));
    }
}
