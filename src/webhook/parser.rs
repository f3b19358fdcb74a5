//! From bytes to a webhook.

use std::sync::Arc;

use super::events::Wanted;
use super::report::DispatchReport;
use super::{ParseError, ParseErrorKind, Webhook, documented, layered};

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
        }
    }

    /// The greatest length of a body in bytes. It is checked before any work.
    ///
    /// ```
    /// use whatsapp_signals::Parser;
    ///
    /// let body = include_bytes!("../../tests/payloads/text.json");
    /// assert!(Parser::new().max_len(body.len()).parse(body).is_ok());
    /// assert!(Parser::new().max_len(body.len() - 1).parse(body).is_err());
    /// ```
    #[must_use]
    pub const fn max_len(mut self, bytes: usize) -> Self {
        self.max_len = bytes;
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
    /// let webhook = parser.parse(include_bytes!("../../tests/payloads/text.json"))?;
    /// assert_eq!(webhook.events().len(), 1);
    /// # Ok::<(), whatsapp_signals::ParseError>(())
    /// ```
    pub fn parse(&self, body: &[u8]) -> Result<Webhook, ParseError> {
        self.check_len(body)?;
        read(body, Wanted::All).map_err(ParseError)
    }

    /// See [`dispatch`](super::dispatch).
    ///
    /// # Errors
    ///
    /// See [`parse`](super::parse).
    ///
    /// ```
    /// let parser = whatsapp_signals::Parser::new().max_len(100);
    /// assert_eq!(parser.dispatch(&[b' '; 101]).unwrap_err().http_status(), 413);
    /// ```
    pub fn dispatch(&self, body: &[u8]) -> Result<DispatchReport, ParseError> {
        Ok(self.heard(body)?.dispatch())
    }

    /// See [`dispatch_async`](super::dispatch_async).
    ///
    /// # Errors
    ///
    /// See [`parse`](super::parse).
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
