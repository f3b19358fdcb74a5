//! From bytes to a webhook.

use std::sync::Arc;

use super::envelope::EnvelopeRules;
use super::events::Selection;
use super::report::DispatchReport;
use super::{ParseError, ParseErrorKind, Webhook, envelope};
use crate::Context;
use crate::json;
use crate::signal::{EMPTY, InContext};

/// A parser with settings: a limit for the length, the accepted objects, and the
/// members that a provider between Meta and your server adds.
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
    rules: EnvelopeRules,
}

impl Parser {
    /// 4 MiB. Meta sends up to 1,000 updates and 3 MB in one body.
    pub const DEFAULT_MAX_LEN: usize = 4 * 1024 * 1024;

    /// A parser with the default limit.
    ///
    /// ```
    /// use whatsapp_signals::Parser;
    ///
    /// let too_large = vec![b' '; Parser::DEFAULT_MAX_LEN + 1];
    /// assert_eq!(Parser::new().parse(&too_large).unwrap_err().http_status(), 413);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_len: Self::DEFAULT_MAX_LEN,
            rules: EnvelopeRules::DEFAULT,
        }
    }

    /// Sets the greatest length of a body in bytes (default: 4 MiB; at most 255 MiB). It is
    /// checked before any work.
    ///
    /// A parse takes up to eight times the length of a hostile body for its index, and less than
    /// twice the length of any of Meta's.
    ///
    /// ```
    /// use whatsapp_signals::Parser;
    ///
    /// let body = &std::fs::read("tests/payloads/text.json")?;
    /// assert!(Parser::new().max_len(body.len()).parse(body).is_ok());
    /// assert!(Parser::new().max_len(body.len() - 1).parse(body).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn max_len(mut self, bytes: usize) -> Self {
        self.max_len = if bytes < MAX_LEN { bytes } else { MAX_LEN };
        self
    }

    /// Accepts bodies with one of these `object`s (default:
    /// `whatsapp_business_account` alone). The list replaces the default.
    ///
    /// Meta has announced `whatsapp_account` for 2027. A body whose `object` begins
    /// with `whatsapp` and is not in the list is
    /// [worth keeping](ParseError::should_archive), so that a signed one can be
    /// requeued after this setting has changed.
    ///
    /// ```
    /// use whatsapp_signals::{Parser, parse};
    ///
    /// const PARSER: Parser =
    ///     Parser::new().accepted_objects(&["whatsapp_business_account", "whatsapp_account"]);
    ///
    /// let body = br#"{"object": "whatsapp_account", "entry": []}"#;
    /// assert!(PARSER.parse(body).is_ok());
    /// assert!(PARSER.parse(&std::fs::read("tests/payloads/text.json")?).is_ok());
    ///
    /// let error = parse(body).unwrap_err();
    /// assert_eq!(error.to_string(), r#"the parser does not accept the object "whatsapp_account""#);
    /// assert!(error.should_archive());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn accepted_objects(mut self, objects: &'static [&'static str]) -> Self {
        self.rules.accepted_objects = objects;
        self
    }

    /// Ignores these members of the body, beside `object` and `entry` (default:
    /// none). Every other unknown member is reported as
    /// [`Unrecognized`](crate::event::Unrecognized).
    ///
    /// Gupshup adds `gs_app_id` to each body. Rails adds `controller`, `action` and a
    /// copy of the body under the controller's name. The members of entries, changes
    /// and items are not affected.
    ///
    /// ```
    /// use whatsapp_signals::Parser;
    ///
    /// let body = br#"{"object": "whatsapp_business_account", "entry": [], "gs_app_id": "4a1322a2"}"#;
    /// let unknown = Parser::new().parse(body)?;
    /// assert_eq!(unknown.events()[0].name(), "unrecognized");
    ///
    /// let gupshup = Parser::new().ignored_members(&["gs_app_id"]);
    /// assert!(gupshup.parse(body)?.events().is_empty());
    /// # Ok::<(), whatsapp_signals::ParseError>(())
    /// ```
    #[must_use]
    pub const fn ignored_members(mut self, names: &'static [&'static str]) -> Self {
        self.rules.ignored_members = names;
        self
    }

    /// See [`parse`](super::parse).
    ///
    /// # Errors
    ///
    /// See [`parse`](super::parse).
    ///
    /// ```
    /// let parser = whatsapp_signals::Parser::new().max_len(64 * 1024);
    /// let webhook = parser.parse(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert_eq!(webhook.events().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(&self, body: &[u8]) -> Result<Webhook, ParseError> {
        self.check_len(body)?;
        self.read(body, Selection::All)
    }

    /// See [`parse_entry`](super::parse_entry).
    ///
    /// # Errors
    ///
    /// See [`parse_entry`](super::parse_entry).
    ///
    /// ```
    /// use whatsapp_signals::Parser;
    ///
    /// let entry = br#"{"id": "102290129340398", "changes": []}"#;
    /// assert_eq!(Parser::new().parse_entry(entry)?.entries(), 1);
    ///
    /// let error = Parser::new().max_len(20).parse_entry(entry).unwrap_err();
    /// assert_eq!(error.to_string(), "the body has 40 bytes, more than the limit of 20");
    /// # Ok::<(), whatsapp_signals::ParseError>(())
    /// ```
    pub fn parse_entry(&self, entry: &[u8]) -> Result<Webhook, ParseError> {
        self.read(self.body_of(entry)?.as_bytes(), Selection::All)
    }

    /// Wraps one entry in a body, which may be longer than the limit by the envelope.
    pub(crate) fn body_of(&self, entry: &[u8]) -> Result<String, ParseError> {
        self.check_len(entry)?;
        let body = text_of(entry).and_then(|entry| self.rules.body_of(entry));
        body.map_err(ParseError)
    }

    /// Returns the parser with the context of a dispatch.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::{Context, Parser, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn log(_event: &MessageReceived, prefix: &String) {
    ///     assert_eq!(prefix, "received: ");
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let context = Context::new().with(String::from("received: "));
    /// let body = &std::fs::read("tests/payloads/text.json")?;
    /// let report = Parser::new().with(&context).dispatch(body)?;
    /// assert!(report.failures().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with<'a>(&'a self, context: &'a Context) -> InContext<'a, Self> {
        InContext::new(self, context)
    }

    /// Parses a body and sends its events to their receivers, as
    /// [`Webhook::dispatch`](super::Webhook::dispatch) does. Items whose signals have no receivers
    /// are not read, and counted by [`DispatchReport::skipped`].
    ///
    /// A receiver that connects while the body is dispatched may miss the rest of it. All items
    /// are read while [`ANY_EVENT`](crate::signals::ANY_EVENT) has a receiver, and while
    /// [`UNRECOGNIZED`](crate::signals::UNRECOGNIZED) has one, since any item may be malformed.
    ///
    /// # Errors
    ///
    /// As [`parse`](super::parse): nothing is sent then.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::{Parser, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn greet(event: &MessageReceived) {
    ///     assert_eq!(event.message.message_type(), "text");
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let parser = Parser::new();
    /// let text = &std::fs::read("tests/payloads/text.json")?;
    /// assert_eq!(parser.dispatch(text)?.called(), 1);
    ///
    /// let status = &std::fs::read("tests/payloads/status-read.json")?;
    /// let report = parser.dispatch(status)?;
    /// assert_eq!((report.events(), report.skipped()), (0, 1));
    ///
    /// let error = Parser::new().max_len(100).dispatch(text).unwrap_err();
    /// assert_eq!(error.http_status(), 413);
    /// # Ok(())
    /// # }
    /// ```
    pub fn dispatch(&self, body: &[u8]) -> Result<DispatchReport, ParseError> {
        self.with(&EMPTY).dispatch(body)
    }

    /// Parses and sends as [`dispatch`](Self::dispatch) does, and awaits async receivers, as
    /// [`Webhook::dispatch_async`](super::Webhook::dispatch_async) does.
    ///
    /// # Errors
    ///
    /// As [`parse`](super::parse): nothing is sent then.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::{Parser, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// async fn answer(_event: &MessageReceived) {}
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # pollster::block_on(async {
    /// let body = &std::fs::read("tests/payloads/text.json")?;
    /// assert_eq!(Parser::new().dispatch_async(body).await?.called(), 1);
    ///
    /// let error = Parser::new().max_len(100).dispatch_async(body).await.unwrap_err();
    /// assert_eq!(error.http_status(), 413);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub async fn dispatch_async(&self, body: &[u8]) -> Result<DispatchReport, ParseError> {
        self.with(&EMPTY).dispatch_async(body).await
    }

    /// Parses the items whose signals have receivers.
    fn parse_selected(&self, body: &[u8], context: &Context) -> Result<Webhook, ParseError> {
        self.check_len(body)?;
        self.read(body, Selection::WithReceivers(context))
    }

    fn read(&self, body: &[u8], selection: Selection<'_>) -> Result<Webhook, ParseError> {
        read(body, &self.rules, selection).map_err(ParseError)
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

/// Dispatching with a context.
impl InContext<'_, Parser> {
    /// Parses and sends as [`Parser::dispatch`] does.
    ///
    /// # Errors
    ///
    /// See [`parse`](super::parse).
    pub fn dispatch(self, body: &[u8]) -> Result<DispatchReport, ParseError> {
        let webhook = self.delivered.parse_selected(body, self.context)?;
        Ok(webhook.with(self.context).dispatch())
    }

    /// Parses and sends as [`Parser::dispatch_async`] does.
    ///
    /// # Errors
    ///
    /// See [`parse`](super::parse).
    pub async fn dispatch_async(self, body: &[u8]) -> Result<DispatchReport, ParseError> {
        let webhook = self.delivered.parse_selected(body, self.context)?;
        Ok(webhook.with(self.context).dispatch_async().await)
    }
}

fn read(
    body: &[u8],
    rules: &EnvelopeRules,
    selection: Selection<'_>,
) -> Result<Webhook, ParseErrorKind> {
    // The one copy of the body, which all events share for their raw JSON.
    let body: Arc<str> = text_of(body)?.into();
    envelope::read(&body, rules, selection)
}

/// Returns the text of a body, without the byte order mark that an editor put before it.
fn text_of(body: &[u8]) -> Result<&str, ParseErrorKind> {
    let text = str::from_utf8(body).map_err(|error| ParseErrorKind::NotUtf8 {
        valid_up_to: error.valid_up_to(),
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The limit of every parser: the index of a body has a limit, and an entry is wrapped in a body.
const MAX_LEN: usize = 255 << 20;
const _: () = assert!(MAX_LEN < json::MAX_LEN);

impl Default for Parser {
    fn default() -> Self {
        Self::new()
    }
}
