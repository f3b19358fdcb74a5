//! A worker beside the web servers of one database, without a queue: runs the receivers of the
//! webhooks that they have stored. Start as many as you like.
//!
//! ```sh
//! export DATABASE=postgres://bikes@localhost/bikes
//! ANSWER=stored TEND=no cargo run --bin axum    # with the settings of a web server
//! cargo run --bin tender
//! ```

use std::time::Duration;

use whatsapp_signals::BoxError;
use whatsapp_signals_servers::{Answer, Inbox, setting};

/// The longest time between two rounds: the web servers cannot wake this program.
const ROUND: Duration = Duration::from_millis(200);

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let inbox = Inbox::open(&setting("DATABASE")?, Answer::Stored).await?;
    eprintln!("working");
    // Until SIGTERM. Webhooks that have begun are finished.
    inbox.keep_tending(ROUND).await;
    Ok(())
}
