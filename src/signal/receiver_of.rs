//! A registered receiver with its filter and its details.

use std::any::type_name;
use std::borrow::Cow;
use std::fmt;
use std::mem::needs_drop;
use std::panic::Location;

use super::async_receiver::{BoxFuture, IntoReceiver, sealed::DynAsyncReceiver, sealed::Erased};
use super::context::{Context, Need};
use super::guard::drop_quietly;
use super::info::{Details, Limits};
use super::options::{ConnectError, ConnectOptions};
use super::receiver::{BoxError, Receiver};
use super::report::{CallResult, Cause};

/// A receiver, its filter and its details.
pub struct ReceiverOf<T: 'static, R: 'static = ()> {
    target: Target<T, R>,
    filter: Option<Filter<T>>,
    /// Whether the receiver and its filter own nothing, so that their drop runs no code.
    pub(super) owns_nothing: bool,
    pub(super) details: Details,
}

/// A function as a receiver.
pub(super) type Function<T, R> = fn(&T, &Context) -> Result<R, BoxError>;

/// An async function as a receiver.
type AsyncFunction<T, R> = for<'a> fn(&'a T, &'a Context) -> BoxFuture<'a, R>;

/// A copy of the function of a receiver that is a function without a filter.
pub(super) enum FastCall<T, R> {
    Function(Function<T, R>),
    AsyncFunction(AsyncFunction<T, R>),
    No,
}

impl<T, R> Clone for FastCall<T, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, R> Copy for FastCall<T, R> {}

/// The code of a receiver. Its variant, and with it whether a plain `send` can call the
/// receiver, is decided at registration.
enum Target<T: 'static, R: 'static> {
    Function(Function<T, R>),
    AsyncFunction(AsyncFunction<T, R>),
    Object(Box<dyn Receiver<T, R>>),
    AsyncObject(Box<dyn DynAsyncReceiver<T, R>>),
}

/// A filter of a receiver that is connected at run time.
pub(super) struct Closure<T> {
    accepts: Box<dyn Fn(&T) -> bool + Send + Sync>,
    owns_nothing: bool,
}

impl<T> Closure<T> {
    pub(super) fn new<F: Fn(&T) -> bool + Send + Sync + 'static>(accepts: F) -> Self {
        Self {
            accepts: Box::new(accepts),
            owns_nothing: !needs_drop::<F>(),
        }
    }
}

/// Decides whether a receiver is called for an event.
enum Filter<T: 'static> {
    Function(fn(&T) -> bool),
    Closure(Closure<T>),
}

impl<T: 'static, R: 'static> ReceiverOf<T, R> {
    /// Returns a receiver that `#[receiver]` declares.
    #[must_use]
    pub const fn function(
        call: Function<T, R>,
        needs: &'static [Need],
        filter: Option<fn(&T) -> bool>,
        order: i32,
        uid: Option<&'static str>,
        limits: Limits,
        place: Place,
    ) -> Self {
        let target = Target::Function(call);
        Self::fixed(target, needs, filter, order, uid, limits, place)
    }

    /// Returns an async receiver that `#[receiver]` declares.
    #[must_use]
    pub const fn async_function(
        call: AsyncFunction<T, R>,
        needs: &'static [Need],
        filter: Option<fn(&T) -> bool>,
        order: i32,
        uid: Option<&'static str>,
        limits: Limits,
        place: Place,
    ) -> Self {
        let target = Target::AsyncFunction(call);
        Self::fixed(target, needs, filter, order, uid, limits, place)
    }

    const fn fixed(
        target: Target<T, R>,
        needs: &'static [Need],
        filter: Option<fn(&T) -> bool>,
        order: i32,
        uid: Option<&'static str>,
        limits: Limits,
        (path, file, line, index): Place,
    ) -> Self {
        Self {
            details: Details {
                path,
                file,
                line,
                index,
                order,
                is_async: matches!(target, Target::AsyncFunction(_)),
                uid: match uid {
                    Some(uid) => Some(Cow::Borrowed(uid)),
                    None => None,
                },
                needs,
                limits,
            },
            target,
            owns_nothing: true,
            filter: match filter {
                Some(filter) => Some(Filter::Function(filter)),
                None => None,
            },
        }
    }

    /// Returns a receiver that is connected to a signal at run time, at this place.
    ///
    /// # Errors
    ///
    /// A limit that the receiver cannot have.
    pub(super) fn connected<Kind, F: IntoReceiver<T, R, Kind>>(
        signal: &'static str,
        receiver: F,
        options: ConnectOptions<T>,
        caller: &'static Location<'static>,
    ) -> Result<Self, ConnectError> {
        let receiver = receiver.erase();
        let details = Details {
            path: type_name::<F>(),
            file: caller.file(),
            line: caller.line(),
            index: 0,
            order: options.order,
            is_async: receiver.is_async(),
            uid: options.uid,
            needs: &[],
            limits: options.limits,
        };
        ConnectError::check_limits(signal, &details)?;
        let owns_nothing = |filter: &Closure<T>| filter.owns_nothing;
        Ok(Self {
            details,
            owns_nothing: !needs_drop::<F>() && options.filter.as_ref().is_none_or(owns_nothing),
            target: match receiver {
                Erased::Sync(receiver) => Target::Object(receiver),
                Erased::Async(receiver) => Target::AsyncObject(receiver),
            },
            filter: options.filter.map(Filter::Closure),
        })
    }

    #[inline]
    pub(super) fn is_async(&self) -> bool {
        matches!(
            self.target,
            Target::AsyncFunction(_) | Target::AsyncObject(_)
        )
    }

    /// Returns the function of a receiver that is a function without a filter.
    pub(super) fn fast_call(&self) -> FastCall<T, R> {
        match (&self.target, &self.filter) {
            (Target::Function(call), None) => FastCall::Function(*call),
            (Target::AsyncFunction(start), None) => FastCall::AsyncFunction(*start),
            _ => FastCall::No,
        }
    }

    /// Calls the receiver; an async one fails with [`Cause::NeedsAsend`].
    pub(super) fn call(&self, event: &T, context: &Context) -> Result<CallResult<R>, Cause> {
        if !self.accepts(event) {
            return Ok(CallResult::Filtered);
        }
        let result = match &self.target {
            Target::Function(call) => call(event, context),
            Target::Object(receiver) => receiver.receive(event),
            Target::AsyncFunction(_) | Target::AsyncObject(_) => {
                return Err(Cause::NeedsAsend);
            }
        };
        result.map(CallResult::Succeeded).map_err(Cause::of)
    }

    /// Returns the future of an async receiver; `None` when its filter declines.
    #[inline]
    pub(super) fn start<'a>(
        &'a self,
        event: &'a T,
        context: &'a Context,
    ) -> Option<BoxFuture<'a, R>> {
        match &self.target {
            _ if !self.accepts(event) => None,
            Target::AsyncFunction(call) => Some(call(event, context)),
            Target::AsyncObject(receiver) => Some(receiver.start(event)),
            Target::Function(_) | Target::Object(_) => None,
        }
    }

    #[inline]
    fn accepts(&self, event: &T) -> bool {
        match &self.filter {
            None => true,
            Some(Filter::Function(accepts)) => accepts(event),
            Some(Filter::Closure(filter)) => (filter.accepts)(event),
        }
    }
}

/// A receiver and its filter each have a guard: that of a receiver list covers both, and a second
/// destructor that panics during an unwind would abort the program.
impl<T: 'static, R: 'static> Drop for ReceiverOf<T, R> {
    fn drop(&mut self) {
        drop_quietly(self.filter.take());
    }
}

/// The place of a static receiver in the source: its path, file and line, and its
/// number in its crate.
type Place = (&'static str, &'static str, u32, u32);

impl<T, R> fmt::Debug for ReceiverOf<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReceiverOf").field(&self.details).finish()
    }
}
