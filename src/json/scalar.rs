//! Strings, numbers and booleans, which Meta mixes: one member may be a string in one webhook
//! and a number in the next.
//!
//! Each is read as text first. serde_json passes numbers as maps if a crate of the build enables
//! `arbitrary_precision`; the accepted values are the same with and without this feature.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// Reads a string, or the digits of an integer, and passes the text to `make`.
///
/// Fractions and integers beyond 64 bits are rejected: their digits would be rounded, and a
/// rounded id is another id.
pub(crate) fn text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    make: impl FnOnce(&str) -> T,
) -> Result<T, D::Error> {
    Ok(make(&read_text(deserializer, Numbers::Integers)?))
}

/// Reads a [`text`] that [can be an id](is_id).
pub(crate) fn id<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    make: impl FnOnce(&str) -> T,
) -> Result<T, D::Error> {
    text(deserializer, |id| is_id(id).then(|| make(id)))?
        .ok_or_else(|| D::Error::custom("expected an id, found another text"))
}

/// Returns `true` for a text that can be an id: at most 1 KiB, without U+FFFD. Meta's longest ids
/// have some hundred bytes, and each event of an item has a copy. U+FFFD may stand for half of a
/// surrogate pair, so that two ids would become one.
#[inline]
pub(crate) fn is_id(text: &str) -> bool {
    const MAX_LEN: usize = 1024;
    text.len() <= MAX_LEN && (text.is_ascii() || !text.contains(char::REPLACEMENT_CHARACTER))
}

/// Reads a string, number or boolean, and parses its text.
pub(crate) fn parsed<'de, D: Deserializer<'de>, T: FromStr>(
    deserializer: D,
) -> Result<T, D::Error> {
    // The message does not quote the value, which may be personal data.
    read_text(deserializer, Numbers::All)?
        .parse()
        .map_err(|_| D::Error::custom("expected a number or a boolean"))
}

/// Reads a string, number or boolean, and passes the text to `make`, which may return `None`.
pub(crate) fn lossy<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    make: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, D::Error> {
    Ok(make(&read_text(deserializer, Numbers::All)?))
}

/// A finite number, with or without a fraction.
struct Finite(f64);

impl FromStr for Finite {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number: f64 = text.parse().map_err(|_| ())?;
        number.is_finite().then_some(Self(number)).ok_or(())
    }
}

/// [`parsed`] of a finite number.
pub(crate) fn fraction<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    parsed(deserializer).map(|Finite(number)| number)
}

/// The accepted scalars beside strings.
#[derive(Clone, Copy, PartialEq)]
enum Numbers {
    /// Integers of 64 bits.
    Integers,
    /// All numbers, and booleans.
    All,
}

/// Reads the text of a scalar.
fn read_text<'de, D: Deserializer<'de>>(
    deserializer: D,
    numbers: Numbers,
) -> Result<Cow<'de, str>, D::Error> {
    deserializer.deserialize_any(TextVisitor(numbers))
}

struct TextVisitor(Numbers);

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a number")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, bool: bool) -> Result<Self::Value, E> {
        match self.0 {
            Numbers::All => Ok(Cow::Borrowed(if bool { "true" } else { "false" })),
            Numbers::Integers => Err(E::custom("expected a string or a number")),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        match self.0 {
            Numbers::All => Ok(Cow::Owned(number.to_string())),
            Numbers::Integers => Err(E::custom("expected an integer of 64 bits")),
        }
    }

    /// Reads a number in the form that `arbitrary_precision` gives it. serde_json rejects any
    /// other map.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let number = serde_json::Number::deserialize(MapAccessDeserializer::new(map))?;
        match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), _, _) => self.visit_u64(number),
            // `-0` is a fraction, as without the feature.
            (_, Some(0), _) => self.visit_f64(-0.0),
            (_, Some(number), _) => self.visit_i64(number),
            (_, _, Some(number)) => self.visit_f64(number),
            _ => Err(A::Error::custom("expected a number of 64 bits")),
        }
    }
}
