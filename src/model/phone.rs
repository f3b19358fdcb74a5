//! Phone numbers as people write them.

use std::borrow::Cow;

/// Returns the digits of a phone number, as they are and without the characters that format
/// it; `None` if the text is no phone number.
///
/// A `+` stands before the first digit, so two numbers in one text are no number. No digit is
/// added, removed or replaced: every rule for a country has exceptions.
pub(crate) fn digits(phone: &str) -> Option<Cow<'_, str>> {
    if !phone.is_empty() && phone.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Cow::Borrowed(phone));
    }
    let mut digits = String::new();
    for c in phone.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if digits.is_empty() => {}
            c if is_formatting(c) => {}
            _ => return None,
        }
    }
    (!digits.is_empty()).then_some(Cow::Owned(digits))
}

/// Whether a character only groups the digits of a phone number, or is invisible: address books
/// put marks of direction around numbers.
fn is_formatting(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '-' | '.' | '/' | '(' | ')'
            // Hyphens and dashes, and the minus sign.
            | '\u{2010}'..='\u{2015}' | '\u{2212}'
            // Soft hyphen, spaces of no width, marks of direction.
            | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}
