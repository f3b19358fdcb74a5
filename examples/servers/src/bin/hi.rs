//! A bot that answers each text with "hi". The README has its settings.

use std::{env, sync::Arc, time::Duration};

use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::{Router, body::Bytes, routing::get};
use reqwest::Client;
use whatsapp_signals::{BoxError, Context, Parser, SignatureVerifier, VerifyToken};
use whatsapp_signals::{WebhookEngine, http_status, receiver, store::MemoryStore};
use whatsapp_signals::{event::MessageReceived, filter::is_text, signals::MESSAGE_RECEIVED};

struct Graph {
    http: Client,
    url: String,
    token: String,
}

#[receiver(MESSAGE_RECEIVED, filter = is_text)]
async fn say_hi(event: &MessageReceived, graph: &Graph) -> Result<(), BoxError> {
    let number = event.account.phone_number_id.as_ref().ok_or("no number")?;
    let user = event.message.sender().ok_or("no sender")?;
    // A user may have a user id in place of a phone number.
    let member = user.phone().map_or("recipient", |_| "to");
    let id = user.phone().or(user.user_id());
    let hi = serde_json::json!({"messaging_product": "whatsapp", member: id,
        "type": "text", "text": {"body": "hi"}});
    let request = graph.http.post(format!("{}/{number}/messages", graph.url));
    let answer = request.bearer_auth(&graph.token).json(&hi).send().await?;
    answer.error_for_status()?; // after an error, Meta sends the webhook again
    Ok(())
}

// A MemoryStore is empty after a restart; an SqliteStore is not.
type Engine = WebhookEngine<MemoryStore>;
type Bot = (Arc<Engine>, SignatureVerifier, VerifyToken);

/// Answers Meta when you register the URL.
async fn register(State((_, _, token)): State<Bot>, query: RawQuery) -> (StatusCode, String) {
    match token.verify_query(&query.0.unwrap_or_default()) {
        Ok(challenge) => (StatusCode::OK, challenge.into_owned()),
        Err(error) => (StatusCode::FORBIDDEN, error.to_string()),
    }
}

/// Receives a webhook. `Bytes` are the raw bytes, which Meta signed.
async fn receive(State(bot): State<Bot>, headers: HeaderMap, body: Bytes) -> StatusCode {
    // In a task of its own: when Meta hangs up, axum drops this one.
    let work = tokio::spawn(async move {
        let (engine, verifier, _) = bot;
        let signature = headers.get("x-hub-signature-256");
        let signature = signature.map(HeaderValue::as_bytes);
        let processed = engine.process_signed_async(&body, signature, &verifier);
        http_status(&processed.await)
    });
    let status = work.await.unwrap_or(503);
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt::init(); // logs webhooks and failures
    let setting = |name: &str| env::var(name).map_err(|error| format!("{name}: {error}"));
    let http = Client::builder().timeout(Duration::from_secs(10)).build()?;
    let url = setting("GRAPH_URL").unwrap_or("https://graph.facebook.com/v24.0".into());
    let token = setting("META_ACCESS_TOKEN")?;
    let context = Context::new().with(Graph { http, url, token });
    let engine = WebhookEngine::new(MemoryStore::new()).context(context);
    engine.check()?;
    let verifier = SignatureVerifier::new(setting("META_APP_SECRET")?)?;
    let verify_token = VerifyToken::new(setting("META_VERIFY_TOKEN")?)?;
    let routes = Router::new()
        .route("/webhook", get(register).post(receive))
        .layer(DefaultBodyLimit::max(Parser::DEFAULT_MAX_LEN))
        .with_state((Arc::new(engine), verifier, verify_token));
    let address = format!("127.0.0.1:{}", setting("PORT").unwrap_or("8080".into()));
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}/webhook", listener.local_addr()?);
    Ok(axum::serve(listener, routes).await?)
}
