//! The errors of bodies that cannot be parsed.

use thiserror::Error;

use crate::json::Excerpt;

/// The error of a body whose envelope is malformed. No event was dispatched.
///
/// Malformed parts within the envelope are no error: each becomes an
/// [`Unrecognized`](crate::event::Unrecognized) event beside the others.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{ParseErrorKind, parse};
///
/// let error = parse(br#"{"object": "page", "entry": []}"#).unwrap_err();
/// assert_eq!(error.kind(), &ParseErrorKind::WrongObject(Some("page".into())));
/// assert_eq!(error.http_status(), 200);
///
/// let error = parse(b"{").unwrap_err();
/// assert_eq!(error.to_string(), "unexpected end of the body at line 1 column 1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[error("{0}")]
pub struct ParseError(pub(super) ParseErrorKind);

impl ParseError {
    /// Returns the cause.
    #[must_use]
    pub fn kind(&self) -> &ParseErrorKind {
        &self.0
    }

    /// Returns `true` if a body that Meta signed should be archived, since a later version or
    /// another setting may parse it. `false` for a body that is too large, and for one of another
    /// product of Meta's. An `object` that begins with `whatsapp` is not another product: see
    /// [`Parser::accepted_objects`](crate::Parser::accepted_objects).
    ///
    /// ```
    /// use whatsapp_signals::parse;
    ///
    /// assert!(parse(b"{").unwrap_err().should_archive());
    /// let page = parse(br#"{"object": "page", "entry": []}"#);
    /// assert!(!page.unwrap_err().should_archive());
    /// let next_year = parse(br#"{"object": "whatsapp_account", "entry": []}"#);
    /// assert!(next_year.unwrap_err().should_archive());
    /// ```
    #[must_use]
    pub fn should_archive(&self) -> bool {
        match &self.0 {
            ParseErrorKind::TooLarge { .. } => false,
            ParseErrorKind::WrongObject(Some(object)) => is_of_whatsapp(object),
            _ => true,
        }
    }

    /// Returns the status of the answer to Meta: 413 for a body that is too large, otherwise 200,
    /// since Meta would repeat the same body for up to seven days after any other status. Archive
    /// the body if [`should_archive`](Self::should_archive) is `true`.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match self.0 {
            ParseErrorKind::TooLarge { .. } => 413,
            _ => 200,
        }
    }
}

/// The cause of a [`ParseError`].
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{Parser, ParseErrorKind, parse};
///
/// let kind_of = |body: &[u8]| parse(body).unwrap_err().kind().clone();
/// assert_eq!(kind_of(b"[]"), ParseErrorKind::NotAnObject);
/// assert_eq!(kind_of(b"{}}"), ParseErrorKind::NotJson { line: 1, column: 3 });
/// assert_eq!(kind_of(b"{\"a\": \xff}"), ParseErrorKind::NotUtf8 { valid_up_to: 6 });
///
/// let error = Parser::new().max_len(1).parse(b"{}").unwrap_err();
/// assert_eq!(error.kind(), &ParseErrorKind::TooLarge { len: 2, max: 1 });
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The body is longer than [`Parser::max_len`](crate::Parser::max_len).
    #[error("expected a body of at most {max} bytes, found {len}")]
    TooLarge {
        /// The length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The body is not UTF-8.
    #[error("invalid UTF-8 at byte {valid_up_to}")]
    NotUtf8 {
        /// The number of valid bytes before the first invalid one.
        valid_up_to: usize,
    },
    /// The body ends within a JSON value, or is empty.
    #[error("unexpected end of the body at line {line} column {column}")]
    Truncated {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in bytes; 0 at the start of a line.
        column: usize,
    },
    /// The body is not one JSON value.
    #[error("invalid JSON at line {line} column {column}")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in bytes.
        column: usize,
    },
    /// The body is a JSON value other than an object.
    #[error("expected a JSON object, found another JSON value")]
    NotAnObject,
    /// The body has several members of this name.
    #[error("duplicate member {0:?}")]
    Duplicate(Box<str>),
    /// The `object` of the body is not [accepted](crate::Parser::accepted_objects): another product
    /// of Meta's may call the same URL. `None` if the `object` is missing or not a string.
    #[error("{}", wrong_object(.0.as_deref()))]
    WrongObject(Option<Box<str>>),
    /// The `entry` of the body is missing or not an array.
    #[error("expected an array \"entry\", found none")]
    NoEntry,
    /// The text for [`parse_entry`](crate::parse_entry) is an object around an entry, such as a
    /// webhook's body or the SNS message of AWS: it has no `changes`, and has this member.
    #[error("expected an entry with changes, found an object with the member {0:?}")]
    NotAnEntry(Box<str>),
}

fn wrong_object(object: Option<&str>) -> String {
    match object {
        None => "expected an object of WhatsApp, found none".into(),
        Some(object) if is_of_whatsapp(object) => {
            format!("expected an accepted object, found {}", Excerpt(object))
        }
        Some(object) => format!("expected an object of WhatsApp, found {}", Excerpt(object)),
    }
}

/// Returns `true` for an `object` of WhatsApp, such as `whatsapp_account`, and `false` for another
/// product of Meta's.
fn is_of_whatsapp(object: &str) -> bool {
    object.starts_with("whatsapp")
}
