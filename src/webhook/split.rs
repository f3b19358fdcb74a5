//! Taking JSON apart one level at a time, as text.
//!
//! Each level is split into pieces of the body that are not looked into, so
//! that an odd piece costs itself and not its neighbours.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use smallvec::SmallVec;

use super::piece::Piece;
use crate::event::Reason;

/// The members of an object: those that were asked for, and the others.
pub(crate) struct Members<'a, const N: usize> {
    /// In the order of the names; `None` for those that are missing or `null`.
    pub(crate) known: [Option<Piece<'a>>; N],
    pub(crate) unknown: Vec<Member<'a>>,
}

/// A member of an object, by its name.
pub(crate) type Member<'a> = (Cow<'a, str>, Piece<'a>);

/// A name, borrowed where it has no escapes. (serde copies a plain `Cow` in an
/// `Option`.)
#[derive(Deserialize)]
pub(crate) struct Name<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// Splits an object into its members.
///
/// # Errors
///
/// [`Reason::Malformed`] when it is not an object, [`Reason::Duplicate`] when
/// one of `names` is there twice.
pub(crate) fn members<'a, const N: usize>(
    object: Piece<'a>,
    names: [&'static str; N],
) -> Result<Members<'a, N>, Reason> {
    members_of(object.get(), names).unwrap_or(Err(Reason::Malformed))
}

/// [`members`] of a text that nobody has checked yet.
///
/// # Errors
///
/// Outside, when the text is not one JSON object; inside, as [`members`].
pub(crate) fn members_of<'a, const N: usize>(
    text: &'a str,
    names: [&'static str; N],
) -> serde_json::Result<Result<Members<'a, N>, Reason>> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let members = deserializer.deserialize_map(MembersVisitor { names })?;
    deserializer.end()?;
    Ok(members.map_err(|duplicate| Reason::Duplicate(duplicate.into())))
}

/// The elements of an array. Most of Meta's have one.
pub(crate) type Elements<'a> = SmallVec<[Piece<'a>; 1]>;

/// Splits an array into its elements.
///
/// # Errors
///
/// [`Reason::Malformed`] when it is not an array.
pub(crate) fn elements(array: Piece<'_>) -> Result<Elements<'_>, Reason> {
    serde_json::from_str(array.get()).map_err(|_| Reason::Malformed)
}

struct MembersVisitor<const N: usize> {
    names: [&'static str; N],
}

impl<'de, const N: usize> Visitor<'de> for MembersVisitor<N> {
    type Value = Result<Members<'de, N>, &'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members {
            known: [None; N],
            unknown: Vec::new(),
        };
        let mut seen = [false; N];
        while let Some((key, value)) = map.next_entry::<Piece<'_>, Piece<'_>>()? {
            let name = name(key);
            let Some(at) = self.names.iter().position(|known| **known == *name) else {
                members.unknown.push((name, value));
                continue;
            };
            if std::mem::replace(&mut seen[at], true) {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                return Ok(Err(self.names[at]));
            }
            members.known[at] = Some(value).filter(|value| !value.is_null());
        }
        Ok(Ok(members))
    }
}

/// The name that a key spells. A key is taken as raw text, because one that no string
/// can hold (half of a surrogate pair) must not cost the whole object; such a name stays
/// as it is spelled.
fn name(key: Piece<'_>) -> Cow<'_, str> {
    let quoted = key.get();
    let spelled = &quoted[1..quoted.len() - 1];
    if spelled.contains('\\') {
        serde_json::from_str(quoted).map_or(Cow::Borrowed(spelled), Cow::Owned)
    } else {
        Cow::Borrowed(spelled)
    }
}

/// Whether a name stayed as it is spelled since no string can hold it.
pub(crate) fn has_malformed_name((name, _): &Member<'_>) -> bool {
    matches!(name, Cow::Borrowed(spelled) if spelled.contains('\\'))
}
