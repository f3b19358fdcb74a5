//! Async receivers, and the conversion of both kinds for `connect`.

use std::future::Future;
use std::pin::Pin;

use super::receiver::{BoxError, Receiver, ReceiverOutput};

/// The boxed future of an async receiver.
pub type BoxFuture<'a, R> = Pin<Box<dyn Future<Output = Result<R, BoxError>> + Send + 'a>>;

/// An async receiver, for work that awaits a database or another server.
///
/// Every `async fn(&T)` and `async |event: &T|` that returns the signal's answer `R` or
/// `Result<R, E>` is one, as long as its future borrows nothing but the event
/// and is `Send`. An `async move` closure that owns something lends it to its
/// future, which no bound can describe: hand it over by [`owning`](crate::owning), or
/// implement this trait for a struct that owns it. [`asend`](crate::Signal::asend) and
/// [`asend_robust`](crate::Signal::asend_robust) poll the future, within the task that sends.
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
    /// Handles one event. The future may be dropped before it is done: when the
    /// sender is cancelled, or another receiver has ended an
    /// [`asend`](crate::Signal::asend).
    fn receive(&self, event: &T) -> impl Future<Output = Result<R, BoxError>> + Send;
}

/// An `Fn` that returns a future which may borrow the event.
///
/// A bound on `Fn` alone cannot express it: a future that borrows has another type for
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

/// The argument of [`Signal::connect`](crate::Signal::connect): a [`Receiver`] or
/// an [`AsyncReceiver`], which are functions and closures of both kinds and
/// structs of your own. The compiler infers `Kind`. Sealed.
///
/// ```
/// use whatsapp_signals::{Cause, Signal};
///
/// let signal: Signal<u32> = Signal::new("tick");
/// let _runs = signal.connect(|_: &u32| {});
/// let _waits = signal.connect(async |n: &u32| if *n > 8 { Err("too late") } else { Ok(()) });
///
/// # pollster::block_on(async {
/// assert!(signal.asend(&7).await.is_ok());
/// assert!(signal.asend(&9).await.is_err());
/// # });
/// // A plain send cannot wait, and says so.
/// assert!(matches!(signal.send(&7).unwrap_err().cause(), Cause::NeedsAsend));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot receive `{T}`",
    note = "a receiver is an `Fn(&{T})` that returns `{R}` or `Result<{R}, E>`, or an async one whose future is `Send`; give a closure's argument its type: `|event: &{T}| …`"
)]
pub trait IntoReceiver<T: ?Sized, R: 'static, Kind> {
    #[doc(hidden)]
    fn erase(self) -> sealed::Erased<T, R>;
}

impl<T: ?Sized, R: 'static, F: Receiver<T, R>> IntoReceiver<T, R, sealed::Runs> for F {
    fn erase(self) -> sealed::Erased<T, R> {
        sealed::Erased::Sync(Box::new(self))
    }
}

impl<T: ?Sized, R: 'static, F: AsyncReceiver<T, R>> IntoReceiver<T, R, sealed::Waits> for F {
    fn erase(self) -> sealed::Erased<T, R> {
        sealed::Erased::Async(Box::new(self))
    }
}

pub(super) mod sealed {
    use super::{AsyncReceiver, BoxFuture, Receiver};

    /// A receiver with its type erased, of either kind.
    #[allow(missing_debug_implementations, reason = "not reachable from outside")]
    pub enum Erased<T: ?Sized, R: 'static> {
        Sync(Box<dyn Receiver<T, R>>),
        Async(Box<dyn DynAsyncReceiver<T, R>>),
    }

    impl<T: ?Sized, R: 'static> Erased<T, R> {
        pub(in crate::signal) fn is_async(&self) -> bool {
            matches!(self, Self::Async(_))
        }
    }

    /// An [`AsyncReceiver`] as an object.
    pub trait DynAsyncReceiver<T: ?Sized, R: 'static>: Send + Sync {
        fn start<'a>(&'a self, event: &'a T) -> BoxFuture<'a, R>;
    }

    impl<T: ?Sized, R: 'static, F: AsyncReceiver<T, R>> DynAsyncReceiver<T, R> for F {
        fn start<'a>(&'a self, event: &'a T) -> BoxFuture<'a, R> {
            Box::pin(self.receive(event))
        }
    }

    /// The kind of a [`Receiver`].
    #[derive(Debug)]
    pub struct Runs;

    /// The kind of an [`AsyncReceiver`].
    #[derive(Debug)]
    pub struct Waits;
}
