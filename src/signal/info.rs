//! The description of a receiver, with its place in the source.

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
    pub(super) details: Details,
    pub(super) shadowed: bool,
}

/// The part of a [`ReceiverInfo`] that does not depend on the signal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Details {
    pub(super) path: &'static str,
    pub(super) file: &'static str,
    pub(super) line: u32,
    /// The number of the attribute in its crate, in the order of the source. It
    /// distinguishes receivers that one macro call made in one line. 0 for run-time
    /// receivers.
    pub(super) index: u32,
    pub(super) order: i32,
    pub(super) is_async: bool,
    pub(super) uid: Option<Cow<'static, str>>,
    pub(super) needs: &'static [Need],
    pub(super) limits: Limits,
}

/// The limits of a receiver, neither of them zero.
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

impl Details {
    /// Returns the key that static receivers are sorted by. Link order differs between
    /// debug and release builds, so the key must not depend on it.
    pub(super) fn sort_key(&self) -> (i32, &'static str, u32, &'static str, u32) {
        (self.order, self.file, self.line, self.path, self.index)
    }
}

impl ReceiverInfo {
    pub(super) fn new(signal: &'static str, details: &Details) -> Self {
        Self {
            signal,
            details: details.clone(),
            shadowed: false,
        }
    }

    /// Whether this is the receiver's uid or path, or a module or crate that its path is in.
    pub(super) fn is_named(&self, name: &str) -> bool {
        let rest = self.path().strip_prefix(name);
        let is_in = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        is_in || self.uid() == Some(name)
    }

    /// Returns whether this may be the receiver's id, as
    /// [`ReceiverIds::receiver_id`](super::delivery::ReceiverIds::receiver_id) returns it: the uid
    /// or the path, with a number behind it if several receivers have the path.
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

    /// The path of the function, `my_crate::handlers::greet`; of a closure or
    /// a struct, its type's name.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.details.path
    }

    /// The source file that registered it, as the compiler names it.
    #[must_use]
    pub fn file(&self) -> &'static str {
        self.details.file
    }

    /// The line in [`file`](Self::file), counted from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.details.line
    }

    /// Its place in the queue: lower runs earlier, 0 unless it was given.
    #[must_use]
    pub fn order(&self) -> i32 {
        self.details.order
    }

    /// The name by which [`Signal::disconnect`](crate::Signal::disconnect)
    /// finds it.
    #[must_use]
    pub fn uid(&self) -> Option<&str> {
        self.details.uid.as_deref()
    }

    /// Whether it is async, so that only an `asend` can call it.
    #[must_use]
    pub fn is_async(&self) -> bool {
        self.details.is_async
    }

    /// Returns the number of attempts after which the receiver gives an event up; `None`
    /// without a limit. It is at least 1.
    ///
    /// Set by `#[receiver(…, attempts = 3)]` or
    /// [`ConnectOptions::attempts`](crate::ConnectOptions::attempts). A send calls each
    /// receiver once and ignores the limit. A [`WebhookEngine`](crate::WebhookEngine) and a worker of
    /// `whatsapp-signals-nats` honour it. Without a limit, an engine counts up to its own
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
        self.details.limits.attempts
    }

    /// Returns the longest time that one run of the async receiver may take; `None` without a
    /// limit. It is longer than zero.
    ///
    /// Set by `#[receiver(…, timeout = 10)]` in seconds or by
    /// [`ConnectOptions::timeout`](crate::ConnectOptions::timeout). A
    /// [`WebhookEngine`](crate::WebhookEngine) that has a
    /// [`timer`](crate::WebhookEngine::timer) drops a run that takes longer, and counts a failed
    /// attempt. No send enforces it, and no worker of `whatsapp-signals-nats` without an engine.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.details.limits.timeout
    }

    /// Returns the types that the receiver takes from its [`Context`](crate::Context), by
    /// their names.
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
        let needs = self.details.needs.iter();
        needs
            .filter(|need| !need.is_context())
            .map(|need| need.type_name())
    }

    /// True when an earlier static receiver of the same signal has the same
    /// uid, so that this one is never called.
    ///
    /// Only the program-wide [`receivers`](crate::receivers) lists such ones.
    #[must_use]
    pub fn is_shadowed(&self) -> bool {
        self.shadowed
    }
}

impl fmt::Display for ReceiverInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.path(), self.file(), self.line())
    }
}
