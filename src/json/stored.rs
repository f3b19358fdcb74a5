//! Types that have a form of their own, and are read from Meta's JSON too.
//!
//! [`stored!`] declares such a struct. The own form is read member by member; an object of Meta's
//! is collected, and then read as an item of a webhook is.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value, map};

use super::any;
use super::lenient::{Fault, Omissions};
use super::node::Node;
use super::tape::with_tape;

/// Declares a struct that is written in its own form, and read from that form or, as
/// [`FromMeta`], from Meta's.
macro_rules! stored {
    (
        $(#[$meta:meta])*
        pub struct $name:ident { $($(#[$about:meta])* pub $member:ident: $type:ty,)+ }
    ) => {
        $(#[$meta])*
        #[derive(serde::Serialize)]
        pub struct $name { $($(#[$about])* pub $member: $type,)+ }

        const _: () = {
            /// The own form.
            #[derive(serde::Deserialize)]
            #[allow(clippy::struct_excessive_bools, reason = "as in the struct that it becomes")]
            struct Own { $($(#[$about])* $member: $type,)+ }

            impl From<Own> for $name {
                fn from(own: Own) -> Self {
                    Self { $($member: own.$member,)+ }
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(
                    deserializer: D,
                ) -> Result<Self, D::Error> {
                    $crate::json::stored::read::<Own, Self, D>(deserializer)
                }
            }
        };
    };
}

pub(crate) use stored;

/// A type that is read from an object of Meta's, whose members are not those of the own form.
pub(crate) trait FromMeta: Sized {
    /// Members of the own form that no object of Meta's has. An object with one of these is
    /// of the own form.
    const OWN: &'static [&'static str];

    /// Reads an object of Meta's.
    ///
    /// # Errors
    ///
    /// The reason why it cannot be read.
    fn from_meta<'a>(object: Node<'a>, omitted: &mut Omissions<'a>) -> Result<Self, Fault>;
}

/// Reads a value from its own form or from Meta's.
pub(crate) fn read<'de, Own, T, D>(deserializer: D) -> Result<T, D::Error>
where
    Own: Deserialize<'de> + Into<T>,
    T: FromMeta,
    D: Deserializer<'de>,
{
    deserializer.deserialize_map(EitherForm::<Own, T>(PhantomData))
}

/// Reads an object of Meta's that was collected. Unlike an item of a webhook it must have no
/// malformed member, as there is no event that would report it.
pub(crate) fn from_members<T, E: Error>(
    members: Map<String, Value>,
    read: impl for<'a> FnOnce(Node<'a>, &mut Omissions<'a>) -> Result<T, Fault>,
) -> Result<T, E> {
    let json = Value::Object(members).to_string();
    let value = with_tape(&json, |object| {
        let mut omitted = Omissions::default();
        let value = read(object, &mut omitted)?;
        omitted.is_empty().then_some(value).ok_or(Fault::Malformed)
    });
    // The texts of a fault may be of the object, which is personal data.
    match value.unwrap_or(Err(Fault::Malformed)) {
        Ok(value) => Ok(value),
        Err(Fault::Missing(name)) => Err(E::custom(format_args!("missing field `{name}`"))),
        Err(Fault::UnknownType(_)) => Err(E::custom("unknown `type`")),
        Err(_) => Err(E::custom("unexpected JSON type of a member")),
    }
}

/// Collects the members of an object.
pub(crate) fn members<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Map<String, Value>, D::Error> {
    deserializer.deserialize_map(Members)
}

/// JSON of any shape, without duplicates.
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

struct EitherForm<Own, T>(PhantomData<(Own, T)>);

impl<'de, Own: Deserialize<'de> + Into<T>, T: FromMeta> Visitor<'de> for EitherForm<Own, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut members = Map::new();
        match collect_until(&mut map, &mut members, T::OWN)? {
            None => from_members(members, T::from_meta),
            name => Own::deserialize(MapAccessDeserializer::new(Resumed {
                collected: members.into_iter(),
                value: None,
                name,
                rest: map,
            }))
            .map(Into::into),
        }
    }
}

/// The members of an object of the own form: those that were collected before it was known as
/// such, the one by which it is known, and the rest.
struct Resumed<A> {
    collected: map::IntoIter,
    /// The value of the collected member whose name was read.
    value: Option<Value>,
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
