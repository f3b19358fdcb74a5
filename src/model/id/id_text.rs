//! Ids that are still in the body.

use std::borrow::Cow;
use std::ops::Deref;

use crate::json::Fault;
use crate::json::object::{FromNode, Lenient};
use crate::json::scalar::{id, is_id};

/// An id in the body, without a copy unless it has escapes or is a number.
///
/// Not a plain `Cow`: texts that are no ids may be longer, and may have U+FFFD.
#[derive(Clone)]
pub(crate) struct IdText<'a>(Cow<'a, str>);

impl<'a> FromNode<'a> for IdText<'a> {
    #[inline]
    fn read_into(slot: &mut Option<Self>, json: Lenient<'_, 'a>) -> Result<(), Fault> {
        *slot = Some(match json.plain_text() {
            Some(text) if is_id(text) => Self(Cow::Borrowed(text)),
            Some(_) => return Err(Fault::Malformed),
            None => id(json, |id| Self(Cow::Owned(id.to_owned())))?,
        });
        Ok(())
    }
}

impl<'a, T: AsRef<str>> From<&'a T> for IdText<'a> {
    fn from(id: &'a T) -> Self {
        Self(Cow::Borrowed(id.as_ref()))
    }
}

impl Deref for IdText<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        &self.0
    }
}
