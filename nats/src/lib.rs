#![doc = include_str!("../README.md")]

mod envelope;
mod subject;

mod stream;

mod publish;

mod dead_letters;
mod relay;

mod worker;

pub use async_nats;
pub use dead_letters::{DeadLetter, DeadLetterError, DeadLetterErrorKind, DeadLetters};
pub use envelope::{Envelope, EnvelopeError, EnvelopeErrorKind};
pub use publish::{PublishError, PublishErrorKind, Published};
pub use relay::{Relay, RelayError, RelayErrorKind};
pub use stream::{
    EventStream, StreamConfig, StreamError, StreamErrorKind, ensure_stream, find_stream,
};
pub use worker::{Worker, WorkerError};
