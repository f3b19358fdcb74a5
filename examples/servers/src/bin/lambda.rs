//! The webhook as an AWS Lambda function, behind an HTTP API (payload 2.0) or a
//! function URL.
//!
//! Its environment has `META_APP_SECRET`, `META_VERIFY_TOKEN` and `DATABASE`, a
//! `postgres://…` that all functions share: a file lives no longer than its function.

use std::future::pending;
use std::sync::Arc;

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Error, Request, Response, run, service_fn};
use whatsapp_signals_servers::{Answer, App};

/// Meta registers the URL, or sends a webhook.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response<Body>, Error> {
    let (status, body) = match *request.method() {
        Method::GET => match app.register(request.uri().query().unwrap_or_default()) {
            Some(challenge) => (200, challenge),
            None => (403, String::new()),
        },
        Method::POST => (receive(app, request).await, String::new()),
        _ => (405, String::new()),
    };
    let status = StatusCode::from_u16(status)?;
    Ok(Response::builder().status(status).body(body.into())?)
}

/// The body is as it came: lambda_http has undone the Base64 of the gateway.
async fn receive(app: Arc<App>, request: Request) -> u16 {
    let (parts, body) = request.into_parts();
    let signature = parts.headers.get("x-hub-signature-256").cloned();
    app.receive(body, signature).await
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let app = Arc::new(App::from_env(Answer::Delivered).await?);
    // Between two requests a function sleeps: this is the time for it.
    app.inbox().tend(pending()).await;
    run(service_fn(move |request| handle(Arc::clone(&app), request))).await
}
