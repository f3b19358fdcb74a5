//! A piece of a body: one JSON value, as text.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The text of one JSON value, which is known to be that, and nothing around it.
///
/// serde_json's `RawValue` says the same, and can be had from serde_json only, which
/// would read once more what a [`Cursor`](super::cursor::Cursor) has read.
#[derive(Clone, Copy)]
pub(crate) struct Piece<'a>(&'a str);

impl<'a> Piece<'a> {
    /// Takes the word of the caller, who has read it, for it.
    pub(crate) fn known(text: &'a str) -> Self {
        Self(text)
    }

    pub(crate) fn get(self) -> &'a str {
        self.0
    }

    pub(crate) fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// Whether both are the same place of one text.
    pub(crate) fn is_same(self, other: Piece<'_>) -> bool {
        std::ptr::eq(self.0.as_bytes(), other.0.as_bytes())
    }

    /// Whether `part` lies within this place of one text.
    pub(crate) fn contains(self, part: Piece<'_>) -> bool {
        let place = self.0.as_bytes().as_ptr_range();
        let part = part.0.as_bytes().as_ptr_range();
        place.start <= part.start && part.end <= place.end
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Piece<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self(raw.get()))
    }
}
