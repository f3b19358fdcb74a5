//! The values that a delivery brings along for its receivers.

use std::any::{Any, TypeId, type_name};
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use super::own_receivers::{Others, OwnReceivers};
use super::receiver::BoxError;

/// The values that receivers need beside their event: a database, an HTTP client, a
/// configuration.
///
/// A `#[receiver]` function lists them as references behind the event. Each is looked up by
/// its type. [`Signal::with`](crate::Signal::with) hands a context to one send,
/// [`Webhook::with`](crate::Webhook::with) to one dispatch, and
/// [`WebhookEngine::context`](crate::WebhookEngine::context) to all that an engine delivers.
/// There is no context of the process, so tests that run in parallel have one each.
///
/// A receiver may also take `&Context`, which is the whole context, and `&dyn Trait`, which
/// is found in an `Arc<dyn Trait>` of exactly that type: with it a test passes a fake. A
/// value that the context lacks is a failure of the receiver that needs it,
/// [`Cause::MissingContext`](crate::Cause::MissingContext).
///
/// A clone is cheap. It has the same values and the same receivers.
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
    /// `None` for the context of a delivery without one, which is shared by all.
    pub(super) own: Option<Arc<OwnReceivers>>,
    pub(super) others: Others,
    expected: Option<Arc<[Cow<'static, str>]>>,
}

/// A value with its type erased.
#[derive(Clone)]
struct Value {
    type_id: TypeId,
    type_name: &'static str,
    value: Arc<dyn Any + Send + Sync>,
}

/// The context of a delivery without one.
pub(crate) static EMPTY: Context = Context {
    values: None,
    own: None,
    others: Others::All,
    expected: None,
};

impl Context {
    /// Returns a context without values.
    #[must_use]
    pub fn new() -> Self {
        EMPTY.clone()
    }

    /// Adds a value. A second value of a type takes the place of the first.
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
        let others = self.values().iter();
        let others = others.filter(|other| other.type_id != added.type_id);
        let mut values: Vec<_> = others.cloned().collect();
        values.push(added);
        self.values = Some(values.into());
        self
    }

    /// Returns the value of a type.
    ///
    /// The type is the one that was given to [`with`](Self::with): for an `Arc<Pool>` it is
    /// `Arc<Pool>`, and not `Pool`.
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
    /// crate, by its path. [`check`](crate::check) finds names that are missing: a crate that the
    /// program does not name is not linked, and its receivers are not called.
    ///
    /// A receiver that was connected to the context has a name as well. One of
    /// [`Signal::connect`](crate::Signal::connect) is found only if its signal has static receivers.
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

    /// Whether the context has what a receiver needs.
    pub(super) fn has(&self, need: Need) -> bool {
        let type_id = (need.type_id)();
        need.is_context() || self.values().iter().any(|value| value.type_id == type_id)
    }

    fn values(&self) -> &[Value] {
        self.values.as_deref().unwrap_or_default()
    }
}

/// Returns the value of a type for a receiver; for `Context` the context itself.
///
/// # Errors
///
/// [`MissingContext`] when the context has no such value.
#[inline]
pub fn needed<T: Send + Sync + 'static>(context: &Context) -> Result<&T, BoxError> {
    let itself = (context as &dyn Any).downcast_ref();
    itself.or_else(|| context.get()).ok_or_else(|| {
        MissingContext {
            type_name: type_name::<T>(),
            is_in_arc: context.get::<Arc<T>>().is_some(),
        }
        .into()
    })
}

/// Returns the object of a trait for a receiver.
///
/// # Errors
///
/// [`MissingContext`] when the context has no such object.
#[inline]
pub fn needed_dyn<T: ?Sized + Send + Sync + 'static>(context: &Context) -> Result<&T, BoxError> {
    context
        .get::<Arc<T>>()
        .map(|object| &**object)
        .ok_or_else(|| {
            MissingContext {
                type_name: type_name::<Arc<T>>(),
                is_in_arc: false,
            }
            .into()
        })
}

/// A type that a static receiver needs of its context.
#[derive(Clone, Copy)]
pub struct Need {
    // Functions, since neither is const at the minimum version of Rust.
    type_id: fn() -> TypeId,
    type_name: fn() -> &'static str,
}

impl Need {
    /// Returns the need of a receiver that takes `&T`.
    #[must_use]
    pub const fn of<T: 'static>() -> Self {
        Self {
            type_id: TypeId::of::<T>,
            type_name: type_name::<T>,
        }
    }

    /// Returns the need of a receiver that takes `&dyn Trait`.
    #[must_use]
    pub const fn of_dyn<T: ?Sized + 'static>() -> Self {
        Self::of::<Arc<T>>()
    }

    /// True for `&Context`, which no context lacks.
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

/// A value that a receiver needs, and that its context does not have.
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
    /// Returns the name of the value's type; for `&dyn Trait` that of `Arc<dyn Trait>`.
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
                ": it has an Arc of it, which a receiver takes as `&Arc<{name}>`"
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
    /// Shares the values and the receivers. A clone of the empty one, which has no place for
    /// receivers, gets a place of its own.
    fn clone(&self) -> Self {
        Self {
            values: self.values.clone(),
            own: Some(self.own.clone().unwrap_or_default()),
            others: self.others.clone(),
            expected: self.expected.clone(),
        }
    }
}

// As with a signal: a receiver that panics can only break its own state.
impl UnwindSafe for Context {}
impl RefUnwindSafe for Context {}

/// Shows the types, and no value: these may be secrets.
impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.values().iter().map(|value| value.type_name);
        let names: Vec<_> = names.collect();
        f.debug_struct("Context")
            .field("values", &names)
            .finish_non_exhaustive()
    }
}
