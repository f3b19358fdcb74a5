//! Paths to the values of a JSON text: `entry[0].changes[1].value`.

use std::fmt::{self, Write};

/// A path as a linked list: each step points to the one before it. Its text is made for
/// reported values only.
#[derive(Clone, Copy)]
pub(crate) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Member(&'a str),
    Element(usize),
}

impl<'a> Path<'a> {
    pub(crate) fn root(member: &'a str) -> Self {
        Self {
            parent: None,
            step: Step::Member(member),
        }
    }

    pub(crate) fn member(&'a self, name: &'a str) -> Self {
        Self {
            parent: Some(self),
            step: Step::Member(name),
        }
    }

    pub(crate) fn element(&'a self, index: usize) -> Self {
        Self {
            parent: Some(self),
            step: Step::Element(index),
        }
    }

    /// Returns the text of the path.
    pub(crate) fn text(self) -> String {
        let mut text = String::with_capacity(64);
        self.write(&mut text);
        text
    }

    // `fmt` would take longer than the rest of a report.
    fn write(&self, text: &mut String) {
        if let Some(parent) = self.parent {
            parent.write(text);
        }
        match self.step {
            Step::Member(name) if is_plain(name) => {
                if self.parent.is_some() {
                    text.push('.');
                }
                text.push_str(name);
            }
            // A name unlike Meta's is quoted and truncated.
            Step::Member(name) => write_in_brackets(text, Excerpt(name)),
            Step::Element(index) => match u8::try_from(index) {
                Ok(digit @ ..10) => {
                    text.push('[');
                    text.push(char::from(b'0' + digit));
                    text.push(']');
                }
                _ => write_in_brackets(text, index),
            },
        }
    }
}

fn write_in_brackets(text: &mut String, step: impl fmt::Display) {
    // Writing to a `String` cannot fail.
    let _ = write!(text, "[{step}]");
}

/// Returns `true` for a name like Meta's: short, of ASCII letters, digits and underscores.
fn is_plain(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A text of a body, made safe for logs: escaped, quoted, and truncated to 64 characters.
pub(crate) struct Excerpt<'a>(pub(crate) &'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(64) {
            Some((end, _)) => write!(f, "{:?}…", &self.0[..end]),
            None => write!(f, "{:?}", self.0),
        }
    }
}
