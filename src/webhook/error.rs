//! The ways in which a body is no webhook.

use thiserror::Error;

use crate::json::Excerpt;

/// Why a body could not be read at all. Nothing of it was dispatched.
///
/// This is about the envelope only: what is odd inside it arrives as
/// [`Unrecognized`](crate::event::Unrecognized) beside its neighbours.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{ParseErrorKind, parse};
///
/// let error = parse(br#"{"object": "page", "entry": []}"#).unwrap_err();
/// assert_eq!(error.kind(), &ParseErrorKind::WrongObject(Some("page".into())));
///
/// let error = parse(b"{").unwrap_err();
/// assert_eq!(error.to_string(), "the body ends early, at line 1 column 1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[error("{0}")]
pub struct ParseError(pub(super) ParseErrorKind);

impl ParseError {
    /// What is wrong.
    ///
    /// ```
    /// use whatsapp_signals::{ParseErrorKind, parse};
    ///
    /// let body = br#"{"object": "whatsapp_business_account"}"#;
    /// assert_eq!(parse(body).unwrap_err().kind(), &ParseErrorKind::NoEntry);
    /// ```
    #[must_use]
    pub fn kind(&self) -> &ParseErrorKind {
        &self.0
    }

    /// Whether to keep a body that Meta signed, for a later version or setting that may
    /// read it. Not one that is too large, nor one of another product of Meta's, which
    /// no version will read. An `object` that begins with `whatsapp` is no other
    /// product: see [`Parser::accepted_objects`](crate::Parser::accepted_objects).
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

    /// What to answer Meta: 413 for what is too large, and else 200. Keep such
    /// a body: with any other status Meta repeats it for up to seven days, and
    /// it reads no better.
    ///
    /// ```
    /// let error = whatsapp_signals::parse(b"{").unwrap_err();
    /// assert_eq!(error.http_status(), 200);
    /// ```
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match self.0 {
            ParseErrorKind::TooLarge { .. } => 413,
            _ => 200,
        }
    }
}

/// What is wrong with a body.
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
    /// It is longer than [`Parser::max_len`](crate::Parser::max_len) allows.
    /// Nothing was read.
    #[error("the body has {len} bytes, more than the limit of {max}")]
    TooLarge {
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// It is not UTF-8.
    #[error("the body is not UTF-8 from byte {valid_up_to} on")]
    NotUtf8 {
        /// How many bytes are good.
        valid_up_to: usize,
    },
    /// It ends in the middle, or is empty.
    #[error("the body ends early, at line {line} column {column}")]
    Truncated {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in bytes; 0 at the start of a line.
        column: usize,
    },
    /// It is not one JSON value.
    #[error("the body is not JSON, at line {line} column {column}")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in bytes.
        column: usize,
    },
    /// It is JSON, but not an object.
    #[error("the body is not a JSON object")]
    NotAnObject,
    /// A member of the envelope is there twice.
    #[error("the body has two members {0:?}")]
    Duplicate(Box<str>),
    /// Its `object` is not an
    /// [accepted one](crate::Parser::accepted_objects): it may come from another
    /// product of Meta's that calls the same URL. `None` when it is missing or not a
    /// string.
    #[error("{}", wrong_object(.0.as_deref()))]
    WrongObject(Option<Box<str>>),
    /// Its `entry` is missing or not an array.
    #[error("the body has no entry array")]
    NoEntry,
    /// A text for [`parse_entry`](crate::parse_entry) is not an entry, but an object
    /// that holds one: a webhook's body, or the SNS message of AWS. It has no
    /// `changes`, and this member.
    #[error("expected an entry with changes, found an object with the member {0:?}")]
    NotAnEntry(Box<str>),
}

fn wrong_object(object: Option<&str>) -> String {
    match object {
        None => "the body is not from WhatsApp: it has no object".into(),
        Some(object) if is_of_whatsapp(object) => {
            format!("the parser does not accept the object {}", Excerpt(object))
        }
        Some(object) => format!(
            "the body is not from WhatsApp: its object is {}",
            Excerpt(object)
        ),
    }
}

/// Whether an `object` names WhatsApp, as `whatsapp_account` does, and not another
/// product of Meta's.
fn is_of_whatsapp(object: &str) -> bool {
    object.starts_with("whatsapp")
}
