//! The description of a receiver: its source location, its options and its needs.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::context::Need;

/// The description of one receiver of one signal, for a start-up check and for a
/// [`Failure`](crate::Failure).
///
/// Its [`Display`](fmt::Display) form is `path (file:line)`.
///
/// ```
/// use whatsapp_signals::{ConnectOptions, Signal};
///
/// async fn store(_: &u32) {}
///
/// let signal: Signal<u32> = Signal::new("tick");
/// let _connection = signal.connect_with(ConnectOptions::new().order(7).uid("store"), store)?;
///
/// let [receiver] = &signal.receivers()[..] else { panic!("one receiver") };
/// assert_eq!((receiver.signal(), receiver.uid()), ("tick", Some("store")));
/// assert!(receiver.path().ends_with("::store"));
/// assert!(receiver.file().ends_with(".rs") && receiver.line() > 0);
/// assert_eq!(receiver.order(), 7);
/// assert!(receiver.is_async() && !receiver.is_shadowed());
/// # Ok::<(), whatsapp_signals::ConnectError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReceiverInfo {
    pub(super) signal: &'static str,
    pub(super) meta: ReceiverMeta,
    is_async: bool,
    pub(super) is_shadowed: bool,
}

/// The part of a [`ReceiverInfo`] that depends neither on the signal nor on the code.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ReceiverMeta {
    pub(super) path: &'static str,
    pub(super) file: &'static str,
    pub(super) line: u32,
    /// A number that grows with the position in the file. Distinguishes receivers that one macro
    /// call made in one line. 0 for run-time receivers.
    pub(super) position: u64,
    pub(super) order: i32,
    pub(super) uid: Option<Cow<'static, str>>,
    pub(super) needs: &'static [Need],
    pub(super) limits: Limits,
}

/// The limits of a receiver. Neither of them is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// See [`ReceiverInfo::attempts`].
    pub attempts: Option<u32>,
    /// For async receivers only.
    pub timeout: Option<Duration>,
}

impl Limits {
    pub(super) const NONE: Self = Self {
        attempts: None,
        timeout: None,
    };
}

impl ReceiverMeta {
    /// Returns true if the name is the uid or the path, or a module or crate that contains the
    /// path.
    pub(super) fn is_named(&self, name: &str) -> bool {
        let rest = self.path.strip_prefix(name);
        let contains = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        contains || self.uid.as_deref() == Some(name)
    }

    /// Returns the key by which static receivers are sorted. The order of linking differs between
    /// debug and release builds, so the key does not depend on it.
    pub(super) fn sort_key(&self) -> (i32, &'static str, u32, &'static str, u64) {
        (self.order, self.file, self.line, self.path, self.position)
    }
}

impl ReceiverInfo {
    pub(super) fn new(signal: &'static str, meta: &ReceiverMeta, is_async: bool) -> Self {
        Self {
            signal,
            meta: meta.clone(),
            is_async,
            is_shadowed: false,
        }
    }

    /// Returns true if `id` may be the receiver's id, as
    /// [`ReceiverIds::receiver_id`](super::ReceiverIds::receiver_id) returns it: the uid, or the
    /// path, with a number behind it if several receivers have the path.
    pub(crate) fn has_id(&self, id: &str) -> bool {
        match self.uid() {
            Some(uid) => uid == id,
            None => self.path() == id.rsplit_once('#').map_or(id, |(path, _)| path),
        }
    }

    /// Returns the name of the receiver's signal.
    #[must_use]
    pub fn signal(&self) -> &'static str {
        self.signal
    }

    /// Returns the path of the function, `my_crate::handlers::greet`; of a closure or a struct, the
    /// name of its type.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.meta.path
    }

    /// Returns the source file that registered the receiver, as the compiler names the file.
    #[must_use]
    pub fn file(&self) -> &'static str {
        self.meta.file
    }

    /// Returns the line in [`file`](Self::file), counted from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.meta.line
    }

    /// Returns the order (default: 0). Receivers of lower order run earlier.
    #[must_use]
    pub fn order(&self) -> i32 {
        self.meta.order
    }

    /// Returns the name by which [`Signal::disconnect`](crate::Signal::disconnect) finds the
    /// receiver.
    #[must_use]
    pub fn uid(&self) -> Option<&str> {
        self.meta.uid.as_deref()
    }

    /// Returns true if the receiver is async, so that only an `asend` can call it.
    #[must_use]
    pub fn is_async(&self) -> bool {
        self.is_async
    }

    /// Returns the number of attempts after which an engine gives up an event for this receiver:
    /// at least 1; `None` without a limit.
    ///
    /// Set by `#[receiver(…, attempts = 3)]` or
    /// [`ConnectOptions::attempts`](crate::ConnectOptions::attempts). A send calls each receiver
    /// once and ignores the limit. A [`WebhookEngine`](crate::WebhookEngine) and a worker of
    /// `whatsapp-signals-nats` apply it. Without a limit, an engine applies its
    /// [`max_attempts`](crate::WebhookEngine::max_attempts).
    ///
    /// ```
    /// use std::time::Duration;
    /// use whatsapp_signals::{Signal, receiver};
    ///
    /// static TICK: Signal<u32> = Signal::new("tick");
    ///
    /// #[receiver(TICK, attempts = 3, timeout = 10)]
    /// async fn forward(_: &u32) -> Result<(), &'static str> {
    ///     Err("connection refused")
    /// }
    ///
    /// # fn main() {
    /// # pollster::block_on(async {
    /// let failure = TICK.asend(&7).await.unwrap_err();
    /// assert_eq!(failure.receiver().attempts(), Some(3));
    /// assert_eq!(failure.receiver().timeout(), Some(Duration::from_secs(10)));
    /// # });
    /// # }
    /// ```
    #[must_use]
    pub fn attempts(&self) -> Option<u32> {
        self.meta.limits.attempts
    }

    /// Returns the longest time that one run of the async receiver may take: longer than zero;
    /// `None` without a limit.
    ///
    /// Set by `#[receiver(…, timeout = 10)]` in seconds or by
    /// [`ConnectOptions::timeout`](crate::ConnectOptions::timeout). A
    /// [`WebhookEngine`](crate::WebhookEngine) that has a
    /// [`timer`](crate::WebhookEngine::timer) drops a run that takes longer, and counts a failed
    /// attempt. No send enforces it, and no worker of `whatsapp-signals-nats` without an engine.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.meta.limits.timeout
    }

    /// Returns the names of the types that the receiver takes from its
    /// [`Context`](crate::Context).
    ///
    /// ```
    /// use whatsapp_signals::{Signal, receiver};
    ///
    /// static TICK: Signal<u32> = Signal::new("tick");
    ///
    /// #[receiver(TICK)]
    /// fn log(_: &u32, _prefix: &String) {}
    ///
    /// # fn main() {
    /// assert!(TICK.receivers()[0].needs().eq(["alloc::string::String"]));
    /// # }
    /// ```
    pub fn needs(&self) -> impl Iterator<Item = &'static str> {
        let needs = self.meta.needs.iter();
        needs
            .filter(|need| !need.is_context())
            .map(|need| need.type_name())
    }

    /// Returns true if an earlier static receiver of the same signal has the same uid, so that
    /// this receiver is never called.
    ///
    /// Only the program-wide [`receivers`](crate::receivers) lists shadowed receivers.
    #[must_use]
    pub fn is_shadowed(&self) -> bool {
        self.is_shadowed
    }
}

impl fmt::Display for ReceiverInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.path(), self.file(), self.line())
    }
}
