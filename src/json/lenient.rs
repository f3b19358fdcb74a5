//! Lenient reading: typed values of nodes, without their malformed members.
//!
//! A malformed optional member is omitted and noted in [`Omissions`]. A malformed required member
//! makes its struct malformed, and so on up to the item.

use std::borrow::Cow;
use std::iter::Peekable;
use std::{fmt, vec};

use serde::de::value::{BorrowedStrDeserializer, CowStrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::node::{self, Elements, Fault, Members, Node};
use super::path::Path;
use super::tape::Kind;

/// The greatest length of a list within one item, so that an item with `{},{},{},…` does not
/// become a million structs. Meta's longest lists, contact cards, have some hundred elements.
pub(crate) const MAX_LIST: usize = 10_000;

/// A type that a member of an object can have.
pub(crate) trait MemberValue: Sized {
    /// Reads a member that is present and not `null`. `None` stands for a value that is not worth
    /// losing the object for: a timestamp that is no time.
    ///
    /// # Errors
    ///
    /// The reason why it cannot be read.
    fn read_node(json: Lenient<'_, '_>) -> Result<Option<Self>, Fault>;

    /// Returns the value of a missing member; `None` for a member that an object must have.
    #[inline]
    fn missing() -> Option<Self> {
        None
    }

    /// Returns whether the value is that of a [missing](Self::missing) member, which is not
    /// serialized.
    #[inline]
    fn is_missing(&self) -> bool {
        false
    }
}

/// The malformed members of an item that its typed value lacks.
#[derive(Default)]
pub(crate) struct Omissions<'a>(Vec<Omission<'a>>);

/// An omitted member, or an omitted element of a list.
#[derive(Clone)]
pub(crate) struct Omission<'a> {
    /// The object or list around it.
    parent: Node<'a>,
    pub(crate) json: Node<'a>,
    pub(crate) fault: Fault,
}

impl<'a> Omissions<'a> {
    /// Reads a value without its malformed members.
    ///
    /// # Errors
    ///
    /// The fault of a required part, or of the value itself.
    #[inline]
    pub(crate) fn read<T: MemberValue>(&mut self, node: Node<'a>) -> Result<T, Fault> {
        let before = self.0.len();
        let result = T::read_node(Lenient::new(node, node, self));
        if result.is_err() {
            self.0.truncate(before);
        }
        result?.ok_or(Fault::Malformed)
    }

    /// Reads an optional member. `None` if it is malformed, which omits it.
    pub(crate) fn read_part<T: MemberValue>(
        &mut self,
        parent: Node<'a>,
        json: Node<'a>,
    ) -> Option<T> {
        let result = self.read(json);
        result.map_err(|fault| self.add(parent, json, fault)).ok()
    }

    /// Reads the elements of a list, and omits malformed ones.
    ///
    /// # Errors
    ///
    /// The fault of the first element if all are malformed.
    pub(crate) fn read_each<T: MemberValue>(&mut self, list: Node<'a>) -> Result<Vec<T>, Fault> {
        if !list.is_array() || list.elements().nth(MAX_LIST).is_some() {
            return Err(Fault::Malformed);
        }
        let before = self.0.len();
        let elements = list.elements();
        let read: Vec<T> = elements
            .filter_map(|element| self.read_part(list, element))
            .collect();
        if read.is_empty() && self.0.len() > before {
            let first = self.0.drain(before..).next();
            return Err(first.map_or(Fault::Malformed, |omission| omission.fault));
        }
        Ok(read)
    }

    /// Notes an omitted member or element, in place of the omissions within it.
    #[cold]
    fn replace(&mut self, before: usize, parent: Node<'a>, json: Node<'a>, fault: &Fault) {
        self.0.truncate(before);
        self.add(parent, json, fault.clone());
    }

    /// Notes an omitted member or element.
    #[cold]
    pub(crate) fn add(&mut self, parent: Node<'a>, json: Node<'a>, fault: Fault) {
        self.0.push(Omission {
            parent,
            json,
            fault,
        });
    }

    /// Notes the members whose names the object has several times: all of them are omitted.
    /// `repeated` has the bits of these names.
    #[cold]
    pub(crate) fn add_duplicates(&mut self, object: Node<'a>, names: &[&str], repeated: u64) {
        let name_of = |member: node::Member<'a>| {
            let mut names = names.iter().enumerate();
            names.find(|(at, name)| repeated >> at & 1 == 1 && member.is_named(name))
        };
        let members = object.members();
        let duplicates = members.filter_map(|member| Some((member.value, name_of(member)?.1)));
        let duplicates: Vec<_> = duplicates.collect();
        // Replaces the omissions within them.
        self.0.retain(|noted| {
            let is_before = |(value, _): &(Node<'a>, _)| value.position() <= noted.json.position();
            let behind = duplicates.partition_point(is_before);
            let last = behind.checked_sub(1).and_then(|at| duplicates.get(at));
            !last.is_some_and(|(value, _)| value.contains(noted.json))
        });
        for (value, name) in duplicates {
            self.add(object, value, Fault::Duplicate((*name).into()));
        }
    }

    /// Returns the fault of a required member that an object lacks: missing or malformed.
    #[cold]
    pub(crate) fn missing(&self, object: Node<'a>, name: &str) -> Fault {
        let fault = fault_of(&self.0, object, name);
        fault.unwrap_or_else(|| Fault::Missing(name.into()))
    }

    /// Checks that an optional member was not omitted, for a member that decides the meaning of
    /// its item.
    ///
    /// # Errors
    ///
    /// The fault of the omitted member.
    pub(crate) fn check(&self, object: Node<'a>, name: &str) -> Result<(), Fault> {
        fault_of(&self.0, object, name).map_or(Ok(()), Err)
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks that nothing was left out.
    ///
    /// # Errors
    ///
    /// The reason of the first omission.
    pub(super) fn into_result(self) -> Result<(), Fault> {
        let first = self.0.into_iter().next();
        first.map_or(Ok(()), |omission| Err(omission.fault))
    }
}

/// Reads a single value; `None` if it is malformed.
pub(crate) fn read_scalar<T: MemberValue>(node: Node<'_>) -> Option<T> {
    Omissions::default().read(node).ok()
}

/// Calls `report` with each omission of an item and its path, in the order of the text.
pub(crate) fn each_with_path<'a>(
    item: Node<'a>,
    path: Path<'_>,
    omitted: Omissions<'a>,
    mut report: impl FnMut(String, Omission<'a>),
) {
    let mut omitted = omitted.0;
    omitted.sort_by_key(|omission| omission.json.position());
    let mut omitted = omitted.into_iter().peekable();
    descend(item, path, &mut omitted, &mut report);
    debug_assert!(omitted.peek().is_none(), "each is a part of the item");
}

type OmissionsInOrder<'a> = Peekable<vec::IntoIter<Omission<'a>>>;

/// Reports the omissions within a part of an item. Each part is visited once.
fn descend<'a>(
    part: Node<'a>,
    path: Path<'_>,
    omitted: &mut OmissionsInOrder<'a>,
    report: &mut impl FnMut(String, Omission<'a>),
) {
    let mut take = |inner: Node<'a>, path: Path<'_>, omitted: &mut OmissionsInOrder<'a>| {
        if let Some(omission) = omitted.next_if(|next| next.json.is_same(inner)) {
            report(path.text(), omission);
        } else if omitted.peek().is_some_and(|next| inner.contains(next.json)) {
            descend(inner, path, omitted, report);
        }
    };
    for (at, element) in part.elements().enumerate() {
        take(element, path.element(at), omitted);
    }
    for member in part.members() {
        take(member.value, path.member(&member.name()), omitted);
    }
}

/// Returns the fault of the omitted member of this name.
fn fault_of(omitted: &[Omission<'_>], object: Node<'_>, name: &str) -> Option<Fault> {
    let is_it = |omission: &&Omission<'_>| {
        let Omission { parent, json, .. } = omission;
        parent.is_same(object)
            && parent.is_object()
            && !parent.is_same(*json)
            && json.as_member().is_named(name)
    };
    Some(omitted.iter().find(is_it)?.fault.clone())
}

/// A node with the list of its item's omissions: a deserializer that reads a value without its
/// malformed members. serde reads scalars and untyped JSON from it.
pub(crate) struct Lenient<'o, 'a> {
    node: Node<'a>,
    /// The object or list around it.
    parent: Node<'a>,
    /// The omissions of the item so far.
    omitted: &'o mut Omissions<'a>,
}

impl<'o, 'a> Lenient<'o, 'a> {
    #[inline]
    pub(super) fn new(node: Node<'a>, parent: Node<'a>, omitted: &'o mut Omissions<'a>) -> Self {
        Self {
            node,
            parent,
            omitted,
        }
    }

    /// Returns the value and the omissions so far.
    #[inline]
    pub(super) fn into_parts(self) -> (Node<'a>, &'o mut Omissions<'a>) {
        (self.node, self.omitted)
    }

    #[inline]
    pub(super) fn is_text(&self) -> bool {
        self.node.is_text()
    }

    /// Returns the text of a string without escapes, the fast path of nearly all strings.
    #[inline]
    pub(crate) fn plain_text(&self) -> Option<&'a str> {
        self.node.plain_text()
    }

    /// Returns the text of a string; `None` for half of a surrogate pair, and for any other value.
    #[inline]
    pub(crate) fn exact_text(&self) -> Option<Cow<'a, str>> {
        self.node.exact_text()
    }

    /// Reads the elements of an array, and omits malformed ones; `None` for any other value.
    #[inline]
    pub(crate) fn elements<T: MemberValue>(&mut self) -> Option<Result<Vec<T>, Fault>> {
        let (list, omitted) = (self.node, &mut *self.omitted);
        if !list.is_array() {
            return None;
        }
        let mut read = Vec::new();
        for (at, element) in list.elements().enumerate() {
            if at == MAX_LIST {
                return Some(Err(Fault::Malformed));
            }
            let element = Lenient::new(element, list, omitted).or_omit(T::read_node);
            read.extend(element.ok().flatten());
        }
        Some(Ok(read))
    }

    /// Reads the value by a function.
    #[inline]
    pub(crate) fn read_with<T>(
        self,
        read: impl FnOnce(Node<'a>, &mut Omissions<'a>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        read(self.node, self.omitted)
    }

    /// Reads an optional value by a function, and omits it if that fails.
    #[inline]
    pub(super) fn or_omit<T>(
        self,
        read: impl FnOnce(Lenient<'_, 'a>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let Self {
            node,
            parent,
            omitted,
        } = self;
        let before = omitted.0.len();
        let value = read(Lenient::new(node, parent, omitted));
        if let Err(fault) = &value {
            omitted.replace(before, parent, node, fault);
        }
        value
    }
}

impl<'de> Deserializer<'de> for Lenient<'_, 'de> {
    type Error = Fault;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.kind() {
            Kind::TEXT => visitor.visit_borrowed_str(self.node.escaped()),
            Kind::OBJECT => visitor.visit_map(Map {
                object: self.node,
                members: self.node.members(),
                value: None,
                omitted: self.omitted,
            }),
            Kind::ARRAY => visitor.visit_seq(List {
                list: self.node,
                elements: self.node.elements(),
                count: 0,
                omitted: self.omitted,
            }),
            Kind::TRUE => visitor.visit_bool(true),
            Kind::FALSE => visitor.visit_bool(false),
            Kind::NUMBER => match self.node.escaped().parse() {
                Ok(number) => visitor.visit_u64(number),
                Err(_) => serde_json::Deserializer::from_str(self.node.escaped())
                    .deserialize_any(visitor)
                    .map_err(|_| Fault::Malformed),
            },
            Kind::ESCAPED => match self.node.text() {
                Some(text) => visitor.visit_string(text.into_owned()),
                None => Err(Fault::Malformed),
            },
            _ => visitor.visit_unit(),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

/// The members of an object.
struct Map<'o, 'a> {
    object: Node<'a>,
    members: Members<'a>,
    value: Option<node::Member<'a>>,
    omitted: &'o mut Omissions<'a>,
}

impl<'a> MapAccess<'a> for Map<'_, 'a> {
    type Error = Fault;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        for member in self.members.by_ref() {
            self.value = Some(member);
            if let Some(name) = member.plain_text() {
                return seed
                    .deserialize(BorrowedStrDeserializer::new(name))
                    .map(Some);
            }
            if member.has_malformed_name() {
                self.omitted
                    .add(self.object, member.value, Fault::Malformed);
                continue;
            }
            return seed
                .deserialize(CowStrDeserializer::new(member.name()))
                .map(Some);
        }
        Ok(None)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let member = self.value.take().ok_or(Fault::Malformed)?;
        seed.deserialize(Lenient::new(member.value, self.object, self.omitted))
    }
}

/// The elements of a list.
struct List<'o, 'a> {
    list: Node<'a>,
    elements: Elements<'a>,
    count: usize,
    omitted: &'o mut Omissions<'a>,
}

impl<'a> SeqAccess<'a> for List<'_, 'a> {
    type Error = Fault;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some(element) = self.elements.next() else {
            return Ok(None);
        };
        self.count += 1;
        if self.count > MAX_LIST {
            return Err(Fault::Malformed);
        }
        let element = Lenient::new(element, self.list, self.omitted);
        seed.deserialize(element).map(Some)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Malformed
    }
}
