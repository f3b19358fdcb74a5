//! Receivers, sync and async, and the values that they return.

use std::any::type_name;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

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
pub trait IntoReceiver<T: ?Sized, R: 'static, Kind> {
    #[doc(hidden)]
    fn into_boxed(self) -> sealed::BoxedReceiver<T, R>;
}

impl<T: ?Sized, R: 'static, F: Receiver<T, R>> IntoReceiver<T, R, sealed::Sync> for F {
    fn into_boxed(self) -> sealed::BoxedReceiver<T, R> {
        sealed::BoxedReceiver::Sync(Box::new(self))
    }
}

impl<T: ?Sized, R: 'static, F: AsyncReceiver<T, R>> IntoReceiver<T, R, sealed::Async> for F {
    fn into_boxed(self) -> sealed::BoxedReceiver<T, R> {
        sealed::BoxedReceiver::Async(Box::new(self))
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

pub(super) mod sealed {
    use super::{AsyncReceiver, BoxFuture, Receiver};

    /// A receiver of either kind, with its type erased.
    #[allow(missing_debug_implementations, reason = "not reachable from outside")]
    pub enum BoxedReceiver<T: ?Sized, R: 'static> {
        Sync(Box<dyn Receiver<T, R>>),
        Async(Box<dyn DynAsyncReceiver<T, R>>),
    }

    /// An [`AsyncReceiver`] as an object.
    pub trait DynAsyncReceiver<T: ?Sized, R: 'static>: Send + ::std::marker::Sync {
        fn start<'a>(&'a self, event: &'a T) -> BoxFuture<'a, R>;
    }

    impl<T: ?Sized, R: 'static, F: AsyncReceiver<T, R>> DynAsyncReceiver<T, R> for F {
        fn start<'a>(&'a self, event: &'a T) -> BoxFuture<'a, R> {
            Box::pin(self.receive(event))
        }
    }

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
