//! A stand-in for Meta's Graph API behind `hi`: prints each request, and accepts it.
//!
//! ```sh
//! cargo run --bin graph    # GRAPH_URL of `hi` is the printed URL
//! ```

use axum::{Router, http::Uri};
use tokio::net::TcpListener;
use whatsapp_signals::BoxError;

/// Answers as Meta does when it accepts a message.
async fn accept(uri: Uri, request: String) -> &'static str {
    println!("{uri} {request}");
    r#"{"messaging_product": "whatsapp", "messages": [{"id": "wamid.HBgL"}]}"#
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, Router::new().fallback(accept)).await?)
}
