//! A receiver together with its options, as a signal keeps it.

use std::borrow::Cow;
use std::fmt;

use super::async_receiver::{BoxFuture, sealed::Erased};
use super::info::Details;
use super::receiver::BoxError;
use super::report::{Called, Cause};

/// A receiver, its filter and its details.
///
/// Only `#[receiver]` names this type; its payload is what a wrong function
/// argument is reported against.
pub struct ReceiverOf<T: 'static> {
    target: Target<T>,
    filter: Option<Filter<T>>,
    pub(super) details: Details,
}

/// A function as a receiver.
pub(super) type Function<T> = fn(&T) -> Result<(), BoxError>;

/// An async one.
type AsyncFunction<T> = fn(&T) -> BoxFuture<'_>;

/// Whether a receiver is a function without a filter, and which.
pub(super) enum Plain<T> {
    Function(Function<T>),
    AsyncFunction(AsyncFunction<T>),
    No,
}

impl<T> Clone for Plain<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Plain<T> {}

/// How a receiver is called. Whether it can be called at all by a plain
/// `send` is decided here, once, at registration.
enum Target<T: 'static> {
    Function(Function<T>),
    AsyncFunction(AsyncFunction<T>),
    Object(Erased<T>),
}

/// A filter that is made at run time.
pub(super) type Closure<T> = Box<dyn Fn(&T) -> bool + Send + Sync>;

/// How an event is asked whether the receiver wants it.
enum Filter<T: 'static> {
    Function(fn(&T) -> bool),
    Closure(Closure<T>),
}

impl<T: 'static> ReceiverOf<T> {
    /// A receiver written down at compile time by `#[receiver]`.
    #[doc(hidden)]
    #[must_use]
    pub const fn function(
        call: Function<T>,
        filter: Option<fn(&T) -> bool>,
        order: i32,
        uid: Option<&'static str>,
        place: Place,
    ) -> Self {
        Self::fixed(Target::Function(call), filter, order, uid, place)
    }

    /// An async one.
    #[doc(hidden)]
    #[must_use]
    pub const fn async_function(
        call: AsyncFunction<T>,
        filter: Option<fn(&T) -> bool>,
        order: i32,
        uid: Option<&'static str>,
        place: Place,
    ) -> Self {
        Self::fixed(Target::AsyncFunction(call), filter, order, uid, place)
    }

    const fn fixed(
        target: Target<T>,
        filter: Option<fn(&T) -> bool>,
        order: i32,
        uid: Option<&'static str>,
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
            },
            target,
            filter: match filter {
                Some(filter) => Some(Filter::Function(filter)),
                None => None,
            },
        }
    }

    /// A receiver that is connected at run time.
    pub(super) fn object(
        receiver: Erased<T>,
        filter: Option<Closure<T>>,
        details: Details,
    ) -> Self {
        Self {
            target: Target::Object(receiver),
            filter: filter.map(Filter::Closure),
            details,
        }
    }

    #[inline]
    pub(super) fn is_async(&self) -> bool {
        matches!(
            self.target,
            Target::AsyncFunction(_) | Target::Object(Erased::Async(_))
        )
    }

    /// Its function, when it is no more than one.
    pub(super) fn plain(&self) -> Plain<T> {
        match (&self.target, &self.filter) {
            (Target::Function(call), None) => Plain::Function(*call),
            (Target::AsyncFunction(start), None) => Plain::AsyncFunction(*start),
            _ => Plain::No,
        }
    }

    /// Calls it, unless it has to be waited for.
    pub(super) fn call(&self, event: &T) -> Result<Called, Cause> {
        if !self.accepts(event) {
            return Ok(Called::Filtered);
        }
        let result = match &self.target {
            Target::Function(call) => call(event),
            Target::Object(Erased::Sync(receiver)) => receiver.receive(event),
            Target::AsyncFunction(_) | Target::Object(Erased::Async(_)) => {
                return Err(Cause::NeedsAsend);
            }
        };
        result.map(|()| Called::Ran).map_err(Cause::Error)
    }

    /// What an async one does with an event; `None` when its filter declines.
    #[inline]
    pub(super) fn start<'a>(&'a self, event: &'a T) -> Option<BoxFuture<'a>> {
        match &self.target {
            _ if !self.accepts(event) => None,
            Target::AsyncFunction(call) => Some(call(event)),
            Target::Object(Erased::Async(receiver)) => Some(receiver.start(event)),
            Target::Function(_) | Target::Object(Erased::Sync(_)) => None,
        }
    }

    #[inline]
    fn accepts(&self, event: &T) -> bool {
        match &self.filter {
            None => true,
            Some(Filter::Function(accepts)) => accepts(event),
            Some(Filter::Closure(accepts)) => accepts(event),
        }
    }
}

/// Where a static receiver is: its path, file and line, and its number in its
/// crate.
type Place = (&'static str, &'static str, u32, u32);

impl<T> fmt::Debug for ReceiverOf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReceiverOf").field(&self.details).finish()
    }
}
