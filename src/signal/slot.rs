//! One place in a signal's list.

use std::sync::Arc;

use super::async_receiver::BoxFuture;
use super::info::Details;
use super::receiver_of::{Function, Plain, ReceiverOf};
use super::report::{Called, Cause};

/// A receiver where a send finds it.
pub(super) struct Slot<T: 'static> {
    /// Nearly all static receivers are plain functions, of which nothing else needs
    /// to be looked at.
    plain: Plain<T>,
    receiver: Held<T>,
}

enum Held<T: 'static> {
    /// Registered with `#[receiver]`.
    Static(&'static ReceiverOf<T>),
    /// Connected at run time; the number is never given out twice.
    Connected(u64, Arc<ReceiverOf<T>>),
}

impl<T> Slot<T> {
    pub(super) fn fixed(receiver: &'static ReceiverOf<T>) -> Self {
        Self {
            plain: receiver.plain(),
            receiver: Held::Static(receiver),
        }
    }

    pub(super) fn connected(id: u64, receiver: Arc<ReceiverOf<T>>) -> Self {
        Self {
            plain: receiver.plain(),
            receiver: Held::Connected(id, receiver),
        }
    }

    /// The function, when that is all that the receiver is.
    #[inline]
    pub(super) fn function(&self) -> Option<Function<T>> {
        match self.plain {
            Plain::Function(call) => Some(call),
            _ => None,
        }
    }

    /// Calls it, unless it has to be waited for.
    #[inline]
    pub(super) fn call(&self, event: &T) -> Result<Called, Cause> {
        match self.plain {
            Plain::Function(call) => call(event).map(|()| Called::Ran).map_err(Cause::Error),
            _ => self.receiver().call(event),
        }
    }

    #[inline]
    pub(super) fn is_async(&self) -> bool {
        match self.plain {
            Plain::Function(_) => false,
            Plain::AsyncFunction(_) => true,
            Plain::No => self.receiver().is_async(),
        }
    }

    /// What an async one does with an event; `None` when its filter declines.
    #[inline]
    pub(super) fn start<'a>(&'a self, event: &'a T) -> Option<BoxFuture<'a>> {
        match self.plain {
            Plain::AsyncFunction(start) => Some(start(event)),
            _ => self.receiver().start(event),
        }
    }

    fn receiver(&self) -> &ReceiverOf<T> {
        match &self.receiver {
            Held::Static(receiver) => receiver,
            Held::Connected(_, receiver) => receiver,
        }
    }

    pub(super) fn details(&self) -> &Details {
        &self.receiver().details
    }

    pub(super) fn is_static(&self) -> bool {
        matches!(self.receiver, Held::Static(_))
    }

    pub(super) fn has_id(&self, wanted: u64) -> bool {
        matches!(self.receiver, Held::Connected(id, _) if id == wanted)
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self {
            plain: self.plain,
            receiver: match &self.receiver {
                Held::Static(receiver) => Held::Static(receiver),
                Held::Connected(id, receiver) => Held::Connected(*id, Arc::clone(receiver)),
            },
        }
    }
}
