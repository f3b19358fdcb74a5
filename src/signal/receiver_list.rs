//! The receivers of one signal, in the order in which a send calls them.

use std::ops::Deref;
use std::sync::Arc;

use super::async_receiver::BoxFuture;
use super::context::Context;
use super::guard;
use super::info::{Details, ReceiverInfo};
use super::options::ConnectError;
use super::overlay::Overlay;
use super::receiver_of::{FastCall, Function, ReceiverOf};
use super::report::{CallResult, Cause, Counts, is_kept};

/// An immutable list of receivers, static ones included.
pub(super) struct ReceiverList<T: 'static, R: 'static> {
    /// The functions of the first slots, as far as they are plain functions. A send
    /// calls these in a loop that reads nothing else. None for a signal with answers, which
    /// are reported with their receivers.
    functions: Box<[Function<T, R>]>,
    slots: Vec<Slot<T, R>>,
    /// The counts of a send in which all receivers succeed; `None` if some are not plain
    /// functions.
    if_all_succeed: Option<Counts>,
    /// Whether no receiver owns anything, so that it does not matter when the list is
    /// dropped.
    owns_nothing: bool,
}

impl<T, R> ReceiverList<T, R> {
    pub(super) fn new(slots: Vec<Slot<T, R>>) -> Self {
        let plain = slots.iter().map_while(Slot::function);
        let functions: Box<[_]> = plain.filter(|_| !is_kept::<R>()).collect();
        let are_all_functions = functions.len() == slots.len();
        Self {
            functions,
            if_all_succeed: are_all_functions.then(|| Counts::of_successes(slots.len())),
            owns_nothing: slots.iter().all(|slot| slot.receiver().owns_nothing),
            slots,
        }
    }

    /// Returns a list with one more receiver, behind those of its order.
    ///
    /// # Errors
    ///
    /// The receiver that already has the uid.
    pub(super) fn with(
        &self,
        signal: &'static str,
        id: u64,
        receiver: &Arc<ReceiverOf<T, R>>,
    ) -> Result<Self, ConnectError> {
        let Details { order, uid, .. } = &receiver.details;
        let is_taken = |slot: &&Slot<T, R>| uid.is_some() && slot.details().uid == *uid;
        if let Some(first) = self.slots.iter().find(is_taken) {
            return Err(ConnectError::uid_taken(first.info(signal)));
        }
        let at = self
            .slots
            .partition_point(|slot| slot.details().order <= *order);
        let mut slots = self.slots.clone();
        slots.insert(at, Slot::connected(id, Arc::clone(receiver)));
        Ok(Self::new(slots))
    }

    #[inline]
    pub(super) fn functions(&self) -> &[Function<T, R>] {
        &self.functions
    }

    #[inline]
    pub(super) fn owns_nothing(&self) -> bool {
        self.owns_nothing
    }

    #[inline]
    pub(super) fn if_all_succeed(&self) -> Option<Counts> {
        self.if_all_succeed
    }

    #[inline]
    pub(super) fn slots(&self) -> &[Slot<T, R>] {
        &self.slots
    }
}

impl<T, R> Default for ReceiverList<T, R> {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

/// The last owner of a list drops the receivers that were disconnected meanwhile. The
/// owner is a sender or a caller of `connect` that has no part in them, so no destructor
/// of a user's value may unwind into it. Each receiver is dropped separately: a second
/// panic during an unwind would abort the program.
impl<T, R> Drop for ReceiverList<T, R> {
    fn drop(&mut self) {
        self.slots.drain(..).for_each(guard::drop_quietly);
    }
}

/// A receiver in a list.
pub(super) struct Slot<T: 'static, R: 'static> {
    /// Nearly all static receivers are plain functions: calling one reads nothing else.
    call: FastCall<T, R>,
    receiver: Held<T, R>,
}

enum Held<T: 'static, R: 'static> {
    /// Registered with `#[receiver]`.
    Static(&'static ReceiverOf<T, R>),
    /// Connected at run time; the number is unique within the signal.
    Connected(u64, Arc<ReceiverOf<T, R>>),
}

impl<T, R> Slot<T, R> {
    pub(super) fn fixed(receiver: &'static ReceiverOf<T, R>) -> Self {
        Self {
            call: receiver.fast_call(),
            receiver: Held::Static(receiver),
        }
    }

    fn connected(id: u64, receiver: Arc<ReceiverOf<T, R>>) -> Self {
        Self {
            call: receiver.fast_call(),
            receiver: Held::Connected(id, receiver),
        }
    }

    /// Returns the function of a receiver that is a plain function.
    fn function(&self) -> Option<Function<T, R>> {
        match self.call {
            FastCall::Function(call) => Some(call),
            _ => None,
        }
    }

    /// Calls the receiver; an async one fails with [`Cause::NeedsAsend`].
    #[inline]
    pub(super) fn call(&self, event: &T, context: &Context) -> Result<CallResult<R>, Cause> {
        match self.call {
            FastCall::Function(call) => call(event, context)
                .map(CallResult::Succeeded)
                .map_err(Cause::of),
            _ => self.receiver().call(event, context),
        }
    }

    #[inline]
    pub(super) fn is_async(&self) -> bool {
        match self.call {
            FastCall::Function(_) => false,
            FastCall::AsyncFunction(_) => true,
            FastCall::No => self.receiver().is_async(),
        }
    }

    /// Returns the future of an async receiver; `None` when its filter declines.
    #[inline]
    pub(super) fn start<'a>(
        &'a self,
        event: &'a T,
        context: &'a Context,
    ) -> Option<BoxFuture<'a, R>> {
        match self.call {
            FastCall::AsyncFunction(start) => Some(start(event, context)),
            _ => self.receiver().start(event, context),
        }
    }

    #[inline]
    fn receiver(&self) -> &ReceiverOf<T, R> {
        match &self.receiver {
            Held::Static(receiver) => receiver,
            Held::Connected(_, receiver) => receiver,
        }
    }

    #[cold]
    pub(super) fn info(&self, signal: &'static str) -> ReceiverInfo {
        ReceiverInfo::new(signal, self.details())
    }

    pub(super) fn details(&self) -> &Details {
        &self.receiver().details
    }

    pub(super) fn has_id(&self, wanted: u64) -> bool {
        matches!(self.receiver, Held::Connected(id, _) if id == wanted)
    }

    fn is_static(&self) -> bool {
        matches!(self.receiver, Held::Static(_))
    }
}

impl<T, R> Clone for Slot<T, R> {
    fn clone(&self) -> Self {
        Self {
            call: self.call,
            receiver: match &self.receiver {
                Held::Static(receiver) => Held::Static(receiver),
                Held::Connected(id, receiver) => Held::Connected(*id, Arc::clone(receiver)),
            },
        }
    }
}

/// The receivers of one `asend`, owned since it may continue in another thread.
pub(super) struct Snapshot<'a, T: 'static, R: 'static> {
    statics: &'a [Slot<T, R>],
    list: Option<Arc<ReceiverList<T, R>>>,
}

impl<T, R> Deref for Snapshot<'_, T, R> {
    type Target = [Slot<T, R>];

    #[inline]
    fn deref(&self) -> &[Slot<T, R>] {
        match &self.list {
            None => self.statics,
            Some(list) => &list.slots,
        }
    }
}

/// The overlay of a signal. The list in it is a whole list, static receivers included.
impl<T: 'static, R: 'static> Overlay<ReceiverList<T, R>> {
    /// Returns the receivers of an `asend`; none while muted.
    #[inline]
    pub(super) fn snapshot<'a>(&self, statics: &'a ReceiverList<T, R>) -> Snapshot<'a, T, R> {
        let (statics, list) = match self.is_on() {
            false => (statics.slots(), None),
            true if self.is_muted() => (&statics.slots()[..0], None),
            true => (statics.slots(), self.list()),
        };
        Snapshot { statics, list }
    }

    /// Inserts a receiver behind those of its order, and returns its number.
    ///
    /// # Errors
    ///
    /// The receiver that already has the uid.
    pub(super) fn connect(
        &self,
        signal: &'static str,
        statics: &ReceiverList<T, R>,
        receiver: ReceiverOf<T, R>,
    ) -> Result<u64, ConnectError> {
        // Outside of `change`, so that a refused receiver is dropped without the lock.
        let receiver = Arc::new(receiver);
        self.change(|list, id| {
            let list = list.unwrap_or(statics).with(signal, id, &receiver)?;
            Ok((Some(list), id))
        })
    }

    /// Removes the receivers that `goes` selects; true when there were any.
    pub(super) fn disconnect(
        &self,
        statics: &ReceiverList<T, R>,
        mut goes: impl FnMut(&Slot<T, R>) -> bool,
    ) -> bool {
        let changed = self.change(|list, _| {
            let slots = list.unwrap_or(statics).slots();
            let stay: Vec<_> = slots.iter().filter(|slot| !goes(slot)).cloned().collect();
            if stay.len() == slots.len() {
                return Err(());
            }
            // Restores the fast path once the static list is complete again.
            let is_static = stay.len() == statics.slots.len() && stay.iter().all(Slot::is_static);
            Ok(((!is_static).then(|| ReceiverList::new(stay)), ()))
        });
        changed.is_ok()
    }
}
