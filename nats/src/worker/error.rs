//! Why a worker could not begin.

use thiserror::Error;
use whatsapp_signals::BoxError;

/// Why a worker could not begin.
///
/// # Examples
///
/// ```no_run
/// use std::error::Error;
/// use std::future::pending;
/// use whatsapp_signals_nats::{EventStream, Worker};
///
/// # async fn run(stream: &EventStream) {
/// if let Err(error) = Worker::new(stream).run(pending()).await {
///     assert_eq!(error.to_string(), "the worker could not begin");
///     eprintln!("{error}: {:?}", error.source());
/// }
/// # }
/// ```
#[derive(Debug, Error)]
#[error("the worker could not begin")]
pub struct WorkerError(#[source] pub(super) BoxError);
