//! Compares the tape with serde_json. The target `tape` checks random texts; the tests check
//! the seeds, the sample bodies, and texts at the edges of the syntax.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::json::{Member, Node, Omissions, with_tape};

/// Limits the bytes that one check hands to serde_json: a text of n bytes and depth d has up
/// to n * d bytes in its containers.
const MAX_COMPARED: usize = 1 << 20;

/// Checks that a text has a tape exactly if serde_json accepts the text, and that both find
/// the same values: extents, kinds, names and texts.
pub(crate) fn tape(text: &str) {
    let is_valid = serde_json::from_str::<IgnoredAny>(text).is_ok();
    let indexed = with_tape(text, |root| {
        if is_valid {
            check_all(text, root);
        }
    });
    assert_eq!(indexed.is_ok(), is_valid, "validity of {text:?}");
}

/// Checks a value and its parts, without recursion.
fn check_all(text: &str, root: Node<'_>) {
    let whole = serde_json::from_str(text).expect("a valid text");
    check_value(text, root, whole);

    let mut unvisited = vec![root];
    let mut containers = Vec::new();
    while let Some(node) = unvisited.pop() {
        unvisited.extend(node.elements());
        unvisited.extend(node.members().map(|member| member.value));
        if node.is_array() || node.is_object() {
            containers.push(node);
        }
    }
    // Alternates between the largest and the smallest: beyond the limit, the outermost and
    // the innermost levels are checked.
    containers.sort_by_key(|container| container.range().len());
    let mut containers = VecDeque::from(containers);
    let mut compared = 0;
    let mut is_large = true;
    while compared < MAX_COMPARED
        && let Some(container) = if is_large {
            containers.pop_back()
        } else {
            containers.pop_front()
        }
    {
        check_parts(text, container);
        compared += container.range().len();
        is_large = !is_large;
    }
}

/// Checks the elements of an array, or the members of an object.
fn check_parts(text: &str, container: Node<'_>) {
    let parts: Vec<Node<'_>> = if container.is_array() {
        let expected: Vec<&RawValue> =
            serde_json::from_str(container.json()).expect("an array of the tape");
        let elements: Vec<_> = container.elements().collect();
        assert_eq!(
            elements.len(),
            expected.len(),
            "elements of {:?}",
            container.json()
        );
        assert_eq!(container.members().count(), 0);
        for (element, expected) in elements.iter().zip(expected) {
            check_value(text, *element, expected);
        }
        elements
    } else {
        let Members(expected) =
            serde_json::from_str(container.json()).expect("an object of the tape");
        let members: Vec<_> = container.members().collect();
        assert_eq!(
            members.len(),
            expected.len(),
            "members of {:?}",
            container.json()
        );
        assert_eq!(container.elements().count(), 0);
        for (member, (name, value)) in members.iter().zip(expected) {
            check_name(text, *member, name);
            check_value(text, member.value, value);
        }
        if let Some(first) = members.first() {
            let found = container.get(&first.name()).expect("the first member");
            assert!(found.is_same(first.value));
        }
        members.into_iter().map(|member| member.value).collect()
    };
    let mut before: Option<Node<'_>> = None;
    for part in parts {
        assert!(container.contains(part) && !part.contains(container));
        assert!(container.position() < part.position());
        assert!(!part.is_same(container) && part.is_same(part));
        if let Some(before) = before.replace(part) {
            assert!(!before.contains(part) && !part.contains(before));
            assert!(before.position() < part.position());
            assert!(!before.is_same(part));
        }
    }
}

/// Checks the extent, the kind, and the text of a value.
fn check_value(text: &str, node: Node<'_>, expected: &RawValue) {
    let json = expected.get();
    assert_eq!(node.range(), range_in(text, json), "extent of {json:?}");
    assert_eq!(node.json(), json);
    assert!(node.contains(node) && node.is_same(node));

    let first = json.as_bytes()[0];
    assert_eq!(node.is_null(), first == b'n', "kind of {json:?}");
    assert_eq!(node.is_text(), first == b'"', "kind of {json:?}");
    assert_eq!(node.is_array(), first == b'[', "kind of {json:?}");
    assert_eq!(node.is_object(), first == b'{', "kind of {json:?}");
    match first {
        b'"' => {
            let exact: Option<String> = serde_json::from_str(json).ok();
            assert_eq!(node.exact_text().as_deref(), exact.as_deref(), "{json:?}");
            let lossy = exact.unwrap_or_else(|| unescape_lossy(json));
            assert_eq!(node.text().as_deref(), Some(&*lossy), "{json:?}");
            let read = Omissions::default().read::<String>(node);
            assert_eq!(read.ok(), Some(lossy), "{json:?}");
        }
        b'[' | b'{' => {
            assert_eq!((node.text(), node.exact_text()), (None, None));
        }
        _ => {
            assert_eq!((node.text(), node.exact_text()), (None, None));
            let read = Omissions::default().read::<Value>(node).ok();
            assert_eq!(read, serde_json::from_str(json).ok(), "{json:?}");
        }
    }
}

/// Checks the name of a member.
fn check_name(text: &str, member: Member<'_>, expected: &RawValue) {
    let quoted = expected.get();
    let spelled = &quoted[1..quoted.len() - 1];
    let exact: Option<String> = serde_json::from_str(quoted).ok();
    assert_eq!(member.has_malformed_name(), exact.is_none(), "{quoted}");
    let name = exact.as_deref().unwrap_or(spelled);
    assert_eq!(member.name(), name);
    assert!(member.is_named(name), "{quoted}");
    assert!(!member.is_named(&format!("{name}x")), "{quoted}");

    let plain = member.plain_name();
    let is_plain = !spelled.contains('\\');
    assert_eq!(plain, is_plain.then_some(spelled.as_bytes()));
    if let Some(plain) = plain {
        let start = plain.as_ptr().addr() - text.as_ptr().addr();
        assert_eq!(start, range_in(text, spelled).start, "extent of {quoted}");
    }
}

/// Returns the place of a part of a text.
fn range_in(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    start..start + part.len()
}

/// Decodes a valid string through UTF-16, with U+FFFD for half of a surrogate pair.
fn unescape_lossy(quoted: &str) -> String {
    let mut units = Vec::new();
    let mut chars = quoted[1..quoted.len() - 1].chars();
    while let Some(char) = chars.next() {
        let char = match char {
            '\\' => chars.next().expect("a valid escape"),
            plain => {
                units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
                continue;
            }
        };
        units.push(match char {
            'b' => 0x8,
            'f' => 0xc,
            'n' => 0xa,
            'r' => 0xd,
            't' => 0x9,
            'u' => {
                let digits: String = chars.by_ref().take(4).collect();
                u16::from_str_radix(&digits, 16).expect("four digits")
            }
            itself => u16::try_from(itself).expect("a character of ASCII"),
        });
    }
    String::from_utf16_lossy(&units)
}

/// The members of an object, with repeated ones, as they are spelled.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
