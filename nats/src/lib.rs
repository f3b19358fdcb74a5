#![doc = include_str!("../README.md")]

mod dead_letter;
mod dead_letters;
mod envelope;
mod envelope_error;
mod message_id;
mod publish_error;
mod published;
mod relay;
mod relay_error;
mod stream;
mod subject;
mod worker;

pub use async_nats;
pub use dead_letter::DeadLetter;
pub use dead_letters::{DeadLetterError, DeadLetters};
pub use envelope::Envelope;
pub use envelope_error::EnvelopeError;
pub use publish_error::{PublishError, PublishErrorKind};
pub use published::Published;
pub use relay::Relay;
pub use relay_error::RelayError;
pub use stream::{EventStream, StreamConfig, StreamError, ensure_stream, find_stream};
pub use worker::{Worker, WorkerError};
