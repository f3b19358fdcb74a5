//! Why there is no stream.

use std::fmt::Display;

use thiserror::Error;
use whatsapp_signals::BoxError;

/// Why a stream could not be set up.
///
/// # Examples
///
/// ```
/// use whatsapp_signals_nats::{StreamConfig, StreamError, async_nats, ensure_stream};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), async_nats::ConnectError> {
/// // Nobody need answer for this one.
/// let options = async_nats::ConnectOptions::new().retry_on_initial_connect();
/// let client = options.connect("nats://127.0.0.1:4222").await?;
/// let jetstream = async_nats::jetstream::new(client);
/// let error = ensure_stream(&jetstream, StreamConfig::new().partitions(0)).await.unwrap_err();
/// assert!(matches!(error, StreamError::Invalid(_)));
/// assert_eq!(error.to_string(), "a stream cannot have such a number of partitions");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The configuration asks for this, which there cannot be.
    #[error("a stream cannot have such {0}")]
    Invalid(&'static str),
    /// The stream is there, and has more of something than is asked for.
    #[error(
        "the stream {stream} would shrink: its {what} would be {}, and is {}",
        shown(*.wanted), shown(*.existing)
    )]
    Shrinks {
        /// The stream.
        stream: String,
        /// What there would be less of.
        what: &'static str,
        /// How much there is; `None` where there is no limit.
        existing: Option<u64>,
        /// How much is asked for.
        wanted: Option<u64>,
    },
    /// A stream of this name is there, and is another one.
    #[error("the stream {stream} is there already, with another {what}")]
    Differs {
        /// The stream.
        stream: String,
        /// What is not as it should be.
        what: &'static str,
    },
    /// No stream has this name.
    #[error("there is no stream {0}")]
    Missing(String),
    /// So many replicas need a cluster, and the server is in none.
    #[error("{0} replicas need a cluster, and the server is in none")]
    NoCluster(usize),
    /// The server cannot be reached, or has refused.
    #[error("the server could not set up the stream")]
    Server(#[source] BoxError),
}

impl StreamError {
    pub(super) fn server(error: impl Into<BoxError>) -> Self {
        Self::Server(error.into())
    }
}

fn shown(limit: Option<u64>) -> impl Display {
    limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string())
}
