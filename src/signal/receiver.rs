//! Sync receivers, and the values that they return.

use std::error::Error;

/// The error that a receiver may return: anything that implements
/// [`Error`], boxed.
///
/// ```
/// let cause: whatsapp_signals::BoxError = "the mail server is down".into();
/// assert_eq!(cause.to_string(), "the mail server is down");
/// ```
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// A receiver, which is called with every event of a signal.
///
/// Every `Fn(&T)` that returns the signal's answer `R` or `Result<R, E>` is one, so functions
/// and closures need nothing. Implement it yourself for a struct that carries
/// state, and hand the struct to [`Signal::connect`](crate::Signal::connect).
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
    /// The receiver's failure. It ends a [`send`](crate::Signal::send) and is
    /// collected by a [`send_robust`](crate::Signal::send_robust).
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

/// A value that a receiver function returns: the signal's answer `R`, which is `()` unless
/// the signal is [answering](crate::Signal::answering), or a `Result<R, E>` whose error converts
/// into a [`BoxError`]. Sealed.
///
/// ```
/// use whatsapp_signals::{BoxError, ReceiverOutput};
///
/// let result: Result<u32, BoxError> = 7.into_result();
/// assert_eq!(result.unwrap(), 7);
/// let result: Result<u32, BoxError> = Err("no").into_result();
/// assert_eq!(result.unwrap_err().to_string(), "no");
/// ```
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
    /// The receiver's own error.
    fn into_result(self) -> Result<R, BoxError>;
}

impl<R> ReceiverOutput<R> for R {
    #[inline]
    fn into_result(self) -> Result<R, BoxError> {
        Ok(self)
    }
}

// Not recommended: the compiler would explain at length why some `E` does not
// convert, instead of saying what a receiver returns.
#[diagnostic::do_not_recommend]
impl<R, E: Into<BoxError>> ReceiverOutput<R> for Result<R, E> {
    #[inline]
    fn into_result(self) -> Result<R, BoxError> {
        self.map_err(Into::into)
    }
}

mod sealed {
    pub trait Sealed<R> {}
    impl<R> Sealed<R> for R {}
    impl<R, E> Sealed<R> for Result<R, E> {}
}
