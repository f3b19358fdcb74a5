//! Declarations of Meta's objects: structs whose members may be missing, `null`, or of another
//! JSON type than last time.
//!
//! [`object!`] declares those of the public interface, and [`members!`] the members of items.
//! Both are read straight from the tape, and a public object from any deserializer, too.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

pub(crate) use super::lenient::Lenient;
use super::lenient::{Fault, Omissions};
use super::node::{Member as NodeMember, Node};
use super::scalar;
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Declares an object of Meta's, as a struct that serializes as it is read.
///
/// A member that is an `Option` or a `Vec` may be missing or `null`; any other
/// is required. Texts, numbers, booleans and times are read from strings and
/// numbers alike; a list of one text may come as that text.
macro_rules! object {
    ($(#[$meta:meta])* pub struct $name:ident { $($members:tt)* }) => {
        $crate::json::object::object! {
            @next [$(#[$meta])* pub struct $name] $name [] [] $($members)*
        }
    };
    (
        @next $head:tt $name:ident [$($done:tt)*] [$($read:tt)*]
        $(#[$meta:meta])* pub $member:ident $(= $wire:literal)?: Option<$type:ty>, $($rest:tt)*
    ) => {
        $crate::json::object::object! { @next $head $name [$($done)*
            $(#[$meta])*
            $(#[serde(rename = $wire)])?
            #[serde(
                default,
                deserialize_with = "crate::json::object::option",
                skip_serializing_if = "Option::is_none"
            )]
            pub $member: Option<$type>,
        ] [$($read)* { option $member [$($wire)?] $type }] $($rest)* }
    };
    (
        @next $head:tt $name:ident [$($done:tt)*] [$($read:tt)*]
        $(#[$meta:meta])* pub $member:ident $(= $wire:literal)?: Vec<$type:ty>, $($rest:tt)*
    ) => {
        $crate::json::object::object! { @next $head $name [$($done)*
            $(#[$meta])*
            $(#[serde(rename = $wire)])?
            #[serde(
                default,
                deserialize_with = "crate::json::object::list",
                skip_serializing_if = "Vec::is_empty"
            )]
            pub $member: Vec<$type>,
        ] [$($read)* { list $member [$($wire)?] Vec<$type> }] $($rest)* }
    };
    (
        @next $head:tt $name:ident [$($done:tt)*] [$($read:tt)*]
        $(#[$meta:meta])* pub $member:ident $(= $wire:literal)?: $type:ty, $($rest:tt)*
    ) => {
        $crate::json::object::object! { @next $head $name [$($done)*
            $(#[$meta])*
            $(#[serde(rename = $wire)])?
            #[serde(deserialize_with = "crate::json::object::required")]
            pub $member: $type,
        ] [$($read)* { required $member [$($wire)?] $type }] $($rest)* }
    };
    (
        @next [$($head:tt)*] $name:ident [$($members:tt)*]
        [$({ $kind:ident $member:ident [$($wire:literal)?] $type:ty })*]
    ) => {
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        $($head)* { $($members)* }

        const _: () = {
            $crate::json::object::members! {
                struct Members { $($member $(= $wire)?: $type,)* }
            }

            impl $crate::json::object::Member for $name {
                fn read<'de, D: serde::Deserializer<'de>>(
                    deserializer: D,
                ) -> Result<Option<Self>, D::Error> {
                    $crate::json::object::from_object(deserializer).map(Some)
                }

                #[inline]
                fn read_node(
                    json: $crate::json::object::Lenient<'_, '_>,
                ) -> Result<Option<Self>, $crate::json::Fault> {
                    json.read_with(|object, omitted| {
                        let members: Members = $crate::json::object::ReadMembers::read(object, omitted)?;
                        Ok(Some(Self { $(
                            $member: $crate::json::object::object!(
                                @$kind members.$member, omitted, object, $member $($wire)?
                            ),
                        )* }))
                    })
                }
            }
        };
    };
    (@option $read:expr, $($at:tt)*) => { $read };
    (@list $read:expr, $($at:tt)*) => { $read.unwrap_or_default() };
    (@required $read:expr, $omitted:ident, $object:ident, $member:ident) => {
        $read.ok_or_else(|| $omitted.missing($object, stringify!($member)))?
    };
    (@required $read:expr, $omitted:ident, $object:ident, $member:ident $wire:literal) => {
        $read.ok_or_else(|| $omitted.missing($object, $wire))?
    };
}

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
                            $crate::json::object::place(
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

pub(crate) use {members, object};

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
        other: impl FnMut(NodeMember<'a>),
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

/// Reads a member of [`members!`].
#[inline]
pub(crate) fn place<'a, T: FromNode<'a>>(
    slot: &mut Option<T>,
    object: Node<'a>,
    member: NodeMember<'a>,
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
pub(crate) fn check_name<'a>(
    object: Node<'a>,
    member: NodeMember<'a>,
    omitted: &mut Omissions<'a>,
) {
    if member.has_malformed_name() {
        omitted.add(object, member.value, Fault::Malformed);
    }
}

/// A type that a member of [`members!`] can have.
pub(crate) trait FromNode<'a>: Sized {
    /// Reads a member that is there and not `null` in place: a value that is moved right after
    /// it was written waits for the write. `None` as in [`Member::read`].
    ///
    /// # Errors
    ///
    /// The reason why it cannot be read. The slot may have a part of it.
    fn read_into(slot: &mut Option<Self>, json: Lenient<'_, 'a>) -> Result<(), Fault>;
}

impl<'a, T: Member> FromNode<'a> for T {
    #[inline]
    fn read_into(slot: &mut Option<Self>, json: Lenient<'_, 'a>) -> Result<(), Fault> {
        *slot = T::read_node(json)?;
        Ok(())
    }
}

/// A type that a member of an [`object!`] can have.
pub(crate) trait Member: Sized {
    /// Reads a member that is there and not `null`. `None` stands for what is
    /// not worth losing the object for: a timestamp that is no time.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error>;

    /// Does as [`read`](Self::read) with a value of a tape, on a shorter way for most values.
    #[inline]
    fn read_node(json: Lenient<'_, '_>) -> Result<Option<Self>, Fault> {
        Self::read(json)
    }
}

/// Implements [`Member`] for a type that is made of a text. `$from_text` returns `None` for a
/// text that is malformed, and `$read` does the same for any deserializer.
macro_rules! text_member {
    ($type:ty, $read:expr, $from_text:expr) => {
        impl $crate::json::object::Member for $type {
            fn read<'de, D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Option<Self>, D::Error> {
                $read(deserializer).map(Some)
            }

            #[inline]
            fn read_node(
                json: $crate::json::object::Lenient<'_, '_>,
            ) -> Result<Option<Self>, $crate::json::Fault> {
                let Some(text) = json.plain_text() else {
                    return Self::read(json);
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
            |deserializer| scalar::text(deserializer, |text| text.into()),
            |text: &str| Some(text.into())
        }
    )+ };
}

texts! { Arc<str> Box<str> String }

macro_rules! scalars {
    ($($type:ty: $read:expr,)+) => { $(
        impl Member for $type {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
                $read(deserializer)
            }
        }
    )+ };
}

scalars! {
    bool: |deserializer| scalar::parsed(deserializer).map(Some),
    i64: |deserializer| scalar::parsed(deserializer).map(Some),
    u64: |deserializer| scalar::parsed(deserializer).map(Some),
    f64: |deserializer| scalar::fraction(deserializer).map(Some),
}

impl<T: Member> Member for Box<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Ok(T::read(deserializer)?.map(Self::new))
    }

    #[inline]
    fn read_node(json: Lenient<'_, '_>) -> Result<Option<Self>, Fault> {
        Ok(T::read_node(json)?.map(Self::new))
    }
}

/// Carries a [`Member`] through serde's own types.
struct Read<T>(Option<T>);

impl<'de, T: Member> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Self)
    }
}

/// Reads a struct from an object alone. A derived one is read from a list, too, whose elements
/// become members by their order.
pub(crate) fn from_object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_map(ObjectVisitor(PhantomData))
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// Reads a member that must be there.
pub(crate) fn required<'de, D: Deserializer<'de>, T: Member>(
    deserializer: D,
) -> Result<T, D::Error> {
    T::read(deserializer)?.ok_or_else(|| D::Error::custom("expected a time"))
}

/// Reads a member that may be `null`.
pub(crate) fn option<'de, D: Deserializer<'de>, T: Member>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.and_then(|Read(member)| member))
}

/// Reads a list that may be `null`, or a single text in place of a list.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Member>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let Read(list) = Read::<Vec<T>>::deserialize(deserializer)?;
    Ok(list.unwrap_or_default())
}

impl<T: Member> Member for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        deserializer
            .deserialize_any(ListVisitor(PhantomData))
            .map(Some)
    }

    #[inline]
    fn read_node(mut json: Lenient<'_, '_>) -> Result<Option<Self>, Fault> {
        match json.elements() {
            Some(elements) => elements.map(Some),
            None => Self::read(json),
        }
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Member> Visitor<'de> for ListVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(T::read(StrDeserializer::new(text))?.into_iter().collect())
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        let text = BorrowedStrDeserializer::new(text);
        Ok(T::read(text)?.into_iter().collect())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Read(element)) = seq.next_element()? {
            list.extend(element);
        }
        Ok(list)
    }
}
