//! Types with a serialized form other than Meta's, which deserialize from both.
//!
//! [`stored!`] declares such a struct. An object of the stored form is deserialized member by
//! member. An object of Meta's is collected first, and then read as an item of a webhook.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value, map};

use super::any;
use super::lenient::Omissions;
use super::node::{Fault, Node};
use super::object::read_strictly;

/// Declares a struct that serializes in the stored form, the struct's members, and deserializes
/// from that form or, by [`FromMeta`], from Meta's.
macro_rules! stored {
    (
        $(#[$meta:meta])*
        pub struct $name:ident { $($(#[$about:meta])* pub $member:ident: $type:ty,)+ }
    ) => {
        $(#[$meta])*
        #[derive(serde::Serialize)]
        pub struct $name { $($(#[$about])* pub $member: $type,)+ }

        const _: () = {
            /// The stored form.
            #[derive(serde::Deserialize)]
            #[allow(clippy::struct_excessive_bools, reason = "as in the declared struct")]
            struct Stored { $($(#[$about])* $member: $type,)+ }

            impl From<Stored> for $name {
                fn from(stored: Stored) -> Self {
                    Self { $($member: stored.$member,)+ }
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(
                    deserializer: D,
                ) -> Result<Self, D::Error> {
                    $crate::json::stored::deserialize::<Stored, Self, D>(deserializer)
                }
            }
        };
    };
}

pub(crate) use stored;

/// A type that is read from an object of Meta's with other members than the stored form.
pub(crate) trait FromMeta: Sized {
    /// The members of the stored form that no object of Meta's has. An object with one of these
    /// has the stored form.
    const STORED: &'static [&'static str];

    /// Reads an object of Meta's.
    ///
    /// # Errors
    ///
    /// The reason why it cannot be read.
    fn from_meta<'a>(object: Node<'a>, omitted: &mut Omissions<'a>) -> Result<Self, Fault>;
}

/// Reads a value from the stored form or from Meta's.
pub(crate) fn deserialize<'de, Stored, T, D>(deserializer: D) -> Result<T, D::Error>
where
    Stored: Deserialize<'de> + Into<T>,
    T: FromMeta,
    D: Deserializer<'de>,
{
    deserializer.deserialize_map(EitherForm::<Stored, T>(PhantomData))
}

/// Reads a collected object of Meta's. A malformed member is an error, since no event would
/// report it, unlike that of an item of a webhook.
pub(crate) fn from_members<T, E: Error>(
    members: Map<String, Value>,
    read: impl for<'a> FnMut(Node<'a>, &mut Omissions<'a>) -> Result<T, Fault>,
) -> Result<T, E> {
    let json = Value::Object(members).to_string();
    read_strictly(&json, read).map_err(E::custom)
}

/// Collects the members of an object.
pub(crate) fn members<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Map<String, Value>, D::Error> {
    deserializer.deserialize_map(Members)
}

/// Untyped JSON without duplicate members.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        any::unambiguous(deserializer).map(Self)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Map::new();
        collect_until(&mut map, &mut members, &[])?;
        Ok(members)
    }
}

/// Collects members up to the first with one of these names, and returns that name.
fn collect_until<'de, A: MapAccess<'de>>(
    map: &mut A,
    members: &mut Map<String, Value>,
    names: &[&str],
) -> Result<Option<String>, A::Error> {
    while let Some(name) = map.next_key::<String>()? {
        if names.contains(&&*name) {
            return Ok(Some(name));
        }
        let Unambiguous(value) = map.next_value()?;
        if members.insert(name, value).is_some() {
            return Err(A::Error::custom("duplicate field"));
        }
    }
    Ok(None)
}

/// Decides between the forms by the names of the members.
struct EitherForm<Stored, T>(PhantomData<(Stored, T)>);

impl<'de, Stored: Deserialize<'de> + Into<T>, T: FromMeta> Visitor<'de> for EitherForm<Stored, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut members = Map::new();
        match collect_until(&mut map, &mut members, T::STORED)? {
            None => from_members(members, T::from_meta),
            name => Stored::deserialize(MapAccessDeserializer::new(Resumed {
                collected: members.into_iter(),
                value: None,
                name,
                rest: map,
            }))
            .map(Into::into),
        }
    }
}

/// The members of an object of the stored form: those collected before the form was known, the
/// member that decided it, and the remaining ones.
struct Resumed<A> {
    collected: map::IntoIter,
    /// The value of the collected member whose name was returned last.
    value: Option<Value>,
    /// The name of the member that decided the form.
    name: Option<String>,
    rest: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Resumed<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let name = match self.collected.next() {
            Some((name, value)) => {
                self.value = Some(value);
                name
            }
            None => match self.name.take() {
                Some(name) => name,
                None => return self.rest.next_key_seed(seed),
            },
        };
        seed.deserialize(StringDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        match self.value.take() {
            Some(value) => seed.deserialize(value).map_err(A::Error::custom),
            None => self.rest.next_value_seed(seed),
        }
    }
}
