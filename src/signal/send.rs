//! Sync sends: in the sender's thread, one receiver after the other.

use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc;

use super::context::{Context, EMPTY, InContext};
use super::delivery::{ActiveReceivers, CollectFailures, Cursor, FailFast, Policy, call, failure};
use super::dynamic::MUTED;
use super::receiver::BoxError;
use super::receiver_list::{ReceiverList, Receivers};
use super::registry::StaticReceivers;
use super::report::{Cause, Counts, Failure, Report};
use super::signal::Signal;

/// Sync sends.
impl<T: 'static, R: 'static> Signal<T, R> {
    /// Calls the receivers in order, in this thread, until one fails.
    ///
    /// # Errors
    ///
    /// The first failure. The receivers behind it are not called.
    ///
    /// # Panics
    ///
    /// Panics if a receiver panics: the panic passes through.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::{ConnectOptions, Signal};
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// let _fails = signal.connect(|_: &u32| Err("no"));
    /// let late = ConnectOptions::new().order(1);
    /// let _late = signal.connect_with(late, |_: &u32| Err("was called"))?;
    ///
    /// let failure = signal.send(&1).unwrap_err();
    /// assert_eq!(failure.error().unwrap().to_string(), "no");
    /// # Ok::<(), whatsapp_signals::ConnectError>(())
    /// ```
    #[inline]
    pub fn send(&self, event: &T) -> Result<Report<R>, Failure> {
        self.deliver::<FailFast>(event, &EMPTY).into_result()
    }

    /// Calls every receiver in order, in this thread. Collects errors and panics in the report.
    ///
    /// A panic can be caught only where panics unwind: with `panic = "abort"` it ends the program.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::Signal;
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// let _panics = signal.connect(|n: &u32| assert!(*n > 1, "oh"));
    /// let _succeeds = signal.connect(|_: &u32| {});
    ///
    /// let report = signal.send_robust(&1);
    /// assert_eq!((report.called(), report.failures().len()), (2, 1));
    /// ```
    #[inline]
    #[must_use = "the report holds the failures"]
    pub fn send_robust(&self, event: &T) -> Report<R> {
        self.deliver::<CollectFailures>(event, &EMPTY)
    }

    #[inline]
    fn deliver<P: Policy>(&self, event: &T, context: &Context) -> Report<R> {
        match self.fast_receivers() {
            Some(statics) => call_functions::<T, R, P>(self, statics, event, context),
            None => self.deliver_erased::<P>(event, context),
        }
    }

    /// Continues a delivery after this number of functions have succeeded.
    // Out of line, as `deliver_erased`.
    #[inline(never)]
    fn deliver_rest<P: Policy>(
        &self,
        succeeded: usize,
        result: Result<Option<BoxError>, Cause>,
        statics: &StaticReceivers<T, R>,
        event: &T,
        context: &Context,
    ) -> Report<R> {
        call_rest::<R, P>(succeeded, result, self.name, &statics.list, event, context)
    }

    /// Sends while the signal is muted or has run-time receivers, and the first time.
    // Out of line, so that only the loop over functions is inlined into senders.
    #[inline(never)]
    fn deliver_erased<P: Policy>(&self, event: &T, context: &Context) -> Report<R> {
        self.receivers_erased().send::<P>(event, context)
    }
}

/// Sync sends with a context.
impl<T: 'static, R: 'static> InContext<'_, Signal<T, R>> {
    /// Sends as [`Signal::send`] does.
    ///
    /// # Errors
    ///
    /// The first failure. If the context lacks a value that a receiver needs, the receiver fails
    /// with [`Cause::MissingContext`](crate::Cause::MissingContext).
    ///
    /// # Panics
    ///
    /// Panics if a receiver panics: the panic passes through.
    #[inline]
    pub fn send(self, event: &T) -> Result<Report<R>, Failure> {
        self.deliver::<FailFast>(event).into_result()
    }

    /// Sends as [`Signal::send_robust`] does.
    #[inline]
    #[must_use = "the report holds the failures"]
    pub fn send_robust(self, event: &T) -> Report<R> {
        self.deliver::<CollectFailures>(event)
    }

    #[inline]
    fn deliver<P: Policy>(self, event: &T) -> Report<R> {
        let (signal, context) = (self.delivered, self.context);
        if context.changes_receivers() {
            let receivers = signal.receivers_erased();
            return receivers.send_merged::<P>(event, context);
        }
        signal.deliver::<P>(event, context)
    }
}

/// Calls static receivers. Most of them are functions without a filter that succeed, and are called
/// in a loop that does nothing else.
#[inline]
fn call_functions<T: 'static, R: 'static, P: Policy>(
    signal: &Signal<T, R>,
    statics: &StaticReceivers<T, R>,
    event: &T,
    context: &Context,
) -> Report<R> {
    let mut succeeded = 0;
    // One guard for the whole loop. A failure ends the loop, not the delivery.
    let result = P::guard(|| {
        // Copies, so that they are not read again for each call.
        let (functions, event, context) = (&*statics.functions, event, context);
        while let Some(call) = functions.get(succeeded) {
            if let Err(error) = call(event, context) {
                return Ok(Some(error));
            }
            succeeded += 1;
        }
        Ok(None)
    });
    if let Ok(None) = result
        && let Some(counts) = statics.if_all_succeed
    {
        return Report::new(counts);
    }
    signal.deliver_rest::<P>(succeeded, result, statics, event, context)
}

/// Continues a delivery after this number of functions have succeeded. `result` has the failure of
/// the next function, if the failure ended the loop.
fn call_rest<R: 'static, P: Policy>(
    succeeded: usize,
    result: Result<Option<BoxError>, Cause>,
    signal: &'static str,
    list: &ReceiverList<R>,
    event: &dyn Any,
    context: &Context,
) -> Report<R> {
    let mut report = Report::new(Counts::of_successes(succeeded));
    let mut next = succeeded;
    let cause = match result {
        Ok(error) => error.map(Cause::of),
        Err(cause) => Some(cause),
    };
    if let Some(cause) = cause {
        report.push(failure(signal, &list.entries()[next], cause));
        if P::STOPS {
            return report;
        }
        next += 1;
    }
    let receivers = ActiveReceivers::of_signal(list.entries(), context);
    call_from::<R, P>(Cursor::behind(next), report, signal, &receivers, event)
}

/// Calls the receivers from the cursor on, and adds them to the report.
#[inline]
fn call_from<R: 'static, P: Policy>(
    mut cursor: Cursor,
    mut report: Report<R>,
    signal: &'static str,
    receivers: &ActiveReceivers<'_, R>,
    event: &dyn Any,
) -> Report<R> {
    while let Some(next) = receivers.next(&mut cursor) {
        if call::<R, P>(next, signal, receivers, event, &mut (), &mut report) {
            break;
        }
    }
    report
}

/// Sync sends without the type of the payload.
impl<R: 'static> Receivers<'_, R> {
    /// Sends while the signal is muted or has run-time receivers, and the first time.
    fn send<P: Policy>(self, event: &dyn Any, context: &Context) -> Report<R> {
        let state = self.dynamic.state();
        if state == MUTED {
            return Report::default();
        }
        let deliver = |list: &ReceiverList<R>| {
            let receivers = ActiveReceivers::of_signal(list.entries(), context);
            let (cursor, report) = (Cursor::default(), Report::default());
            call_from::<R, P>(cursor, report, self.signal, &receivers, event)
        };
        with_cached(state, deliver, || self.read_and_cache(deliver))
    }

    /// Calls `read` with the list, which other threads may replace meanwhile, and caches the list
    /// for the next send of this thread if possible.
    #[inline(never)]
    fn read_and_cache<O>(self, read: impl FnOnce(&ReceiverList<R>) -> O) -> O {
        self.dynamic.read_shared(|list| {
            if let Some(list) = list
                && list.owns_nothing()
            {
                cache(Arc::clone(list));
            }
            read(list.map_or(self.statics, |list| &**list))
        })
    }

    /// Sends to the receivers of the signal and of the context.
    #[inline(never)]
    fn send_merged<P: Policy>(self, event: &dyn Any, context: &Context) -> Report<R> {
        if self.dynamic.is_muted() {
            return Report::default();
        }
        self.with_active(context, |receivers| {
            let (cursor, report) = (Cursor::default(), Report::default());
            call_from::<R, P>(cursor, report, self.signal, &receivers, event)
        })
    }
}

// A send holds its list alive while other threads may replace the list. With `arc_swap` this takes
// two atomic read-modify-write operations, which are slower than the rest of a send to one
// receiver. A thread that has cached an `Arc` of the list needs none.
//
// A cached list is freed when the thread ends or caches another list in the same bucket. So only
// lists whose receivers own nothing are cached: their drop runs no code of receivers, and its time
// does not matter.

/// A list and its address.
struct CachedList {
    address: usize,
    list: Arc<dyn Any + Send + Sync>,
}

/// A bucket of a thread's cache, selected by the address of a list.
type Bucket = RefCell<Option<CachedList>>;

const BUCKETS: usize = 16;

thread_local! {
    static CACHE: [Bucket; BUCKETS] = const { [const { Bucket::new(None) }; BUCKETS] };
}

#[inline]
fn bucket(cache: &[Bucket; BUCKETS], address: usize) -> &Bucket {
    // Lists are allocated, with at least 64 bytes each.
    &cache[(address / 64) % BUCKETS]
}

/// Calls `hit` with the list at this address if the thread has cached the list, and `miss`
/// otherwise.
#[inline]
fn with_cached<L: Send + Sync + 'static, O>(
    address: usize,
    hit: impl FnOnce(&L) -> O,
    miss: impl Fn() -> O,
) -> O {
    let look_up = |cache: &[Bucket; BUCKETS]| {
        // Borrowed while receivers run: a send within the send may read the list as well, but
        // cannot replace it.
        if let Ok(cached) = bucket(cache, address).try_borrow()
            && let Some(cached) = &*cached
            && cached.address == address
            && let Some(list) = cached.list.downcast_ref()
        {
            return hit(list);
        }
        miss()
    };
    // A thread that ends has no cache.
    CACHE.try_with(look_up).unwrap_or_else(|_| miss())
}

/// Caches a list, unless its bucket is borrowed.
fn cache<L: Send + Sync + 'static>(list: Arc<L>) {
    let address = Arc::as_ptr(&list).addr();
    let _ended = CACHE.try_with(|cache| {
        if let Ok(mut cached) = bucket(cache, address).try_borrow_mut() {
            *cached = Some(CachedList { address, list });
        }
    });
}
