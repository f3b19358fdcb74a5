//! Sending: receivers run in the sender's thread, one after the other.

use super::Signal;
use super::delivery::{Robust, StopAtFirst, deliver, deliver_from};
use super::report::{Failure, Report};
use super::watch::Watch;

/// Sending.
impl<T: 'static> Signal<T> {
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
    pub fn send(&self, event: &T) -> Result<Report, Failure> {
        self.with_audience(|slots| deliver::<T, StopAtFirst>(self.name, slots, event))
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
    pub fn send_robust(&self, event: &T) -> Report {
        self.with_audience(|slots| {
            let Ok(report) = deliver::<T, Robust>(self.name, slots, event);
            report
        })
    }

    /// [`send_robust`](Self::send_robust), with somebody who watches.
    #[inline]
    pub(crate) fn send_watched(&self, event: &T, watch: &mut impl Watch) -> Report {
        self.with_audience(|slots| {
            let report = Report::default();
            let Ok(report) = deliver_from::<T, Robust>(0, report, self.name, slots, event, watch);
            report
        })
    }
}
