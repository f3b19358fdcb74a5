//! Structs that are read from Meta's JSON objects, whose members may be missing, `null`, or of
//! another JSON type than last time.
//!
//! [`json_object`] declares those of the public interface, and [`members!`] the members of items.
//! Both are read from a tape. Another deserializer's object is first written as JSON, so that
//! there is one reader of each type.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde_json::Number;

use super::any::NUMBER;
use super::lenient::Omissions;
pub(crate) use super::lenient::{Lenient, MemberValue};
use super::node::{Fault, Member, Node, with_tape};
use super::scalar;

/// Declares an object of Meta's: a public struct that serializes as it is read.
///
/// A member whose type is [missing](MemberValue::missing) something may be missing or `null`, and
/// any other is required. `#[json(rename = "type")]` gives a member another name than its field.
/// `#[json(ids("from", "from_user_id", "from_parent_user_id"))]` is for an `Option<Identity>`, of
/// which these members have the WhatsApp id, the user id and the parent user id.
/// Texts, numbers, booleans and times are read from strings and numbers alike; a list of one text
/// may come as that text.
pub(crate) use whatsapp_signals_macros::json_object;

/// Declares structs whose members are read one by one from the tape. Each member may be
/// missing or `null`; a malformed one is left out and noted. A struct with texts of the body
/// has a lifetime.
macro_rules! members {
    ($($(#[$meta:meta])* $vis:vis struct $name:ident $(<$life:lifetime>)? {
        $($(#[$doc:meta])* $member:ident $(= $wire:literal)?: $type:ty,)+
    })+) => { $(
        $(#[$meta])*
        #[derive(Default)]
        $vis struct $name $(<$life>)? { $($(#[$doc])* $vis $member: Option<$type>,)+ }

        impl<'a> $crate::json::object::ReadMembers<'a> for $name $(<$life>)? {
            #[inline]
            fn read_and(
                &mut self,
                object: $crate::json::Node<'a>,
                omitted: &mut $crate::json::Omissions<'a>,
                mut other: impl FnMut($crate::json::Member<'a>),
            ) -> Result<(), $crate::json::Fault> {
                #[allow(non_camel_case_types, reason = "the names of the members")]
                enum Bit { $($member,)+ }
                if !object.is_object() {
                    return Err($crate::json::Fault::Malformed);
                }
                let (mut seen, mut repeated) = (0_u64, 0_u64);
                for member in object.members() {
                    let escaped;
                    let name = match member.plain_name() {
                        Some(name) => name,
                        None => {
                            escaped = member.name();
                            escaped.as_bytes()
                        }
                    };
                    $(if *name == *$crate::json::object::members!(@name $member $($wire)?).as_bytes() {
                        let bit = 1 << Bit::$member as u32;
                        if seen & bit == 0 {
                            seen |= bit;
                            $crate::json::object::read_member(
                                &mut self.$member, object, member, omitted,
                            );
                        } else {
                            repeated |= bit;
                            self.$member = None;
                        }
                        continue;
                    })+
                    other(member);
                    $crate::json::object::check_name(object, member, omitted);
                }
                if repeated != 0 {
                    let names = [$($crate::json::object::members!(@name $member $($wire)?),)+];
                    omitted.add_duplicates(object, &names, repeated);
                }
                Ok(())
            }
        }

        impl<'a> $crate::json::object::FromNode<'a> for $name $(<$life>)? {
            #[inline]
            fn read_into(
                slot: &mut Option<Self>,
                json: $crate::json::object::Lenient<'_, 'a>,
            ) -> Result<(), $crate::json::Fault> {
                let members = slot.insert(Self::default());
                json.read_with(|object, omitted| {
                    $crate::json::object::ReadMembers::fill(members, object, omitted)
                })
            }
        }
    )+ };
    (@name $member:ident) => { stringify!($member) };
    (@name $member:ident $wire:literal) => { $wire };
}

pub(crate) use members;

/// A struct of [`members!`].
pub(crate) trait ReadMembers<'a>: Default {
    /// Reads the members of an object, and calls `other` with each that is not declared.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`] for any other value.
    fn read_and(
        &mut self,
        object: Node<'a>,
        omitted: &mut Omissions<'a>,
        other: impl FnMut(Member<'a>),
    ) -> Result<(), Fault>;

    /// Reads the declared members of an object in place, as [`read_and`](Self::read_and) does.
    #[inline]
    fn fill(&mut self, object: Node<'a>, omitted: &mut Omissions<'a>) -> Result<(), Fault> {
        self.read_and(object, omitted, |_| {})
    }

    /// Returns the declared members of an object. On a hot path, [`fill`](Self::fill) saves the
    /// move.
    #[inline]
    fn read(object: Node<'a>, omitted: &mut Omissions<'a>) -> Result<Self, Fault> {
        let mut members = Self::default();
        members.fill(object, omitted)?;
        Ok(members)
    }
}

/// Reads a member of [`members!`] into its slot.
#[inline]
pub(crate) fn read_member<'a, T: FromNode<'a>>(
    slot: &mut Option<T>,
    object: Node<'a>,
    member: Member<'a>,
    omitted: &mut Omissions<'a>,
) {
    if !member.value.is_null() {
        let json = Lenient::new(member.value, object, omitted);
        if json.or_omit(|json| T::read_into(slot, json)).is_err() {
            *slot = None;
        }
    }
}

/// Notes a member whose name has half of a surrogate pair: two names would become one.
#[inline]
pub(crate) fn check_name<'a>(object: Node<'a>, member: Member<'a>, omitted: &mut Omissions<'a>) {
    if member.has_malformed_name() {
        omitted.add(object, member.value, Fault::Malformed);
    }
}

/// A type that a member of [`members!`] can have.
pub(crate) trait FromNode<'a>: Sized {
    /// Reads a member that is present and not `null` in place: the move of a value right after its
    /// write would stall. `None` as in [`MemberValue::read_node`].
    ///
    /// # Errors
    ///
    /// The reason why it cannot be read. The slot may have a part of it.
    fn read_into(slot: &mut Option<Self>, json: Lenient<'_, 'a>) -> Result<(), Fault>;
}

impl<'a, T: MemberValue> FromNode<'a> for T {
    #[inline]
    fn read_into(slot: &mut Option<Self>, json: Lenient<'_, 'a>) -> Result<(), Fault> {
        *slot = T::read_node(json)?;
        Ok(())
    }
}

impl<T: MemberValue> MemberValue for Option<T> {
    #[inline]
    fn read_node(json: Lenient<'_, '_>) -> Result<Option<Self>, Fault> {
        T::read_node(json).map(Some)
    }

    #[inline]
    fn missing() -> Option<Self> {
        Some(None)
    }

    #[inline]
    fn is_missing(&self) -> bool {
        self.is_none()
    }
}

impl<T: MemberValue> MemberValue for Vec<T> {
    #[inline]
    fn read_node(mut json: Lenient<'_, '_>) -> Result<Option<Self>, Fault> {
        match json.elements() {
            Some(elements) => elements.map(Some),
            None if json.is_text() => Ok(Some(T::read_node(json)?.into_iter().collect())),
            None => Err(Fault::Malformed),
        }
    }

    #[inline]
    fn missing() -> Option<Self> {
        Some(Vec::new())
    }

    #[inline]
    fn is_missing(&self) -> bool {
        self.is_empty()
    }
}

impl<T: MemberValue> MemberValue for Box<T> {
    #[inline]
    fn read_node(json: Lenient<'_, '_>) -> Result<Option<Self>, Fault> {
        Ok(T::read_node(json)?.map(Self::new))
    }
}

/// Implements [`MemberValue`] for a type that is made of a text. `$from_text` returns `None` for a
/// malformed text, and `$from_json` reads any other JSON value.
macro_rules! text_member {
    ($type:ty, $from_json:expr, $from_text:expr) => {
        impl $crate::json::object::MemberValue for $type {
            #[inline]
            fn read_node(
                json: $crate::json::object::Lenient<'_, '_>,
            ) -> Result<Option<Self>, $crate::json::Fault> {
                let Some(text) = json.plain_text() else {
                    return $from_json(json).map(Some);
                };
                let made: Option<Self> = $from_text(text);
                made.map(Some).ok_or($crate::json::Fault::Malformed)
            }
        }
    };
}

pub(crate) use text_member;

macro_rules! texts {
    ($($type:ty)+) => { $(
        text_member! {
            $type,
            |json| scalar::text(json, |text| text.into()),
            |text: &str| Some(text.into())
        }
    )+ };
}

texts! { Arc<str> Box<str> String }

macro_rules! scalars {
    ($($type:ty: $read:expr,)+) => { $(
        impl MemberValue for $type {
            fn read_node(json: Lenient<'_, '_>) -> Result<Option<Self>, Fault> {
                $read(json).map(Some)
            }
        }
    )+ };
}

scalars! {
    bool: scalar::parsed,
    i64: scalar::parsed,
    u64: scalar::parsed,
    f64: scalar::fraction,
}

/// Reads a member into its variable; without JSON, makes it a missing one.
#[inline]
pub(crate) fn assign<T: MemberValue>(
    member: &mut Option<T>,
    json: Option<Lenient<'_, '_>>,
) -> Result<(), Fault> {
    let read = json.map_or(Ok(None), T::read_node)?;
    *member = read.or_else(T::missing);
    Ok(())
}

/// Reads an id of a user into its variable; without JSON, makes it a missing one.
#[inline]
pub(crate) fn assign_id<'a, T: FromNode<'a>>(
    id: &mut Option<T>,
    json: Option<Lenient<'_, 'a>>,
) -> Result<(), Fault> {
    *id = None;
    json.map_or(Ok(()), |json| T::read_into(id, json))
}

/// Returns the value of a member's variable, given the index of the member's name.
///
/// # Errors
///
/// The reason why a required member is missing.
#[inline]
pub(crate) fn take<T: MemberValue>(
    member: Option<T>,
    members: &ReadObject<'_, '_>,
    at: usize,
) -> Result<T, Fault> {
    member.ok_or_else(|| members.omitted.missing(members.object, members.names[at]))
}

/// Serializes a member, unless it is missing.
#[inline]
pub(crate) fn write<M: SerializeMap, T: MemberValue + Serialize>(
    members: &mut M,
    name: &'static str,
    member: &T,
) -> Result<(), M::Error> {
    if member.is_missing() {
        return Ok(());
    }
    members.serialize_entry(name, member)
}

/// An object whose members are in their variables.
pub(crate) struct ReadObject<'o, 'a> {
    object: Node<'a>,
    omitted: &'o mut Omissions<'a>,
    names: &'static [&'static str],
}

/// Reads the members of an object. Takes their indexes from `index_of`, by constants: a table of
/// names would cost a call for each comparison. Calls `assign` with the index of a name and the member of that
/// name, and again with `None` if the member is repeated.
///
/// # Errors
///
/// [`Fault::Malformed`] for any other value.
#[inline]
pub(crate) fn read_members<'o, 'a>(
    json: Lenient<'o, 'a>,
    names: &'static [&'static str],
    index_of: impl Fn(&[u8]) -> Option<usize>,
    mut assign: impl FnMut(usize, Option<Lenient<'_, 'a>>) -> Result<(), Fault>,
) -> Result<ReadObject<'o, 'a>, Fault> {
    let (object, omitted) = json.into_parts();
    if !object.is_object() {
        return Err(Fault::Malformed);
    }
    let (mut seen, mut repeated) = (0_u64, 0_u64);
    for member in object.members() {
        let escaped;
        let name = if let Some(name) = member.plain_name() {
            name
        } else {
            escaped = member.name();
            escaped.as_bytes()
        };
        let Some(at) = index_of(name) else {
            check_name(object, member, omitted);
            continue;
        };
        let bit = 1 << at;
        if seen & bit != 0 {
            repeated |= bit;
            continue;
        }
        seen |= bit;
        if !member.value.is_null() {
            let json = Lenient::new(member.value, object, omitted);
            // The variable of a malformed member stays that of a missing one.
            let _ = json.or_omit(|json| assign(at, Some(json)));
        }
    }
    if repeated != 0 {
        omitted.add_duplicates(object, names, repeated);
        for at in 0..names.len() {
            if repeated >> at & 1 == 1 {
                assign(at, None)?;
            }
        }
    }
    Ok(ReadObject {
        object,
        omitted,
        names,
    })
}

/// Reads an object from any deserializer. Unlike an item of a webhook it must have no malformed
/// member, as there is no event that would report it.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: MemberValue>(
    deserializer: D,
) -> Result<T, D::Error> {
    let json = deserializer.deserialize_map(ObjectText)?;
    read_strictly(&json, |object, omitted| omitted.read(object)).map_err(D::Error::custom)
}

/// Visits an object, and returns its JSON. It has no type parameter, so that a deserializer has one
/// copy of its code for all objects.
struct ObjectText;

impl<'de> Visitor<'de> for ObjectText {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<String, A::Error> {
        let mut json = String::new();
        Writer {
            json: &mut json,
            depth: MAX_DEPTH,
        }
        .visit_map(map)?;
        Ok(json)
    }
}

/// Reads a JSON text without omissions, or returns the text of an error. The text quotes no value,
/// as a value may be personal data.
pub(super) fn read_strictly<T>(
    json: &str,
    mut read: impl for<'a> FnMut(Node<'a>, &mut Omissions<'a>) -> Result<T, Fault>,
) -> Result<T, String> {
    let mut value = None;
    let mut store = |object: Node<'_>| {
        let mut omitted = Omissions::default();
        value = Some(read(object, &mut omitted)?);
        omitted.into_result()
    };
    read_text(json, &mut store)
        .and_then(|()| value.ok_or(Fault::Malformed))
        .map_err(|fault| fault_text(&fault))
}

/// Calls `read` with the value of a text; a trait object, so that the tape has one caller for all
/// objects.
fn read_text(json: &str, read: &mut dyn FnMut(Node<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
    with_tape(json, read).unwrap_or(Err(Fault::Malformed))
}

fn fault_text(fault: &Fault) -> String {
    match fault {
        Fault::Missing(name) => format!("missing field `{name}`"),
        Fault::Duplicate(name) => format!("duplicate field `{name}`"),
        Fault::UnknownType(_) => "unknown `type`".into(),
        Fault::Malformed => "unexpected JSON type of a member".into(),
    }
}

/// The greatest depth of a value, that of serde_json.
const MAX_DEPTH: u32 = 128;

/// Writes a value as JSON.
struct Writer<'w> {
    json: &'w mut String,
    /// The remaining depth.
    depth: u32,
}

impl Writer<'_> {
    fn deeper<E: Error>(&mut self) -> Result<Writer<'_>, E> {
        let depth = self.depth.checked_sub(1);
        let depth = depth.ok_or_else(|| E::custom("expected less depth"))?;
        Ok(Writer {
            json: self.json,
            depth,
        })
    }

    fn write<E: Error>(self, json: impl fmt::Display) -> Result<(), E> {
        use fmt::Write as _;
        write!(self.json, "{json}").map_err(E::custom)
    }

    fn text<E: Error>(&mut self, text: &str) -> Result<(), E> {
        let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
        if text.bytes().all(is_plain) {
            self.json.push('"');
            self.json.push_str(text);
            self.json.push('"');
        } else {
            self.json
                .push_str(&serde_json::to_string(text).map_err(E::custom)?);
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Writer<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Writer<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.write("null")
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, bool: bool) -> Result<(), E> {
        self.write(bool)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.write(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.write(number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        match Number::from_f64(number) {
            Some(number) => self.write(number),
            None => self.visit_unit(),
        }
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<(), E> {
        self.text(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        self.json.push('[');
        let mut separator = "";
        loop {
            let start = self.json.len();
            self.json.push_str(separator);
            if seq.next_element_seed(self.deeper()?)?.is_none() {
                self.json.truncate(start);
                self.json.push(']');
                return Ok(());
            }
            separator = ",";
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut separator = '{';
        while let Some(name) = map.next_key::<String>()? {
            if name == NUMBER && separator == '{' {
                let number = map.next_value::<String>()?.parse::<Number>();
                return self.write(number.map_err(A::Error::custom)?);
            }
            self.json.push(separator);
            self.text(&name)?;
            self.json.push(':');
            map.next_value_seed(self.deeper()?)?;
            separator = ',';
        }
        self.json
            .push_str(if separator == '{' { "{}" } else { "}" });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::json_object;

    type Note = Option<Box<str>>;
    type Names = Vec<String>;

    #[json_object]
    struct Parcel {
        id: String,
        note: Note,
        #[json(rename = "names")]
        names: Names,
    }

    #[test]
    fn alias_of_an_option_or_list_may_be_missing() {
        let parcel: Parcel = serde_json::from_str(r#"{"id": "A"}"#).unwrap();
        assert_eq!((parcel.note, parcel.names), (None, Vec::new()));
    }

    #[test]
    fn alias_of_an_option_or_list_is_not_written_when_missing() {
        let parcel: Parcel = serde_json::from_str(r#"{"id": 7, "note": null}"#).unwrap();
        assert_eq!(serde_json::to_string(&parcel).unwrap(), r#"{"id":"7"}"#);
    }

    #[test]
    fn required_member_has_a_name_in_the_error() {
        let error = serde_json::from_str::<Parcel>(r#"{"note": "x"}"#).unwrap_err();
        assert!(
            error.to_string().starts_with("missing field `id`"),
            "{error}"
        );
    }

    #[test]
    fn repeated_member_is_an_error_and_a_repeated_unknown_member_is_not() {
        let error = serde_json::from_str::<Parcel>(r#"{"id": "A", "id": "A"}"#).unwrap_err();
        assert!(
            error.to_string().starts_with("duplicate field `id`"),
            "{error}"
        );
        assert!(serde_json::from_str::<Parcel>(r#"{"id": "A", "x": 1, "x": 1}"#).is_ok());
    }

    #[test]
    fn object_is_read_from_a_value_with_escapes_lists_and_numbers() {
        let value =
            serde_json::json!({"id": "a\"\n", "names": ["é", -1], "x": [{}, [], 0.5, null]});
        let parcel: Parcel = serde_json::from_value(value).unwrap();
        assert_eq!(
            (&*parcel.id, parcel.names),
            ("a\"\n", vec!["é".into(), "-1".into()])
        );
    }

    #[test]
    fn list_is_no_object() {
        assert!(serde_json::from_str::<Parcel>(r#"["A"]"#).is_err());
    }
}
