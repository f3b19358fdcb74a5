//! Errors of setting up a stream.

use std::error::Error;
use std::fmt;

use whatsapp_signals::BoxError;

/// An error of [`ensure_stream`](super::ensure_stream) or [`find_stream`](super::find_stream).
///
/// # Examples
///
/// ```
/// use whatsapp_signals_nats::{StreamConfig, StreamErrorKind, async_nats, ensure_stream};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), async_nats::ConnectError> {
/// // Connects in the background: the configuration is checked first.
/// let options = async_nats::ConnectOptions::new().retry_on_initial_connect();
/// let client = options.connect("nats://127.0.0.1:4222").await?;
/// let jetstream = async_nats::jetstream::new(client);
/// let error = ensure_stream(&jetstream, StreamConfig::new().partitions(0)).await.unwrap_err();
/// assert_eq!(error.kind(), &StreamErrorKind::Invalid("number of partitions"));
/// assert_eq!(error.to_string(), "invalid number of partitions");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct StreamError {
    kind: StreamErrorKind,
    source: Option<BoxError>,
}

impl StreamError {
    pub(super) fn server(error: impl Into<BoxError>) -> Self {
        Self {
            kind: StreamErrorKind::Server,
            source: Some(error.into()),
        }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> &StreamErrorKind {
        &self.kind
    }
}

impl From<StreamErrorKind> for StreamError {
    fn from(kind: StreamErrorKind) -> Self {
        Self { kind, source: None }
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            StreamErrorKind::Invalid(setting) => write!(f, "invalid {setting}"),
            StreamErrorKind::Shrinks {
                stream,
                setting,
                existing,
                requested,
            } => {
                let (existing, requested) = (limit(*existing), limit(*requested));
                write!(
                    f,
                    "the {setting} of the stream {stream} cannot shrink from {existing} to {requested}"
                )
            }
            StreamErrorKind::Differs { stream, setting } => {
                write!(f, "the stream {stream} exists with a different {setting}")
            }
            StreamErrorKind::Missing(stream) => write!(f, "the stream {stream} does not exist"),
            StreamErrorKind::NoCluster(replicas) => write!(
                f,
                "{replicas} replicas require a cluster, and the server is in none"
            ),
            StreamErrorKind::Server => f.write_str("the server could not set up the stream"),
        }
    }
}

impl Error for StreamError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref();
        source.map(|source| source as &(dyn Error + 'static))
    }
}

/// The kind of a [`StreamError`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamErrorKind {
    /// The configuration has an invalid value of this setting.
    Invalid(&'static str),
    /// The stream exists, and the configuration would reduce one of its settings.
    Shrinks {
        /// The name of the stream.
        stream: String,
        /// The setting.
        setting: &'static str,
        /// Its value in the stream; `None` if unlimited.
        existing: Option<u64>,
        /// Its value in the configuration; `None` if unlimited.
        requested: Option<u64>,
    },
    /// A stream with this name exists and was made for another purpose.
    Differs {
        /// The name of the stream.
        stream: String,
        /// The setting that differs.
        setting: &'static str,
    },
    /// No stream has this name.
    Missing(String),
    /// This number of replicas requires a cluster, and the server is in none.
    NoCluster(usize),
    /// The server cannot be reached, or has refused the request.
    Server,
}

fn limit(limit: Option<u64>) -> String {
    limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string())
}
