//! Async closures with state.

use std::any::type_name;
use std::fmt;
use std::future::Future;

use super::async_receiver::AsyncReceiver;
use super::receiver::{BoxError, ReceiverOutput};

/// Returns an async receiver that owns its state. Each call gets a clone of the state.
///
/// An `async move` closure lends what it owns to its future, and is no receiver: the compiler
/// says that it does not implement `Fn` because it captures state from its environment. Give the
/// state to `owning` in place of capturing it. For several values take a tuple.
///
/// # Examples
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use whatsapp_signals::{Signal, owning};
///
/// # pollster::block_on(async {
/// type Lines = Arc<Mutex<Vec<String>>>;
///
/// let lines = Lines::default();
/// let signal: Signal<u32> = Signal::new("tick");
/// let _connection = signal.connect(owning(lines.clone(), async |lines: Lines, n: &u32| {
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
pub fn owning<S, F>(state: S, receive: F) -> Owning<S, F> {
    Owning { state, receive }
}

/// An async receiver with state: see [`owning`].
pub struct Owning<S, F> {
    state: S,
    receive: F,
}

/// An `Fn` of a state and an event, whose future may borrow the event. As `AsyncCall`, it
/// expresses what a bound on `Fn` alone cannot.
#[doc(hidden)]
pub trait OwningCall<'a, S, T: ?Sized + 'a, R>: Fn(S, &'a T) -> Self::Future {
    type Future: Future<Output: ReceiverOutput<R>> + Send + 'a;
}

impl<'a, S, T, R, F, O> OwningCall<'a, S, T, R> for F
where
    T: ?Sized + 'a,
    F: Fn(S, &'a T) -> O,
    O: Future<Output: ReceiverOutput<R>> + Send + 'a,
{
    type Future = O;
}

impl<S, T, R, F> AsyncReceiver<T, R> for Owning<S, F>
where
    S: Clone + Send + Sync + 'static,
    T: ?Sized + Sync,
    F: for<'a> OwningCall<'a, S, T, R> + Send + Sync + 'static,
{
    async fn receive(&self, event: &T) -> Result<R, BoxError> {
        let called = (self.receive)(self.state.clone(), event);
        called.await.into_result()
    }
}

impl<S, F> fmt::Debug for Owning<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = type_name::<S>();
        f.debug_struct("Owning")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
