//! A bot that says hi: `META_APP_SECRET=… META_VERIFY_TOKEN=… cargo run --bin hi`.

use std::{env, error::Error, sync::Arc};

use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Router, body::Bytes, routing::get};
use whatsapp_signals::event::{MessageReceived, Unrecognized};
use whatsapp_signals::signals::{MESSAGE_RECEIVED, UNRECOGNIZED};
use whatsapp_signals::{Parser, SignatureVerifier, WebhookEngine, filter::is_text, receiver};
use whatsapp_signals::{store::MemoryStore, verify_challenge_query};

#[receiver(MESSAGE_RECEIVED, filter = is_text)]
async fn say_hi(event: &MessageReceived) {
    // Here you call Meta's API. Somebody may have a user id in place of a phone number.
    let user = event.message.from().and_then(|user| user.phone());
    println!("-> {}: hi", user.unwrap_or("somebody"));
}

#[receiver(UNRECOGNIZED)]
fn note(event: &Unrecognized) {
    eprintln!("{} at {}", event.reason, event.path);
}

struct Bot {
    engine: WebhookEngine<MemoryStore>, // knows nothing after a restart; an SqliteStore does
    verifier: SignatureVerifier,
    verify_token: String,
}

/// Meta registers the URL.
async fn register(State(bot): State<Arc<Bot>>, RawQuery(query): RawQuery) -> (StatusCode, String) {
    match verify_challenge_query(&query.unwrap_or_default(), &bot.verify_token) {
        Ok(challenge) => (StatusCode::OK, challenge.into_owned()),
        Err(error) => (StatusCode::FORBIDDEN, error.to_string()),
    }
}

/// Meta sends a webhook. `Bytes` are the raw bytes, which is what Meta signed.
async fn receive(State(bot): State<Arc<Bot>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    // In a task of its own: when Meta hangs up, axum drops this one.
    let work = tokio::spawn(async move {
        let signature = headers.get("x-hub-signature-256");
        let signature = signature.map_or(&b""[..], |header| header.as_bytes());
        let (engine, verifier) = (&bot.engine, &bot.verifier);
        let processed = engine.process_signed_async(&body, signature, verifier);
        match processed.await {
            Ok(outcome) => {
                for failed in outcome.failures() {
                    eprintln!("{}", failed.failure);
                }
                outcome.http_status()
            }
            Err(error) => {
                eprintln!("{error}");
                error.http_status()
            }
        }
    });
    let status = work.await.unwrap_or(503);
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let bot = Bot {
        engine: WebhookEngine::new(MemoryStore::new()),
        verifier: SignatureVerifier::new(env::var("META_APP_SECRET")?)?,
        verify_token: env::var("META_VERIFY_TOKEN")?,
    };
    bot.engine.check()?;
    let routes = Router::new()
        .route("/webhook", get(register).post(receive))
        .layer(DefaultBodyLimit::max(Parser::DEFAULT_MAX_LEN))
        .with_state(Arc::new(bot));
    let port = env::var("PORT").unwrap_or_else(|_| "8080".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    eprintln!("listening on http://{}/webhook", listener.local_addr()?);
    Ok(axum::serve(listener, routes).await?)
}
