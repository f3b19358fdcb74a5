//! The parser: from the bytes of a body to its entries, and to a [`Webhook`].

use std::sync::Arc;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::change::add_entry;
use super::error::{ParseError, ParseErrorKind};
use super::event_sink::{EventSink, Selection};
use super::item::{ChangeContext, ItemContext};
use super::webhook::{DispatchReport, Webhook};
use crate::Context;
use crate::json::{self, Fault, Node, Path, with_tape};
use crate::signal::{EMPTY, InContext};

/// A parser with settings: the greatest length of a body, the accepted objects, and the ignored
/// members of a provider between Meta and your server.
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
    accepted_objects: &'static [&'static str],
    ignored_members: &'static [&'static str],
}

/// The `object` of WhatsApp's webhooks.
const OBJECT: &str = "whatsapp_business_account";

/// The limit of [`Parser::max_len`]: the index of a body has a limit, and
/// [`Parser::body_of`] lengthens an entry by the members around it.
const MAX_LEN: usize = 255 << 20;
const _: () = assert!(MAX_LEN < json::MAX_LEN);

impl Parser {
    /// The default of [`max_len`](Self::max_len): 4 MiB. Meta sends up to 1,000 updates and 3 MB
    /// in one body.
    pub const DEFAULT_MAX_LEN: usize = 4 * 1024 * 1024;

    /// Returns a parser with the default settings.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_len: Self::DEFAULT_MAX_LEN,
            accepted_objects: &[OBJECT],
            ignored_members: &[],
        }
    }

    /// Sets the greatest length of a body in bytes (default: 4 MiB; at most 255 MiB). The length
    /// is checked before any work.
    ///
    /// The index of a body takes up to eight times the memory of a hostile body, and less than
    /// twice that of a body of Meta's.
    #[must_use]
    pub const fn max_len(mut self, bytes: usize) -> Self {
        self.max_len = if bytes < MAX_LEN { bytes } else { MAX_LEN };
        self
    }

    /// Accepts bodies with one of these `object`s (default:
    /// `whatsapp_business_account` alone). The list replaces the default.
    ///
    /// Meta has announced `whatsapp_account` for 2027. A body whose `object` begins
    /// with `whatsapp` and is not in the list [should be archived](ParseError::should_archive), to
    /// be parsed again after a change of this setting.
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
    /// assert_eq!(error.to_string(), r#"expected an accepted object, found "whatsapp_account""#);
    /// assert!(error.should_archive());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn accepted_objects(mut self, objects: &'static [&'static str]) -> Self {
        self.accepted_objects = objects;
        self
    }

    /// Ignores these members of the body, beside `object` and `entry` (default:
    /// none). Every other unknown member is reported as
    /// [`Unrecognized`](crate::event::Unrecognized).
    ///
    /// Gupshup adds `gs_app_id` to each body. Rails adds `controller`, `action`, and a copy of the
    /// body under the controller's name. The setting does not affect members of entries, changes
    /// and items.
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
        self.ignored_members = names;
        self
    }

    /// Parses the body of a webhook as [`parse`](super::parse) does, with these settings.
    ///
    /// # Errors
    ///
    /// As [`parse`](super::parse).
    pub fn parse(&self, body: &[u8]) -> Result<Webhook, ParseError> {
        self.check_len(body)?;
        self.parse_selected(body, Selection::All)
    }

    /// Parses one entry as [`parse_entry`](super::parse_entry) does, with these settings.
    ///
    /// # Errors
    ///
    /// As [`parse_entry`](super::parse_entry).
    ///
    /// ```
    /// use whatsapp_signals::Parser;
    ///
    /// let entry = br#"{"id": "102290129340398", "changes": []}"#;
    /// assert_eq!(Parser::new().parse_entry(entry)?.entries(), 1);
    ///
    /// let error = Parser::new().max_len(20).parse_entry(entry).unwrap_err();
    /// assert_eq!(error.to_string(), "expected a body of at most 20 bytes, found 40");
    /// # Ok::<(), whatsapp_signals::ParseError>(())
    /// ```
    pub fn parse_entry(&self, entry: &[u8]) -> Result<Webhook, ParseError> {
        self.parse_selected(self.body_of(entry)?.as_bytes(), Selection::All)
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
    /// [`Webhook::dispatch`] does. Items whose signals have no receivers are skipped, and counted
    /// by [`DispatchReport::skipped`].
    ///
    /// A receiver that connects during the call may miss events. No items are skipped if
    /// [`ANY_EVENT`](crate::signals::ANY_EVENT) or
    /// [`UNRECOGNIZED`](crate::signals::UNRECOGNIZED) has a receiver, since any item may be
    /// malformed.
    ///
    /// # Errors
    ///
    /// As [`parse`](super::parse). No event is sent after an error.
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
    /// [`Webhook::dispatch_async`] does.
    ///
    /// # Errors
    ///
    /// As [`parse`](super::parse). No event is sent after an error.
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

    /// Checks the length of a body.
    pub(crate) fn check_len(&self, body: &[u8]) -> Result<(), ParseError> {
        if body.len() > self.max_len {
            return Err(ParseError(ParseErrorKind::TooLarge {
                len: body.len(),
                max: self.max_len,
            }));
        }
        Ok(())
    }

    /// Parses the selected items of a body, without a check of its length.
    fn parse_selected(&self, body: &[u8], selection: Selection<'_>) -> Result<Webhook, ParseError> {
        let text = text_of(body).map_err(ParseError)?;
        // The only copy of the body, shared by the raw JSON of all events.
        self.parse_text(&text.into(), selection).map_err(ParseError)
    }

    fn parse_text(
        &self,
        body: &Arc<str>,
        selection: Selection<'_>,
    ) -> Result<Webhook, ParseErrorKind> {
        on_tape(body, |root| {
            let ([object, entries], has_others) = split(root, &BODY_MEMBERS)?;
            self.check_object(object.and_then(Node::exact_text).as_deref())?;
            let entries = entries.filter(|entries| entries.is_array());
            let entries = entries.ok_or(ParseErrorKind::NoEntry)?;

            let mut webhook = Webhook::default();
            let mut events = EventSink::new(body, selection);
            let path = Path::root("entry");
            for entry in entries.elements() {
                let is_empty = add_entry(&mut events, path.element(webhook.entries), entry);
                webhook.entries += 1;
                webhook.empty_entries += usize::from(is_empty);
            }
            if has_others {
                self.report_others(&mut events, root);
            }
            webhook.skipped = events.skipped();
            webhook.events = events.finish(root);
            Ok(webhook)
        })
    }

    fn check_object(&self, object: Option<&str>) -> Result<(), ParseErrorKind> {
        match object {
            Some(object) if self.accepted_objects.contains(&object) => Ok(()),
            _ => Err(ParseErrorKind::WrongObject(object.map(Into::into))),
        }
    }

    /// Reports the unknown members of a body.
    fn report_others(&self, events: &mut EventSink<'_>, root: Node<'_>) {
        for member in root.others(&BODY_MEMBERS) {
            let name = member.name();
            if !self.ignored_members.contains(&&*name) {
                let change = ChangeContext::default();
                let alone = ItemContext::alone(&change);
                events.report_unknown(&alone, Path::root(&name), member);
            }
        }
    }

    /// Returns a body with one entry. The body may exceed the greatest length by the members
    /// around the entry.
    ///
    /// The entry is checked by itself, so that a text which closes the array cannot add members to
    /// the body.
    pub(crate) fn body_of(&self, entry: &[u8]) -> Result<String, ParseError> {
        self.check_len(entry)?;
        let entry = text_of(entry).map_err(ParseError)?;
        check_entry(entry).map_err(ParseError)?;
        let object = if self.accepted_objects.contains(&OBJECT) {
            OBJECT
        } else {
            self.accepted_objects.first().unwrap_or(&OBJECT)
        };
        let object = Value::from(object);
        Ok(format!(r#"{{"object":{object},"entry":[{entry}]}}"#))
    }
}

/// Dispatch with a context.
impl InContext<'_, Parser> {
    /// Parses and sends as [`Parser::dispatch`] does.
    ///
    /// # Errors
    ///
    /// As [`Parser::dispatch`].
    pub fn dispatch(self, body: &[u8]) -> Result<DispatchReport, ParseError> {
        let webhook = self.parse_for_receivers(body)?;
        Ok(webhook.with(self.context).dispatch())
    }

    /// Parses and sends as [`Parser::dispatch_async`] does.
    ///
    /// # Errors
    ///
    /// As [`Parser::dispatch`].
    pub async fn dispatch_async(self, body: &[u8]) -> Result<DispatchReport, ParseError> {
        let webhook = self.parse_for_receivers(body)?;
        Ok(webhook.with(self.context).dispatch_async().await)
    }

    /// Parses the items whose signals have receivers.
    fn parse_for_receivers(&self, body: &[u8]) -> Result<Webhook, ParseError> {
        let parser = self.delivered;
        parser.check_len(body)?;
        parser.parse_selected(body, Selection::WithReceivers(self.context))
    }
}

impl Default for Parser {
    fn default() -> Self {
        Self::new()
    }
}

const BODY_MEMBERS: [&str; 2] = ["object", "entry"];

/// The member with the entry, as a string, in an SNS message of AWS.
const AWS_ENTRY: &str = "whatsAppWebhookEntry";

/// Checks that a text is a JSON object, and not one around an entry.
fn check_entry(text: &str) -> Result<(), ParseErrorKind> {
    on_tape(text, |root| {
        let [changes, object, entry, aws_entry] =
            match split(root, &["changes", "object", "entry", AWS_ENTRY]) {
                Ok((members, _)) => members,
                // The parse reports a malformed entry, as it does in a body.
                Err(ParseErrorKind::Duplicate(_)) => return Ok(()),
                Err(error) => return Err(error),
            };
        let wrapper = match (object, entry, aws_entry) {
            _ if changes.is_some() => return Ok(()),
            (Some(_), Some(_), _) => "entry",
            (.., Some(_)) => AWS_ENTRY,
            _ => return Ok(()),
        };
        Err(ParseErrorKind::NotAnEntry(wrapper.into()))
    })
}

/// Returns the text of a body, without the byte order mark that some editors insert.
fn text_of(body: &[u8]) -> Result<&str, ParseErrorKind> {
    let text = str::from_utf8(body).map_err(|error| ParseErrorKind::NotUtf8 {
        valid_up_to: error.valid_up_to(),
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Indexes a text, and calls `read` with its value.
fn on_tape<R>(
    text: &str,
    read: impl FnOnce(Node<'_>) -> Result<R, ParseErrorKind>,
) -> Result<R, ParseErrorKind> {
    with_tape(text, read).unwrap_or_else(|_| Err(syntax_error(text)))
}

/// Splits a value that must be an object into its members.
#[inline]
fn split<'a, const N: usize>(
    root: Node<'a>,
    names: &[&'static str; N],
) -> Result<([Option<Node<'a>>; N], bool), ParseErrorKind> {
    root.split(names).map_err(|fault| match fault {
        Fault::Duplicate(member) => ParseErrorKind::Duplicate(member),
        _ => ParseErrorKind::NotAnObject,
    })
}

/// Returns the error of a text that is not JSON. serde_json finds the line and column, which a
/// tape does not count.
#[cold]
fn syntax_error(text: &str) -> ParseErrorKind {
    let error = serde_json::from_str::<IgnoredAny>(text).err();
    let position = error
        .as_ref()
        .map_or((0, 0), |error| (error.line(), error.column()));
    let (line, column) = position;
    if error.is_some_and(|error| error.is_eof()) {
        ParseErrorKind::Truncated { line, column }
    } else {
        ParseErrorKind::NotJson { line, column }
    }
}
