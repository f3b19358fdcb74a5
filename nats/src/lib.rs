#![doc = include_str!("../README.md")]

mod dead_letter;
mod dead_letters;
mod envelope;
mod message_id;
mod publish_error;
mod relay;
mod stream;
mod subject;
mod worker;

pub use async_nats;
pub use dead_letter::DeadLetter;
pub use dead_letters::{DeadLetterError, DeadLetters};
pub use envelope::{Envelope, EnvelopeError};
pub use publish_error::{PublishError, PublishErrorKind};
pub use relay::{Published, Relay, RelayError};
pub use stream::{EventStream, StreamConfig, StreamError, ensure_stream};
pub use worker::{Worker, WorkerError};
