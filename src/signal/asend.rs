//! Sending to receivers that wait: all at once, within the task of the sender.

use std::future::poll_fn;

use super::Signal;
use super::delivery::{CollectFailures, FailFast, Policy, Watch, call, describe};
use super::receiver_list::Slot;
use super::report::{Failure, Report};
use super::sending::Sending;

/// Sending to receivers that may be async.
impl<T: 'static> Signal<T> {
    /// [`send`](Self::send), and waits for async receivers.
    ///
    /// The others run first, in order, in this thread. Then all async ones run
    /// at once, polled within this task: nothing is spawned, no executor is
    /// asked for, and task-locals and spans hold. The first error ends it: those
    /// who are not done are dropped, or not even started. All are dropped when
    /// the future is.
    ///
    /// # Errors
    ///
    /// The first failure.
    ///
    /// # Panics
    ///
    /// When a receiver panics: the panic passes through.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::{Failure, Signal, receiver};
    ///
    /// static TICK: Signal<u32> = Signal::new("tick");
    ///
    /// #[receiver(TICK)]
    /// async fn store(n: &u32) -> Result<(), String> {
    ///     if *n > 8 { Err("full".to_owned()) } else { Ok(()) }
    /// }
    ///
    /// # fn main() -> Result<(), Failure> {
    /// # pollster::block_on(async {
    /// assert_eq!(TICK.asend(&7).await?.called(), 1);
    /// let failure = TICK.asend(&9).await.unwrap_err();
    /// assert_eq!(failure.error().unwrap().to_string(), "full");
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub async fn asend(&self, event: &T) -> Result<Report, Failure> {
        let snapshot = self.overlay.snapshot(self.statics());
        if snapshot.is_empty() {
            return Ok(Report::default());
        }
        adeliver::<T, FailFast>(self.name, &snapshot, event, &mut ())
            .await
            .into_result()
    }

    /// [`send_robust`](Self::send_robust), and waits for async receivers, as
    /// [`asend`](Self::asend) does. Whatever one does, the others are heard to
    /// their end; failures are in the order of the receivers, those of async
    /// ones last.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::Signal;
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// let _panics = signal.connect(async |n: &u32| assert!(*n > 1, "oh"));
    /// let _runs = signal.connect(async |_: &u32| {});
    ///
    /// # pollster::block_on(async {
    /// let report = signal.asend_robust(&1).await;
    /// assert_eq!((report.called(), report.succeeded()), (2, 1));
    /// assert_eq!(report.failures()[0].panic_message(), Some("oh"));
    /// # });
    /// ```
    #[must_use = "the report holds the failures"]
    pub async fn asend_robust(&self, event: &T) -> Report {
        self.asend_watched(event, &mut ()).await
    }

    /// [`asend_robust`](Self::asend_robust), with somebody who watches.
    pub(crate) async fn asend_watched(&self, event: &T, watch: &mut impl Watch) -> Report {
        let snapshot = self.overlay.snapshot(self.statics());
        if snapshot.is_empty() {
            return Report::default();
        }
        adeliver::<T, CollectFailures>(self.name, &snapshot, event, watch).await
    }
}

/// Calls the receivers that need not be waited for, in order; and then all
/// others at once, within the task that polls.
async fn adeliver<T: 'static, P: Policy>(
    signal: &'static str,
    slots: &[Slot<T>],
    event: &T,
    watch: &mut impl Watch,
) -> Report {
    let mut report = Report::default();
    let mut first_async = slots.len();
    for (at, slot) in slots.iter().enumerate() {
        if slot.is_async() {
            first_async = first_async.min(at);
            continue;
        }
        match call::<T, P>(slots, at, event, watch) {
            Ok(called) => report.count(called),
            Err(cause) => {
                report.push(describe(signal, slot, cause));
                if P::STOPS {
                    return report;
                }
            }
        }
    }
    if first_async == slots.len() {
        return report;
    }
    let mut sending = Sending::new(signal, slots, report, first_async);
    poll_fn(|cx| sending.poll::<P>(cx, event, watch)).await;
    sending.finish()
}
