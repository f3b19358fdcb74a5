//! From the body of a webhook to events.
//!
//! [`parse`] is pure: bytes in, events out, nothing else touched. It takes the
//! body apart down to its items, keeps the text of each, and reads them one at a
//! time. So an odd item becomes one
//! [`Unrecognized`](crate::event::Unrecognized) event, and its neighbours
//! never learn of it.
//!
//! ```text
//! body ─ envelope ─ entry[] ─ changes[] ─ value ─┬ lists of items → an event for each item
//!                                                ├ one thing      → one event
//!                                                └ all the rest   → Unrecognized
//! ```
//!
//! Which fields hold lists, and which event an item becomes, the table of
//! [`signals`](crate::signals) says.

mod change;
mod contacts;
mod content;
mod cursor;
mod documented;
mod error;
mod events;
mod history;
mod item;
mod layered;
mod message;
mod path;
mod piece;
mod report;
mod signup;
pub(crate) mod split;
mod status;
mod straight;
mod strict;
mod value;

use std::sync::Arc;

use crate::event::WebhookEvent;
use crate::trace;

pub use error::{ParseError, ParseErrorKind};
pub(crate) use events::Events;
use events::Wanted;
pub(crate) use history::push as push_history;
pub(crate) use item::{FromItem, Item, Reader};
pub(crate) use piece::Piece;
pub use report::{DispatchReport, EventFailure};

/// What WhatsApp's webhooks have as their `object`.
const OBJECT: &str = "whatsapp_business_account";

/// Reads the body of a webhook, as Meta sent it.
///
/// # Errors
///
/// Only a broken envelope is an error; see [`ParseErrorKind`]. The body may
/// have up to 4 MiB; [`Parser`] changes that.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
///
/// let body = br#"{
///     "object": "whatsapp_business_account",
///     "entry": [{"id": "102290129340398", "changes": [{"field": "messages", "value": {
///         "messages": [
///             {"id": "wamid.A", "from": "15550101001", "type": "text", "text": {"body": "Hi"}},
///             {"id": "wamid.B", "from": "15550101001", "type": "hologram"}
///         ]
///     }}]}]
/// }"#;
/// let webhook = whatsapp_signals::parse(body)?;
///
/// let [WebhookEvent::MessageReceived(good), WebhookEvent::Unrecognized(odd)] = webhook.events()
/// else { panic!("one of each") };
/// assert_eq!(good.message.body(), "Hi");
/// assert_eq!(odd.reason.to_string(), r#"unknown type "hologram""#);
/// # Ok::<(), whatsapp_signals::ParseError>(())
/// ```
pub fn parse(body: &[u8]) -> Result<Webhook, ParseError> {
    Parser::new().parse(body)
}

/// Reads a body and sends what is in it to its receivers, in one step: the same
/// as `parse(body)?.dispatch()`, and faster where not all is heard.
///
/// Items whose signals have no receivers are not looked into; how many,
/// [`DispatchReport::skipped`] says. That is decided when the body is read: who
/// connects later, as in a receiver, may miss the rest of it. Any item may turn out
/// odd, so as soon as [`UNRECOGNIZED`](crate::signals::UNRECOGNIZED) has a receiver,
/// all are read.
///
/// # Errors
///
/// As [`parse`]: nothing is sent then.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::{receiver, signals::MESSAGE_RECEIVED};
///
/// #[receiver(MESSAGE_RECEIVED)]
/// fn greet(event: &MessageReceived) {
///     assert_eq!(event.message.message_type(), "text");
/// }
///
/// # fn main() -> Result<(), whatsapp_signals::ParseError> {
/// let text = include_bytes!("../../tests/payloads/text.json");
/// assert_eq!(whatsapp_signals::dispatch(text)?.called(), 1);
///
/// let status = include_bytes!("../../tests/payloads/status-read.json");
/// let report = whatsapp_signals::dispatch(status)?;
/// assert_eq!((report.events(), report.skipped()), (0, 1));
/// # Ok(())
/// # }
/// ```
pub fn dispatch(body: &[u8]) -> Result<DispatchReport, ParseError> {
    Parser::new().dispatch(body)
}

/// [`dispatch`], and waits for async receivers, as [`Webhook::dispatch_async`] does.
///
/// # Errors
///
/// As [`parse`]: nothing is sent then.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::{receiver, signals::MESSAGE_RECEIVED};
///
/// #[receiver(MESSAGE_RECEIVED)]
/// async fn answer(_event: &MessageReceived) {}
///
/// # fn main() -> Result<(), whatsapp_signals::ParseError> {
/// # pollster::block_on(async {
/// let body = include_bytes!("../../tests/payloads/text.json");
/// assert_eq!(whatsapp_signals::dispatch_async(body).await?.called(), 1);
/// # Ok(())
/// # })
/// # }
/// ```
pub async fn dispatch_async(body: &[u8]) -> Result<DispatchReport, ParseError> {
    Parser::new().dispatch_async(body).await
}

/// Reads webhooks, with a limit of your own.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{ParseErrorKind, Parser};
///
/// let strict = Parser::new().max_len(100);
/// let error = strict.parse(&[b' '; 101]).unwrap_err();
/// assert_eq!(error.kind(), &ParseErrorKind::TooLarge { len: 101, max: 100 });
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Parser {
    max_len: usize,
}

impl Parser {
    /// 4 MiB. Meta sends 3 MB at most.
    pub const DEFAULT_MAX_LEN: usize = 4 * 1024 * 1024;

    /// A parser with the default limit.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_len: Self::DEFAULT_MAX_LEN,
        }
    }

    /// The greatest length of a body in bytes. It is checked before any work.
    #[must_use]
    pub const fn max_len(mut self, bytes: usize) -> Self {
        self.max_len = bytes;
        self
    }

    /// See [`parse`].
    ///
    /// # Errors
    ///
    /// See [`parse`].
    pub fn parse(&self, body: &[u8]) -> Result<Webhook, ParseError> {
        self.check_len(body)?;
        read(body, Wanted::All).map_err(ParseError)
    }

    /// See [`dispatch`].
    ///
    /// # Errors
    ///
    /// See [`parse`].
    ///
    /// ```
    /// let parser = whatsapp_signals::Parser::new().max_len(100);
    /// assert_eq!(parser.dispatch(&[b' '; 101]).unwrap_err().http_status(), 413);
    /// ```
    pub fn dispatch(&self, body: &[u8]) -> Result<DispatchReport, ParseError> {
        Ok(self.heard(body)?.dispatch())
    }

    /// See [`dispatch_async`].
    ///
    /// # Errors
    ///
    /// See [`parse`].
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let parser = whatsapp_signals::Parser::new().max_len(100);
    /// let error = parser.dispatch_async(&[b' '; 101]).await.unwrap_err();
    /// assert_eq!(error.http_status(), 413);
    /// # });
    /// ```
    pub async fn dispatch_async(&self, body: &[u8]) -> Result<DispatchReport, ParseError> {
        Ok(self.heard(body)?.dispatch_async().await)
    }

    /// What is in a body of which somebody hears.
    fn heard(&self, body: &[u8]) -> Result<Webhook, ParseError> {
        self.check_len(body)?;
        read(body, Wanted::Heard).map_err(ParseError)
    }

    /// That a body is not too large, before anything else.
    pub(crate) fn check_len(&self, body: &[u8]) -> Result<(), ParseError> {
        if body.len() > self.max_len {
            return Err(ParseError(ParseErrorKind::TooLarge {
                len: body.len(),
                max: self.max_len,
            }));
        }
        Ok(())
    }
}

fn read(body: &[u8], wanted: Wanted) -> Result<Webhook, ParseErrorKind> {
    let text = str::from_utf8(body).map_err(|error| ParseErrorKind::NotUtf8 {
        valid_up_to: error.valid_up_to(),
    })?;
    // Editors put a byte order mark there, Meta does not; JSON has none.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // The one copy of the body, which all events share for their raw JSON.
    let body: Arc<str> = text.into();
    match documented::read(&body, wanted) {
        Some(webhook) => Ok(webhook),
        None => layered::read(&body, wanted),
    }
}

impl Default for Parser {
    fn default() -> Self {
        Self::new()
    }
}

/// A webhook that was read: its events, in the order of the body; those of one
/// value by their lists, `messages` before `statuses` before the others.
///
/// # Examples
///
/// ```
/// let webhook = whatsapp_signals::parse(include_bytes!("../../tests/payloads/flow-reply.json"))?;
/// assert_eq!((webhook.entries(), webhook.events().len()), (1, 2));
///
/// for event in &webhook {
///     println!("{} of {}", event.name(), event.partition_key());
/// }
/// let report = webhook.dispatch();
/// assert_eq!(report.unheard(), 2, "nobody listens in this example");
/// # Ok::<(), whatsapp_signals::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Webhook {
    events: Vec<WebhookEvent>,
    entries: usize,
    empty_entries: usize,
    /// Items that were not read, since nobody hears them.
    skipped: usize,
}

impl Webhook {
    /// What it tells.
    #[must_use]
    pub fn events(&self) -> &[WebhookEvent] {
        &self.events
    }

    /// The events themselves, to be moved elsewhere.
    #[must_use]
    pub fn into_events(self) -> Vec<WebhookEvent> {
        self.events
    }

    /// What it tells, event by event.
    pub fn iter(&self) -> std::slice::Iter<'_, WebhookEvent> {
        self.events.iter()
    }

    /// How many items its `entry` array has.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// How many of these have no changes.
    #[must_use]
    pub fn empty_entries(&self) -> usize {
        self.empty_entries
    }

    /// Sends each event to the receivers of its signal, one event after the
    /// other. A receiver that fails or panics stops nothing, and is in the
    /// report.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::{receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn fails(_event: &MessageReceived) -> Result<(), &'static str> {
    ///     Err("the database is down")
    /// }
    ///
    /// # fn main() -> Result<(), whatsapp_signals::ParseError> {
    /// let body = include_bytes!("../../tests/payloads/text.json");
    /// let report = whatsapp_signals::parse(body)?.dispatch();
    ///
    /// let failed = &report.failures()[0];
    /// assert_eq!(failed.event, 0);
    /// assert!(failed.failure.receiver().path().ends_with("fails"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "the report holds the failures"]
    pub fn dispatch(&self) -> DispatchReport {
        trace::Webhook::new(&self.events).scope(|| {
            let mut report = DispatchReport::new(self.skipped);
            for event in &self.events {
                report.add(event, event.dispatch());
            }
            trace::finished(&report);
            report
        })
    }

    /// [`dispatch`](Self::dispatch), and waits for async receivers: one event
    /// after the other, and the async receivers of one event at once, as
    /// [`asend_robust`](crate::Signal::asend_robust) does.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::{parse, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// async fn answer(event: &MessageReceived) {
    ///     assert_eq!(event.message.message_type(), "text");
    /// }
    ///
    /// # fn main() -> Result<(), whatsapp_signals::ParseError> {
    /// # pollster::block_on(async {
    /// let webhook = parse(include_bytes!("../../tests/payloads/text.json"))?;
    /// assert_eq!(webhook.dispatch_async().await.called(), 1);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    #[must_use = "the report holds the failures"]
    pub async fn dispatch_async(&self) -> DispatchReport {
        let work = async {
            let mut report = DispatchReport::new(self.skipped);
            for event in &self.events {
                report.add(event, event.dispatch_async().await);
            }
            trace::finished(&report);
            report
        };
        trace::Webhook::new(&self.events).around(work).await
    }
}

impl IntoIterator for Webhook {
    type Item = WebhookEvent;
    type IntoIter = std::vec::IntoIter<WebhookEvent>;

    fn into_iter(self) -> Self::IntoIter {
        self.events.into_iter()
    }
}

impl<'a> IntoIterator for &'a Webhook {
    type Item = &'a WebhookEvent;
    type IntoIter = std::slice::Iter<'a, WebhookEvent>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
