//! A value on a tape.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserializer as _;
use serde::de::Visitor;
use smallvec::SmallVec;

use super::lenient::Fault;
use super::tape::{Kind, Tape, Token};

/// A JSON value of an indexed text.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    tape: &'a Tape<'a>,
    /// The index of its first token.
    at: usize,
}

impl<'a> Node<'a> {
    pub(super) fn root(tape: &'a Tape<'a>) -> Self {
        Self { tape, at: 0 }
    }

    #[inline]
    fn token(self) -> Token {
        self.tape.tokens[self.at]
    }

    #[inline]
    pub(super) fn kind(self) -> Kind {
        self.token().kind()
    }

    /// Returns the index behind its last token.
    #[inline]
    fn behind(self) -> usize {
        let token = self.token();
        if token.is_container() {
            token.payload()
        } else {
            self.at + 1
        }
    }

    pub(crate) fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    pub(crate) fn is_object(self) -> bool {
        self.kind() == Kind::Object
    }

    pub(crate) fn is_array(self) -> bool {
        self.kind() == Kind::Array
    }

    pub(crate) fn is_text(self) -> bool {
        matches!(self.kind(), Kind::Text | Kind::Escaped)
    }

    /// Whether both are one value of one text.
    pub(crate) fn is_same(self, other: Node<'_>) -> bool {
        std::ptr::eq(self.tape.text.as_ptr(), other.tape.text.as_ptr()) && self.at == other.at
    }

    /// Whether `part` is this value or a part of it.
    pub(crate) fn contains(self, part: Node<'_>) -> bool {
        (self.at..self.behind()).contains(&part.at)
    }

    /// Orders the values of one text by their positions.
    pub(crate) fn position(self) -> usize {
        self.at
    }

    /// Returns the place of the value in the text.
    pub(crate) fn range(self) -> Range<usize> {
        let token = self.token();
        let start = token.start();
        match token.kind() {
            Kind::Array | Kind::Object => start..self.tape.tokens[token.payload() - 1].start(),
            Kind::Text | Kind::Escaped => start - 1..start + token.payload() + 1,
            _ => start..start + token.payload(),
        }
    }

    /// Returns the JSON of the value.
    pub(crate) fn json(self) -> &'a str {
        &self.tape.text[self.range()]
    }

    /// Returns the string as it is spelled, between its quotes; the JSON of any other scalar.
    #[inline]
    pub(super) fn spelled(self) -> &'a str {
        let token = self.token();
        let start = token.start();
        &self.tape.text[start..start + token.payload()]
    }

    /// Returns the text of a string, with U+FFFD for half of a surrogate pair; `None` for any
    /// other value.
    #[inline]
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        match self.kind() {
            Kind::Text => Some(Cow::Borrowed(self.spelled())),
            Kind::Escaped => Some(Cow::Owned(unescape(self.json()))),
            _ => None,
        }
    }

    /// Returns the text of a string; `None` for half of a surrogate pair, which no text holds,
    /// and for any other value.
    #[inline]
    pub(crate) fn exact_text(self) -> Option<Cow<'a, str>> {
        match self.kind() {
            Kind::Text => Some(Cow::Borrowed(self.spelled())),
            Kind::Escaped => serde_json::from_str(self.json()).ok().map(Cow::Owned),
            _ => None,
        }
    }

    /// Returns the members of an object; none for any other value.
    #[inline]
    pub(crate) fn members(self) -> Members<'a> {
        Members(self.children(Kind::Object))
    }

    /// Returns the elements of an array; none for any other value.
    #[inline]
    pub(crate) fn elements(self) -> Elements<'a> {
        Elements(self.children(Kind::Array))
    }

    fn children(self, kind: Kind) -> Children<'a> {
        let at = self.at + 1;
        let end = if self.kind() == kind {
            self.behind() - 1
        } else {
            at
        };
        let tape = self.tape;
        Children { tape, at, end }
    }

    /// Returns the first member of a name.
    pub(crate) fn get(self, name: &str) -> Option<Node<'a>> {
        let mut members = self.members();
        members
            .find(|member| member.is_named(name))
            .map(|member| member.value)
    }

    /// Returns the member of a name; `None` when it is missing or `null`.
    ///
    /// # Errors
    ///
    /// [`Fault::Duplicate`] when there are two of them.
    pub(crate) fn only(self, name: &str) -> Result<Option<Node<'a>>, Fault> {
        let mut members = self.members().filter(|member| member.is_named(name));
        match (members.next(), members.next()) {
            (first, None) => Ok(first
                .map(|member| member.value)
                .filter(|value| !value.is_null())),
            (_, Some(_)) => Err(Fault::Duplicate(name.into())),
        }
    }

    /// Splits an object into the members of these names and the others.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`] for any other value, [`Fault::Duplicate`] when one of the names is
    /// there twice.
    pub(crate) fn split<const N: usize>(self, names: [&str; N]) -> Result<Split<'a, N>, Fault> {
        if !self.is_object() {
            return Err(Fault::Malformed);
        }
        let (mut known, mut others) = ([None; N], SmallVec::new());
        for member in self.members() {
            match names.iter().position(|name| member.is_named(name)) {
                Some(at) if known[at].is_some() => return Err(Fault::Duplicate(names[at].into())),
                Some(at) => known[at] = Some(member.value),
                None => others.push(member),
            }
        }
        let known = known.map(|member| member.filter(|value| !value.is_null()));
        Ok(Split { known, others })
    }

    /// The name of this value, which must be that of a member.
    pub(super) fn name_of_member(self) -> Member<'a> {
        let name = Node {
            tape: self.tape,
            at: self.at - 1,
        };
        Member { name, value: self }
    }
}

/// The members of an object.
pub(crate) struct Split<'a, const N: usize> {
    /// In the order of the names; `None` for those that are missing or `null`.
    pub(crate) known: [Option<Node<'a>>; N],
    pub(crate) others: SmallVec<[Member<'a>; 2]>,
}

/// A member of an object.
#[derive(Clone, Copy)]
pub(crate) struct Member<'a> {
    name: Node<'a>,
    pub(crate) value: Node<'a>,
}

impl<'a> Member<'a> {
    /// Returns its name. One that no text holds, since it has half of a surrogate pair, stays
    /// as it is spelled.
    #[inline]
    pub(crate) fn name(self) -> Cow<'a, str> {
        let text = self.name.exact_text();
        text.unwrap_or_else(|| Cow::Borrowed(self.name.spelled()))
    }

    #[inline]
    pub(crate) fn is_named(self, name: &str) -> bool {
        match self.name.kind() {
            Kind::Text => self.name.spelled() == name,
            _ => *self.name() == *name,
        }
    }

    /// Returns a number that is equal for equal names; `None` for a name with escapes.
    #[inline]
    pub(super) fn name_hash(self) -> Option<usize> {
        (self.name.kind() == Kind::Text).then(|| {
            let name = self.name.spelled().as_bytes();
            let byte = |at: usize| name.get(at).copied().map_or(0, usize::from);
            (byte(0) * 7) ^ (byte(name.len() / 2) * 13) ^ name.len()
        })
    }

    /// Whether its name has half of a surrogate pair.
    #[inline]
    pub(crate) fn has_malformed_name(self) -> bool {
        self.name.kind() == Kind::Escaped && self.name.exact_text().is_none()
    }
}

#[derive(Clone)]
struct Children<'a> {
    tape: &'a Tape<'a>,
    at: usize,
    end: usize,
}

impl<'a> Children<'a> {
    #[inline]
    fn next(&mut self) -> Option<Node<'a>> {
        if self.at >= self.end {
            return None;
        }
        let node = Node {
            tape: self.tape,
            at: self.at,
        };
        self.at = node.behind();
        Some(node)
    }
}

/// The members of an object.
#[derive(Clone)]
pub(crate) struct Members<'a>(Children<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    #[inline]
    fn next(&mut self) -> Option<Member<'a>> {
        let name = self.0.next()?;
        let value = self.0.next()?;
        Some(Member { name, value })
    }
}

/// The elements of an array.
#[derive(Clone)]
pub(crate) struct Elements<'a>(Children<'a>);

impl<'a> Iterator for Elements<'a> {
    type Item = Node<'a>;

    #[inline]
    fn next(&mut self) -> Option<Node<'a>> {
        self.0.next()
    }
}

/// Replaces the escapes of a JSON string by their characters, and half of a surrogate pair by
/// U+FFFD. Meta cuts texts between UTF-16 units.
fn unescape(string: &str) -> String {
    let mut json = serde_json::Deserializer::from_str(string);
    json.deserialize_bytes(LossyText).unwrap_or_default()
}

/// Visits the bytes of a string as serde_json gives them: UTF-8, in which half of a surrogate
/// pair has three bytes of its own (WTF-8).
struct LossyText;

impl Visitor<'_> for LossyText {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            // The first of the three bytes.
            if chunk.invalid() == [0xED] {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        Ok(text)
    }
}
