//! The parts of the servers that do not depend on the HTTP framework.

pub mod campaign;
mod crm;
pub mod graph;
mod inbox;
mod metrics;
mod print;
mod queue;
mod traces;

use std::borrow::Cow;
use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;
use traces::Traces;
use whatsapp_signals::{BoxError, SignatureVerifier, VerifyToken, http_status};

pub use inbox::{Answer, Engine, Inbox, open_store, report};
pub use queue::event_stream;

/// The longest time between two rounds of a web server, whose own webhooks begin one at once.
const ROUND: Duration = Duration::from_secs(5);

/// The state of the handlers.
pub struct App {
    inbox: Arc<Inbox>,
    verifier: SignatureVerifier,
    verify_token: VerifyToken,
    metrics: Option<PrometheusHandle>,
    traces: Traces,
    /// Whether this program runs receivers in the background.
    tends: bool,
}

impl App {
    /// Returns the challenge when Meta registers the URL; otherwise the answer is 403.
    pub fn register(&self, query: &str) -> Option<String> {
        let challenge = self.verify_token.verify_query(query);
        challenge
            .inspect_err(|error| log(error))
            .ok()
            .map(Cow::into_owned)
    }

    /// Stores a webhook, runs its receivers unless they run in the background, and returns the
    /// status to answer. `signature` is the header `X-Hub-Signature-256`.
    pub async fn receive(
        &self,
        body: impl AsRef<[u8]> + Send + 'static,
        signature: Option<impl AsRef<[u8]> + Send + 'static>,
    ) -> u16 {
        let verifier = self.verifier.clone();
        let operation = async move |inbox: Arc<Inbox>| {
            let (engine, body) = (&inbox.engine, body.as_ref());
            let signature = signature.as_ref().map(AsRef::as_ref);
            let result = match inbox.answer {
                Answer::Stored => engine.accept_signed_async(body, signature, &verifier).await,
                Answer::Delivered => {
                    engine
                        .process_signed_async(body, signature, &verifier)
                        .await
                }
            };
            match &result {
                Ok(outcome) => inbox::report(outcome),
                Err(error) => log(error),
            }
            http_status(&result)
        };
        self.inbox.run(operation).await.unwrap_or(503)
    }

    /// Returns the status and the JSON of a health check: 200 and the backlog, or 503 when the
    /// store fails. It holds numbers only.
    pub async fn health(&self) -> (u16, String) {
        let operation = async move |inbox: Arc<Inbox>| {
            let backlog = inbox.engine.backlog_async().await?;
            Ok::<_, BoxError>(serde_json::to_string(&backlog)?)
        };
        let result = self.inbox.run(operation).await;
        match result.unwrap_or_else(|| Err("the health check panicked".into())) {
            Ok(json) => (200, json),
            Err(error) => {
                log(&error);
                (503, r#"{"error":"the store failed"}"#.to_owned())
            }
        }
    }

    /// Runs the receivers that are due until the program is asked to end, unless other programs
    /// do.
    pub async fn keep_tending(self: Arc<Self>) {
        if self.tends {
            self.inbox.keep_tending(ROUND).await;
        }
    }

    /// Returns the numbers of this process in the text format of Prometheus.
    pub fn metrics(&self) -> String {
        let metrics = self.metrics.as_ref();
        metrics.map_or_else(String::new, PrometheusHandle::render)
    }

    /// Returns the engine and its runtime.
    pub fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    /// Returns the state of handlers. `secrets` are one app secret, or several with commas between,
    /// and so are `tokens`: one verify token for each account.
    pub fn new(inbox: Arc<Inbox>, secrets: &str, tokens: &str) -> Result<Self, BoxError> {
        Ok(Self {
            inbox,
            verifier: verifier(secrets)?,
            verify_token: verify_token(tokens)?,
            metrics: None,
            traces: Traces::default(),
            tends: true,
        })
    }

    /// Waits for the operations that have begun, and exports their traces.
    pub async fn finish(self: Arc<Self>) {
        self.inbox.finish().await;
        _ = spawn_blocking(move || self.traces.finish()).await;
    }

    /// Reads `DATABASE`, `META_APP_SECRET` (several while you change it), `META_VERIFY_TOKEN`
    /// (several, one for each account) and `TEND`.
    pub async fn from_env(answer: Answer) -> Result<Self, BoxError> {
        let (database, secrets) = (setting("DATABASE")?, setting("META_APP_SECRET")?);
        let tokens = setting("META_VERIFY_TOKEN")?;
        let tends = match setting("TEND").as_deref() {
            Ok("yes") | Err(_) => true,
            Ok("no") if answer == Answer::Stored => false,
            Ok("no") => return Err("TEND=no needs ANSWER=stored".into()),
            Ok(_) => return Err("expected yes or no in TEND".into()),
        };
        let app = Self::new(Inbox::open(&database, answer).await?, &secrets, &tokens)?;
        Ok(Self {
            metrics: Some(metrics::install()?),
            traces: Traces::from_env()?,
            tends,
            ..app
        })
    }
}

/// Logs a line. Unlike `eprintln!`, it does not panic when the output is closed, which must not
/// change the answer to Meta.
pub fn log(line: &dyn Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Waits for SIGTERM or SIGINT.
pub async fn stop() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Returns the address to listen on: `HOST` and `PORT` (default: `127.0.0.1` and 8080). Port 0 is
/// any free port.
pub fn address() -> Result<(String, u16), BoxError> {
    let host = env::var("HOST").unwrap_or_else(|_| "127.0.0.1".into());
    let port = env::var("PORT").map_or(Ok(8080), |port| port.parse());
    Ok((host, port.map_err(|_| "expected a port in PORT")?))
}

/// Returns the verifier of one app secret, or of several with commas between.
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

/// Returns the value of an environment variable.
pub fn setting(name: &str) -> Result<String, String> {
    match env::var(name) {
        Ok(value) if !value.is_empty() => Ok(value),
        _ => Err(format!("{name} is not set")),
    }
}
