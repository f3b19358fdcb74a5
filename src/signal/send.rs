//! Sending in the sender's thread, one receiver after the other.

use std::sync::Arc;

use super::audience::{Audience, Places};
use super::context::EMPTY;
use super::delivery::{CollectFailures, FailFast, Policy, call, describe};
use super::kept;
use super::overlay::MUTED;
use super::receiver::BoxError;
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

    /// Sends to the receivers of the signal and of the context.
    #[inline(never)]
    fn deliver_merged<P: Policy>(&self, event: &T, context: &Context) -> Report<R> {
        if self.is_muted() {
            return Report::default();
        }
        self.with(context).with_audience(|audience| {
            let places = Places::default();
            deliver_to::<T, R, P>(places, Report::default(), self.name, &audience, event)
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
            return signal.deliver_merged::<P>(event, context);
        }
        signal.deliver::<P>(event, context)
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
        // Copies, which are not read again for each call.
        let (functions, event, context) = (functions, event, context);
        while let Some(call) = functions.get(succeeded) {
            if let Err(error) = call(event, context) {
                return Ok(Some(error));
            }
            succeeded += 1;
        }
        Ok(None)
    });
    if let Ok(None) = result
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
        [] => {
            let audience = Audience::of_signal(list.slots(), context);
            let (places, report) = (Places::default(), Report::default());
            deliver_to::<T, R, P>(places, report, signal.name, &audience, event)
        }
        _ => deliver::<T, R, P>(signal, list, event, context),
    }
}

/// Continues behind functions that have succeeded: with the receiver at this place, or
/// with that it has failed.
// Out of line, so that only the loop over plain functions is inlined into senders.
#[inline(never)]
fn deliver_rest<T: 'static, R: 'static, P: Policy>(
    succeeded: usize,
    result: Result<Option<BoxError>, Cause>,
    signal: &Signal<T, R>,
    list: &ReceiverList<T, R>,
    event: &T,
    context: &Context,
) -> Report<R> {
    let mut report = Report::new(Counts::of_successes(succeeded));
    let mut next = succeeded;
    let cause = match result {
        Ok(error) => error.map(Cause::of),
        Err(cause) => Some(cause),
    };
    if let Some(cause) = cause {
        report.push(describe(signal.name, &list.slots()[next], cause));
        if P::STOPS {
            return report;
        }
        next += 1;
    }
    let audience = Audience::of_signal(list.slots(), context);
    let places = Places::behind(next);
    deliver_to::<T, R, P>(places, report, signal.name, &audience, event)
}

/// Calls the receivers at these places, and adds them to the report.
#[inline]
fn deliver_to<T: 'static, R: 'static, P: Policy>(
    mut places: Places,
    mut report: Report<R>,
    signal: &'static str,
    audience: &Audience<'_, T, R>,
    event: &T,
) -> Report<R> {
    while let Some(next) = audience.next(&mut places) {
        if call::<T, R, P>(next, signal, audience, event, &mut (), &mut report) {
            break;
        }
    }
    report
}
