//! Why something that lies in the queue could not be read.

use thiserror::Error;

/// Why something that lies in the queue could not be read.
///
/// # Examples
///
/// ```
/// use whatsapp_signals_nats::{Envelope, EnvelopeError};
///
/// let error = Envelope::from_json(br#"{"version": 7}"#).unwrap_err();
/// assert_eq!(error, EnvelopeError::OtherVersion(7));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// It is not JSON, or has no version.
    #[error("not an envelope")]
    NotAnEnvelope,
    /// It has this version: the program that published it is newer than the worker,
    /// which should be updated first.
    #[error("an envelope of version {0}, which this worker does not know")]
    OtherVersion(u32),
    /// Its event is none that this version of the crate knows.
    #[error("an envelope whose event cannot be read")]
    Unreadable,
}
