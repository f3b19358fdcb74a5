//! What the servers have in common, whichever framework speaks HTTP.

mod print;
mod queue;

use std::borrow::Cow;
use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use whatsapp_signals::store::SqliteStore;
use whatsapp_signals::{
    BoxError, Outcome, SignatureVerifier, VerifyToken, WebhookEngine, http_status,
};

pub use queue::event_stream;

/// What the handlers need.
pub struct App {
    engine: WebhookEngine<SqliteStore>,
    verifier: SignatureVerifier,
    verify_token: VerifyToken,
    /// Whether a webhook is answered once it is stored. Its receivers run in the background.
    accepts: bool,
}

impl App {
    /// The challenge, when Meta registers the URL; else the answer is 403.
    pub fn register(&self, query: &str) -> Option<String> {
        let challenge = self.verify_token.verify_query(query);
        challenge
            .inspect_err(|error| log(error))
            .ok()
            .map(Cow::into_owned)
    }

    /// Stores a webhook, runs its receivers unless they run in the background, and returns the
    /// status to answer. `signature` is the header `X-Hub-Signature-256`. It waits for the disk
    /// and for your receivers.
    pub fn receive(&self, body: &[u8], signature: Option<&[u8]>) -> u16 {
        let result = if self.accepts {
            self.engine.accept_signed(body, signature, &self.verifier)
        } else {
            self.engine.process_signed(body, signature, &self.verifier)
        };
        match &result {
            Ok(outcome) => report(outcome),
            Err(error) => log(error),
        }
        http_status(&result)
    }

    /// Returns the status and the JSON of a health check: 200 and the backlog, or 503 when the
    /// store fails. It holds numbers only.
    pub fn health(&self) -> (u16, String) {
        let backlog = self.engine.backlog().map_err(BoxError::from);
        match backlog.and_then(|backlog| Ok(serde_json::to_string(&backlog)?)) {
            Ok(json) => (200, json),
            Err(error) => {
                log(&error);
                (503, r#"{"error":"the store failed"}"#.to_owned())
            }
        }
    }

    /// Runs the receivers that are due, and deletes old rows. Returns the time until the next
    /// round. When `stop` is ready, it begins no other webhook.
    pub async fn tend(&self, stop: impl Future<Output = ()>) -> Duration {
        match self.engine.tend_async(stop).await {
            Ok(tended) => {
                report(&tended.outcome);
                tended.next
            }
            Err(error) => {
                log(&error);
                Duration::from_secs(5)
            }
        }
    }

    /// Tends the engine until the program is asked to end. A runtime that is shut down waits for
    /// the webhooks that have begun.
    pub async fn keep_tending(self: Arc<Self>) {
        let (stopping, mut stopped) = watch::channel(false);
        tokio::spawn(async move {
            let _ = stop().await;
            stopping.send_replace(true);
        });
        while !*stopped.borrow() {
            let (app, mut stop) = (Arc::clone(&self), stopped.clone());
            let stop = async move { _ = stop.wait_for(|stopped| *stopped).await };
            // The receivers are not async: they block a thread of their own.
            let round = spawn_blocking(move || Handle::current().block_on(app.tend(stop)));
            // A round that panics is followed by another one.
            let next = round.await.unwrap_or(Duration::from_secs(5));
            tokio::select! {
                () = sleep(next) => {}
                () = self.engine.wait_for_work() => {}
                _ = stopped.changed() => {}
            }
        }
    }

    /// Opens the database, and checks that the receivers can be called. `secrets` are one app
    /// secret, or several with commas between, and so are `tokens`: one verify token for each
    /// account.
    pub fn new(database: impl AsRef<Path>, secrets: &str, tokens: &str) -> Result<Self, BoxError> {
        let (verifier, verify_token) = (verifier(secrets)?, verify_token(tokens)?);
        // Longer than the slowest receiver; so long waits what a crash left.
        let lease = Duration::from_secs(10);
        let engine = WebhookEngine::new(SqliteStore::open(database)?).lease(lease);
        engine.check_sync()?;
        Ok(Self {
            engine,
            verifier,
            verify_token,
            accepts: false,
        })
    }

    /// Takes from the environment when webhooks are answered: once their receivers have run, or
    /// with `ANSWER=stored` before. Then the events of each user are delivered in order.
    pub fn with_answer_from_env(self) -> Result<Self, BoxError> {
        let accepts = match setting("ANSWER").as_deref() {
            Ok("stored") => true,
            Ok("delivered") | Err(_) => false,
            Ok(_) => return Err("ANSWER is neither delivered nor stored".into()),
        };
        let engine = self.engine.tended(accepts).in_order(accepts);
        Ok(Self {
            engine,
            accepts,
            ..self
        })
    }

    /// Takes `DATABASE`, `META_APP_SECRET` (several while you change it) and
    /// `META_VERIFY_TOKEN` (several, one for each account) from the environment.
    pub fn from_env() -> Result<Self, BoxError> {
        let (database, secrets) = (setting("DATABASE")?, setting("META_APP_SECRET")?);
        Self::new(database, &secrets, &setting("META_VERIFY_TOKEN")?)
    }
}

/// Who failed, and what is not tried any more.
fn report(outcome: &Outcome) {
    for failed in outcome.failures() {
        log(&failed.failure);
    }
    if outcome.dead() > 0 {
        log(&format_args!("{} new dead letters", outcome.dead()));
    }
}

/// Unlike `eprintln!`, it does not panic where nobody reads: that must not
/// decide what Meta is answered.
pub fn log(line: &dyn Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Until the program is asked to end.
pub async fn stop() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Where to listen: `HOST` and `PORT`, or `127.0.0.1` and 8080. Port 0 is any
/// that is free.
pub fn address() -> Result<(String, u16), BoxError> {
    let host = env::var("HOST").unwrap_or_else(|_| "127.0.0.1".into());
    let port = env::var("PORT").map_or(Ok(8080), |port| port.parse());
    Ok((host, port.map_err(|_| "PORT is not a port")?))
}

/// Of one app secret, or of several with commas between.
pub fn verifier(secrets: &str) -> Result<SignatureVerifier, String> {
    let mut secrets = secrets.split(',').map(str::trim);
    let first = SignatureVerifier::new(secrets.next().unwrap_or_default());
    let all = first.and_then(|first| secrets.try_fold(first, SignatureVerifier::with_secret));
    all.map_err(|error| format!("META_APP_SECRET: {error}"))
}

/// Returns the value of one verify token, or of several with commas between.
pub fn verify_token(tokens: &str) -> Result<VerifyToken, String> {
    let mut tokens = tokens.split(',').map(str::trim);
    let first = VerifyToken::new(tokens.next().unwrap_or_default());
    let all = first.and_then(|first| tokens.try_fold(first, VerifyToken::with_token));
    all.map_err(|error| format!("META_VERIFY_TOKEN: {error}"))
}

/// What the environment says.
pub fn setting(name: &str) -> Result<String, String> {
    match env::var(name) {
        Ok(value) if !value.is_empty() => Ok(value),
        _ => Err(format!("{name} is not set")),
    }
}
