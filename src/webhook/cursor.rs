//! Going through a JSON text once, from left to right.
//!
//! serde reads a value and does not tell where it stood; an event keeps the text that
//! it was read from. Here each value can be had with its text. serde_json reads the
//! values; what is between them, braces, brackets, colons and commas, is looked at here.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::piece::Piece;
use super::strict::Strictly;

/// What is left of a text. Where something is not as expected, the answer is `None`,
/// and the text need not be JSON.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: skip_white_space(text),
        }
    }

    /// Reads a value of any kind; stays where it is when that fails.
    pub(super) fn value<T: Deserialize<'a>>(&mut self) -> Option<T> {
        let mut deserializer = serde_json::Deserializer::from_str(self.rest);
        let Strictly(value) = Strictly::deserialize(&mut deserializer).ok()?;
        let read = deserializer.into_iter::<IgnoredAny>().byte_offset();
        self.rest = self.rest.get(read..)?;
        Some(value)
    }

    /// Steps over a value.
    pub(super) fn piece(&mut self) -> Option<Piece<'a>> {
        self.value()
    }

    /// The text of the value that begins at `start` and ends here.
    pub(super) fn since(&self, start: Self) -> Option<Piece<'a>> {
        let length = start.rest.len() - self.rest.len();
        start.rest.get(..length).map(Piece::known)
    }

    /// How much of the text is left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Whether the next value is an object.
    pub(super) fn is_at_object(&self) -> bool {
        self.rest.starts_with('{')
    }

    /// Whether nothing is left.
    pub(super) fn is_at_end(&self) -> bool {
        skip_white_space(self.rest).is_empty()
    }

    /// Reads an object; `member` reads the value of each name, and is called where it
    /// begins.
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a str) -> Option<()>,
    ) -> Option<()> {
        self.list(b'{', b'}', |cursor| {
            let name = cursor.name()?;
            member(cursor, name)
        })
    }

    /// Reads an array; `element` reads each element, and is called where it begins.
    pub(super) fn array(&mut self, element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.list(b'[', b']', element)
    }

    /// Reads what stands between two brackets, with commas between.
    fn list(
        &mut self,
        begin: u8,
        end: u8,
        mut element: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.step_over(begin)?;
        if self.step_over(end).is_some() {
            return Some(());
        }
        loop {
            self.rest = skip_white_space(self.rest);
            element(self)?;
            if self.step_over(end).is_some() {
                return Some(());
            }
            self.step_over(b',')?;
        }
    }

    /// Reads a name, and goes on to its value. No name of Meta's has an escape, and
    /// none is read here.
    fn name(&mut self) -> Option<&'a str> {
        let rest = self.rest.strip_prefix('"')?;
        let is_special = |byte: u8| byte == b'"' || byte == b'\\' || byte < b' ';
        let (name, rest) = rest.split_at_checked(rest.bytes().position(is_special)?)?;
        self.rest = rest.strip_prefix('"')?;
        self.step_over(b':')?;
        self.rest = skip_white_space(self.rest);
        Some(name)
    }

    /// Steps over a character and the white space before it; stays where it is when
    /// the next character is another.
    fn step_over(&mut self, ascii: u8) -> Option<()> {
        let rest = skip_white_space(self.rest);
        if rest.as_bytes().first() != Some(&ascii) {
            return None;
        }
        self.rest = rest.get(1..)?;
        Some(())
    }
}

/// RFC 8259: the white space of JSON.
fn skip_white_space(mut text: &str) -> &str {
    while let [b' ' | b'\t' | b'\n' | b'\r', ..] = text.as_bytes() {
        text = text.get(1..).unwrap_or_default();
    }
    text
}

/// Puts what a member says in its place, which must be empty: none comes twice.
pub(super) fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}
