#![cfg_attr(all(doc, not(doctest)), doc = include_str!("links.md"))]
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("pictures.md"))]
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod engine;
pub mod event;
pub mod filter;
mod graph;
#[cfg(any(doc, doctest))]
pub mod guide;
mod json;
pub mod model;
mod signal;
pub mod signals;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod trace;
#[cfg(feature = "signature")]
mod verify;
mod webhook;

pub use engine::{DeadLetter, EngineError, Outcome, WebhookEngine, http_status};
#[doc(no_inline)]
pub use event::{Event, WebhookEvent};
pub use signal::{
    AnySignal, AsyncReceiver, BoxError, Cause, CheckError, ConnectError, ConnectErrorKind,
    ConnectOptions, Connection, Context, Failure, InContext, IntoReceiver, MissingContext, Mute,
    Owning, Problem, Receiver, ReceiverInfo, ReceiverOutput, Report, Retry, RetryWhen, Signal,
    check, owning, receivers,
};
#[doc(no_inline)]
pub use store::Store;
#[cfg(feature = "signature")]
pub use verify::{
    ChallengeError, ChallengeErrorKind, SignatureError, SignatureErrorKind, SignatureVerifier,
    SignedError, VerifyToken, parse_signed,
};
pub use webhook::{
    DispatchReport, EventFailure, ParseError, ParseErrorKind, Parser, Webhook, parse, parse_entry,
};

/// Registers a function as a receiver of a signal, for the whole program.
///
/// The function stays as it is and can be called as before. It may be `async`:
/// then it is for [`Signal::asend`], and a plain [`Signal::send`] fails at it. It
/// takes the signal's payload by reference, and behind it any number of references to what it
/// needs: values of the [`Context`], objects as `&dyn Trait`, or `&Context` itself. It returns
/// `()` or a `Result<(), E>` whose error converts into a [`BoxError`]. It may stand in any module of any crate,
/// and in a function's body, but not in an `impl` block: a receiver with state
/// is a struct that implements [`Receiver`], given to [`Signal::connect`].
///
/// # Options
///
/// - The signal, or `[A, B]` for several signals of one payload.
///   [`ANY_EVENT`](signals::ANY_EVENT) is the one for every event of a webhook.
/// - `order = N`: lower runs earlier; 0 unless given. Receivers of one order
///   run by file, then by line.
/// - `uid = "name"`: registers once, however often it is written; the name for
///   [`Signal::disconnect`]. The first stays.
/// - `filter = expression`: a function or closure that takes the payload by
///   reference and says whether the receiver wants it, or one of [`filter`],
///   combined as you like. The expression is evaluated for each event.
/// - `attempts = N`: after the N-th attempt with an event, the receiver gives the event up. A
///   [`WebhookEngine`] and a worker of `whatsapp-signals-nats` count them; a send calls each
///   receiver once: [`ReceiverInfo::attempts`].
/// - `timeout = seconds`: the longest time that one run of an `async fn` may take. An engine with a
///   timer enforces it: [`ReceiverInfo::timeout`].
/// - `crate = path`: where this crate is, when it is not `::whatsapp_signals`.
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
/// Its crate may not be linked: see
/// [my receivers are not called](crate::guide::receivers#my-receivers-are-not-called), and print
/// [`receivers`]. A library that is loaded while the program runs comes too
/// late for signals that were already used.
pub use whatsapp_signals_macros::receiver;

/// What `#[receiver]` expands to. Not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use inventory;

    use crate::signal::{BoxError, ReceiverOutput, Signal};
    pub use crate::signal::{
        BoxFuture, Context, Limits, Need, PayloadOf, ReceiverOf, Registration, needed, needed_dyn,
    };

    /// Whether a filter accepts an event. What the filter takes is known here,
    /// so that a closure need not say it.
    #[inline]
    pub fn accepts<T: ?Sized>(event: &T, filter: impl Fn(&T) -> bool) -> bool {
        filter(event)
    }

    /// An async receiver's future, which must be one for any thread.
    #[inline]
    pub fn boxed<'a, R>(
        future: impl Future<Output = Result<R, BoxError>> + Send + 'a,
    ) -> BoxFuture<'a, R> {
        Box::pin(future)
    }

    /// Boxes the error of a receiver of this signal, whose answer the compiler thus knows before
    /// it looks at the output.
    #[inline]
    pub fn into_result<T, R>(
        _: &Signal<T, R>,
        output: impl ReceiverOutput<R>,
    ) -> Result<R, BoxError> {
        output.into_result()
    }
}
