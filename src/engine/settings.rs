//! The settings of an engine, and their check at start-up.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

#[cfg(doc)]
use super::Outcome;
use super::observer::Observers;
use super::runtime::{Blocking, Timer, in_place};
use super::tenants::TenantOf;
use super::{Core, WebhookEngine};
use crate::model::Account;
use crate::signal::check_signals;
use crate::signals;
use crate::store::{Lease, Store, Tenant, WebhookKind, WebhookRow};
use crate::webhook::Parser;
use crate::{CheckError, Context};

/// The settings of an engine.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the program"
)]
pub(super) struct Settings {
    pub(super) parser: Parser,
    pub(super) lease: Duration,
    pub(super) max_attempts: u32,
    pub(super) backoff: Backoff,
    pub(super) is_tended: bool,
    pub(super) in_order: bool,
    pub(super) concurrency: usize,
    pub(super) log_webhooks: bool,
    pub(super) keep_raw_payloads: bool,
    pub(super) blocking: Blocking,
    pub(super) context: Context,
    pub(super) tenant_of: Option<TenantOf>,
    pub(super) timer: Option<Timer>,
    pub(super) observers: Observers,
    pub(super) keep_errors: bool,
}

/// The delays between attempts: each is twice the one before, up to a limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    first: Duration,
    most: Duration,
}

impl Backoff {
    /// Returns the delay after this many attempts.
    pub(super) fn delay(self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.most)
    }
}

impl Settings {
    /// Returns a lease of this holder.
    pub(super) fn lease_of(&self, holder: i64) -> Lease {
        Lease::new(holder, self.lease)
    }

    /// Returns whether a webhook's row may be deleted: no event is open or dead, and the webhook is
    /// not logged.
    pub(super) fn is_deletable(&self, webhook: &WebhookRow) -> bool {
        webhook.is_closed() && !self.is_logged(webhook.kind)
    }

    /// Returns whether a finished webhook of this kind stays in the log. A replay does not, as the
    /// log has the original webhook.
    pub(super) fn is_logged(&self, kind: WebhookKind) -> bool {
        self.log_webhooks && kind != WebhookKind::Replay
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("parser", &self.parser)
            .field("lease", &self.lease)
            .field("max_attempts", &self.max_attempts)
            .field("backoff", &self.backoff)
            .field("is_tended", &self.is_tended)
            .field("in_order", &self.in_order)
            .field("concurrency", &self.concurrency)
            .field("log_webhooks", &self.log_webhooks)
            .field("keep_raw_payloads", &self.keep_raw_payloads)
            .field("keep_errors", &self.keep_errors)
            .field("context", &self.context)
            .field("observers", &self.observers)
            .finish_non_exhaustive()
    }
}

/// The construction and the settings of an engine.
///
/// ```
/// use std::time::Duration;
/// use whatsapp_signals::store::MemoryStore;
/// use whatsapp_signals::{EngineErrorKind, Parser, WebhookEngine};
///
/// let engine = WebhookEngine::new(MemoryStore::new())
///     .parser(Parser::new().max_len(64 * 1024))
///     .lease(Duration::from_secs(120))
///     .max_attempts(5)
///     .log_webhooks(true);
///
/// let body = &std::fs::read("tests/payloads/text.json")?;
/// assert_eq!(engine.process(body)?.delivered(), 1);
/// let log = engine.webhooks(None, 50)?;
/// assert_eq!((log[0].body.as_slice(), log[0].open), (&body[..], 0));
///
/// let too_large = engine.process(&[b' '; 64 * 1024 + 1]).unwrap_err();
/// assert!(matches!(too_large.kind(), EngineErrorKind::Parse(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<S: Store> WebhookEngine<S> {
    /// Returns an engine over this store, with the default settings.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::{MemoryStore, ReadyStore};
    ///
    /// // A store that several engines share, of a kind that is chosen at run time.
    /// let store: Arc<dyn ReadyStore> = Arc::new(MemoryStore::new());
    /// let body = &std::fs::read("tests/payloads/text.json")?;
    /// assert_eq!(WebhookEngine::new(Arc::clone(&store)).process(body)?.delivered(), 1);
    /// assert_eq!(WebhookEngine::new(store).process(body)?.duplicates(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(store: S) -> Self {
        let settings = Settings {
            parser: Parser::new(),
            lease: Duration::from_secs(60),
            max_attempts: 20,
            backoff: Backoff {
                first: Duration::from_secs(5),
                most: Duration::from_secs(60 * 60),
            },
            is_tended: false,
            in_order: false,
            concurrency: 16,
            log_webhooks: false,
            keep_raw_payloads: false,
            blocking: in_place,
            context: Context::new(),
            tenant_of: None,
            timer: None,
            observers: Observers::default(),
            keep_errors: false,
        };
        Self {
            store,
            core: Core::new(settings),
        }
    }

    /// Sets the parser of bodies. Its length limit applies to new bodies, and its other settings
    /// also to stored ones, which are retried or requeued.
    #[must_use]
    pub fn parser(mut self, parser: Parser) -> Self {
        self.core.settings.parser = parser;
        self
    }

    /// Sets the context of all deliveries.
    ///
    /// An event whose receiver needs a value that the context lacks stays open, without an attempt,
    /// until an engine with the value delivers it.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{Context, WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// struct Greeting(&'static str);
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn greet(event: &MessageReceived, greeting: &Greeting) {
    ///     println!("{}, {}!", greeting.0, event.contact.as_ref().unwrap().display_name());
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let context = Context::new().with(Greeting("Good morning"));
    /// let engine = WebhookEngine::new(MemoryStore::new()).context(context);
    /// let outcome = engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert!(outcome.failures().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn context(mut self, context: Context) -> Self {
        self.core.settings.context = context;
        self
    }

    /// Sets the length of the lease of a webhook while its receivers run (default: 60 s).
    ///
    /// A lease with less than two thirds left is renewed before each receiver starts and whenever
    /// async receivers are polled, and with a [`timer`](Self::timer) also while they are pending. A
    /// sync receiver must be shorter than two thirds of the lease: once the lease ends, another
    /// engine takes the webhook over and runs the receiver again.
    ///
    /// A lease ends by the clock of the store. A clock that jumps back lengthens the lease by its
    /// own length at most; one that jumps forward by more than the length ends the lease, so that a
    /// receiver may run twice.
    ///
    /// ```standalone_crate
    /// use std::sync::LazyLock;
    /// use std::time::Duration;
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{EngineError, WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// static ENGINE: LazyLock<WebhookEngine<MemoryStore>> = LazyLock::new(|| {
    ///     WebhookEngine::new(MemoryStore::new()).lease(Duration::from_secs(120))
    /// });
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn slow(_: &MessageReceived) -> Result<(), EngineError> {
    ///     // What another thread would see meanwhile.
    ///     assert_eq!(ENGINE.retry_unfinished()?.unfinished(), 1);
    ///     Ok(())
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let outcome = ENGINE.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert_eq!((outcome.delivered(), outcome.failed()), (1, 0));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.core.settings.lease = lease;
        self
    }

    /// Sets the number of calls of a receiver with an event before it gives up (default: 20, least:
    /// 1). A receiver may have its own `attempts`, and give up by
    /// [`Retry::never`](crate::Retry::never).
    ///
    /// The other receivers of the event are called as before. The event is a
    /// [`DeadLetter`](crate::DeadLetter) when no receiver may be tried again and one gave up.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn fails(_: &MessageReceived) -> Result<(), &'static str> {
    ///     Err("the other side is down")
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = WebhookEngine::new(MemoryStore::new()).max_attempts(2);
    /// let first = engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert_eq!((first.unfinished(), first.dead_lettered()), (1, 0));
    /// assert_eq!(engine.retry_unfinished()?.dead_lettered(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.core.settings.max_attempts = attempts.max(1);
        self
    }

    /// Sets the time between two attempts of an event: `first` after the first failure, and each
    /// time twice as long, up to `most` (default: 5 s and 1 h, which is about ten hours
    /// for 20 attempts).
    ///
    /// [`Retry::after`](crate::Retry::after) sets a longer delay. An event that Meta repeats before
    /// it is due is not delivered; [`retry_unfinished`](Self::retry_unfinished) delivers it all the
    /// same.
    ///
    /// ```standalone_crate
    /// use std::time::Duration;
    ///
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn fails(_: &MessageReceived) -> Result<(), &'static str> {
    ///     Err("the other side is down")
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let body = std::fs::read("tests/payloads/text.json")?;
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let engine = engine.backoff(Duration::from_secs(1), Duration::from_secs(60));
    /// assert_eq!(engine.process(&body)?.failed(), 1);
    /// assert_eq!(engine.process(&body)?.failed(), 0, "it is not due");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn backoff(mut self, first: Duration, most: Duration) -> Self {
        self.core.settings.backoff = Backoff { first, most };
        self
    }

    /// Sets whether the program calls [`tend_async`](Self::tend_async) in a loop, so that stored
    /// events are delivered without repetitions by Meta (default: off). Webhooks with unfinished
    /// events are then answered with 200 in place of 503.
    #[must_use]
    pub fn tended(mut self, is_tended: bool) -> Self {
        self.core.settings.is_tended = is_tended;
        self
    }

    /// Sets whether the events of one user are delivered one after the other, in the order of their
    /// commits, across bodies, threads, processes and retries (default: off).
    ///
    /// An event that fails holds back the later ones of its user and number until it is finished or
    /// dead; events of other users are not affected. All ids of the stored contact are one user;
    /// events without a user are in order by their [`partition_key`](crate::Event::partition_key).
    /// An event that is [held back](Outcome::held_back) has no attempt. Until the events are
    /// finished, each id of a user takes a row.
    ///
    /// Meta does not guarantee an order of webhooks, so the order is that of arrival. A requeued
    /// dead letter and a [replay](Self::replay) come behind the stored events. After a crash,
    /// events that ran since the last checkpoint run again, in their order.
    ///
    /// All engines of a store should have the same setting: events behind those that an engine
    /// without it has finished are delayed by up to ten minutes after the next
    /// [`prune`](Self::prune).
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn fails(_: &MessageReceived) -> Result<(), &'static str> {
    ///     Err("the other side is down")
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = WebhookEngine::new(MemoryStore::new()).in_order(true);
    /// // A message, and the flow that it submits.
    /// let outcome = engine.process(&std::fs::read("tests/payloads/flow-reply.json")?)?;
    /// assert_eq!((outcome.failed(), outcome.held_back(), outcome.unfinished()), (1, 1, 2));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn in_order(mut self, in_order: bool) -> Self {
        self.core.settings.in_order = in_order;
        self
    }

    /// Sets the number of webhooks that [`tend_async`](Self::tend_async) delivers at once within
    /// its task (default: 16).
    #[must_use]
    pub fn concurrency(mut self, webhooks: usize) -> Self {
        self.core.settings.concurrency = webhooks.max(1);
        self
    }

    /// Sets whether finished bodies are kept until [`prune`](Self::prune) (default: off), also
    /// those of events from queues and of [your program](Self::process_sent).
    /// [`webhooks`](Self::webhooks) returns them.
    #[must_use]
    pub fn log_webhooks(mut self, log: bool) -> Self {
        self.core.settings.log_webhooks = log;
        self
    }

    /// Sets whether messages are stored with their JSON as Meta sent it (default: off): Django's
    /// `raw_payload`. [`Records::raw_payload`](crate::engine::Records::raw_payload) returns it.
    ///
    /// The JSON takes up to a kilobyte a message, and stays as long as the message. A message that
    /// you [sent](Self::process_sent) has the [request](crate::event::MessageSent::request).
    /// Messages that were stored without this setting have none.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::event::WebhookEvent;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new()).keep_raw_payloads(true);
    /// let body = std::fs::read("tests/payloads/text.json")?;
    /// engine.process(&body)?;
    ///
    /// let webhook = whatsapp_signals::parse(&body)?;
    /// let WebhookEvent::MessageReceived(event) = &webhook.events()[0] else { panic!("a message") };
    /// let stored = engine.number("300200100500600").raw_payload(&event.message.id)?;
    /// assert_eq!(stored.as_ref(), Some(&event.raw));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn keep_raw_payloads(mut self, keep: bool) -> Self {
        self.core.settings.keep_raw_payloads = keep;
        self
    }

    /// Sets whether the text of a receiver's last error is kept while the event is open or dead
    /// (default: off), for [`DeadLetter::errors`](crate::DeadLetter::errors).
    ///
    /// The text has the error and its sources, or the panic, up to 1,000 bytes. Leave it off if
    /// your errors may quote users: the text is stored, and deleted with the dead letter.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED, uid = "crm")]
    /// fn forward(_event: &MessageReceived) -> Result<(), &'static str> {
    ///     Err("the CRM is down")
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = WebhookEngine::new(MemoryStore::new()).keep_errors(true).max_attempts(1);
    /// assert_eq!(engine.process(&std::fs::read("tests/payloads/text.json")?)?.dead_lettered(), 1);
    /// assert_eq!(engine.dead_letters(10)?[0].errors["crm"], "the CRM is down");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn keep_errors(mut self, keep: bool) -> Self {
        self.core.settings.keep_errors = keep;
        self
    }

    /// Sets the function that polls the store in async calls such as
    /// [`process_async`](Self::process_async) (default: a plain call).
    ///
    /// A blocking store, such as an SQLite file, blocks the thread that polls it: about a
    /// millisecond a body, and longer while another process writes. On a runtime with several
    /// threads the others can take over meanwhile:
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = WebhookEngine::new(MemoryStore::new())
    ///     .blocking(|work| tokio::task::block_in_place(work));
    /// let body = &std::fs::read("tests/payloads/text.json")?;
    /// assert_eq!(engine.process_async(body).await?.delivered(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn blocking(mut self, run: fn(&mut dyn FnMut())) -> Self {
        self.core.settings.blocking = run;
        self
    }

    /// Sets the function that returns a future which is ready after a time. With it, leases are
    /// renewed while all async receivers are pending.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new())
    ///     .timer(|duration| Box::pin(tokio::time::sleep(duration)));
    /// # let _ = engine;
    /// ```
    #[must_use]
    pub fn timer(
        mut self,
        sleep: impl Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'static,
    ) -> Self {
        self.core.settings.timer = Some(Arc::new(sleep));
        self
    }

    /// Sets the function that returns the tenant of an account (default: its WABA).
    ///
    /// Contacts, messages and statuses of tenants are separate. A number keeps the tenant under
    /// which it came first, as Meta may send one number under several accounts. If the function
    /// panics, the webhook is not stored, and Meta repeats it: the error is
    /// [`StoreErrorKind::NoTenant`](crate::store::StoreErrorKind::NoTenant).
    ///
    /// A business with several WABAs that share their contacts is one tenant:
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::model::Identity;
    /// use whatsapp_signals::store::{MemoryStore, Tenant};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new()).tenant_of(|_| Tenant::new("the shop"));
    /// let text = std::fs::read_to_string("tests/payloads/text.json")?;
    /// engine.process(text.as_bytes())?;
    /// // The same user writes to a number of another WABA.
    /// let text = text.replace("900800700600500", "900800700600501");
    /// engine.process(text.replace("300200100500600", "300200100500601").as_bytes())?;
    ///
    /// let ada = Identity::from_phone("15550101001").expect("a phone number");
    /// let shop = engine.tenant("the shop");
    /// shop.update_contact(&ada, |ada| ada.labels.push("gravel".into()))?;
    /// assert_eq!(engine.number("300200100500601").contact(&ada)?.unwrap().labels, ["gravel"]);
    /// assert_eq!(shop.conversation(&ada, None, 50)?.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn tenant_of(
        mut self,
        tenant_of: impl Fn(&Account) -> Tenant + Send + Sync + 'static,
    ) -> Self {
        self.core.settings.tenant_of = Some(Arc::new(tenant_of));
        self
    }

    /// Returns the store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
    }
}

/// The check at start-up.
impl<S: Store> WebhookEngine<S> {
    /// Checks that the receivers of this crate's signals can be called with the engine's context,
    /// as [`check`](crate::check) does for all signals of the program.
    ///
    /// # Errors
    ///
    /// All problems that were found.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{Context, WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// struct Greeting(&'static str);
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn greet(_event: &MessageReceived, _greeting: &Greeting) {}
    ///
    /// # fn main() {
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let error = engine.check().unwrap_err();
    /// println!("{error}"); // bot::greet (src/bot.rs:7) … needs bot::Greeting, which …
    ///
    /// let engine = engine.context(Context::new().with(Greeting("Good morning")));
    /// assert!(engine.check().is_ok());
    /// # }
    /// ```
    pub fn check(&self) -> Result<(), CheckError> {
        self.check_signals(false)
    }

    /// Checks as [`check`](Self::check) does, for a program that calls [`process`](Self::process)
    /// and not [`process_async`](Self::process_async): async receivers are problems too.
    ///
    /// # Errors
    ///
    /// All problems that were found.
    pub fn check_sync(&self) -> Result<(), CheckError> {
        self.check_signals(true)
    }

    fn check_signals(&self, is_sync: bool) -> Result<(), CheckError> {
        let settings = &self.core.settings;
        let has_timer = settings.timer.is_some();
        check_signals(signals::ALL, &settings.context, is_sync, has_timer)
    }
}
