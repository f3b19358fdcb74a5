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
    fn from_node(json: Lenient<'_, 'a>) -> Result<Option<Self>, Fault> {
        let Some(text) = json.plain_text() else {
            return id(json, |id| Self(Cow::Owned(id.to_owned()))).map(Some);
        };
        let id = is_id(text).then_some(Self(Cow::Borrowed(text)));
        id.map(Some).ok_or(Fault::Malformed)
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
