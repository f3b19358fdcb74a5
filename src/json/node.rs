//! The values of a tape, their texts and their parts.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Range;

use serde::Deserializer as _;
use serde::de::Visitor;

use super::tape::{Invalid, Kind, Tape, Token, with_tokens};

/// The reason for which a value cannot be read.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The value has an undocumented JSON type, or half of a surrogate pair in a text that
    /// cannot have U+FFFD.
    Malformed,
    /// This member is missing or `null`.
    Missing(Box<str>),
    /// The object has several members of this name.
    Duplicate(Box<str>),
    /// The value has this unknown `type`.
    UnknownType(Box<str>),
}

/// Indexes a text, and calls `read` with its value.
///
/// # Errors
///
/// [`Invalid`] for a text that is not one JSON value.
pub(crate) fn with_tape<R>(text: &str, read: impl FnOnce(Node<'_>) -> R) -> Result<R, Invalid> {
    with_tokens(text, |tape| read(Node::root(tape)))
}

/// A JSON value of an indexed text.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    tape: &'a Tape<'a>,
    /// The index of its first token. Without the token itself, a node is two words, which are
    /// passed in registers.
    at: usize,
}

impl<'a> Node<'a> {
    pub(super) fn root(tape: &'a Tape<'a>) -> Self {
        Self::at(tape, 0)
    }

    #[inline]
    fn at(tape: &'a Tape<'a>, at: usize) -> Self {
        Self { tape, at }
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

    #[inline]
    pub(crate) fn is_null(self) -> bool {
        self.kind() == Kind::NULL
    }

    #[inline]
    pub(crate) fn is_object(self) -> bool {
        self.kind() == Kind::OBJECT
    }

    #[inline]
    pub(crate) fn is_array(self) -> bool {
        self.kind() == Kind::ARRAY
    }

    #[inline]
    pub(crate) fn is_text(self) -> bool {
        matches!(self.kind(), Kind::TEXT | Kind::ESCAPED)
    }

    /// Returns `true` if both are the same value of one text.
    pub(crate) fn is_same(self, other: Node<'_>) -> bool {
        std::ptr::eq(self.tape.text.as_ptr(), other.tape.text.as_ptr()) && self.at == other.at
    }

    /// Returns `true` if `part` is this value or a part of it.
    pub(crate) fn contains(self, part: Node<'_>) -> bool {
        (self.at..self.behind()).contains(&part.at)
    }

    /// Returns a number that orders the values of one text by their positions.
    pub(crate) fn position(self) -> usize {
        self.at
    }

    /// Returns the byte range of the value in the text.
    #[inline]
    pub(crate) fn range(self) -> Range<usize> {
        let token = self.token();
        let start = token.start();
        match token.kind() {
            Kind::ARRAY | Kind::OBJECT => start..self.tape.tokens[token.payload() - 1].start(),
            Kind::TEXT | Kind::ESCAPED => start - 1..start + token.payload() + 1,
            _ => start..start + token.payload(),
        }
    }

    /// Returns the JSON of the value.
    #[inline]
    pub(crate) fn json(self) -> &'a str {
        &self.tape.text[self.range()]
    }

    /// Returns the JSON of a scalar; of a string, the escaped text between the quotes.
    #[inline]
    pub(super) fn escaped(self) -> &'a str {
        self.tape.escaped(self.token())
    }

    /// Returns the text of a string without escapes.
    #[inline]
    pub(crate) fn plain_text(self) -> Option<&'a str> {
        self.tape.plain_text(self.token())
    }

    /// Returns the text of a string, with U+FFFD in place of half of a surrogate pair; `None` for
    /// any other value.
    #[inline]
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        match self.kind() {
            Kind::TEXT => Some(Cow::Borrowed(self.escaped())),
            Kind::ESCAPED => Some(Cow::Owned(unescape(self.json()))),
            _ => None,
        }
    }

    /// Returns the text of a string; `None` for a string with half of a surrogate pair, which is
    /// no Unicode text, and for any other value.
    #[inline]
    pub(crate) fn exact_text(self) -> Option<Cow<'a, str>> {
        self.tape.exact_text(self.token())
    }

    /// Returns the members of an object; none for any other value.
    #[inline]
    pub(crate) fn members(self) -> Members<'a> {
        Members(self.children(Kind::OBJECT))
    }

    /// Returns the elements of an array; none for any other value.
    #[inline]
    pub(crate) fn elements(self) -> Elements<'a> {
        Elements(self.children(Kind::ARRAY))
    }

    #[inline]
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
    #[inline(always)]
    pub(crate) fn get(self, name: &str) -> Option<Node<'a>> {
        for member in self.members() {
            if member.is_named(name) {
                return Some(member.value);
            }
        }
        None
    }

    /// Returns the only member of a name; `None` if it is missing or `null`.
    ///
    /// # Errors
    ///
    /// [`Fault::Duplicate`] if there are several.
    #[inline(always)]
    pub(crate) fn only(self, name: &str) -> Result<Option<Node<'a>>, Fault> {
        only(self.members(), name)
    }

    /// Returns the members of these names, each `None` if it is missing or `null`, and `true` if
    /// the object has [others](Self::others).
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`] for a value that is no object, [`Fault::Duplicate`] if the object has
    /// several members of one of the names.
    #[inline(always)]
    pub(crate) fn split<const N: usize>(
        self,
        names: &[&'static str; N],
    ) -> Result<([Option<Node<'a>>; N], bool), Fault> {
        if !self.is_object() {
            return Err(Fault::Malformed);
        }
        let (mut known, mut seen, mut has_others) = ([None; N], [false; N], false);
        'members: for member in self.members() {
            for at in 0..N {
                if member.is_named(names[at]) {
                    if std::mem::replace(&mut seen[at], true) {
                        return Err(Fault::Duplicate(names[at].into()));
                    }
                    known[at] = Some(member.value).filter(|value| !value.is_null());
                    continue 'members;
                }
            }
            has_others = true;
        }
        Ok((known, has_others))
    }

    /// Returns the members of all names but these.
    pub(crate) fn others(self, names: &[&str]) -> impl Iterator<Item = Member<'a>> {
        let is_other = |member: &Member<'a>| !names.iter().any(|name| member.is_named(name));
        self.members().filter(is_other)
    }

    /// Returns the member of an object that has this value.
    pub(crate) fn as_member(self) -> Member<'a> {
        Member { value: self }
    }
}

impl<'a> Tape<'a> {
    /// Returns the JSON of a scalar; of a string, the escaped text between the quotes.
    #[inline]
    fn escaped(&self, token: Token) -> &'a str {
        let start = token.start();
        &self.text[start..start + token.payload()]
    }

    /// Returns the bytes of [`escaped`](Self::escaped).
    #[inline]
    fn bytes(&self, token: Token) -> &'a [u8] {
        let start = token.start();
        &self.text.as_bytes()[start..start + token.payload()]
    }

    #[inline]
    fn plain_text(&self, token: Token) -> Option<&'a str> {
        (token.kind() == Kind::TEXT).then(|| self.escaped(token))
    }

    #[inline]
    fn exact_text(&self, token: Token) -> Option<Cow<'a, str>> {
        match token.kind() {
            Kind::TEXT => Some(Cow::Borrowed(self.escaped(token))),
            Kind::ESCAPED => {
                let quoted = &self.text[token.start() - 1..=token.start() + token.payload()];
                serde_json::from_str(quoted).ok().map(Cow::Owned)
            }
            _ => None,
        }
    }
}

/// Returns the only one of some members with this name; `None` if it is missing or `null`.
///
/// # Errors
///
/// [`Fault::Duplicate`] if there are several.
#[inline(always)]
pub(crate) fn only<'a>(
    members: impl IntoIterator<Item = impl Borrow<Member<'a>>>,
    name: &str,
) -> Result<Option<Node<'a>>, Fault> {
    let mut found = None;
    for member in members {
        let member = member.borrow();
        if member.is_named(name) && found.replace(member.value).is_some() {
            return Err(Fault::Duplicate(name.into()));
        }
    }
    Ok(found.filter(|value| !value.is_null()))
}

/// A member of an object.
#[derive(Clone, Copy)]
pub(crate) struct Member<'a> {
    pub(crate) value: Node<'a>,
}

impl<'a> Member<'a> {
    /// Returns the token of the name, which precedes the value.
    #[inline]
    fn token(self) -> Token {
        self.value.tape.tokens[self.value.at - 1]
    }

    /// Returns the name. A name with half of a surrogate pair, which is no Unicode text, keeps its
    /// escapes.
    #[inline]
    pub(crate) fn name(self) -> Cow<'a, str> {
        let tape = self.value.tape;
        let text = tape.exact_text(self.token());
        text.unwrap_or_else(|| Cow::Borrowed(tape.escaped(self.token())))
    }

    /// Returns the bytes of a name without escapes, the fast path of nearly all names. Bytes
    /// compare faster than a `str`, whose slices are checked for character boundaries.
    #[inline(always)]
    pub(crate) fn plain_name(self) -> Option<&'a [u8]> {
        (self.token().kind() == Kind::TEXT).then(|| self.value.tape.bytes(self.token()))
    }

    #[inline(always)]
    pub(crate) fn is_named(self, name: &str) -> bool {
        if self.token().is_text_of(name.len()) {
            self.value.tape.bytes(self.token()) == name.as_bytes()
        } else {
            self.token().kind() == Kind::ESCAPED && self.equals_escaped(name)
        }
    }

    /// Compares a name with escapes.
    #[cold]
    fn equals_escaped(self, name: &str) -> bool {
        // An escape has at most six times the bytes of its character. The check of the length
        // keeps a hostile name of 4 MiB from being unescaped for each comparison.
        let len = self.token().payload();
        (len.div_ceil(6)..=len).contains(&name.len()) && *self.name() == *name
    }

    /// Returns the text of a name without escapes.
    #[inline]
    pub(super) fn plain_text(self) -> Option<&'a str> {
        self.value.tape.plain_text(self.token())
    }

    /// Returns `true` if the name has half of a surrogate pair.
    #[inline]
    pub(crate) fn has_malformed_name(self) -> bool {
        self.token().kind() == Kind::ESCAPED && self.value.tape.exact_text(self.token()).is_none()
    }
}

/// The values between two indexes of a tape.
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
        let node = Node::at(self.tape, self.at);
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
        let Children { tape, at, end } = &mut self.0;
        if *at >= *end {
            return None;
        }
        let value = Node::at(tape, *at + 1);
        *at = value.behind();
        Some(Member { value })
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
/// U+FFFD: Meta truncates texts between UTF-16 units.
fn unescape(string: &str) -> String {
    let mut json = serde_json::Deserializer::from_str(string);
    json.deserialize_bytes(LossyText).unwrap_or_default()
}

/// Visits the bytes of a string in the encoding of serde_json: UTF-8, with three bytes for half
/// of a surrogate pair (WTF-8).
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
            // The first of the three bytes of half of a pair.
            if chunk.invalid() == [0xED] {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        Ok(text)
    }
}
