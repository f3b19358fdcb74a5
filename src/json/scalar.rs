//! Strings, numbers and booleans as Meta writes them: one path may be a string
//! in one webhook and a number in the next.
//!
//! Everything is read as text first. That holds too when some crate of the
//! build turns on serde_json's `arbitrary_precision`, which hands numbers over
//! as maps; what is accepted does not depend on it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// Reads a string, or an integer as its digits.
///
/// A fraction or an integer beyond 64 bits is refused: its digits would be
/// rounded, and a rounded id is another id.
pub(crate) fn text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    make: impl FnOnce(&str) -> T,
) -> Result<T, D::Error> {
    Ok(make(&read(deserializer, Numbers::Integers)?))
}

/// Reads the [`text`] of an id.
pub(crate) fn id<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    make: impl FnOnce(&str) -> T,
) -> Result<T, D::Error> {
    text(deserializer, |id| is_id(id).then(|| make(id)))?
        .ok_or_else(|| D::Error::custom("expected an id, found another text"))
}

/// Whether a text can be an id. The longest of Meta's have some hundred bytes; a longer text is
/// no id, and is not copied into every event that has the id. Neither is one with U+FFFD, which
/// may stand for half of a surrogate pair: two ids would become one.
#[inline]
pub(crate) fn is_id(text: &str) -> bool {
    const MAX_LEN: usize = 1024;
    text.len() <= MAX_LEN && (text.is_ascii() || !text.contains(char::REPLACEMENT_CHARACTER))
}

/// Reads a number or boolean, or one in a string. Use it as `deserialize_with`.
pub(crate) fn parsed<'de, D: Deserializer<'de>, T: FromStr>(
    deserializer: D,
) -> Result<T, D::Error> {
    // The value is not in the message: it may be personal.
    read(deserializer, Numbers::All)?
        .parse()
        .map_err(|_| D::Error::custom("not the kind of value that belongs here"))
}

/// Reads a string or any number, and leaves it to `make` whether it means
/// something.
pub(crate) fn lossy<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    make: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, D::Error> {
    Ok(make(&read(deserializer, Numbers::All)?))
}

/// A number that may have a fraction, and is one: neither infinite nor `NaN`.
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

#[derive(Clone, Copy, PartialEq)]
enum Numbers {
    Integers,
    All,
}

fn read<'de, D: Deserializer<'de>>(
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

    /// `arbitrary_precision`: serde_json knows its own maps, and anything else
    /// that is a map it refuses.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let number = serde_json::Number::deserialize(MapAccessDeserializer::new(map))?;
        match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), _, _) => self.visit_u64(number),
            // `-0` is a fraction, as it is without that feature.
            (_, Some(0), _) => self.visit_f64(-0.0),
            (_, Some(number), _) => self.visit_i64(number),
            (_, _, Some(number)) => self.visit_f64(number),
            _ => Err(A::Error::custom("expected a number that 64 bits can hold")),
        }
    }
}
