//! The static receivers of the program: from the inventory of the linker to the sorted list of each
//! signal, and the check of all receivers at start-up.
//!
//! `#[receiver]` submits one [`Registration`] to `inventory` for each of its signals. The types are
//! erased and not generic: a generic collection would be one static that all payload types share.

use std::any::Any;
use std::borrow::Cow;
use std::collections::HashSet;
use std::error::Error;
use std::fmt;
use std::ptr;
use std::sync::Arc;

use parking_lot::Mutex;

use super::context::Context;
use super::receiver::{ReceiverInfo, ReceiverMeta};
use super::receiver_list::{AnyReceiver, Entry, ReceiverList, RegisteredReceiver, SyncFn};
use super::report::{Counts, has_responses};

/// A signal with its payload type erased, as in [`signals::ALL`](crate::signals::ALL).
/// Sealed; every [`Signal`](crate::Signal) implements it.
///
/// ```standalone_crate
/// use whatsapp_signals::signals;
///
/// let signal = signals::ALL.iter().find(|signal| signal.name() == "message_received");
/// let signal = signal.unwrap();
/// assert!(!signal.has_receivers() && signal.receivers().is_empty(), "in this example");
/// ```
pub trait AnySignal: fmt::Debug + Sync + sealed::Sealed {
    /// See [`Signal::name`](crate::Signal::name).
    fn name(&self) -> &'static str;
    /// See [`Signal::has_receivers`](crate::Signal::has_receivers).
    fn has_receivers(&self) -> bool;
    /// See [`Signal::receivers`](crate::Signal::receivers).
    fn receivers(&self) -> Vec<ReceiverInfo>;
    /// See [`InContext::receivers`](crate::InContext::receivers).
    fn receivers_with(&self, context: &Context) -> Vec<ReceiverInfo>;
}

/// Keeps other crates from implementing [`AnySignal`], so that it may get more methods.
pub(super) mod sealed {
    pub trait Sealed {}
}

/// A static receiver of a signal, both with their types erased.
#[derive(Debug)]
pub struct Registration {
    pub(super) signal: &'static dyn AnySignal,
    pub(super) receiver: &'static dyn AnyReceiver,
}

inventory::collect!(Registration);

impl Registration {
    /// Returns the address of the signal, which distinguishes signals of one name.
    fn address(&self) -> usize {
        address(self.signal)
    }
}

fn address(signal: &dyn AnySignal) -> usize {
    ptr::from_ref(signal).addr()
}

/// The static receivers of one signal, in the order in which they run.
pub(super) struct StaticReceivers<T: 'static, R: 'static> {
    /// The functions of the first receivers, as long as these are sync functions without a filter.
    /// A send calls them in a loop that reads nothing else. Empty for a signal with responses,
    /// which are reported with their receivers.
    pub(super) functions: Vec<SyncFn<T, R>>,
    /// The counts of a send in which all receivers succeed; `None` if `functions` does not have all
    /// receivers.
    pub(super) if_all_succeed: Option<Counts>,
    /// All receivers.
    pub(super) list: ReceiverList<R>,
}

impl<T: 'static, R: 'static> StaticReceivers<T, R> {
    /// Returns the static receivers of the signal at this address. Called once for each signal.
    #[cold]
    pub(super) fn of(signal: usize) -> Self {
        let (mut functions, mut entries) = (Vec::new(), Vec::new());
        for receiver in static_receivers(signal) {
            let Some(receiver) = (receiver as &dyn Any).downcast_ref() else {
                continue;
            };
            let receiver: &RegisteredReceiver<T, R> = receiver;
            if functions.len() == entries.len()
                && !has_responses::<R>()
                && let Some(function) = receiver.sync_function()
            {
                functions.push(function);
            }
            entries.push(Entry::from_static(receiver));
        }
        let are_all_functions = functions.len() == entries.len();
        Self {
            if_all_succeed: are_all_functions.then(|| Counts::of_successes(entries.len())),
            functions,
            list: ReceiverList::new(entries),
        }
    }
}

/// Returns the static receivers of the signal at this address, in the order in which they run.
fn static_receivers(signal: usize) -> Vec<&'static dyn AnyReceiver> {
    let all = by_signal();
    let first = all.partition_point(|registration| registration.address() < signal);
    let mut found: Vec<_> = all[first..]
        .iter()
        .take_while(|registration| registration.address() == signal)
        .map(|registration| registration.receiver)
        .collect();
    found.sort_by_key(|receiver| receiver.meta().sort_key());

    let mut uids = HashSet::new();
    found.retain(|receiver| is_first(&mut uids, receiver.meta()));
    found
}

/// Returns the whole inventory, sorted by the addresses of the signals. The result is cached, so
/// that the inventory is not walked once for each signal. It is computed again after additions: a
/// first use before `main` precedes some, and a library that is loaded later adds more.
fn by_signal() -> Arc<[&'static Registration]> {
    /// The inventory, with the address of its newest registration, which comes first in it.
    type Sorted = (Option<usize>, Arc<[&'static Registration]>);
    static CACHED: Mutex<Option<Sorted>> = Mutex::new(None);

    let mut inventory = inventory::iter::<Registration>();
    let newest = inventory.next().map(|newest| ptr::from_ref(newest).addr());
    let mut cached = CACHED.lock();
    if let Some((_, all)) = cached.as_ref().filter(|(cached, _)| *cached == newest) {
        return Arc::clone(all);
    }
    let mut all: Vec<_> = inventory::iter::<Registration>().collect();
    all.sort_unstable_by_key(|registration| registration.address());
    let all: Arc<[_]> = all.into();
    *cached = Some((newest, Arc::clone(&all)));
    all
}

/// Returns true for the first receiver with its uid, which keeps the uid, as in Django.
fn is_first<'a>(uids: &mut HashSet<&'a str>, meta: &'a ReceiverMeta) -> bool {
    meta.uid.as_deref().is_none_or(|uid| uids.insert(uid))
}

/// Returns every receiver that `#[receiver]` registered in this program, sorted by signal and then
/// in the order in which they run.
///
/// Print or check the list at start-up: a crate that the binary never names is not linked, and its
/// receivers are silently missing. Receivers connected at run time are listed by their signal:
/// [`Signal::receivers`](crate::Signal::receivers).
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::{receiver, receivers, signals::MESSAGE_RECEIVED};
///
/// #[receiver(MESSAGE_RECEIVED, uid = "greeter")]
/// fn greet(_event: &MessageReceived) {}
///
/// # fn main() {
/// let greeter = receivers().into_iter().find(|r| r.uid() == Some("greeter"));
/// assert_eq!(greeter.map(|r| r.signal()), Some("message_received"));
/// # }
/// ```
#[must_use]
pub fn receivers() -> Vec<ReceiverInfo> {
    let all = registered().into_iter();
    all.map(|(_, info)| info).collect()
}

/// Returns the signals that have static receivers, sorted by their names.
pub(super) fn signals() -> Vec<&'static dyn AnySignal> {
    let mut signals: Vec<_> = registered().into_iter().map(|(signal, _)| signal).collect();
    signals.dedup_by_key(|signal| address(*signal));
    signals
}

/// Returns the static receivers of a signal whose uid an earlier receiver has.
pub(super) fn shadowed(signal: &dyn AnySignal) -> Vec<ReceiverInfo> {
    let all = registered().into_iter();
    let of_signal = all.filter(|(other, _)| address(*other) == address(signal));
    let infos = of_signal.map(|(_, info)| info);
    infos.filter(ReceiverInfo::is_shadowed).collect()
}

/// Returns the static receivers with their signals, sorted.
fn registered() -> Vec<(&'static dyn AnySignal, ReceiverInfo)> {
    let all = inventory::iter::<Registration>();
    let info = |&Registration { signal, receiver }: &Registration| {
        let info = ReceiverInfo::new(signal.name(), receiver.meta(), receiver.is_async());
        (signal, info)
    };
    let mut all: Vec<_> = all.map(info).collect();
    // The address distinguishes signals of one name.
    all.sort_by_key(|(signal, info)| (info.signal, address(*signal), info.meta.sort_key()));

    let mut taken = HashSet::new();
    for (signal, info) in &mut all {
        let uid = info.meta.uid.clone();
        info.is_shadowed = uid.is_some_and(|uid| !taken.insert((address(*signal), uid)));
    }
    all
}

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
