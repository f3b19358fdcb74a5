//! Sending in the sender's thread, one receiver after the other.

use std::sync::Arc;

use super::context::EMPTY;
use super::delivery::{CollectFailures, FailFast, Policy, Watch, call, describe};
use super::kept;
use super::overlay::MUTED;
use super::receiver_list::ReceiverList;
use super::report::{Cause, Counts, Failure, Report};
use super::{Context, InContext, Signal};

/// Sending.
impl<T: 'static, R: 'static> Signal<T, R> {
    /// Calls the receivers in order, in this thread, until one fails.
    ///
    /// # Errors
    ///
    /// The first failure. The receivers behind it are not called.
    ///
    /// # Panics
    ///
    /// When a receiver panics: the panic passes through.
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

    /// Calls every receiver in order, in this thread, whatever the others do;
    /// errors and panics are collected in the report.
    ///
    /// A panic can be caught only where panics unwind: with
    /// `panic = "abort"` it ends the program.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::Signal;
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// let _panics = signal.connect(|n: &u32| assert!(*n > 1, "oh"));
    /// let _runs = signal.connect(|_: &u32| {});
    ///
    /// let report = signal.send_robust(&1);
    /// assert_eq!((report.called(), report.failures().len()), (2, 1));
    /// ```
    #[inline]
    #[must_use = "the report holds the failures"]
    pub fn send_robust(&self, event: &T) -> Report<R> {
        self.deliver::<CollectFailures>(event, &EMPTY)
    }

    /// Sends as [`send_robust`](Self::send_robust) does, with an observer.
    pub(crate) fn send_watched(
        &self,
        event: &T,
        context: &Context,
        watch: &mut impl Watch,
    ) -> Report<R> {
        if self.is_muted() {
            return Report::default();
        }
        self.with_connected(|list| {
            let report = Report::default();
            deliver_from::<T, R, CollectFailures>(0, report, self, list, event, context, watch)
        })
    }

    #[inline]
    fn deliver<P: Policy>(&self, event: &T, context: &Context) -> Report<R> {
        match self.static_list() {
            Some(list) => deliver::<T, R, P>(self, list, event, context),
            None => self.send_dynamic::<P>(event, context),
        }
    }

    /// Sends while the overlay is on, and the first time.
    // Out of line, so that only the loop over plain functions is inlined into senders.
    #[inline(never)]
    fn send_dynamic<P: Policy>(&self, event: &T, context: &Context) -> Report<R> {
        let state = self.overlay.state();
        if state == MUTED {
            return Report::default();
        }
        kept::with(
            state,
            |list| deliver_mixed::<T, R, P>(self, list, event, context),
            || self.send_shared::<P>(event, context),
        )
    }

    /// Sends to a list that other threads may replace meanwhile, and keeps the list for
    /// the next send of this thread if possible.
    #[inline(never)]
    fn send_shared<P: Policy>(&self, event: &T, context: &Context) -> Report<R> {
        self.overlay.read_shared(|list| {
            if let Some(list) = list
                && list.owns_nothing()
            {
                kept::keep(Arc::clone(list));
            }
            let list = list.map_or_else(|| self.statics(), |list| &**list);
            deliver_mixed::<T, R, P>(self, list, event, context)
        })
    }
}

/// Sending with a context.
impl<T: 'static, R: 'static> InContext<'_, Signal<T, R>> {
    /// Sends as [`Signal::send`] does.
    ///
    /// # Errors
    ///
    /// The first failure. A value that a receiver needs and the context lacks is one:
    /// [`Cause::MissingContext`](crate::Cause::MissingContext).
    ///
    /// # Panics
    ///
    /// When a receiver panics: the panic passes through.
    #[inline]
    pub fn send(self, event: &T) -> Result<Report<R>, Failure> {
        let delivered = self.delivered.deliver::<FailFast>(event, self.context);
        delivered.into_result()
    }

    /// Sends as [`Signal::send_robust`] does.
    #[inline]
    #[must_use = "the report holds the failures"]
    pub fn send_robust(self, event: &T) -> Report<R> {
        self.delivered
            .deliver::<CollectFailures>(event, self.context)
    }
}

/// Calls the receivers of a list. Most are plain functions that succeed, and are called
/// in a loop that does nothing else.
#[inline]
fn deliver<T: 'static, R: 'static, P: Policy>(
    signal: &Signal<T, R>,
    list: &ReceiverList<T, R>,
    event: &T,
    context: &Context,
) -> Report<R> {
    let functions = list.functions();
    let mut succeeded = 0;
    // One guard for the whole loop. A failure ends the loop, not the delivery.
    let result = P::guard(|| {
        while let Some(call) = functions.get(succeeded) {
            call(event, context).map_err(Cause::of)?;
            succeeded += 1;
        }
        Ok(())
    });
    if result.is_ok()
        && let Some(counts) = list.if_all_succeed()
    {
        return Report::new(counts);
    }
    deliver_rest::<T, R, P>(succeeded, result, signal, list, event, context)
}

/// Calls the receivers of a list of which the first is probably not a plain function.
#[inline]
fn deliver_mixed<T: 'static, R: 'static, P: Policy>(
    signal: &Signal<T, R>,
    list: &ReceiverList<T, R>,
    event: &T,
    context: &Context,
) -> Report<R> {
    match list.functions() {
        [] => deliver_from::<T, R, P>(0, Report::default(), signal, list, event, context, &mut ()),
        _ => deliver::<T, R, P>(signal, list, event, context),
    }
}

/// Continues behind functions that have succeeded: with the receiver at this place, or
/// with that it has failed.
// Out of line, so that only the loop over plain functions is inlined into senders.
#[inline(never)]
fn deliver_rest<T: 'static, R: 'static, P: Policy>(
    succeeded: usize,
    result: Result<(), Cause>,
    signal: &Signal<T, R>,
    list: &ReceiverList<T, R>,
    event: &T,
    context: &Context,
) -> Report<R> {
    let mut report = Report::new(Counts::of_successes(succeeded));
    let mut next = succeeded;
    if let Err(cause) = result {
        report.push(describe(signal.name, &list.slots()[next], cause));
        if P::STOPS {
            return report;
        }
        next += 1;
    }
    deliver_from::<T, R, P>(next, report, signal, list, event, context, &mut ())
}

/// Calls the receivers from `first` on, as far as the observer wants them called, and
/// adds them to the report.
#[inline]
fn deliver_from<T: 'static, R: 'static, P: Policy>(
    first: usize,
    mut report: Report<R>,
    signal: &Signal<T, R>,
    list: &ReceiverList<T, R>,
    event: &T,
    context: &Context,
    watch: &mut impl Watch,
) -> Report<R> {
    let slots = list.slots();
    for at in first..slots.len() {
        match call::<T, R, P>(slots, at, event, context, watch) {
            Ok(called) => report.add(called, || slots[at].info(signal.name)),
            Err(cause) => {
                report.push(describe(signal.name, &slots[at], cause));
                if P::STOPS {
                    break;
                }
            }
        }
    }
    report
}
