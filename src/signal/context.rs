//! The context of a delivery: values for its receivers, and receivers that only this context has.

use std::any::{Any, TypeId, type_name};
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

/// The values that receivers need beside their event: a database, an HTTP client, a
/// configuration.
///
/// A `#[receiver]` function takes them as references behind the event. Each value is looked up by
/// its type. [`Signal::with`](crate::Signal::with) passes a context to one send,
/// [`Webhook::with`](crate::Webhook::with) to one dispatch, and
/// [`WebhookEngine::context`](crate::WebhookEngine::context) to every delivery of an engine.
/// There is no context of the process, so tests that run in parallel have one each.
///
/// A receiver may also take `&Context`, the whole context, and `&dyn Trait`, which is looked up
/// as an `Arc<dyn Trait>` of exactly that type, so that a test can pass a fake. If the context
/// lacks a value, the receiver that needs the value fails with
/// [`Cause::MissingContext`](crate::Cause::MissingContext).
///
/// A context may have [receivers of its own](Self::connect), and leave out those of the signals.
///
/// A clone is cheap. It shares the values and the receivers.
///
/// # Examples
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use whatsapp_signals::{Context, Signal, receiver};
///
/// trait Printer: Send + Sync {
///     fn print(&self, line: &str);
/// }
///
/// struct Prices { cents: u64 }
///
/// static ORDERED: Signal<u64> = Signal::new("ordered");
///
/// #[receiver(ORDERED)]
/// fn bill(pieces: &u64, prices: &Prices, printer: &dyn Printer) {
///     printer.print(&format!("{} cents", pieces * prices.cents));
/// }
///
/// #[derive(Default)]
/// struct Fake(Mutex<Vec<String>>);
///
/// impl Printer for Fake {
///     fn print(&self, line: &str) {
///         self.0.lock().unwrap().push(line.to_owned());
///     }
/// }
///
/// # fn main() -> Result<(), whatsapp_signals::Failure> {
/// let fake = Arc::new(Fake::default());
/// let printer: Arc<dyn Printer> = fake.clone();
/// let context = Context::new().with(Prices { cents: 250 }).with(printer);
///
/// ORDERED.with(&context).send(&3)?;
/// assert_eq!(*fake.0.lock().unwrap(), ["750 cents"]);
/// # Ok(())
/// # }
/// ```
pub struct Context {
    values: Option<Arc<[Value]>>,
    /// `None` for [`EMPTY`], which all deliveries without a context share.
    own: Option<Arc<OwnReceivers>>,
    included: SignalReceivers,
    expected: Option<Arc<[Cow<'static, str>]>>,
}

/// A value with its type erased.
#[derive(Clone)]
struct Value {
    type_id: TypeId,
    type_name: &'static str,
    value: Arc<dyn Any + Send + Sync>,
}

/// The receivers of signals that are called beside those of the context.
#[derive(Clone, Debug)]
enum SignalReceivers {
    All,
    /// All but the receivers with these uids.
    Except(Arc<[Cow<'static, str>]>),
    None,
}

/// The context of a delivery without one.
pub(crate) static EMPTY: Context = Context {
    values: None,
    own: None,
    included: SignalReceivers::All,
    expected: None,
};

impl Context {
    /// Returns a context without values.
    #[must_use]
    pub fn new() -> Self {
        EMPTY.clone()
    }

    /// Adds a value. A second value of a type replaces the first.
    ///
    /// ```
    /// use whatsapp_signals::Context;
    ///
    /// let context = Context::new().with(7_u32).with("seven");
    /// let other = context.clone().with(8_u32);
    /// assert_eq!(context.get::<u32>(), Some(&7));
    /// assert_eq!(other.get::<u32>(), Some(&8));
    /// assert_eq!(other.get::<&str>(), Some(&"seven"));
    /// ```
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        let added = Value {
            type_id: TypeId::of::<T>(),
            type_name: type_name::<T>(),
            value: Arc::new(value),
        };
        let kept = self.values().iter();
        let kept = kept.filter(|value| value.type_id != added.type_id);
        let mut values: Vec<_> = kept.cloned().collect();
        values.push(added);
        self.values = Some(values.into());
        self
    }

    /// Returns the value of a type.
    ///
    /// The type must be that of the value passed to [`with`](Self::with): an `Arc<Pool>` is found
    /// as `Arc<Pool>`, and not as `Pool`.
    ///
    /// ```
    /// use whatsapp_signals::{Context, Signal, receiver};
    ///
    /// static TICK: Signal<u32> = Signal::new("tick");
    ///
    /// #[receiver(TICK)]
    /// fn log(n: &u32, context: &Context) {
    ///     let prefix = context.get::<String>().map_or("", String::as_str);
    ///     println!("{prefix}{n}");
    /// }
    ///
    /// # fn main() -> Result<(), whatsapp_signals::Failure> {
    /// let context = Context::new().with(String::from("tick "));
    /// TICK.with(&context).send(&7)?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        let is_wanted = |value: &&Value| value.type_id == TypeId::of::<T>();
        let found = self.values().iter().find(is_wanted)?;
        found.value.downcast_ref()
    }

    /// Expects a receiver to be linked, by its uid or path, or any receiver of a module or a
    /// crate, by its path. [`check`](crate::check) reports expected names without a receiver: a
    /// crate that the program does not name is not linked, and its receivers are not called.
    ///
    /// The name may be that of a receiver that was connected to the context. A receiver that was
    /// connected by [`Signal::connect`](crate::Signal::connect) is found only if its signal has
    /// static receivers.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::{Context, check};
    ///
    /// let context = Context::new().expect_receiver("bikes::handlers");
    /// let error = check(&context).unwrap_err();
    /// let text = error.to_string();
    /// assert!(text.contains("bikes::handlers is not linked"), "{text}");
    /// ```
    #[must_use]
    pub fn expect_receiver(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        let expected = self.expected().iter().cloned().chain([name.into()]);
        self.expected = Some(expected.collect());
        self
    }

    pub(super) fn expected(&self) -> &[Cow<'static, str>] {
        self.expected.as_deref().unwrap_or_default()
    }

    /// Leaves out the receivers of signals: only those of the context are called.
    #[must_use]
    pub fn only_own_receivers(mut self) -> Self {
        self.included = SignalReceivers::None;
        self
    }

    /// Leaves out the receivers of signals that have this uid.
    ///
    /// ```
    /// use whatsapp_signals::{Context, Signal, receiver};
    ///
    /// static ORDERED: Signal<u32> = Signal::new("ordered");
    ///
    /// #[receiver(ORDERED, uid = "deliver")]
    /// fn deliver(_: &u32) {
    ///     panic!("not in a test");
    /// }
    ///
    /// # fn main() -> Result<(), whatsapp_signals::Failure> {
    /// let context = Context::new().without_receiver("deliver");
    /// assert_eq!(ORDERED.with(&context).send(&3)?.called(), 0);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn without_receiver(mut self, uid: impl Into<Cow<'static, str>>) -> Self {
        let uids: &[_] = match &self.included {
            SignalReceivers::All => &[],
            SignalReceivers::Except(uids) => uids,
            SignalReceivers::None => return self,
        };
        let uids = uids.iter().cloned().chain([uid.into()]).collect();
        self.included = SignalReceivers::Except(uids);
        self
    }

    /// Returns true if the context has the value that a receiver needs.
    pub(super) fn has(&self, need: Need) -> bool {
        let type_id = (need.type_id)();
        need.is_context() || self.values().iter().any(|value| value.type_id == type_id)
    }

    fn values(&self) -> &[Value] {
        self.values.as_deref().unwrap_or_default()
    }

    /// Returns true if a delivery with the context may have other receivers than the signal.
    #[inline]
    pub(super) fn changes_receivers(&self) -> bool {
        let has_own = self.own.as_ref().is_some_and(|own| own.is_used());
        has_own || !matches!(self.included, SignalReceivers::All)
    }

    /// Returns true if receivers of signals that have this uid are left out.
    pub(super) fn excludes(&self, uid: Option<&str>) -> bool {
        match &self.included {
            SignalReceivers::All => false,
            SignalReceivers::Except(uids) => {
                uid.is_some_and(|uid| uids.iter().any(|excluded| excluded == uid))
            }
            SignalReceivers::None => true,
        }
    }

    /// Returns the list of the context's receivers for the signal at this address.
    #[inline]
    pub(super) fn own_list<L: OwnList>(&self, signal: usize) -> Option<Arc<L>> {
        let own = self.own.as_ref()?;
        if !own.is_used() {
            return None;
        }
        find(&own.lists.read(), signal)
    }

    /// Replaces the list of the context's receivers for the signal at this address by the one
    /// that `change` returns. [`EMPTY`] has no lists, and stays as it is.
    pub(super) fn change_own_list<L: OwnList, E>(
        &self,
        signal: usize,
        change: impl FnOnce(Option<&L>) -> Result<L, E>,
    ) -> Result<(), E> {
        let Some(own) = &self.own else {
            return Ok(());
        };
        let mut lists = own.lists.write();
        let list = change(find(&lists, signal).as_deref())?;
        lists.retain(|(address, _)| *address != signal);
        lists.push((signal, Arc::new(list)));
        own.is_used.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Returns true if one of the context's receivers has this name.
    pub(super) fn has_own_named(&self, name: &str) -> bool {
        let has_name = |own: &Arc<OwnReceivers>| {
            let lists = own.lists.read();
            lists.iter().any(|(_, list)| list.has_named(name))
        };
        self.own.as_ref().is_some_and(has_name)
    }
}

/// The receivers that are connected to a context, and shared by its clones.
#[derive(Default)]
struct OwnReceivers {
    /// `true` once a receiver was connected, so that a context without receivers takes no lock.
    is_used: AtomicBool,
    /// The lists of the signals, by the addresses of these statics.
    lists: RwLock<Vec<(usize, Arc<dyn OwnList>)>>,
}

impl OwnReceivers {
    #[inline]
    fn is_used(&self) -> bool {
        // Ordering: Relaxed, as the lock synchronizes the lists. The flag is visible to everything
        // that happens after the connection.
        self.is_used.load(Ordering::Relaxed)
    }
}

/// A list of the receivers that a context has for one signal.
pub(super) trait OwnList: Any + Send + Sync {
    /// Returns true if a receiver of the list has this name.
    fn has_named(&self, name: &str) -> bool;
}

fn find<L: OwnList>(lists: &[(usize, Arc<dyn OwnList>)], signal: usize) -> Option<Arc<L>> {
    let (_, list) = lists.iter().find(|(address, _)| *address == signal)?;
    let list: Arc<dyn Any + Send + Sync> = Arc::clone(list) as _;
    list.downcast().ok()
}

/// A signal, an event or a webhook together with the [`Context`] of its delivery.
///
/// Returned by [`Signal::with`](crate::Signal::with), [`Webhook::with`](crate::Webhook::with),
/// [`WebhookEvent::with`](crate::WebhookEvent::with) and [`Parser::with`](crate::Parser::with). It
/// has their methods that deliver.
#[derive(Debug)]
pub struct InContext<'a, D> {
    pub(crate) delivered: &'a D,
    pub(crate) context: &'a Context,
}

impl<'a, D> InContext<'a, D> {
    pub(crate) fn new(delivered: &'a D, context: &'a Context) -> Self {
        Self { delivered, context }
    }
}

impl<D> Clone for InContext<'_, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for InContext<'_, D> {}

/// Returns the value of a type for a receiver; for `Context` the context itself.
///
/// # Errors
///
/// [`MissingContext`] if the context has no such value.
#[inline]
pub fn require<T: Send + Sync + 'static>(context: &Context) -> Result<&T, MissingContext> {
    let itself = (context as &dyn Any).downcast_ref();
    itself
        .or_else(|| context.get())
        .ok_or_else(|| MissingContext {
            type_name: type_name::<T>(),
            is_in_arc: context.get::<Arc<T>>().is_some(),
        })
}

/// Returns the trait object for a receiver.
///
/// # Errors
///
/// [`MissingContext`] if the context has no such object.
#[inline]
pub fn require_dyn<T: ?Sized + Send + Sync + 'static>(
    context: &Context,
) -> Result<&T, MissingContext> {
    context
        .get::<Arc<T>>()
        .map(|object| &**object)
        .ok_or(MissingContext {
            type_name: type_name::<Arc<T>>(),
            is_in_arc: false,
        })
}

/// The type of a value that a static receiver takes from its context.
#[derive(Clone, Copy)]
pub struct Need {
    // Functions, since neither is const at the minimum version of Rust.
    type_id: fn() -> TypeId,
    type_name: fn() -> &'static str,
}

impl Need {
    /// Returns the requirement of a receiver that takes `&T`.
    #[must_use]
    pub const fn of<T: 'static>() -> Self {
        Self {
            type_id: TypeId::of::<T>,
            type_name: type_name::<T>,
        }
    }

    /// Returns the requirement of a receiver that takes `&dyn Trait`.
    #[must_use]
    pub const fn of_dyn<T: ?Sized + 'static>() -> Self {
        Self::of::<Arc<T>>()
    }

    /// Returns true for `&Context`, which no context lacks.
    pub(super) fn is_context(self) -> bool {
        (self.type_id)() == TypeId::of::<Context>()
    }

    pub(super) fn type_name(self) -> &'static str {
        (self.type_name)()
    }
}

impl PartialEq for Need {
    fn eq(&self, other: &Self) -> bool {
        (self.type_id)() == (other.type_id)()
    }
}

impl Eq for Need {}

impl Hash for Need {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.type_id)().hash(state);
    }
}

impl fmt::Debug for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.type_name())
    }
}

/// The error of a receiver whose context lacks a value that the receiver takes.
///
/// ```
/// use whatsapp_signals::{Cause, Signal, receiver};
///
/// static TICK: Signal<u32> = Signal::new("tick");
///
/// #[receiver(TICK)]
/// fn log(_: &u32, _prefix: &String) {}
///
/// # fn main() {
/// let failure = TICK.send(&7).unwrap_err();
/// let Cause::MissingContext(missing) = failure.cause() else { panic!("a missing value") };
/// assert_eq!(missing.type_name(), "alloc::string::String");
/// assert!(failure.to_string().ends_with("needs alloc::string::String, which the context lacks"));
/// # }
/// ```
#[derive(Debug)]
pub struct MissingContext {
    type_name: &'static str,
    is_in_arc: bool,
}

impl MissingContext {
    /// Returns the name of the value's type; for `&dyn Trait` the name of `Arc<dyn Trait>`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }
}

impl fmt::Display for MissingContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.type_name;
        write!(f, "needs {name}, which the context lacks")?;
        if self.is_in_arc {
            write!(
                f,
                ": it has an `Arc` of this type, which a receiver takes as `&Arc<{name}>`"
            )?;
        }
        Ok(())
    }
}

impl Error for MissingContext {}

impl Default for Context {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Context {
    /// Shares the values and the receivers. A clone of the context of a delivery without one can get
    /// receivers, unlike the original.
    fn clone(&self) -> Self {
        Self {
            values: self.values.clone(),
            own: Some(self.own.clone().unwrap_or_default()),
            included: self.included.clone(),
            expected: self.expected.clone(),
        }
    }
}

// As with a signal: a receiver that panics can only leave its own state inconsistent.
impl UnwindSafe for Context {}
impl RefUnwindSafe for Context {}

/// Shows the types of the values. The values may be secrets.
impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.values().iter().map(|value| value.type_name);
        let names: Vec<_> = names.collect();
        f.debug_struct("Context")
            .field("values", &names)
            .finish_non_exhaustive()
    }
}
