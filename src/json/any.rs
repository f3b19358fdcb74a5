//! Untyped JSON, kept as a [`Value`]: the answers of a flow, the request of an echo.
//!
//! serde_json's own deserialization of [`Value`] must not be used for untrusted JSON: it parses
//! the text in an object with one of serde_json's private names, which may hold another such
//! object, and so on until the stack overflows. It also accepts values of serde_json's full depth,
//! which exceed the limit as a part of an event.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::lenient::{Lenient, MemberValue, Omissions};
use super::node::{Fault, with_tape};

/// The greatest depth. The limit of serde_json is twice as deep.
const MAX_DEPTH: u32 = 64;

/// The private member by which serde_json passes a number if it is built with
/// `arbitrary_precision`. It is read as a number without that feature, too.
pub(super) const NUMBER: &str = "$serde_json::private::Number";

/// The prefix of serde_json's private names.
const PRIVATE: &str = "$serde_json::private::";

/// Reads any JSON. The last of several members of one name counts.
pub(crate) fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    let any = Any {
        depth: MAX_DEPTH,
        last_wins: true,
    };
    any.deserialize(deserializer)
}

/// Reads any JSON as [`value`] does, but rejects objects with two members of one name.
pub(super) fn unambiguous<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    let any = Any {
        depth: MAX_DEPTH,
        last_wins: false,
    };
    any.deserialize(deserializer)
}

/// Reads an object.
pub(crate) fn object<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Map<String, Value>, D::Error> {
    match value(deserializer)? {
        Value::Object(members) => Ok(members),
        _ => Err(D::Error::custom("expected an object")),
    }
}

/// Returns the object that a text consists of; `None` for any other text, and for an object with
/// a malformed part. Half of a surrogate pair becomes U+FFFD, which is not malformed.
pub(crate) fn object_in_text(json: &str) -> Option<Map<String, Value>> {
    let read = with_tape(json, |node| {
        let mut omitted = Omissions::default();
        let value = omitted.read(node).ok()?;
        omitted.is_empty().then_some(value)
    });
    match read.ok().flatten()? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

impl MemberValue for Value {
    fn read_node(json: Lenient<'_, '_>) -> Result<Option<Self>, Fault> {
        value(json).map(Some)
    }
}

impl MemberValue for Map<String, Value> {
    fn read_node(json: Lenient<'_, '_>) -> Result<Option<Self>, Fault> {
        object(json).map(Some)
    }
}

/// The seed and visitor of untyped JSON.
#[derive(Clone, Copy)]
struct Any {
    /// The remaining depth.
    depth: u32,
    /// Accepts several members of one name; the last counts.
    last_wins: bool,
}

impl Any {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1);
        let depth = depth.ok_or_else(|| E::custom("expected a depth of at most 64"))?;
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Any {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, bool: bool) -> Result<Value, E> {
        Ok(bool.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element_seed(deeper)? {
            elements.push(element);
        }
        Ok(elements.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == NUMBER && members.is_empty() {
                let number: Number = map
                    .next_value::<String>()?
                    .parse()
                    .map_err(A::Error::custom)?;
                return Ok(number.into());
            }
            if name.starts_with(PRIVATE) {
                return Err(A::Error::custom(
                    "expected a member name, found a private one of serde_json",
                ));
            }
            let value = map.next_value_seed(deeper)?;
            if members.insert(name, value).is_some() && !self.last_wins {
                return Err(A::Error::custom("duplicate field"));
            }
        }
        Ok(members.into())
    }
}
