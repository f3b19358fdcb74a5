//! The web server before a queue: what it answers with 200 is in the stream, and
//! any number of `worker`s handle it.
//!
//! ```sh
//! export META_APP_SECRET=… META_VERIFY_TOKEN=… NATS_URL=nats://127.0.0.1:4222
//! cargo run --bin web    # http://127.0.0.1:8080/webhook, or HOST and PORT
//! ```

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::routing::get;
use tokio::net::TcpListener;
use whatsapp_signals::{BoxError, Parser, SignatureVerifier, VerifyToken};
use whatsapp_signals_nats::Relay;
use whatsapp_signals_servers::{address, event_stream, log, setting, stop, verifier, verify_token};

struct App {
    relay: Relay,
    verifier: SignatureVerifier,
    verify_token: VerifyToken,
}

/// Meta registers the URL.
async fn register(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
) -> Result<String, StatusCode> {
    let query = query.unwrap_or_default();
    let challenge = app.verify_token.verify_query(&query);
    let challenge = challenge.map_err(|_| StatusCode::FORBIDDEN)?;
    Ok(challenge.into_owned())
}

/// Meta sends a webhook, and gets 200 when all of it is in the stream.
async fn receive(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers.get("x-hub-signature-256");
    let signature = signature.map(HeaderValue::as_bytes);
    let published = app.relay.publish_signed(&body, signature, &app.verifier);
    let status = published.await.map_or_else(
        |error| {
            log(&error);
            error.http_status()
        },
        |_| 200,
    );
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let app = Arc::new(App {
        verifier: verifier(&setting("META_APP_SECRET")?)?,
        verify_token: verify_token(&setting("META_VERIFY_TOKEN")?)?,
        relay: Relay::new(&event_stream().await?),
    });
    let routes = Router::new()
        .route("/webhook", get(register).post(receive))
        .layer(DefaultBodyLimit::max(Parser::DEFAULT_MAX_LEN))
        .with_state(app);
    let listener = TcpListener::bind(address()?).await?;
    eprintln!("listening on http://{}/webhook", listener.local_addr()?);
    let server = axum::serve(listener, routes);
    let stop = async { _ = stop().await };
    server.with_graceful_shutdown(stop).await?;
    Ok(())
}
