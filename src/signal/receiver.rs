//! Receivers, sync and async: the values that they return, and their descriptions.

use std::any::type_name;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::context::Need;

/// The error that a receiver may return: a boxed [`Error`].
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// The boxed future of an async receiver.
pub type BoxFuture<'a, R> = Pin<Box<dyn Future<Output = Result<R, BoxError>> + Send + 'a>>;

/// A receiver, which is called with every event of a signal.
///
/// Every function and closure `Fn(&T)` that returns the signal's response `R` or `Result<R, E>`
/// implements this trait. Implement it yourself for a struct that carries state, and pass the
/// struct to [`Signal::connect`](crate::Signal::connect).
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use whatsapp_signals::{BoxError, Receiver, Signal};
///
/// static SEEN: AtomicUsize = AtomicUsize::new(0);
///
/// struct CountLongerThan(usize);
///
/// impl Receiver<String> for CountLongerThan {
///     fn receive(&self, event: &String) -> Result<(), BoxError> {
///         if event.len() > self.0 {
///             SEEN.fetch_add(1, Ordering::Relaxed);
///         }
///         Ok(())
///     }
/// }
///
/// let signal: Signal<String> = Signal::new("line_read");
/// let _connection = signal.connect(CountLongerThan(3));
/// signal.send(&"hi".to_owned())?;
/// signal.send(&"hello".to_owned())?;
/// assert_eq!(SEEN.load(Ordering::Relaxed), 1);
/// # Ok::<(), whatsapp_signals::Failure>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot receive `{T}`",
    note = "a receiver is an `Fn(&{T})` that returns `{R}` or `Result<{R}, E>`; give a closure's argument its type: `|event: &{T}| …`"
)]
pub trait Receiver<T: ?Sized, R = ()>: Send + Sync + 'static {
    /// Handles one event.
    ///
    /// # Errors
    ///
    /// The receiver's failure. It ends a [`send`](crate::Signal::send); a
    /// [`send_robust`](crate::Signal::send_robust) adds it to the report.
    fn receive(&self, event: &T) -> Result<R, BoxError>;
}

impl<T, R, F, O> Receiver<T, R> for F
where
    T: ?Sized,
    F: Fn(&T) -> O + Send + Sync + 'static,
    O: ReceiverOutput<R>,
{
    fn receive(&self, event: &T) -> Result<R, BoxError> {
        self(event).into_result()
    }
}

/// An async receiver, for work that awaits a database or another server.
///
/// Every `async fn(&T)` and `async |event: &T|` that returns the signal's response `R` or
/// `Result<R, E>` implements this trait, if its future is `Send` and borrows nothing but the
/// event. An `async move` closure that owns state lends it to its future, which no bound can
/// express: pass the state by [`with_state`], or implement this trait for a struct that owns the
/// state. [`asend`](crate::Signal::asend) and [`asend_robust`](crate::Signal::asend_robust) poll
/// the future within the task that sends.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use whatsapp_signals::{AsyncReceiver, BoxError, Signal};
///
/// static SEEN: AtomicUsize = AtomicUsize::new(0);
///
/// struct CountLongerThan(usize);
///
/// impl AsyncReceiver<String> for CountLongerThan {
///     async fn receive(&self, event: &String) -> Result<(), BoxError> {
///         SEEN.fetch_add(usize::from(event.len() > self.0), Ordering::Relaxed);
///         Ok(())
///     }
/// }
///
/// # pollster::block_on(async {
/// let signal: Signal<String> = Signal::new("line_read");
/// let _connection = signal.connect(CountLongerThan(3));
///
/// signal.asend(&"hi".to_owned()).await?;
/// signal.asend(&"hello".to_owned()).await?;
/// assert_eq!(SEEN.load(Ordering::Relaxed), 1);
/// # Ok::<(), whatsapp_signals::Failure>(())
/// # }).unwrap();
/// ```
pub trait AsyncReceiver<T: ?Sized, R = ()>: Send + Sync + 'static {
    /// Handles one event. The future may be dropped before it is ready: when the sender is
    /// cancelled, or another receiver has ended an [`asend`](crate::Signal::asend).
    fn receive(&self, event: &T) -> impl Future<Output = Result<R, BoxError>> + Send;
}

/// An `Fn` that returns a future which may borrow the event.
///
/// A bound on `Fn` alone cannot express it: a future that borrows has a different type for
/// each lifetime.
#[doc(hidden)]
pub trait AsyncCall<'a, T: ?Sized + 'a, R>: Fn(&'a T) -> Self::Future {
    type Future: Future<Output: ReceiverOutput<R>> + Send + 'a;
}

impl<'a, T, R, F, O> AsyncCall<'a, T, R> for F
where
    T: ?Sized + 'a,
    F: Fn(&'a T) -> O,
    O: Future<Output: ReceiverOutput<R>> + Send + 'a,
{
    type Future = O;
}

impl<T, R, F> AsyncReceiver<T, R> for F
where
    T: ?Sized + Sync,
    F: for<'a> AsyncCall<'a, T, R> + Send + Sync + 'static,
{
    async fn receive(&self, event: &T) -> Result<R, BoxError> {
        self(event).await.into_result()
    }
}

/// Returns an async receiver that owns its state. Each call gets a clone of the state.
///
/// An `async move` closure lends its captures to its future, and is no receiver: the compiler
/// says that it does not implement `Fn` because it captures state from its environment. Pass the
/// state to `with_state` in place of capturing it; several values go into a tuple.
///
/// # Examples
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use whatsapp_signals::{Signal, with_state};
///
/// # pollster::block_on(async {
/// type Lines = Arc<Mutex<Vec<String>>>;
///
/// let lines = Lines::default();
/// let signal: Signal<u32> = Signal::new("tick");
/// let _connection = signal.connect(with_state(lines.clone(), async |lines: Lines, n: &u32| {
///     std::future::ready(()).await;
///     lines.lock().unwrap().push(format!("tick {n}"));
/// }));
///
/// signal.asend(&7).await?;
/// assert_eq!(*lines.lock().unwrap(), ["tick 7"]);
/// # Ok::<(), whatsapp_signals::Failure>(())
/// # }).unwrap();
/// ```
#[must_use]
pub fn with_state<S, F>(state: S, receive: F) -> WithState<S, F> {
    WithState { state, receive }
}

/// An async receiver with state: see [`with_state`].
pub struct WithState<S, F> {
    state: S,
    receive: F,
}

/// An `Fn` of a state and an event, whose future may borrow the event. As `AsyncCall`, it
/// expresses a bound that `Fn` alone cannot.
#[doc(hidden)]
pub trait StatefulCall<'a, S, T: ?Sized + 'a, R>: Fn(S, &'a T) -> Self::Future {
    type Future: Future<Output: ReceiverOutput<R>> + Send + 'a;
}

impl<'a, S, T, R, F, O> StatefulCall<'a, S, T, R> for F
where
    T: ?Sized + 'a,
    F: Fn(S, &'a T) -> O,
    O: Future<Output: ReceiverOutput<R>> + Send + 'a,
{
    type Future = O;
}

impl<S, T, R, F> AsyncReceiver<T, R> for WithState<S, F>
where
    S: Clone + Send + Sync + 'static,
    T: ?Sized + Sync,
    F: for<'a> StatefulCall<'a, S, T, R> + Send + Sync + 'static,
{
    async fn receive(&self, event: &T) -> Result<R, BoxError> {
        let called = (self.receive)(self.state.clone(), event);
        called.await.into_result()
    }
}

impl<S, F> fmt::Debug for WithState<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = type_name::<S>();
        f.debug_struct("WithState")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

/// The argument of [`Signal::connect`](crate::Signal::connect): a [`Receiver`] or an
/// [`AsyncReceiver`]. Functions, closures and your own structs are of either kind. The compiler
/// infers `Kind`. Sealed.
///
/// ```
/// use whatsapp_signals::{Cause, Signal};
///
/// let signal: Signal<u32> = Signal::new("tick");
/// let _sync = signal.connect(|_: &u32| {});
/// let _async = signal.connect(async |n: &u32| if *n > 8 { Err("too late") } else { Ok(()) });
///
/// # pollster::block_on(async {
/// assert!(signal.asend(&7).await.is_ok());
/// assert!(signal.asend(&9).await.is_err());
/// # });
/// // A sync send cannot await, and reports the async receiver as failed.
/// assert!(matches!(signal.send(&7).unwrap_err().cause(), Cause::NeedsAsend));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot receive `{T}`",
    note = "a receiver is an `Fn(&{T})` that returns `{R}` or `Result<{R}, E>`, or an async one whose future is `Send`; give a closure's argument its type: `|event: &{T}| …`"
)]
pub trait IntoReceiver<T, R: 'static, Kind>: Send + Sync + 'static {
    #[doc(hidden)]
    const IS_ASYNC: bool;

    /// Calls a sync receiver.
    #[doc(hidden)]
    fn call(&self, event: &T) -> Option<Result<R, BoxError>>;

    /// Returns the future of an async receiver.
    #[doc(hidden)]
    fn start<'a>(&'a self, event: &'a T) -> Option<BoxFuture<'a, R>>;
}

impl<T, R: 'static, F: Receiver<T, R>> IntoReceiver<T, R, sealed::Sync> for F {
    const IS_ASYNC: bool = false;

    #[inline]
    fn call(&self, event: &T) -> Option<Result<R, BoxError>> {
        Some(self.receive(event))
    }

    fn start<'a>(&'a self, _: &'a T) -> Option<BoxFuture<'a, R>> {
        None
    }
}

impl<T, R: 'static, F: AsyncReceiver<T, R>> IntoReceiver<T, R, sealed::Async> for F {
    const IS_ASYNC: bool = true;

    fn call(&self, _: &T) -> Option<Result<R, BoxError>> {
        None
    }

    #[inline]
    fn start<'a>(&'a self, event: &'a T) -> Option<BoxFuture<'a, R>> {
        Some(Box::pin(self.receive(event)))
    }
}

/// A value that a receiver function returns: the signal's response `R`, which is `()` unless
/// the signal was made [with responses](crate::Signal::with_responses), or a `Result<R, E>` whose
/// error converts into a [`BoxError`]. Sealed.
#[diagnostic::on_unimplemented(
    message = "a receiver of this signal returns `{R}` or `Result<{R}, E>`, not `{Self}`",
    label = "not something that a receiver of this signal can return",
    note = "`E` is anything that converts into `Box<dyn Error + Send + Sync>`; `Box<dyn Error>` does not"
)]
pub trait ReceiverOutput<R = ()>: sealed::Sealed<R> {
    /// Boxes the error.
    ///
    /// # Errors
    ///
    /// The receiver's error.
    fn into_result(self) -> Result<R, BoxError>;
}

impl<R> ReceiverOutput<R> for R {
    #[inline]
    fn into_result(self) -> Result<R, BoxError> {
        Ok(self)
    }
}

// Not recommended: the compiler would explain at length why some `E` does not convert, and not
// name the outputs of a receiver.
#[diagnostic::do_not_recommend]
impl<R, E: Into<BoxError>> ReceiverOutput<R> for Result<R, E> {
    #[inline]
    fn into_result(self) -> Result<R, BoxError> {
        self.map_err(Into::into)
    }
}

/// The description of one receiver of one signal, for a start-up check and for a
/// [`Failure`](crate::Failure).
///
/// Its [`Display`](fmt::Display) form is `path (file:line)`.
///
/// ```
/// use whatsapp_signals::{ConnectOptions, Signal};
///
/// async fn store(_: &u32) {}
///
/// let signal: Signal<u32> = Signal::new("tick");
/// let _connection = signal.connect_with(ConnectOptions::new().order(7).uid("store"), store)?;
///
/// let [receiver] = &signal.receivers()[..] else { panic!("one receiver") };
/// assert_eq!((receiver.signal(), receiver.uid()), ("tick", Some("store")));
/// assert!(receiver.path().ends_with("::store"));
/// assert!(receiver.file().ends_with(".rs") && receiver.line() > 0);
/// assert_eq!(receiver.order(), 7);
/// assert!(receiver.is_async() && !receiver.is_shadowed());
/// # Ok::<(), whatsapp_signals::ConnectError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReceiverInfo {
    pub(super) signal: &'static str,
    pub(super) meta: ReceiverMeta,
    is_async: bool,
    pub(super) is_shadowed: bool,
}

/// The part of a [`ReceiverInfo`] that depends neither on the signal nor on the code.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ReceiverMeta {
    pub(super) path: &'static str,
    pub(super) file: &'static str,
    pub(super) line: u32,
    /// A number that grows with the position in the file. Distinguishes receivers that one macro
    /// call made in one line. 0 for run-time receivers.
    pub(super) position: u64,
    pub(super) order: i32,
    pub(super) uid: Option<Cow<'static, str>>,
    pub(super) needs: &'static [Need],
    pub(super) limits: Limits,
}

/// The limits of a receiver. Neither of them is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// See [`ReceiverInfo::attempts`].
    pub attempts: Option<u32>,
    /// For async receivers only.
    pub timeout: Option<Duration>,
}

impl Limits {
    pub(super) const NONE: Self = Self {
        attempts: None,
        timeout: None,
    };
}

impl ReceiverMeta {
    /// Returns true if the name is the uid or the path, or a module or crate that contains the
    /// path.
    pub(super) fn is_named(&self, name: &str) -> bool {
        let rest = self.path.strip_prefix(name);
        let contains = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        contains || self.uid.as_deref() == Some(name)
    }

    /// Returns the key by which static receivers are sorted. The order of linking differs between
    /// debug and release builds, so the key does not depend on it.
    pub(super) fn sort_key(&self) -> (i32, &'static str, u32, &'static str, u64) {
        (self.order, self.file, self.line, self.path, self.position)
    }
}

impl ReceiverInfo {
    pub(super) fn new(signal: &'static str, meta: &ReceiverMeta, is_async: bool) -> Self {
        Self {
            signal,
            meta: meta.clone(),
            is_async,
            is_shadowed: false,
        }
    }

    /// Returns true if `id` may be the receiver's id, as
    /// [`ReceiverIds::receiver_id`](super::ReceiverIds::receiver_id) returns it: the uid, or the
    /// path, with a number behind it if several receivers have the path.
    pub(crate) fn has_id(&self, id: &str) -> bool {
        match self.uid() {
            Some(uid) => uid == id,
            None => self.path() == id.rsplit_once('#').map_or(id, |(path, _)| path),
        }
    }

    /// Returns the name of the receiver's signal.
    #[must_use]
    pub fn signal(&self) -> &'static str {
        self.signal
    }

    /// Returns the path of the function, `my_crate::handlers::greet`; of a closure or a struct, the
    /// name of its type.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.meta.path
    }

    /// Returns the source file that registered the receiver, as the compiler names the file.
    #[must_use]
    pub fn file(&self) -> &'static str {
        self.meta.file
    }

    /// Returns the line in [`file`](Self::file), counted from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.meta.line
    }

    /// Returns the order (default: 0). Receivers of lower order run earlier.
    #[must_use]
    pub fn order(&self) -> i32 {
        self.meta.order
    }

    /// Returns the name by which [`Signal::disconnect`](crate::Signal::disconnect) finds the
    /// receiver.
    #[must_use]
    pub fn uid(&self) -> Option<&str> {
        self.meta.uid.as_deref()
    }

    /// Returns true if the receiver is async, so that only an `asend` can call it.
    #[must_use]
    pub fn is_async(&self) -> bool {
        self.is_async
    }

    /// Returns the number of attempts after which an engine gives up an event for this receiver:
    /// at least 1; `None` without a limit.
    ///
    /// Set by `#[receiver(…, attempts = 3)]` or
    /// [`ConnectOptions::attempts`](crate::ConnectOptions::attempts). A send calls each receiver
    /// once and ignores the limit. A [`WebhookEngine`](crate::WebhookEngine) and a worker of
    /// `whatsapp-signals-nats` apply it. Without a limit, an engine applies its
    /// [`max_attempts`](crate::WebhookEngine::max_attempts).
    ///
    /// ```
    /// use std::time::Duration;
    /// use whatsapp_signals::{Signal, receiver};
    ///
    /// static TICK: Signal<u32> = Signal::new("tick");
    ///
    /// #[receiver(TICK, attempts = 3, timeout = 10)]
    /// async fn forward(_: &u32) -> Result<(), &'static str> {
    ///     Err("connection refused")
    /// }
    ///
    /// # fn main() {
    /// # pollster::block_on(async {
    /// let failure = TICK.asend(&7).await.unwrap_err();
    /// assert_eq!(failure.receiver().attempts(), Some(3));
    /// assert_eq!(failure.receiver().timeout(), Some(Duration::from_secs(10)));
    /// # });
    /// # }
    /// ```
    #[must_use]
    pub fn attempts(&self) -> Option<u32> {
        self.meta.limits.attempts
    }

    /// Returns the longest time that one run of the async receiver may take: longer than zero;
    /// `None` without a limit.
    ///
    /// Set by `#[receiver(…, timeout = 10)]` in seconds or by
    /// [`ConnectOptions::timeout`](crate::ConnectOptions::timeout). A
    /// [`WebhookEngine`](crate::WebhookEngine) that has a
    /// [`timer`](crate::WebhookEngine::timer) drops a run that takes longer, and counts a failed
    /// attempt. No send enforces it, and no worker of `whatsapp-signals-nats` without an engine.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.meta.limits.timeout
    }

    /// Returns the names of the types that the receiver takes from its
    /// [`Context`](crate::Context).
    ///
    /// ```
    /// use whatsapp_signals::{Signal, receiver};
    ///
    /// static TICK: Signal<u32> = Signal::new("tick");
    ///
    /// #[receiver(TICK)]
    /// fn log(_: &u32, _prefix: &String) {}
    ///
    /// # fn main() {
    /// assert!(TICK.receivers()[0].needs().eq(["alloc::string::String"]));
    /// # }
    /// ```
    pub fn needs(&self) -> impl Iterator<Item = &'static str> {
        let needs = self.meta.needs.iter();
        needs
            .filter(|need| !need.is_context())
            .map(|need| need.type_name())
    }

    /// Returns true if an earlier static receiver of the same signal has the same uid, so that
    /// this receiver is never called.
    ///
    /// Only the program-wide [`receivers`](crate::receivers) lists shadowed receivers.
    #[must_use]
    pub fn is_shadowed(&self) -> bool {
        self.is_shadowed
    }
}

impl fmt::Display for ReceiverInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.path(), self.file(), self.line())
    }
}

pub(super) mod sealed {
    /// The kind of a [`Receiver`].
    #[derive(Debug)]
    pub struct Sync;

    /// The kind of an [`AsyncReceiver`].
    #[derive(Debug)]
    pub struct Async;

    /// Keeps other crates from implementing [`ReceiverOutput`](super::ReceiverOutput).
    pub trait Sealed<R> {}
    impl<R> Sealed<R> for R {}
    impl<R, E> Sealed<R> for Result<R, E> {}
}
