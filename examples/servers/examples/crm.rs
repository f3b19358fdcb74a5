//! A CRM, as far as a server on this machine is concerned: answers each POST with a status, and
//! prints the keys of the messages that it has taken.
//!
//! ```sh
//! cargo run --example crm -- 127.0.0.1:9090 403   # refuses all messages
//! cargo run --example crm -- 127.0.0.1:9090 200   # takes all messages
//! ```

use std::env;

use axum::http::{HeaderMap, StatusCode};
use axum::{Router, routing::post};
use tokio::net::TcpListener;
use whatsapp_signals::BoxError;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut args = env::args().skip(1);
    let address = args.next().ok_or("expected an address, found none")?;
    let status: StatusCode = args.next().unwrap_or("200".into()).parse()?;
    let answer = move |headers: HeaderMap| async move {
        let key = headers.get("idempotency-key");
        if let Some(key) = key.filter(|_| status.is_success()) {
            println!("{}", String::from_utf8_lossy(key.as_bytes()));
        }
        status
    };
    let listener = TcpListener::bind(address).await?;
    eprintln!("listening on http://{}/", listener.local_addr()?);
    Ok(axum::serve(listener, Router::new().route("/", post(answer))).await?)
}
