//! The receivers of one signal: their code, their filters, and the list in which a send calls
//! them.

use std::any::{Any, type_name};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::mem::needs_drop;
use std::panic::Location;
use std::sync::Arc;

use super::connect::{BoxedFilter, ConnectError, ConnectOptions};
use super::context::{Context, Need, OwnList};
use super::dynamic::DynamicReceivers;
use super::receiver::{BoxError, BoxFuture, IntoReceiver, Limits, ReceiverInfo, ReceiverMeta};
use super::report::{CallResult, Cause};
use crate::panic_guard::drop_guarded;

/// A function that `#[receiver]` registered, with its filter and its description.
pub struct RegisteredReceiver<T: 'static, R: 'static = ()> {
    function: ReceiverFn<T, R>,
    filter: Option<fn(&T) -> bool>,
    meta: ReceiverMeta,
}

enum ReceiverFn<T, R> {
    Sync(SyncFn<T, R>),
    Async(AsyncFn<T, R>),
}

pub(super) type SyncFn<T, R> = fn(&T, &Context) -> Result<R, BoxError>;

type AsyncFn<T, R> = for<'a> fn(&'a T, &'a Context) -> BoxFuture<'a, R>;

/// The source location of a static receiver: its path, its file, its line, and
/// [`ReceiverMeta::position`].
type SourceLocation = (&'static str, &'static str, u32, u64);

impl<T: 'static, R: 'static> RegisteredReceiver<T, R> {
    /// Returns a receiver that `#[receiver]` declares.
    #[must_use]
    pub const fn function(
        call: SyncFn<T, R>,
        needs: &'static [Need],
        filter: Option<fn(&T) -> bool>,
        order: i32,
        uid: Option<&'static str>,
        limits: Limits,
        location: SourceLocation,
    ) -> Self {
        let function = ReceiverFn::Sync(call);
        Self::new(function, needs, filter, order, uid, limits, location)
    }

    /// Returns an async receiver that `#[receiver]` declares.
    #[must_use]
    pub const fn async_function(
        start: AsyncFn<T, R>,
        needs: &'static [Need],
        filter: Option<fn(&T) -> bool>,
        order: i32,
        uid: Option<&'static str>,
        limits: Limits,
        location: SourceLocation,
    ) -> Self {
        let function = ReceiverFn::Async(start);
        Self::new(function, needs, filter, order, uid, limits, location)
    }

    const fn new(
        function: ReceiverFn<T, R>,
        needs: &'static [Need],
        filter: Option<fn(&T) -> bool>,
        order: i32,
        uid: Option<&'static str>,
        limits: Limits,
        (path, file, line, position): SourceLocation,
    ) -> Self {
        Self {
            function,
            filter,
            meta: ReceiverMeta {
                path,
                file,
                line,
                position,
                order,
                uid: match uid {
                    Some(uid) => Some(Cow::Borrowed(uid)),
                    None => None,
                },
                needs,
                limits,
            },
        }
    }

    /// Returns the function if it is sync and has no filter.
    pub(super) fn sync_function(&self) -> Option<SyncFn<T, R>> {
        match (&self.function, self.filter) {
            (ReceiverFn::Sync(call), None) => Some(*call),
            _ => None,
        }
    }

    #[inline]
    fn accepts(&self, event: &T) -> bool {
        self.filter.is_none_or(|accepts| accepts(event))
    }
}

impl<T, R> fmt::Debug for RegisteredReceiver<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (meta, is_async) = (&self.meta, self.is_async());
        f.debug_struct("RegisteredReceiver")
            .field("meta", meta)
            .field("is_async", &is_async)
            .finish_non_exhaustive()
    }
}

/// A receiver that was connected to a signal or to a context at run time.
struct ConnectedReceiver<T: 'static, R, Kind, F> {
    receiver: F,
    filter: Option<BoxedFilter<T>>,
    meta: ReceiverMeta,
    kind: PhantomData<fn() -> (R, Kind)>,
}

/// Returns a receiver that this caller connects to a signal at run time.
///
/// # Errors
///
/// A limit that the receiver cannot have.
pub(super) fn connected<T, R: 'static, Kind: 'static, F: IntoReceiver<T, R, Kind>>(
    signal: &'static str,
    receiver: F,
    options: ConnectOptions<T>,
    caller: &'static Location<'static>,
) -> Result<Arc<dyn ErasedReceiver<R>>, ConnectError> {
    let meta = ReceiverMeta {
        path: type_name::<F>(),
        file: caller.file(),
        line: caller.line(),
        position: 0,
        order: options.order,
        uid: options.uid,
        needs: &[],
        limits: options.limits,
    };
    ConnectError::check_limits(signal, &meta, F::IS_ASYNC)?;
    Ok(Arc::new(ConnectedReceiver {
        receiver,
        filter: options.filter,
        meta,
        kind: PhantomData,
    }))
}

impl<T, R, Kind, F> ConnectedReceiver<T, R, Kind, F> {
    #[inline]
    fn accepts(&self, event: &T) -> bool {
        let filter = self.filter.as_ref();
        filter.is_none_or(|filter| (filter.accepts)(event))
    }
}

/// Drops the filter behind its own guard. The guard of a receiver list covers receiver and filter
/// together, and a second destructor that panics during an unwind would abort the program.
impl<T: 'static, R, Kind, F> Drop for ConnectedReceiver<T, R, Kind, F> {
    fn drop(&mut self) {
        drop_guarded(self.filter.take());
    }
}

/// A receiver with the types of its payload and its response erased.
pub(super) trait AnyReceiver: Any + Send + Sync {
    fn meta(&self) -> &ReceiverMeta;

    fn is_async(&self) -> bool;
}

impl fmt::Debug for dyn AnyReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.meta().fmt(f)
    }
}

/// A receiver with the type of its payload erased, so that the code of deliveries is compiled once
/// for all signals whose receivers return `R`.
pub(super) trait ErasedReceiver<R: 'static>: AnyReceiver {
    /// Returns true if the drop of the receiver and its filter runs no code.
    fn owns_nothing(&self) -> bool;

    /// Calls the receiver; an async one fails with [`Cause::NeedsAsend`].
    fn call(&self, event: &dyn Any, context: &Context) -> Result<CallResult<R>, Cause>;

    /// Returns the future of an async receiver; `None` if its filter declines the event.
    fn start<'a>(&'a self, event: &'a dyn Any, context: &'a Context) -> Option<BoxFuture<'a, R>>;
}

impl<T: 'static, R: 'static> AnyReceiver for RegisteredReceiver<T, R> {
    fn meta(&self) -> &ReceiverMeta {
        &self.meta
    }

    fn is_async(&self) -> bool {
        matches!(self.function, ReceiverFn::Async(_))
    }
}

impl<T: 'static, R: 'static> ErasedReceiver<R> for RegisteredReceiver<T, R> {
    fn owns_nothing(&self) -> bool {
        true
    }

    fn call(&self, event: &dyn Any, context: &Context) -> Result<CallResult<R>, Cause> {
        let event = payload(event);
        match self.function {
            _ if !self.accepts(event) => Ok(CallResult::Filtered),
            ReceiverFn::Sync(call) => CallResult::of(call(event, context)),
            ReceiverFn::Async(_) => Err(Cause::NeedsAsend),
        }
    }

    fn start<'a>(&'a self, event: &'a dyn Any, context: &'a Context) -> Option<BoxFuture<'a, R>> {
        let event = payload(event);
        match self.function {
            ReceiverFn::Async(start) if self.accepts(event) => Some(start(event, context)),
            _ => None,
        }
    }
}

impl<T, R, Kind, F> AnyReceiver for ConnectedReceiver<T, R, Kind, F>
where
    R: 'static,
    Kind: 'static,
    F: IntoReceiver<T, R, Kind>,
{
    fn meta(&self) -> &ReceiverMeta {
        &self.meta
    }

    fn is_async(&self) -> bool {
        F::IS_ASYNC
    }
}

impl<T, R, Kind, F> ErasedReceiver<R> for ConnectedReceiver<T, R, Kind, F>
where
    R: 'static,
    Kind: 'static,
    F: IntoReceiver<T, R, Kind>,
{
    fn owns_nothing(&self) -> bool {
        let filter = self.filter.as_ref();
        !needs_drop::<F>() && filter.is_none_or(|filter| filter.owns_nothing)
    }

    fn call(&self, event: &dyn Any, _: &Context) -> Result<CallResult<R>, Cause> {
        let event = payload(event);
        if !self.accepts(event) {
            return Ok(CallResult::Filtered);
        }
        match self.receiver.call(event) {
            Some(result) => CallResult::of(result),
            None => Err(Cause::NeedsAsend),
        }
    }

    fn start<'a>(&'a self, event: &'a dyn Any, _: &'a Context) -> Option<BoxFuture<'a, R>> {
        let event = payload(event);
        if !self.accepts(event) {
            return None;
        }
        self.receiver.start(event)
    }
}

/// Returns the event with its type.
#[inline]
fn payload<T: 'static>(event: &dyn Any) -> &T {
    match event.downcast_ref() {
        Some(event) => event,
        None => unreachable!("a signal sends its own payload to its own receivers"),
    }
}

/// An immutable list of the receivers of one signal, static receivers included.
pub(super) struct ReceiverList<R: 'static> {
    entries: Vec<Entry<R>>,
    has_sync: bool,
    /// `true` if the drop of the list runs no code of receivers, so that its time does not matter.
    owns_nothing: bool,
}

impl<R> ReceiverList<R> {
    pub(super) fn new(entries: Vec<Entry<R>>) -> Self {
        Self {
            has_sync: entries.iter().any(|entry| !entry.is_async),
            owns_nothing: entries.iter().all(|entry| entry.receiver().owns_nothing()),
            entries,
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
        receiver: &Arc<dyn ErasedReceiver<R>>,
    ) -> Result<Self, ConnectError> {
        let ReceiverMeta { order, uid, .. } = receiver.meta();
        let is_taken = |entry: &&Entry<R>| uid.is_some() && entry.meta().uid == *uid;
        if let Some(first) = self.entries.iter().find(is_taken) {
            return Err(ConnectError::uid_taken(first.info(signal)));
        }
        let at = self
            .entries
            .partition_point(|entry| entry.meta().order <= *order);
        let mut entries = self.entries.clone();
        entries.insert(at, Entry::from_dynamic(id, Arc::clone(receiver)));
        Ok(Self::new(entries))
    }

    /// Returns true if a receiver is not async.
    #[inline]
    pub(super) fn has_sync(&self) -> bool {
        self.has_sync
    }

    #[inline]
    pub(super) fn owns_nothing(&self) -> bool {
        self.owns_nothing
    }

    #[inline]
    pub(super) fn entries(&self) -> &[Entry<R>] {
        &self.entries
    }
}

impl<R> Default for ReceiverList<R> {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl<R> OwnList for ReceiverList<R> {
    fn has_named(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.meta().is_named(name))
    }
}

/// The last owner of a list drops the receivers that were disconnected meanwhile. This may be any
/// sender or caller of `connect`, so no destructor of user code may unwind into it. Each receiver
/// is dropped separately: a second panic during an unwind would abort the program.
impl<R> Drop for ReceiverList<R> {
    fn drop(&mut self) {
        self.entries.drain(..).for_each(drop_guarded);
    }
}

/// A receiver in a list.
pub(super) struct Entry<R: 'static> {
    /// A copy of [`AnyReceiver::is_async`].
    is_async: bool,
    receiver: ReceiverRef<R>,
}

enum ReceiverRef<R: 'static> {
    /// Registered with `#[receiver]`.
    Static(&'static dyn ErasedReceiver<R>),
    /// Connected at run time; the number is unique within the signal.
    Dynamic(u64, Arc<dyn ErasedReceiver<R>>),
}

impl<R> Entry<R> {
    pub(super) fn from_static(receiver: &'static dyn ErasedReceiver<R>) -> Self {
        Self {
            is_async: receiver.is_async(),
            receiver: ReceiverRef::Static(receiver),
        }
    }

    fn from_dynamic(id: u64, receiver: Arc<dyn ErasedReceiver<R>>) -> Self {
        Self {
            is_async: receiver.is_async(),
            receiver: ReceiverRef::Dynamic(id, receiver),
        }
    }

    /// Calls the receiver; an async one fails with [`Cause::NeedsAsend`].
    #[inline]
    pub(super) fn call(&self, event: &dyn Any, context: &Context) -> Result<CallResult<R>, Cause> {
        self.receiver().call(event, context)
    }

    #[inline]
    pub(super) fn is_async(&self) -> bool {
        self.is_async
    }

    /// Returns the future of an async receiver; `None` if its filter declines the event.
    #[inline]
    pub(super) fn start<'a>(
        &'a self,
        event: &'a dyn Any,
        context: &'a Context,
    ) -> Option<BoxFuture<'a, R>> {
        self.receiver().start(event, context)
    }

    #[inline]
    fn receiver(&self) -> &dyn ErasedReceiver<R> {
        match &self.receiver {
            ReceiverRef::Static(receiver) => *receiver,
            ReceiverRef::Dynamic(_, receiver) => &**receiver,
        }
    }

    #[cold]
    pub(super) fn info(&self, signal: &'static str) -> ReceiverInfo {
        ReceiverInfo::new(signal, self.meta(), self.is_async)
    }

    pub(super) fn meta(&self) -> &ReceiverMeta {
        self.receiver().meta()
    }

    fn has_id(&self, wanted: u64) -> bool {
        matches!(self.receiver, ReceiverRef::Dynamic(id, _) if id == wanted)
    }

    fn is_static(&self) -> bool {
        matches!(self.receiver, ReceiverRef::Static(_))
    }
}

impl<R> Clone for Entry<R> {
    fn clone(&self) -> Self {
        let receiver = match &self.receiver {
            ReceiverRef::Static(receiver) => ReceiverRef::Static(*receiver),
            ReceiverRef::Dynamic(id, receiver) => ReceiverRef::Dynamic(*id, Arc::clone(receiver)),
        };
        Self {
            is_async: self.is_async,
            receiver,
        }
    }
}

/// The lists of a signal: the static list, and the run-time list that replaces it.
pub(super) struct Receivers<'a, R: 'static> {
    pub(super) signal: &'static str,
    /// The address of the signal, which identifies it.
    pub(super) address: usize,
    pub(super) statics: &'a ReceiverList<R>,
    /// A whole list, static receivers included.
    pub(super) dynamic: &'a DynamicReceivers<ReceiverList<R>>,
}

impl<'a, R> Receivers<'a, R> {
    /// Calls `read` with the list of receivers, muted or not.
    #[inline]
    pub(super) fn read<O>(self, read: impl FnOnce(&ReceiverList<R>) -> O) -> O {
        if self.dynamic.is_active() {
            return self.dynamic.read(|list| read(list.unwrap_or(self.statics)));
        }
        read(self.statics)
    }

    /// Returns true if there are receivers, muted or not.
    pub(super) fn has_any(self) -> bool {
        self.read(|list| !list.entries().is_empty())
    }

    /// Returns true if the run-time receiver with this number is connected.
    pub(super) fn has_id(self, id: u64) -> bool {
        self.read(|list| list.entries().iter().any(|entry| entry.has_id(id)))
    }

    /// Returns the descriptions of the receivers, muted or not.
    pub(super) fn infos(self) -> Vec<ReceiverInfo> {
        let info = |entry: &Entry<R>| entry.info(self.signal);
        self.read(|list| list.entries().iter().map(info).collect())
    }

    /// Returns the receivers of an `asend`; none while the signal is muted.
    #[inline]
    pub(super) fn snapshot(self) -> Snapshot<'a, R> {
        if !self.dynamic.is_active() {
            return Snapshot::Static(self.statics);
        }
        match self.dynamic.list() {
            _ if self.dynamic.is_muted() => Snapshot::Muted,
            Some(list) => Snapshot::Dynamic(list),
            None => Snapshot::Static(self.statics),
        }
    }

    /// Inserts a receiver behind those of its order, and returns its number.
    ///
    /// # Errors
    ///
    /// The receiver that already has the uid.
    pub(super) fn connect(
        self,
        receiver: &Arc<dyn ErasedReceiver<R>>,
    ) -> Result<u64, ConnectError> {
        self.dynamic.change(|list, id| {
            let list = list.unwrap_or(self.statics);
            Ok((Some(list.with(self.signal, id, receiver)?), id))
        })
    }

    /// Disconnects the receiver with this uid. Returns false if no receiver has the uid.
    pub(super) fn disconnect_uid(self, uid: &str) -> bool {
        self.disconnect(|entry| entry.meta().uid.as_deref() == Some(uid))
    }

    /// Disconnects the run-time receiver with this number. Returns false if there is none.
    pub(super) fn disconnect_id(self, id: u64) -> bool {
        self.disconnect(|entry| entry.has_id(id))
    }

    /// Removes the receivers that `is_removed` selects. Returns false if it selects none.
    fn disconnect(self, is_removed: impl Fn(&Entry<R>) -> bool) -> bool {
        let changed = self.dynamic.change(|list, _| {
            let entries = list.unwrap_or(self.statics).entries();
            let kept = entries.iter().filter(|entry| !is_removed(entry));
            let kept: Vec<_> = kept.cloned().collect();
            if kept.len() == entries.len() {
                return Err(());
            }
            // Restores the fast path once the static list is complete again.
            let is_static =
                kept.len() == self.statics.entries.len() && kept.iter().all(Entry::is_static);
            Ok(((!is_static).then(|| ReceiverList::new(kept)), ()))
        });
        changed.is_ok()
    }
}

impl<R> Clone for Receivers<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Receivers<'_, R> {}

/// The list of one `asend`. Owned, as the `asend` may continue in another thread.
pub(super) enum Snapshot<'a, R: 'static> {
    Muted,
    Static(&'a ReceiverList<R>),
    Dynamic(Arc<ReceiverList<R>>),
}

impl<R> Snapshot<'_, R> {
    #[inline]
    pub(super) fn entries(&self) -> &[Entry<R>] {
        self.list().map_or(&[], ReceiverList::entries)
    }

    /// Returns true if a receiver is not async.
    #[inline]
    pub(super) fn has_sync(&self) -> bool {
        self.list().is_some_and(ReceiverList::has_sync)
    }

    #[inline]
    fn list(&self) -> Option<&ReceiverList<R>> {
        match self {
            Self::Muted => None,
            Self::Static(list) => Some(list),
            Self::Dynamic(list) => Some(list),
        }
    }
}
