//! A receiver together with its options, as a signal keeps it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::info::Details;
use super::receiver::{BoxError, Receiver};

/// A receiver, its filter and its details.
///
/// Only `#[receiver]` names this type; its payload is what a wrong function
/// argument is reported against.
pub struct ReceiverOf<T: 'static> {
    target: Target<T>,
    filter: Option<Filter<T>>,
    pub(super) details: Details,
}

/// How a receiver is called. Whether it can be called at all by a plain
/// `send` is decided here, once, at registration.
enum Target<T: 'static> {
    Function(fn(&T) -> Result<(), BoxError>),
    Object(Box<dyn Receiver<T>>),
}

/// A filter that is made at run time.
pub(super) type Closure<T> = Box<dyn Fn(&T) -> bool + Send + Sync>;

/// How an event is asked whether the receiver wants it.
enum Filter<T: 'static> {
    Function(fn(&T) -> bool),
    Closure(Closure<T>),
}

/// What [`ReceiverOf::call`] did with an event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Called {
    /// The receiver ran and succeeded.
    Ran,
    /// The receiver's filter declined the event.
    Filtered,
}

impl<T: 'static> ReceiverOf<T> {
    /// A receiver written down at compile time by `#[receiver]`.
    #[doc(hidden)]
    #[must_use]
    pub const fn function(
        call: fn(&T) -> Result<(), BoxError>,
        filter: Option<fn(&T) -> bool>,
        order: i32,
        uid: Option<&'static str>,
        (path, file, line, index): (&'static str, &'static str, u32, u32),
    ) -> Self {
        Self {
            target: Target::Function(call),
            filter: match filter {
                Some(filter) => Some(Filter::Function(filter)),
                None => None,
            },
            details: Details {
                path,
                file,
                line,
                index,
                order,
                uid: match uid {
                    Some(uid) => Some(Cow::Borrowed(uid)),
                    None => None,
                },
            },
        }
    }

    /// A receiver that is connected at run time.
    pub(super) fn object(
        receiver: Box<dyn Receiver<T>>,
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
    pub(super) fn call(&self, event: &T) -> Result<Called, BoxError> {
        if let Some(filter) = &self.filter
            && !filter.accepts(event)
        {
            return Ok(Called::Filtered);
        }
        match &self.target {
            Target::Function(call) => call(event)?,
            Target::Object(receiver) => receiver.receive(event)?,
        }
        Ok(Called::Ran)
    }
}

impl<T> Filter<T> {
    fn accepts(&self, event: &T) -> bool {
        match self {
            Self::Function(accepts) => accepts(event),
            Self::Closure(accepts) => accepts(event),
        }
    }
}

impl<T> fmt::Debug for ReceiverOf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReceiverOf").field(&self.details).finish()
    }
}

/// One place in a signal's list.
pub(super) enum Slot<T: 'static> {
    /// Registered with `#[receiver]`.
    Static(&'static ReceiverOf<T>),
    /// Connected at run time; the number is never given out twice.
    Connected(u64, Arc<ReceiverOf<T>>),
}

impl<T> Slot<T> {
    #[inline]
    pub(super) fn receiver(&self) -> &ReceiverOf<T> {
        match self {
            Self::Static(receiver) => receiver,
            Self::Connected(_, receiver) => receiver,
        }
    }

    pub(super) fn details(&self) -> &Details {
        &self.receiver().details
    }

    pub(super) fn has_id(&self, wanted: u64) -> bool {
        matches!(self, Self::Connected(id, _) if *id == wanted)
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Static(receiver) => Self::Static(receiver),
            Self::Connected(id, receiver) => Self::Connected(*id, Arc::clone(receiver)),
        }
    }
}
