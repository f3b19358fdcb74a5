#![cfg_attr(all(doc, not(doctest)), doc = include_str!("links.md"))]
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("pictures.md"))]
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod engine;
pub mod event;
pub mod filter;
#[cfg(any(doc, doctest))]
pub mod guide;
mod json;
pub mod model;
mod panic_guard;
mod signal;
pub mod signals;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod trace;
#[cfg(feature = "signature")]
mod verify;
mod webhook;

pub use engine::{DeadLetter, EngineError, EngineErrorKind, Outcome, WebhookEngine, http_status};
#[doc(no_inline)]
pub use event::{Event, WebhookEvent};
pub use signal::{
    AnySignal, AsyncReceiver, BoxError, Cause, CheckError, ConnectError, ConnectErrorKind,
    ConnectOptions, Connection, Context, Failure, InContext, IntoReceiver, MissingContext, Mute,
    Problem, Receiver, ReceiverInfo, ReceiverOutput, Report, Retry, RetryWhen, Signal, WithState,
    check, receivers, with_state,
};
#[doc(no_inline)]
pub use store::Store;
#[cfg(feature = "signature")]
pub use verify::{
    ChallengeError, ChallengeErrorKind, SignatureError, SignatureErrorKind, SignatureVerifier,
    SignedError, SignedErrorKind, VerifyToken, parse_signed,
};
pub use webhook::{
    DispatchReport, EventFailure, ParseError, ParseErrorKind, Parser, Webhook, parse, parse_entry,
};

/// Registers a function as a receiver of a signal, for the whole program.
///
/// The function itself is not changed, and can be called as before. It takes the signal's payload
/// by reference, and behind the payload any number of references to values that it needs: values
/// of the [`Context`], objects as `&dyn Trait`, or `&Context` itself. It returns `()` or a
/// `Result<(), E>` whose error converts into a [`BoxError`]. An `async` function is called by
/// [`Signal::asend`]; a sync [`Signal::send`] reports it as failed.
///
/// The function may be in any module of any crate, and in the body of a function, but not in an
/// `impl` block: a receiver with state is a struct that implements [`Receiver`], passed to
/// [`Signal::connect`].
///
/// # Options
///
/// - The signal, or `[A, B]` for several signals of one payload.
///   [`ANY_EVENT`](signals::ANY_EVENT) is the signal for every event of a webhook.
/// - `order = N`: receivers of lower order run earlier (default: 0). Receivers of equal order run
///   by file, then by line.
/// - `uid = "name"`: a name for [`Signal::disconnect`]. Of several receivers with one uid, the
///   first is registered.
/// - `filter = expression`: a function or closure that takes the payload by reference and returns
///   `true` if the receiver is to be called, or one or several of [`filter`], combined. The
///   expression is evaluated for each event.
/// - `attempts = N`: the number of attempts after which an event is given up for this receiver
///   (default: no limit). A [`WebhookEngine`] and a worker of `whatsapp-signals-nats` apply the
///   limit; a send calls each receiver once: [`ReceiverInfo::attempts`].
/// - `timeout = seconds`: the longest time that one run of an `async fn` may take (default: no
///   limit). An engine with a timer enforces the limit: [`ReceiverInfo::timeout`].
/// - `crate = path`: the path of this crate (default: `::whatsapp_signals`).
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::{parse, receiver, signals::MESSAGE_RECEIVED};
///
/// #[receiver(MESSAGE_RECEIVED, order = -10, uid = "audit")]
/// fn audit(event: &MessageReceived) -> Result<(), String> {
///     Err(format!("{} was seen", event.message.message_type()))
/// }
///
/// #[receiver(MESSAGE_RECEIVED, filter = |event| event.message.has_media())]
/// fn archive(_event: &MessageReceived) {}
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let report = parse(&std::fs::read("tests/payloads/text.json")?)?.dispatch();
/// assert_eq!((report.called(), report.filtered()), (1, 1));
/// let failure = &report.failures()[0].failure;
/// assert_eq!(failure.error().unwrap().to_string(), "text was seen");
/// # Ok(())
/// # }
/// ```
///
/// # When a receiver is not called
///
/// The crate of the receiver may not be linked: see
/// [my receivers are not called](crate::guide::receivers#my-receivers-are-not-called), and print
/// [`receivers`]. The receivers of a library that is loaded at run time are not added to signals
/// that were used before.
pub use whatsapp_signals_macros::receiver;

/// The items that `#[receiver]` expands to. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use inventory;

    use crate::signal::{BoxError, ReceiverOutput, Signal};
    pub use crate::signal::{
        BoxFuture, Context, Limits, Need, PayloadOf, RegisteredReceiver, Registration, register,
        require, require_dyn,
    };

    /// Returns true if a filter accepts an event. The signature gives the type of a closure's
    /// argument.
    #[inline]
    pub fn accepts<T: ?Sized>(event: &T, filter: impl Fn(&T) -> bool) -> bool {
        filter(event)
    }

    /// Boxes the future of an async receiver. The bound reports a future that is not `Send`.
    #[inline]
    pub fn boxed<'a, R>(
        future: impl Future<Output = Result<R, BoxError>> + Send + 'a,
    ) -> BoxFuture<'a, R> {
        Box::pin(future)
    }

    /// Boxes the error of a receiver of this signal. The parameter of the signal fixes the type of
    /// the response before the compiler checks the output.
    #[inline]
    pub fn into_result<T, R>(
        _: &Signal<T, R>,
        output: impl ReceiverOutput<R>,
    ) -> Result<R, BoxError> {
        output.into_result()
    }
}
