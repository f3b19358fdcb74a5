//! A stand-in for the gateway and the runtime of AWS Lambda. `lambda` takes its requests from here, if
//! `AWS_LAMBDA_RUNTIME_API` is the address of this program: `./run lambda` starts both.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::{any, get, post};
use axum::{Router, response::IntoResponse};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, oneshot};
use whatsapp_signals::BoxError;
use whatsapp_signals_servers::address;

/// An event, and the way back of its response.
type Call = (Value, oneshot::Sender<String>);

struct Gateway {
    calls: mpsc::Sender<Call>,
    waiting: Mutex<mpsc::Receiver<Call>>,
    /// The sender for the answer to the event that the function processes.
    running: Mutex<Option<oneshot::Sender<String>>>,
}

/// Returns the response to a request, which becomes an event of an HTTP API (payload 2.0).
async fn call(gateway: &Gateway, event: Value) -> Option<(StatusCode, String)> {
    let (sender, receiver) = oneshot::channel();
    gateway.calls.send((event, sender)).await.ok()?;
    let response: Value = serde_json::from_str(&receiver.await.ok()?).ok()?;
    let status = StatusCode::from_bytes(response["statusCode"].to_string().as_bytes());
    let body = response["body"].as_str().unwrap_or_default();
    Some((status.ok()?, body.to_owned()))
}

async fn forward(
    State(gateway): State<Arc<Gateway>>,
    (method, RawQuery(query)): (Method, RawQuery),
    headers: HeaderMap,
    body: String,
) -> impl IntoResponse {
    let signature = headers.get("x-hub-signature-256");
    let signature = signature.map_or("", |value| value.to_str().unwrap_or_default());
    let event = json!({"version": "2.0", "rawPath": "/webhook", "rawQueryString": query,
        "headers": {"x-hub-signature-256": signature}, "body": body, "isBase64Encoded": false,
        "requestContext": {"http": {"method": method.as_str(), "path": "/webhook"}}});
    call(&gateway, event).await.ok_or(StatusCode::BAD_GATEWAY)
}

/// Gives the function its next event.
async fn next(State(gateway): State<Arc<Gateway>>) -> Result<impl IntoResponse, StatusCode> {
    let call = gateway.waiting.lock().await.recv().await;
    let (event, sender) = call.ok_or(StatusCode::GONE)?;
    *gateway.running.lock().await = Some(sender);
    let id = ("lambda-runtime-aws-request-id", "1");
    let deadline = ("lambda-runtime-deadline-ms", "9999999999999");
    Ok(([id, deadline], event.to_string()))
}

async fn respond(State(gateway): State<Arc<Gateway>>, response: String) -> StatusCode {
    let sender = gateway.running.lock().await.take();
    sender.map(|sender| sender.send(response));
    StatusCode::ACCEPTED
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (calls, waiting) = mpsc::channel(64);
    let (waiting, running) = (Mutex::new(waiting), Mutex::default());
    #[rustfmt::skip]
    let gateway = Gateway { calls, waiting, running };
    let routes = Router::new()
        .route("/webhook", any(forward))
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/1/response", post(respond))
        .with_state(Arc::new(gateway));
    let listener = TcpListener::bind(address()?).await?;
    println!("listening on http://{}/webhook", listener.local_addr()?);
    Ok(axum::serve(listener, routes).await?)
}
