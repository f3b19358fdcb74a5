//! The tape: the index of a JSON text.
//!
//! One pass checks the syntax of the text and records the position of each value. Only this file
//! implements the syntax of JSON; all other code reads the tape.
//!
//! A token has 64 bits. A text has at most one token per byte, so that a tape takes at most eight
//! times the memory of its text: 32 MiB for 4 MiB of `[[[[`, the default limit of a body. A body
//! of Meta's has one token per twelve bytes.

use std::cell::Cell;

/// The greatest length of a text that a tape can index (256 MiB).
pub(crate) const MAX_LEN: usize = (1 << PAYLOAD_BITS) - 1;

/// The position of a value in the text, and its kind.
///
/// From the lowest bit on: the start (32 bits), the payload (28 bits), the kind (4 bits).
#[derive(Clone, Copy)]
pub(super) struct Token(u64);

const START_BITS: u32 = 32;
const PAYLOAD_BITS: u32 = 28;
const KIND_SHIFT: u32 = START_BITS + PAYLOAD_BITS;

/// The kind of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind(u8);

impl Kind {
    /// `null`. The payload of a scalar is its length.
    pub(super) const NULL: Self = Self(0);
    pub(super) const FALSE: Self = Self(1);
    pub(super) const TRUE: Self = Self(2);
    pub(super) const NUMBER: Self = Self(3);
    /// A string without escapes, from behind its first quote. A name is a string, too.
    pub(super) const TEXT: Self = Self(4);
    /// A string with escapes.
    pub(super) const ESCAPED: Self = Self(5);
    /// An array. The payload is the index behind its [`END`](Self::END).
    pub(super) const ARRAY: Self = Self(6);
    /// An object: name, value, name, value, …
    pub(super) const OBJECT: Self = Self(7);
    /// The end of an array or object. The start is behind the closing bracket.
    pub(super) const END: Self = Self(8);
}

impl Token {
    #[inline]
    fn new(kind: Kind, start: usize, payload: usize) -> Self {
        let payload = (payload as u64) << START_BITS;
        Self(start as u64 | payload | u64::from(kind.0) << KIND_SHIFT)
    }

    #[inline]
    pub(super) fn kind(self) -> Kind {
        Kind((self.0 >> KIND_SHIFT) as u8)
    }

    /// Returns `true` for the beginning of an array or object.
    #[inline]
    pub(super) fn is_container(self) -> bool {
        // The two kinds differ in the lowest bit only.
        self.0 >> (KIND_SHIFT + 1) == u64::from(Kind::ARRAY.0 >> 1)
    }

    /// Returns `true` for a string of this length without escapes.
    #[inline]
    pub(super) fn is_text_of(self, len: usize) -> bool {
        self.0 >> START_BITS == u64::from(Kind::TEXT.0) << PAYLOAD_BITS | len as u64
    }

    #[inline]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the lower half is the start"
    )]
    pub(super) fn start(self) -> usize {
        self.0 as u32 as usize
    }

    #[inline]
    pub(super) fn payload(self) -> usize {
        (self.0 >> START_BITS) as usize & MAX_LEN
    }
}

/// A text and its tokens.
pub(crate) struct Tape<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a [Token],
}

/// The error of a text that is not one JSON value, or is longer than [`MAX_LEN`].
#[derive(Debug)]
pub(crate) struct Invalid;

thread_local! {
    /// The buffer of the thread's last tape, for the next one.
    static BUFFER: Cell<Vec<Token>> = const { Cell::new(Vec::new()) };
}

/// The largest buffer that is reused (1 MiB).
const MAX_KEPT: usize = (1 << 20) / size_of::<Token>();

/// Indexes a text, and calls `read` with its tape.
///
/// The next call in this thread reuses the buffer of the tape. A call within `read` allocates
/// another one.
///
/// # Errors
///
/// [`Invalid`] for a text that is not one JSON value.
pub(super) fn with_tokens<R>(text: &str, read: impl FnOnce(&Tape<'_>) -> R) -> Result<R, Invalid> {
    // The destructors of an ending thread find no buffer.
    let mut tokens = BUFFER.try_with(Cell::take).unwrap_or_default();
    tokens.clear();
    let result = index(text, &mut tokens).map(|()| {
        let tape = Tape {
            text,
            tokens: &tokens,
        };
        read(&tape)
    });
    if tokens.capacity() <= MAX_KEPT {
        let _ = BUFFER.try_with(|buffer| buffer.set(tokens));
    }
    result
}

/// The container of the outermost value, which has none.
const NONE: usize = MAX_LEN;

/// Appends the tokens of a text.
///
/// The payload of an open container is the index of the container around it.
fn index(text: &str, tokens: &mut Vec<Token>) -> Result<(), Invalid> {
    let bytes = text.as_bytes();
    if bytes.len() > MAX_LEN {
        return Err(Invalid);
    }
    // Enough for the body of a short message.
    tokens.reserve(bytes.len() / 64 + 64);
    let mut open = NONE;
    let mut in_object = false;
    let (mut at, mut next) = skip_space(bytes, 0);
    loop {
        if in_object {
            if next != b'"' {
                return Err(Invalid);
            }
            at = scan_string(bytes, at + 1, tokens)?;
            (at, next) = skip_space(bytes, at);
            if next != b':' {
                return Err(Invalid);
            }
            (at, next) = skip_space(bytes, at + 1);
        }
        match next {
            b'"' => at = scan_string(bytes, at + 1, tokens)?,
            b'{' | b'[' => {
                in_object = next == b'{';
                let kind = if in_object { Kind::OBJECT } else { Kind::ARRAY };
                if tokens.capacity() - tokens.len() < 4 {
                    reserve_tokens(tokens, at, bytes.len());
                }
                let index = tokens.len();
                tokens.push(Token::new(kind, at, open));
                open = index;
                (at, next) = skip_space(bytes, at + 1);
                if next != closing(in_object) {
                    continue;
                }
            }
            _ => at = scan_scalar(bytes, at, tokens)?,
        }
        // Behind a value: a comma, or the ends of its containers.
        loop {
            (at, next) = skip_space(bytes, at);
            if open == NONE {
                return if at == bytes.len() {
                    Ok(())
                } else {
                    Err(Invalid)
                };
            }
            at += 1;
            if next == b',' {
                (at, next) = skip_space(bytes, at);
                break;
            }
            if next != closing(in_object) {
                return Err(Invalid);
            }
            tokens.push(Token::new(Kind::END, at, 0));
            let behind = tokens.len();
            let container = &mut tokens[open];
            open = container.payload();
            *container = Token::new(container.kind(), container.start(), behind);
            in_object = tokens
                .get(open)
                .is_some_and(|open| open.kind() == Kind::OBJECT);
        }
    }
}

/// Reserves memory for the tokens of a text of `len` bytes, at the rate of the bytes up to `at`.
/// To double the capacity would be too much for a hostile body.
#[cold]
fn reserve_tokens(tokens: &mut Vec<Token>, at: usize, len: usize) {
    let expected = tokens.len() as u64 * len as u64 / at.max(1) as u64;
    let expected = usize::try_from(expected).unwrap_or(len);
    let more = expected.saturating_sub(tokens.len()) + expected / 32;
    tokens.reserve_exact(more.max(tokens.len() / 4));
}

/// Returns a byte, or zero past the end.
#[inline(always)]
fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// Returns the closing bracket of a container.
fn closing(in_object: bool) -> u8 {
    if in_object { b'}' } else { b']' }
}

/// Returns the position and value of the next byte that is no white space; zero past the end.
#[inline(always)]
fn skip_space(bytes: &[u8], at: usize) -> (usize, u8) {
    let next = byte(bytes, at);
    // Most bodies have no white space.
    if next > b' ' {
        return (at, next);
    }
    skip_spaces(bytes, at)
}

/// Skips one byte of white space or more.
fn skip_spaces(bytes: &[u8], mut at: usize) -> (usize, u8) {
    const SPACES: [u8; 8] = [b' '; 8];
    loop {
        match byte(bytes, at) {
            b' ' if bytes.get(at..at + 8) == Some(&SPACES) => at += 8,
            b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            next => return (at, next),
        }
    }
}

/// Appends the token of the string whose first quote is before `start`, and returns the position
/// behind the last quote.
#[inline(always)]
fn scan_string(bytes: &[u8], start: usize, tokens: &mut Vec<Token>) -> Result<usize, Invalid> {
    let end = find_special(bytes, start);
    if byte(bytes, end) != b'"' {
        return scan_escaped_string(bytes, start, end, tokens);
    }
    tokens.push(Token::new(Kind::TEXT, start, end - start));
    Ok(end + 1)
}

/// Scans a string as [`scan_string`] does, if the first escape is at `end`.
#[cold]
fn scan_escaped_string(
    bytes: &[u8],
    start: usize,
    mut end: usize,
    tokens: &mut Vec<Token>,
) -> Result<usize, Invalid> {
    while byte(bytes, end) != b'"' {
        end = find_special(bytes, scan_escape(bytes, end)?);
    }
    tokens.push(Token::new(Kind::ESCAPED, start, end - start));
    Ok(end + 1)
}

/// Returns the position of the first byte that has a meaning or is forbidden in a string: a
/// quote, a backslash, or a control character.
#[inline(never)]
fn find_special(bytes: &[u8], mut at: usize) -> usize {
    // Swaps quotes and spaces, so that quotes and control characters are below `!`.
    const SWAP: u64 = repeat(b'"' ^ b' ');
    const EXCLAMATIONS: u64 = repeat(b'!');
    const BACKSLASHES: u64 = repeat(b'\\');
    const ONES: u64 = repeat(1);
    const HIGH_BITS: u64 = repeat(0x80);
    // Compares eight bytes at once. A subtraction sets the high bit of a lesser byte. Its borrow
    // may set further bits, but only behind the first match.
    while let Some(chunk) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
        let quotes_and_controls = (word ^ SWAP).wrapping_sub(EXCLAMATIONS);
        let backslashes = (word ^ BACKSLASHES).wrapping_sub(ONES);
        let found = (quotes_and_controls | backslashes) & !word & HIGH_BITS;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    find_special_in_tail(bytes, at)
}

const fn repeat(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Searches the last bytes of a text, fewer than eight.
#[cold]
fn find_special_in_tail(bytes: &[u8], at: usize) -> usize {
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
    let tail = bytes.get(at..).unwrap_or_default();
    let found = tail.iter().position(is_special);
    found.map_or(bytes.len(), |found| at + found)
}

/// Returns the position behind the escape at `at`.
fn scan_escape(bytes: &[u8], at: usize) -> Result<usize, Invalid> {
    match (byte(bytes, at), byte(bytes, at + 1)) {
        (b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        (b'\\', b'u') => {
            let digits = bytes.get(at + 2..at + 6).ok_or(Invalid)?;
            let is_valid = digits.iter().all(u8::is_ascii_hexdigit);
            if is_valid { Ok(at + 6) } else { Err(Invalid) }
        }
        _ => Err(Invalid),
    }
}

/// Appends the token of a number or literal, and returns the position behind it.
fn scan_scalar(bytes: &[u8], at: usize, tokens: &mut Vec<Token>) -> Result<usize, Invalid> {
    let (kind, end) = match byte(bytes, at) {
        b't' => (Kind::TRUE, scan_literal(bytes, at, b"true")?),
        b'f' => (Kind::FALSE, scan_literal(bytes, at, b"false")?),
        b'n' => (Kind::NULL, scan_literal(bytes, at, b"null")?),
        _ => (Kind::NUMBER, scan_number(bytes, at)?),
    };
    tokens.push(Token::new(kind, at, end - at));
    Ok(end)
}

/// Returns the position behind the literal at `at`.
fn scan_literal(bytes: &[u8], at: usize, literal: &[u8]) -> Result<usize, Invalid> {
    let end = at + literal.len();
    if bytes.get(at..end) == Some(literal) {
        Ok(end)
    } else {
        Err(Invalid)
    }
}

/// Returns the position behind the number at `at`.
fn scan_number(bytes: &[u8], mut at: usize) -> Result<usize, Invalid> {
    if byte(bytes, at) == b'-' {
        at += 1;
    }
    // JSON forbids digits after a leading zero.
    at = if byte(bytes, at) == b'0' {
        at + 1
    } else {
        scan_digits(bytes, at)?
    };
    if byte(bytes, at) == b'.' {
        at = scan_digits(bytes, at + 1)?;
    }
    if let b'e' | b'E' = byte(bytes, at) {
        at += 1;
        if let b'+' | b'-' = byte(bytes, at) {
            at += 1;
        }
        at = scan_digits(bytes, at)?;
    }
    Ok(at)
}

/// Returns the position behind one digit or more.
fn scan_digits(bytes: &[u8], start: usize) -> Result<usize, Invalid> {
    let mut at = start;
    while byte(bytes, at).is_ascii_digit() {
        at += 1;
    }
    if at > start { Ok(at) } else { Err(Invalid) }
}
