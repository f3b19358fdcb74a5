//! The receivers of one signal: their code, their filters, and the list in which a send calls
//! them.

use std::any::type_name;
use std::borrow::Cow;
use std::fmt;
use std::mem::needs_drop;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

use super::connect::{BoxedFilter, ConnectError, ConnectOptions};
use super::context::{Context, Need, OwnList};
use super::dynamic::DynamicReceivers;
use super::panic_guard::drop_guarded;
use super::receiver::sealed::BoxedReceiver;
use super::receiver::{BoxError, BoxFuture, IntoReceiver};
use super::receiver_info::{Limits, ReceiverInfo, ReceiverMeta};
use super::report::{CallResult, Cause, Counts, has_responses};

/// A receiver of a signal, with its filter and its description.
pub struct RegisteredReceiver<T: 'static, R: 'static = ()> {
    code: Code<T, R>,
    filter: Option<Filter<T>>,
    /// `true` if the drop of the receiver and its filter runs no code.
    owns_nothing: bool,
    meta: ReceiverMeta,
}

/// The code of a receiver.
enum Code<T: 'static, R: 'static> {
    /// Registered with `#[receiver]`.
    Function(ReceiverFn<T, R>),
    /// Connected at run time.
    Boxed(BoxedReceiver<T, R>),
}

/// A function as a receiver.
enum ReceiverFn<T, R> {
    Sync(SyncFn<T, R>),
    Async(AsyncFn<T, R>),
}

pub(super) type SyncFn<T, R> = fn(&T, &Context) -> Result<R, BoxError>;

type AsyncFn<T, R> = for<'a> fn(&'a T, &'a Context) -> BoxFuture<'a, R>;

impl<T, R> Clone for ReceiverFn<T, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, R> Copy for ReceiverFn<T, R> {}

/// Decides whether a receiver is called for an event.
enum Filter<T: 'static> {
    Function(fn(&T) -> bool),
    Boxed(BoxedFilter<T>),
}

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
        let code = ReceiverFn::Sync(call);
        Self::from_static(code, needs, filter, order, uid, limits, location)
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
        let code = ReceiverFn::Async(start);
        Self::from_static(code, needs, filter, order, uid, limits, location)
    }

    const fn from_static(
        code: ReceiverFn<T, R>,
        needs: &'static [Need],
        filter: Option<fn(&T) -> bool>,
        order: i32,
        uid: Option<&'static str>,
        limits: Limits,
        (path, file, line, position): SourceLocation,
    ) -> Self {
        Self {
            code: Code::Function(code),
            filter: match filter {
                Some(filter) => Some(Filter::Function(filter)),
                None => None,
            },
            owns_nothing: true,
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

    /// Returns a receiver that is connected to a signal at run time, by this caller.
    ///
    /// # Errors
    ///
    /// A limit that the receiver cannot have.
    pub(super) fn from_connection<Kind, F: IntoReceiver<T, R, Kind>>(
        signal: &'static str,
        receiver: F,
        options: ConnectOptions<T>,
        caller: &'static Location<'static>,
    ) -> Result<Self, ConnectError> {
        let receiver = receiver.into_boxed();
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
        let is_async = matches!(receiver, BoxedReceiver::Async(_));
        ConnectError::check_limits(signal, &meta, is_async)?;
        let owns_nothing = |filter: &BoxedFilter<T>| filter.owns_nothing;
        Ok(Self {
            code: Code::Boxed(receiver),
            owns_nothing: !needs_drop::<F>() && options.filter.as_ref().is_none_or(owns_nothing),
            filter: options.filter.map(Filter::Boxed),
            meta,
        })
    }

    #[inline]
    fn is_async(&self) -> bool {
        matches!(
            self.code,
            Code::Function(ReceiverFn::Async(_)) | Code::Boxed(BoxedReceiver::Async(_))
        )
    }

    /// Returns the function of a receiver that is a function without a filter.
    fn plain_function(&self) -> Option<ReceiverFn<T, R>> {
        match (&self.code, &self.filter) {
            (Code::Function(function), None) => Some(*function),
            _ => None,
        }
    }

    /// Calls the receiver; an async one fails with [`Cause::NeedsAsend`].
    fn call(&self, event: &T, context: &Context) -> Result<CallResult<R>, Cause> {
        if !self.accepts(event) {
            return Ok(CallResult::Filtered);
        }
        let result = match &self.code {
            Code::Function(ReceiverFn::Sync(call)) => call(event, context),
            Code::Boxed(BoxedReceiver::Sync(receiver)) => receiver.receive(event),
            Code::Function(ReceiverFn::Async(_)) | Code::Boxed(BoxedReceiver::Async(_)) => {
                return Err(Cause::NeedsAsend);
            }
        };
        result.map(CallResult::Succeeded).map_err(Cause::of)
    }

    /// Returns the future of an async receiver; `None` if its filter declines the event.
    #[inline]
    fn start<'a>(&'a self, event: &'a T, context: &'a Context) -> Option<BoxFuture<'a, R>> {
        match &self.code {
            _ if !self.accepts(event) => None,
            Code::Function(ReceiverFn::Async(start)) => Some(start(event, context)),
            Code::Boxed(BoxedReceiver::Async(receiver)) => Some(receiver.start(event)),
            Code::Function(ReceiverFn::Sync(_)) | Code::Boxed(BoxedReceiver::Sync(_)) => None,
        }
    }

    #[inline]
    fn accepts(&self, event: &T) -> bool {
        match &self.filter {
            None => true,
            Some(Filter::Function(accepts)) => accepts(event),
            Some(Filter::Boxed(filter)) => (filter.accepts)(event),
        }
    }

    #[cold]
    pub(super) fn info(&self, signal: &'static str) -> ReceiverInfo {
        ReceiverInfo::new(signal, &self.meta, self.is_async())
    }

    pub(super) fn meta(&self) -> &ReceiverMeta {
        &self.meta
    }
}

/// Drops the filter behind its own guard. The guard of a receiver list covers receiver and filter
/// together, and a second destructor that panics during an unwind would abort the program.
impl<T: 'static, R: 'static> Drop for RegisteredReceiver<T, R> {
    fn drop(&mut self) {
        drop_guarded(self.filter.take());
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

/// An immutable list of the receivers of one signal, static receivers included.
pub(super) struct ReceiverList<T: 'static, R: 'static> {
    /// The functions of the first entries, as long as these are sync functions without a filter. A
    /// send calls them in a loop that reads nothing else. Empty for a signal with responses, which
    /// are reported with their receivers.
    functions: Box<[SyncFn<T, R>]>,
    entries: Vec<Entry<T, R>>,
    /// The counts of a send in which all receivers succeed; `None` if `functions` does not have all
    /// receivers.
    if_all_succeed: Option<Counts>,
    /// `true` if the drop of the list runs no code of receivers, so that its time does not matter.
    owns_nothing: bool,
}

impl<T, R> ReceiverList<T, R> {
    pub(super) fn new(entries: Vec<Entry<T, R>>) -> Self {
        let functions = entries.iter().map_while(Entry::sync_function);
        let functions: Box<[_]> = functions.filter(|_| !has_responses::<R>()).collect();
        let are_all_functions = functions.len() == entries.len();
        Self {
            functions,
            if_all_succeed: are_all_functions.then(|| Counts::of_successes(entries.len())),
            owns_nothing: entries.iter().all(|entry| entry.receiver().owns_nothing),
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
        receiver: &Arc<RegisteredReceiver<T, R>>,
    ) -> Result<Self, ConnectError> {
        let ReceiverMeta { order, uid, .. } = &receiver.meta;
        let is_taken = |entry: &&Entry<T, R>| uid.is_some() && entry.meta().uid == *uid;
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

    #[inline]
    pub(super) fn functions(&self) -> &[SyncFn<T, R>] {
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
    pub(super) fn entries(&self) -> &[Entry<T, R>] {
        &self.entries
    }
}

impl<T, R> Default for ReceiverList<T, R> {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl<T, R> OwnList for ReceiverList<T, R> {
    fn has_named(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.meta().is_named(name))
    }
}

/// The last owner of a list drops the receivers that were disconnected meanwhile. This may be any
/// sender or caller of `connect`, so no destructor of user code may unwind into it. Each receiver
/// is dropped separately: a second panic during an unwind would abort the program.
impl<T, R> Drop for ReceiverList<T, R> {
    fn drop(&mut self) {
        self.entries.drain(..).for_each(drop_guarded);
    }
}

/// A receiver in a list.
pub(super) struct Entry<T: 'static, R: 'static> {
    /// A copy of [`RegisteredReceiver::plain_function`]: the call of most static receivers reads
    /// nothing else.
    function: Option<ReceiverFn<T, R>>,
    receiver: ReceiverRef<T, R>,
}

enum ReceiverRef<T: 'static, R: 'static> {
    /// Registered with `#[receiver]`.
    Static(&'static RegisteredReceiver<T, R>),
    /// Connected at run time; the number is unique within the signal.
    Dynamic(u64, Arc<RegisteredReceiver<T, R>>),
}

impl<T, R> Entry<T, R> {
    pub(super) fn from_static(receiver: &'static RegisteredReceiver<T, R>) -> Self {
        Self {
            function: receiver.plain_function(),
            receiver: ReceiverRef::Static(receiver),
        }
    }

    fn from_dynamic(id: u64, receiver: Arc<RegisteredReceiver<T, R>>) -> Self {
        Self {
            function: receiver.plain_function(),
            receiver: ReceiverRef::Dynamic(id, receiver),
        }
    }

    /// Returns the function of a receiver that is a sync function without a filter.
    fn sync_function(&self) -> Option<SyncFn<T, R>> {
        match self.function {
            Some(ReceiverFn::Sync(call)) => Some(call),
            _ => None,
        }
    }

    /// Calls the receiver; an async one fails with [`Cause::NeedsAsend`].
    #[inline]
    pub(super) fn call(&self, event: &T, context: &Context) -> Result<CallResult<R>, Cause> {
        match self.function {
            Some(ReceiverFn::Sync(call)) => call(event, context)
                .map(CallResult::Succeeded)
                .map_err(Cause::of),
            _ => self.receiver().call(event, context),
        }
    }

    #[inline]
    pub(super) fn is_async(&self) -> bool {
        match self.function {
            Some(ReceiverFn::Sync(_)) => false,
            Some(ReceiverFn::Async(_)) => true,
            None => self.receiver().is_async(),
        }
    }

    /// Returns the future of an async receiver; `None` if its filter declines the event.
    #[inline]
    pub(super) fn start<'a>(
        &'a self,
        event: &'a T,
        context: &'a Context,
    ) -> Option<BoxFuture<'a, R>> {
        match self.function {
            Some(ReceiverFn::Async(start)) => Some(start(event, context)),
            _ => self.receiver().start(event, context),
        }
    }

    #[inline]
    fn receiver(&self) -> &RegisteredReceiver<T, R> {
        match &self.receiver {
            ReceiverRef::Static(receiver) => receiver,
            ReceiverRef::Dynamic(_, receiver) => receiver,
        }
    }

    #[cold]
    pub(super) fn info(&self, signal: &'static str) -> ReceiverInfo {
        self.receiver().info(signal)
    }

    pub(super) fn meta(&self) -> &ReceiverMeta {
        &self.receiver().meta
    }

    pub(super) fn has_id(&self, wanted: u64) -> bool {
        matches!(self.receiver, ReceiverRef::Dynamic(id, _) if id == wanted)
    }

    fn is_static(&self) -> bool {
        matches!(self.receiver, ReceiverRef::Static(_))
    }
}

impl<T, R> Clone for Entry<T, R> {
    fn clone(&self) -> Self {
        Self {
            function: self.function,
            receiver: match &self.receiver {
                ReceiverRef::Static(receiver) => ReceiverRef::Static(receiver),
                ReceiverRef::Dynamic(id, receiver) => {
                    ReceiverRef::Dynamic(*id, Arc::clone(receiver))
                }
            },
        }
    }
}

/// The receivers of one `asend`. Owned, as the `asend` may continue in another thread.
pub(super) struct Snapshot<'a, T: 'static, R: 'static> {
    statics: &'a [Entry<T, R>],
    list: Option<Arc<ReceiverList<T, R>>>,
}

impl<T, R> Deref for Snapshot<'_, T, R> {
    type Target = [Entry<T, R>];

    #[inline]
    fn deref(&self) -> &[Entry<T, R>] {
        match &self.list {
            None => self.statics,
            Some(list) => &list.entries,
        }
    }
}

/// The run-time list of a signal. It is a whole list, static receivers included.
impl<T: 'static, R: 'static> DynamicReceivers<ReceiverList<T, R>> {
    /// Returns the receivers of an `asend`; none while the signal is muted.
    #[inline]
    pub(super) fn snapshot<'a>(&self, statics: &'a ReceiverList<T, R>) -> Snapshot<'a, T, R> {
        let (statics, list) = match self.is_active() {
            false => (statics.entries(), None),
            true if self.is_muted() => (&statics.entries()[..0], None),
            true => (statics.entries(), self.list()),
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
        receiver: RegisteredReceiver<T, R>,
    ) -> Result<u64, ConnectError> {
        // Outside of `change`, so that a refused receiver is dropped after the lock.
        let receiver = Arc::new(receiver);
        self.change(|list, id| {
            let list = list.unwrap_or(statics).with(signal, id, &receiver)?;
            Ok((Some(list), id))
        })
    }

    /// Removes the receivers that `is_removed` selects. Returns false if it selects none.
    pub(super) fn disconnect(
        &self,
        statics: &ReceiverList<T, R>,
        mut is_removed: impl FnMut(&Entry<T, R>) -> bool,
    ) -> bool {
        let changed = self.change(|list, _| {
            let entries = list.unwrap_or(statics).entries();
            let kept = entries.iter().filter(|entry| !is_removed(entry));
            let kept: Vec<_> = kept.cloned().collect();
            if kept.len() == entries.len() {
                return Err(());
            }
            // Restores the fast path once the static list is complete again.
            let is_static =
                kept.len() == statics.entries.len() && kept.iter().all(Entry::is_static);
            Ok(((!is_static).then(|| ReceiverList::new(kept)), ()))
        });
        changed.is_ok()
    }
}
