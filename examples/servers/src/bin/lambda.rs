//! The webhook as an AWS Lambda function, behind an HTTP API (payload 2.0) or a
//! function URL.
//!
//! Its environment has `META_APP_SECRET`, `META_VERIFY_TOKEN` and `DATABASE`.
//! A file of a function lives no longer than the function: in earnest take a
//! store of your own, over a database that all of them share. It is one trait.

use std::future::pending;
use std::sync::Arc;

use lambda_http::http::{HeaderValue, Method, StatusCode};
use lambda_http::{Body, Error, Request, Response, run, service_fn};
use tokio::task::spawn_blocking;
use whatsapp_signals_servers::App;

/// Meta registers the URL, or sends a webhook.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response<Body>, Error> {
    let (status, body) = match *request.method() {
        Method::GET => match app.register(request.uri().query().unwrap_or_default()) {
            Some(challenge) => (200, challenge),
            None => (403, String::new()),
        },
        Method::POST => (receive(app, request).await?, String::new()),
        _ => (405, String::new()),
    };
    let status = StatusCode::from_u16(status)?;
    Ok(Response::builder().status(status).body(body.into())?)
}

/// The body is as it came: lambda_http has undone the Base64 of the gateway.
async fn receive(app: Arc<App>, request: Request) -> Result<u16, Error> {
    let work = move || {
        let signature = request.headers().get("x-hub-signature-256");
        app.receive(request.body(), signature.map(HeaderValue::as_bytes))
    };
    Ok(spawn_blocking(work).await?)
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let app = Arc::new(App::from_env()?);
    // Between two requests a function sleeps: this is the time for it.
    app.tend(pending()).await;
    run(service_fn(move |request| handle(Arc::clone(&app), request))).await
}
