//! Reading of objects that have a malformed member.
//!
//! Nearly every object is as documented, and serde_json reads it. Any other is
//! deserialized once more from [`Piece`]s, which can be stepped over: a malformed member
//! that its object can do without is left out, and noted. One without which a struct cannot
//! be built costs that struct, and so on up to the item.
//!
//! A text may hold half of a surrogate pair, since Meta cuts texts between UTF-16 units; it
//! is read as U+FFFD. In a member's name it is malformed, as two names would become one.

use std::borrow::Cow;
use std::cell::RefCell;
use std::iter::Peekable;
use std::{fmt, vec};

use serde::de::value::CowStrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::path::Path;
use super::piece::Piece;
use super::split::{Elements, Member, elements, has_malformed_name, members};
use super::strict::{MAX_LIST, Strictly};
use crate::event::Reason;
use crate::model::json::Kept;
use crate::model::object::OPTIONAL;

/// The members of an item that its typed value lacks.
#[derive(Default)]
pub(crate) struct Omissions<'a>(Vec<Omission<'a>>);

/// A member, or an element of a list, that was left out.
#[derive(Clone)]
pub(super) struct Omission<'a> {
    /// The object or list that it stands in.
    parent: Piece<'a>,
    /// Empty for an element of a list.
    name: Box<str>,
    pub(super) json: Piece<'a>,
    pub(super) reason: Reason,
}

impl<'a> Omissions<'a> {
    /// Reads an object as a struct, without the members that are malformed.
    ///
    /// # Errors
    ///
    /// The reason why the struct cannot be built: it lacks a required member, or it is
    /// no object.
    pub(crate) fn read<T: Deserialize<'a>>(&mut self, object: Piece<'a>) -> Result<T, Reason> {
        match serde_json::from_str(object.get()) {
            Ok(Strictly(value)) => Ok(value),
            Err(_) => self.read_again(object),
        }
    }

    #[cold]
    fn read_again<T: Deserialize<'a>>(&mut self, object: Piece<'a>) -> Result<T, Reason> {
        let noted = RefCell::new(std::mem::take(&mut self.0));
        let before = noted.borrow().len();
        let root = Node {
            json: object,
            parent: object,
            name: "",
            noted: &noted,
        };
        let result = T::deserialize(root);
        self.0 = noted.into_inner();
        result.map_err(|Fault(reason)| {
            self.0.truncate(before);
            reason
        })
    }

    /// Reads a member that an object can do without. One that cannot be read is left out.
    pub(super) fn read_part<T: Deserialize<'a>>(
        &mut self,
        parent: Piece<'a>,
        name: &str,
        json: Piece<'a>,
    ) -> Option<T> {
        let read = self.read(json);
        read.map_err(|reason| self.add(parent, name, json, reason))
            .ok()
    }

    /// Reads the elements of a list, without those that are malformed.
    ///
    /// # Errors
    ///
    /// The reason of the first one when all are malformed.
    pub(super) fn read_each<T: Deserialize<'a>>(
        &mut self,
        list: Piece<'a>,
        elements: Elements<'a>,
    ) -> Result<Vec<T>, Reason> {
        let before = self.0.len();
        let is_empty = elements.is_empty();
        let read = elements.into_iter();
        let read = read.filter_map(|element| self.read_part(list, "", element));
        let read: Vec<T> = read.collect();
        if read.is_empty() && !is_empty {
            let first = self.0.drain(before..).next();
            return Err(first.map_or(Reason::Malformed, |omission| omission.reason));
        }
        Ok(read)
    }

    /// Leaves out a member of an object.
    pub(super) fn add(&mut self, parent: Piece<'a>, name: &str, json: Piece<'a>, reason: Reason) {
        self.0.push(Omission {
            parent,
            name: name.into(),
            json,
            reason,
        });
    }

    /// Returns why a member of an object that was read is not there.
    pub(super) fn missing(&self, object: Piece<'a>, name: &str) -> Reason {
        reason_of(&self.0, object, name).unwrap_or_else(|| Reason::Missing(name.into()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks that a member was not left out, as the item would be read as another thing
    /// without it.
    ///
    /// # Errors
    ///
    /// The reason for which it was.
    pub(super) fn check(&self, object: Piece<'a>, name: &str) -> Result<(), Reason> {
        reason_of(&self.0, object, name).map_or(Ok(()), Err)
    }
}

/// Calls `report` with each omission of an item and its path, in the order of the item.
pub(super) fn each_with_path<'a>(
    item: Piece<'a>,
    path: Path<'_>,
    omitted: Omissions<'a>,
    mut report: impl FnMut(String, Omission<'a>),
) {
    let mut omitted = omitted.0;
    omitted.sort_by_key(|omission| omission.json.get().as_ptr());
    let mut omitted = omitted.into_iter().peekable();
    descend(item, path, &mut omitted, &mut report);
    debug_assert!(omitted.peek().is_none(), "each is a part of the item");
}

type OmissionsInOrder<'a> = Peekable<vec::IntoIter<Omission<'a>>>;

/// Takes the omissions that lie within a part of an item. Each part is split once.
fn descend<'a>(
    part: Piece<'a>,
    path: Path<'_>,
    omitted: &mut OmissionsInOrder<'a>,
    report: &mut impl FnMut(String, Omission<'a>),
) {
    let mut take = |inner: Piece<'a>, path: Path<'_>, omitted: &mut OmissionsInOrder<'a>| {
        if let Some(omission) = omitted.next_if(|next| next.json.is_same(inner)) {
            report(path.to_string(), omission);
        } else if omitted.peek().is_some_and(|next| inner.contains(next.json)) {
            descend(inner, path, omitted, report);
        }
    };
    if let Ok(elements) = elements(part) {
        for (at, element) in elements.into_iter().enumerate() {
            take(element, path.element(at), omitted);
        }
    } else if let Ok(members) = members(part, []) {
        for (name, member) in members.unknown {
            take(member, path.member(&name), omitted);
        }
    }
}

/// Returns why the member of this name was left out of an object.
fn reason_of(omitted: &[Omission<'_>], object: Piece<'_>, name: &str) -> Option<Reason> {
    let is_it = |omission: &&Omission<'_>| {
        omission.parent.is_same(object) && *omission.name == *name && !name.is_empty()
    };
    Some(omitted.iter().find(is_it)?.reason.clone())
}

/// A JSON value, to be deserialized without its malformed members.
#[derive(Clone, Copy)]
struct Node<'a, 'o> {
    json: Piece<'a>,
    /// The object or list that it stands in, and its name there.
    parent: Piece<'a>,
    name: &'o str,
    /// The members that were left out so far.
    noted: &'o RefCell<Vec<Omission<'a>>>,
}

impl<'a> Node<'a, '_> {
    fn omission(&self, reason: Reason) -> Omission<'a> {
        Omission {
            parent: self.parent,
            name: self.name.into(),
            json: self.json,
            reason,
        }
    }

    /// Hands the value to serde_json, as it holds no other.
    fn with_serde_json<T>(
        &self,
        read: impl FnOnce(&mut JsonDeserializer<'a>) -> serde_json::Result<T>,
    ) -> Result<T, Fault> {
        let mut deserializer = serde_json::Deserializer::from_str(self.json.get());
        read(&mut deserializer).map_err(|_| Fault(Reason::Malformed))
    }

    /// Visits the members of an object. Of those that `fields` names, one that is there
    /// twice is left out.
    fn map<V: Visitor<'a>>(&self, fields: &[&str], visitor: V) -> Result<V::Value, Fault> {
        let before = self.noted.borrow().len();
        let mut members = members(self.json, [])?.unknown;
        let mut counts = vec![0_usize; fields.len()];
        let field = |name: &str| fields.iter().position(|field| *field == name);
        for (name, _) in &members {
            if let Some(at) = field(name) {
                counts[at] += 1;
            }
        }
        members.retain(|member| {
            let (name, json) = member;
            let is_twice = field(name).is_some_and(|at| counts[at] > 1);
            let reason = match is_twice {
                true => Reason::Duplicate((&**name).into()),
                false if has_malformed_name(member) => Reason::Malformed,
                false => return true,
            };
            let omitted = self.part(name, *json).omission(reason);
            self.noted.borrow_mut().push(omitted);
            false
        });
        let map = Map {
            node: *self,
            members: members.iter(),
            value: None,
        };
        visitor.visit_map(map).map_err(|Fault(reason)| {
            // It lacks a member that was left out: for the same reason.
            let noted = self.noted.borrow();
            let noted = noted.get(before..).unwrap_or_default();
            let omitted = match &reason {
                Reason::Missing(name) => reason_of(noted, self.json, name),
                _ => None,
            };
            Fault(omitted.unwrap_or(reason))
        })
    }

    /// A part of this object or list.
    fn part<'n>(&'n self, name: &'n str, json: Piece<'a>) -> Node<'a, 'n> {
        Node {
            json,
            parent: self.json,
            name,
            noted: self.noted,
        }
    }
}

type JsonDeserializer<'a> = serde_json::Deserializer<serde_json::de::StrRead<'a>>;

impl<'de> Deserializer<'de> for Node<'de, '_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.json.get().as_bytes().first() {
            Some(b'{') => self.map(&[], visitor),
            Some(b'[') => {
                let elements = elements(self.json)?;
                if elements.len() > MAX_LIST {
                    return Err(Fault(Reason::Malformed));
                }
                let elements = elements.into_iter();
                visitor.visit_seq(List {
                    node: self,
                    elements,
                })
            }
            Some(b'"') => match text(self.json) {
                Some(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
                Some(Cow::Owned(text)) => visitor.visit_string(text),
                None => Err(Fault(Reason::Malformed)),
            },
            _ => self.with_serde_json(|json| json.deserialize_any(visitor)),
        }
    }

    /// A derived struct would take the elements of an array for its fields.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.map(fields, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.json.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name == OPTIONAL {
            return visitor.visit_seq(Optional(Some(self)));
        }
        // `RawValue`, which serde_json alone can make.
        if name.starts_with('$') {
            return self.with_serde_json(|json| json.deserialize_newtype_struct(name, visitor));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.with_serde_json(|json| json.deserialize_enum(name, variants, visitor))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier
    }
}

/// A member or an element that its object or list can do without.
struct Optional<'a, 'o>(Option<Node<'a, 'o>>);

impl<'a> SeqAccess<'a> for Optional<'a, '_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some(node) = self.0.take() else {
            return Ok(None);
        };
        let before = node.noted.borrow().len();
        let value = seed.deserialize(node);
        let value = value.inspect_err(|Fault(reason)| {
            // Its own members go with it.
            let mut noted = node.noted.borrow_mut();
            noted.truncate(before);
            noted.push(node.omission(reason.clone()));
        });
        value.map(Some)
    }
}

/// The members of an object.
struct Map<'a, 'o, 'm> {
    node: Node<'a, 'o>,
    members: std::slice::Iter<'m, Member<'a>>,
    value: Option<&'m Member<'a>>,
}

impl<'a> MapAccess<'a> for Map<'a, '_, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        self.value = self.members.next();
        let name = self.value.map(|(name, _)| name.clone());
        let key = name.map(|name| seed.deserialize(CowStrDeserializer::new(name)));
        key.transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let member = self.value.take();
        let (name, json) = member.ok_or(Fault(Reason::Malformed))?;
        let value = seed.deserialize(self.node.part(name, *json));
        value.map_err(|fault| {
            if json.is_null() {
                Fault(Reason::Missing((&**name).into()))
            } else {
                fault
            }
        })
    }
}

/// The elements of a list.
struct List<'a, 'o> {
    node: Node<'a, 'o>,
    elements: <Elements<'a> as IntoIterator>::IntoIter,
}

impl<'a> SeqAccess<'a> for List<'a, '_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let next = self.elements.next();
        let element = next.map(|json| seed.deserialize(self.node.part("", json)));
        element.transpose()
    }
}

/// Reads a scalar; `None` when it is missing or of another JSON type.
pub(super) fn scalar<'a, T: Deserialize<'a>>(json: Option<Piece<'a>>) -> Option<T> {
    serde_json::from_str(json?.get()).ok()
}

/// Reads a text that holds a JSON object of free shape.
pub(crate) fn object_in_text(json: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    let json: Piece<'_> = serde_json::from_str(json).ok()?;
    let mut omitted = Omissions::default();
    let Kept(value) = omitted.read(json).ok()?;
    match value {
        serde_json::Value::Object(members) if omitted.0.is_empty() => Some(members),
        _ => None,
    }
}

/// Returns the text that a JSON string spells, with U+FFFD for half of a surrogate pair;
/// `None` for any other value.
pub(super) fn text(string: Piece<'_>) -> Option<Cow<'_, str>> {
    let quoted = string.get();
    let spelled = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if !spelled.contains('\\') {
        return Some(Cow::Borrowed(spelled));
    }
    let mut deserializer = serde_json::Deserializer::from_str(quoted);
    deserializer
        .deserialize_bytes(WithoutHalves)
        .ok()
        .map(Cow::Owned)
}

/// Visits what serde_json makes of a string when it is asked for bytes: UTF-8, in which
/// half of a surrogate pair has three bytes of its own (WTF-8).
struct WithoutHalves;

impl Visitor<'_> for WithoutHalves {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            // The first of the three.
            if chunk.invalid() == [0xED] {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        Ok(text)
    }
}

/// The error of an attempt.
#[derive(Debug)]
struct Fault(Reason);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Fault {}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Self {
        Self(reason)
    }
}

impl Error for Fault {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(Reason::Malformed)
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn serde::de::Expected) -> Self {
        Self(Reason::Malformed)
    }

    fn missing_field(name: &'static str) -> Self {
        Self(Reason::Missing(name.into()))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self(Reason::Duplicate(name.into()))
    }
}
