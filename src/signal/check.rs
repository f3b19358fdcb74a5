//! The check of receivers at start-up.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use super::info::ReceiverInfo;
use super::registration::{shadowed, signals};
use super::{AnySignal, Context};

/// Checks that the receivers which `#[receiver]` registered in this program can be called with a
/// context: its values, the uids, and [expected](Context::expect_receiver) receivers.
///
/// Receivers of the context's own take no values from it, and cannot lack any. An expected name
/// may be theirs. Receivers that [`Signal::connect`](crate::Signal::connect) added are checked for
/// signals that have static receivers too: there is no list of the others.
///
/// Call it when the program starts: a mistake is then found before the first event, and not by
/// it. [`WebhookEngine::check`](crate::WebhookEngine::check) does the same for the signals of this
/// crate, with the context of the engine.
///
/// # Errors
///
/// All problems that were found.
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
    // A send has no timeouts.
    check_signals(&signals(), context, false, true)
}

/// Checks the receivers of these signals; for programs that do not await, `is_sync`.
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
                .details
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

/// Returns the names that a context expects, and that no receiver has: none of these signals, of
/// those with static receivers, and of those with receivers of the context's own.
fn not_linked(
    checked: &[&dyn AnySignal],
    context: &Context,
) -> impl Iterator<Item = Cow<'static, str>> {
    let (with_statics, own) = (signals(), context.own_signals());
    let all = checked.iter().chain(&with_statics).chain(&own);
    let linked: Vec<_> = all
        .flat_map(|signal| signal.receivers_with(context))
        .collect();
    let names = context.expected().iter();
    let is_linked = move |name: &str| linked.iter().any(|receiver| receiver.is_named(name));
    names.filter(move |name| !is_linked(name)).cloned()
}

/// The problems that a check at start-up found.
///
/// Its text has a line for each, with the receiver's file and line.
#[derive(Clone)]
pub struct CheckError {
    problems: Vec<Problem>,
}

impl CheckError {
    /// Returns the problems: by signals, and then in the order of their receivers.
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

/// As `Display`: a `main` that returns the error prints this.
impl fmt::Debug for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for CheckError {}

/// A receiver that will not be called, or fail whenever it is called.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Problem {
    /// The context does not have a value that the receiver takes.
    MissingContext {
        /// The receiver.
        receiver: ReceiverInfo,
        /// The name of the value's type.
        type_name: &'static str,
    },
    /// Another receiver of the signal has the same uid and comes first:
    /// [`ReceiverInfo::is_shadowed`].
    Shadowed(ReceiverInfo),
    /// The receiver is async, and the program does not await:
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
