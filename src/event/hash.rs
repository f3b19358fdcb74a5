//! Hashes of JSON, for events that have no name of their own.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::hash::Hasher;

use serde::Serialize;
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::json::{Node, with_tape};
use crate::model::{RawJson, Timestamp};

/// Returns what an event without an id is known by: a hash of its time and its JSON, in
/// which neither white space nor the order of members counts. `place` is where it stands in
/// the webhook, for what is known by that too.
pub(super) fn hash(place: &[&str], time: Option<Timestamp>, raw: &RawJson) -> String {
    let mut hash = Hash::default();
    for part in place {
        hash.text('p', part);
    }
    let time = time.map(|time| time.as_secs().to_string());
    hash.text('t', &time.unwrap_or_default());
    hash.json_text(raw.as_str());
    hash.finish()
}

/// What an event of your own making is known by: a hash of all that it says.
pub(super) fn hash_of(event: &impl Serialize) -> String {
    // Invariant: our own payloads serialize, they have no maps but of strings.
    let json = serde_json::value::to_raw_value(event);
    json.map_or_else(|_| String::new(), |json| hash_json(json.get()))
}

/// The [`hash`] of a text alone that is known to be JSON.
pub(super) fn hash_json(json: &str) -> String {
    let mut hash = Hash::default();
    hash.json_text(json);
    hash.finish()
}

/// Returns the [`hash_json`] of a member of an object, or of the whole.
pub(super) fn hash_of_member(object: &str, name: &str) -> String {
    let member = with_tape(object, |object| {
        let member = object.only(name).ok().flatten();
        member.map(|member| hash_json(member.json()))
    });
    member.ok().flatten().unwrap_or_else(|| hash_json(object))
}

/// The depth to which the order of members does not count. Meta's JSON is not half as deep;
/// deeper values count as they are written.
const MAX_DEPTH: u32 = 24;

/// `SipHash` with a key of zeros: the same on every machine and in every
/// version, which the standard library does not promise of its own.
#[derive(Default)]
struct Hash(SipHasher24);

impl Hash {
    fn json_text(&mut self, json: &str) {
        if with_tape(json, |node| self.json(node, MAX_DEPTH)).is_err() {
            self.text('=', json);
        }
    }

    fn json(&mut self, json: Node<'_>, depth: u32) {
        if depth > 0 && json.is_object() {
            let members = json.members().map(|member| (member.name(), member.value));
            let mut members: Vec<_> = members.collect();
            without_signed_url(&mut members);
            members.sort_by(|(a, x), (b, y)| (a, x.json()).cmp(&(b, y.json())));
            self.text('{', &members.len().to_string());
            for (name, member) in members {
                self.text('n', &name);
                self.json(member, depth - 1);
            }
        } else if depth > 0 && json.is_array() {
            self.text('[', &json.elements().count().to_string());
            for element in json.elements() {
                self.json(element, depth - 1);
            }
        } else if let Some(text) = json.exact_text() {
            self.text('"', &text);
        } else {
            self.text('=', json.json());
        }
    }

    /// Adds a text, so that no two sequences of texts look alike.
    fn text(&mut self, kind: char, text: &str) {
        self.0.write(&[kind as u8]);
        self.0.write(&(text.len() as u64).to_le_bytes());
        self.0.write(text.as_bytes());
    }

    fn finish(self) -> String {
        let mut hex = String::with_capacity(32);
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{:032x}", self.0.finish128().as_u128());
        hex
    }
}

/// Removes the `url` of a medium, which Meta signs again each time that it sends the
/// webhook. The medium is known by its `id`.
fn without_signed_url(members: &mut Vec<(Cow<'_, str>, Node<'_>)>) {
    let has = |name: &str| members.iter().any(|(member, _)| member == name);
    if has("url") && has("id") {
        members.retain(|(name, _)| name != "url");
    }
}
