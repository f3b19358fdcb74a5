//! The check of receivers at start-up.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use super::context::Context;
use super::receiver_info::ReceiverInfo;
use super::registry::{AnySignal, shadowed, signals};

/// Checks that the receivers which `#[receiver]` registered in this program can be called with a
/// context: the values that they need, their uids, and
/// [expected](Context::expect_receiver) receivers.
///
/// Receivers that are connected to the context take no values from it. They count as expected
/// receivers. Receivers of [`Signal::connect`](crate::Signal::connect) are checked only if their
/// signal has static receivers too, as there is no list of other signals.
///
/// Call this function at the start of the program, to find a mistake before the first event.
/// [`WebhookEngine::check`](crate::WebhookEngine::check) does the same for the signals of this
/// crate, with the context of the engine.
///
/// # Errors
///
/// [`CheckError`] with all problems.
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::{Context, Problem, Signal, check, receiver};
///
/// static TICK: Signal<u32> = Signal::new("tick");
///
/// #[receiver(TICK)]
/// fn log(_: &u32, _prefix: &String) {}
///
/// # fn main() {
/// let error = check(&Context::new()).unwrap_err();
/// let [Problem::MissingContext { receiver, type_name }] = error.problems() else { panic!("one") };
/// assert!(receiver.path().ends_with("::log"));
/// assert_eq!(*type_name, "alloc::string::String");
///
/// assert!(check(&Context::new().with(String::from("> "))).is_ok());
/// # }
/// ```
pub fn check(context: &Context) -> Result<(), CheckError> {
    // A send ignores timeouts, so no timer is missing.
    check_signals(&signals(), context, false, true)
}

/// Checks the receivers of these signals. With `is_sync`, async receivers are problems; without
/// `has_timer`, timeouts are.
pub(crate) fn check_signals(
    signals: &[&dyn AnySignal],
    context: &Context,
    is_sync: bool,
    has_timer: bool,
) -> Result<(), CheckError> {
    let mut problems = Vec::new();
    for signal in signals {
        for receiver in signal.receivers_with(context) {
            let missing = receiver
                .meta
                .needs
                .iter()
                .filter(|need| !context.has(**need));
            problems.extend(missing.map(|need| Problem::MissingContext {
                receiver: receiver.clone(),
                type_name: need.type_name(),
            }));
            if is_sync && receiver.is_async() {
                problems.push(Problem::NeedsAsend(receiver.clone()));
            } else if !has_timer && receiver.timeout().is_some() {
                problems.push(Problem::NeedsTimer(receiver.clone()));
            }
        }
        problems.extend(shadowed(*signal).into_iter().map(Problem::Shadowed));
    }
    problems.extend(not_linked(signals, context).map(Problem::NotLinked));
    match problems[..] {
        [] => Ok(()),
        _ => Err(CheckError { problems }),
    }
}

/// Returns the expected names of a context that no receiver has: no receiver of these signals or of
/// a signal with static receivers, and none of the context.
fn not_linked(
    checked: &[&dyn AnySignal],
    context: &Context,
) -> impl Iterator<Item = Cow<'static, str>> {
    let with_statics = signals();
    let linked: Vec<_> = checked
        .iter()
        .chain(&with_statics)
        .flat_map(|signal| signal.receivers_with(context))
        .collect();
    let is_linked = move |name: &str| {
        let has_name = |receiver: &ReceiverInfo| receiver.meta.is_named(name);
        linked.iter().any(has_name) || context.has_own_named(name)
    };
    let names = context.expected().iter();
    names.filter(move |name| !is_linked(name)).cloned()
}

/// The problems that a check at start-up found.
///
/// The text has one line for each problem, with the file and line of the receiver.
#[derive(Clone)]
pub struct CheckError {
    problems: Vec<Problem>,
}

impl CheckError {
    /// Returns the problems, by signals and then in the order of their receivers.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("receivers cannot be called:")?;
        self.problems
            .iter()
            .try_for_each(|problem| write!(f, "\n- {problem}"))
    }
}

/// Writes the same as `Display`, as a `main` that returns the error prints the `Debug` form.
impl fmt::Debug for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for CheckError {}

/// A receiver that is never called, or fails at every call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Problem {
    /// The context lacks a value that the receiver takes.
    MissingContext {
        /// The receiver.
        receiver: ReceiverInfo,
        /// The name of the value's type.
        type_name: &'static str,
    },
    /// Another receiver of the signal has the same uid and comes first:
    /// [`ReceiverInfo::is_shadowed`].
    Shadowed(ReceiverInfo),
    /// The receiver is async, and the program only calls sync methods:
    /// [`WebhookEngine::check_sync`](crate::WebhookEngine::check_sync).
    NeedsAsend(ReceiverInfo),
    /// The receiver has a timeout, and the engine has no
    /// [`timer`](crate::WebhookEngine::timer).
    NeedsTimer(ReceiverInfo),
    /// No receiver has this name, which the context [expects](Context::expect_receiver).
    NotLinked(Cow<'static, str>),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingContext {
                receiver,
                type_name,
            } => write!(
                f,
                "{receiver} of signal {} needs {type_name}, which the context lacks",
                receiver.signal()
            ),
            Self::Shadowed(receiver) => write!(
                f,
                "{receiver} of signal {} is not called, as its uid {:?} is taken",
                receiver.signal(),
                receiver.uid().unwrap_or_default()
            ),
            Self::NeedsAsend(receiver) => write!(
                f,
                "{receiver} of signal {} is async and needs process_async",
                receiver.signal()
            ),
            Self::NeedsTimer(receiver) => write!(
                f,
                "{receiver} of signal {} has a timeout and needs WebhookEngine::timer",
                receiver.signal()
            ),
            Self::NotLinked(name) => write!(
                f,
                "{name} is not linked: name its crate, as in `use handlers as _;`"
            ),
        }
    }
}

impl Error for Problem {}
