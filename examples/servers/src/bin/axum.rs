//! The webhook behind axum.
//!
//! ```sh
//! export META_APP_SECRET=… META_VERIFY_TOKEN=… DATABASE=bikes.db
//! cargo run --bin axum    # http://127.0.0.1:8080/webhook, or HOST and PORT
//! ```

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::{Router, body::Bytes, response::IntoResponse, routing::get};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use whatsapp_signals::{BoxError, Parser};
use whatsapp_signals_servers::{App, address, stop};

/// Meta registers the URL.
async fn register(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
) -> Result<String, StatusCode> {
    let challenge = app.register(&query.unwrap_or_default());
    challenge.ok_or(StatusCode::FORBIDDEN)
}

/// Meta sends a webhook. `Bytes` are the raw bytes, which is what Meta signed.
async fn receive(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let work = move || {
        let signature = headers.get("x-hub-signature-256");
        app.receive(&body, signature.map(HeaderValue::as_bytes))
    };
    // Off the runtime's threads, and to its end also when Meta hangs up.
    let status = spawn_blocking(work).await.unwrap_or(503);
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A load balancer or a monitor asks how much is to be done.
async fn health(State(app): State<Arc<App>>) -> impl IntoResponse {
    let health = spawn_blocking(move || app.health()).await;
    let (status, json) = health.unwrap_or_else(|_| (503, String::new()));
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [("content-type", "application/json")], json)
}

fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/webhook", get(register).post(receive))
        .route("/healthz", get(health))
        .layer(DefaultBodyLimit::max(Parser::DEFAULT_MAX_LEN))
        .with_state(app)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let app = Arc::new(App::from_env()?.with_answer_from_env()?);
    tokio::spawn(Arc::clone(&app).keep_tending());
    let listener = TcpListener::bind(address()?).await?;
    eprintln!("listening on http://{}/webhook", listener.local_addr()?);
    let (stopping, stopped) = oneshot::channel();
    let stop = async {
        let _ = stopping.send(stop().await);
    };
    // Those who are slow are not waited for for ever.
    let too_late = async {
        let _ = stopped.await;
        sleep(Duration::from_secs(10)).await;
    };
    // No new requests then; those that have begun are answered.
    let server = axum::serve(listener, routes(app)).with_graceful_shutdown(stop);
    tokio::select! {
        result = server.into_future() => result?,
        () = too_late => {}
    }
    Ok(())
}
