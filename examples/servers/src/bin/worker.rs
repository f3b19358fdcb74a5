//! A worker behind `web`: runs the receivers of what is in the stream. Start as many
//! as you like.
//!
//! ```sh
//! export NATS_URL=nats://127.0.0.1:4222 DATABASE=bikes.db
//! cargo run --bin worker
//! ```
//!
//! Workers that share a database run each receiver once for each event. Without one,
//! receivers may run again when a worker is killed.

use std::env;
use std::sync::Arc;

use whatsapp_signals::{BoxError, Context, WebhookEngine, check};
use whatsapp_signals_nats::Worker;
use whatsapp_signals_servers::{event_stream, open_store, stop};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut worker = Worker::new(&event_stream().await?);
    if let Ok(database) = env::var("DATABASE") {
        let engine = WebhookEngine::new(open_store(&database).await?).max_attempts(8);
        engine.check()?;
        worker = worker.engine(Arc::new(engine));
    } else {
        check(&Context::new())?;
    }
    eprintln!("working");
    // Events that have begun are finished.
    worker.run(async { _ = stop().await }).await?;
    Ok(())
}
