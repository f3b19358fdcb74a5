//! The queue between `web` and `worker`.

use std::env;

use whatsapp_signals::BoxError;
use whatsapp_signals_nats::{EventStream, StreamConfig, async_nats, ensure_stream};

/// Returns the stream of events of the server at `NATS_URL`, or on this machine.
pub async fn event_stream() -> Result<EventStream, BoxError> {
    let url = env::var("NATS_URL").unwrap_or_else(|_| "nats://127.0.0.1:4222".into());
    // Reconnects without a limit of attempts.
    let options = async_nats::ConnectOptions::new().max_reconnects(None);
    let jetstream = async_nats::jetstream::new(options.connect(url).await?);
    Ok(ensure_stream(&jetstream, StreamConfig::new()).await?)
}
