//! The webhook behind axum.
//!
//! ```sh
//! export META_APP_SECRET=… META_VERIFY_TOKEN=… DATABASE=bikes.db  # or postgres://…
//! cargo run --bin axum    # http://127.0.0.1:8080/webhook, or HOST and PORT
//! ```

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Router, body::Bytes, response::IntoResponse, routing::get};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::sleep;
use whatsapp_signals::{BoxError, Parser};
use whatsapp_signals_servers::{Answer, App, address, stop};

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
    let signature = headers.get("x-hub-signature-256").cloned();
    let status = app.receive(body, signature).await;
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A load balancer or a monitor reads the backlog.
async fn health(State(app): State<Arc<App>>) -> impl IntoResponse {
    let (status, json) = app.health().await;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [("content-type", "application/json")], json)
}

/// Prometheus reads the numbers.
async fn metrics(State(app): State<Arc<App>>) -> String {
    app.metrics()
}

fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/webhook", get(register).post(receive))
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .layer(DefaultBodyLimit::max(Parser::DEFAULT_MAX_LEN))
        .with_state(app)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let app = Arc::new(App::from_env(Answer::from_env()?).await?);
    tokio::spawn(Arc::clone(&app).keep_tending());
    let listener = TcpListener::bind(address()?).await?;
    eprintln!("listening on http://{}/webhook", listener.local_addr()?);
    let (stopping, stopped) = oneshot::channel();
    let stop = async { _ = stopping.send(stop().await) };
    // A slow client must not keep the program from its end.
    let too_late = async {
        let _ = stopped.await;
        sleep(Duration::from_secs(10)).await;
    };
    // No new requests then; those that have begun are answered.
    let server = axum::serve(listener, routes(Arc::clone(&app))).with_graceful_shutdown(stop);
    let result = tokio::select! {
        result = server.into_future() => result,
        () = too_late => Ok(()),
    };
    app.finish().await;
    Ok(result?)
}
