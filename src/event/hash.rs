//! Hashes of JSON, for events that have no name of their own.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::hash::Hasher;

use serde::Serialize;
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::model::{Account, RawJson, Timestamp};
use crate::webhook::{Piece, split};

/// What an event without a name of its own is known by: a hash of where and
/// when it happened and of its JSON, in which neither white space nor the
/// order of members counts. `place` is where it stands in the webhook, for what
/// is known by that too.
pub(super) fn hash(
    place: &[&str],
    account: &Account,
    time: Option<Timestamp>,
    raw: &RawJson,
) -> String {
    let mut hash = Hash::default();
    for part in place {
        hash.text('p', part);
    }
    for id in [
        account.waba_id.as_ref().map(AsRef::as_ref),
        account.phone_number_id.as_ref().map(AsRef::as_ref),
    ] {
        hash.text('i', id.unwrap_or_default());
    }
    let time = time.map(|time| time.as_secs().to_string());
    hash.text('t', &time.unwrap_or_default());
    hash.json(Piece::known(raw.as_str()), MAX_DEPTH);
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
    hash.json(Piece::known(json), MAX_DEPTH);
    hash.finish()
}

/// How deep the order of members is looked at. Meta's JSON is not half as
/// deep; what lies deeper counts as it is written.
const MAX_DEPTH: u32 = 24;

/// `SipHash` with a key of zeros: the same on every machine and in every
/// version, which the standard library does not promise of its own.
#[derive(Default)]
struct Hash(SipHasher24);

impl Hash {
    fn json(&mut self, json: Piece<'_>, depth: u32) {
        let text = json.get();
        match text.as_bytes().first() {
            Some(b'{') if depth > 0 => {
                if let Ok(split) = split::members(json, []) {
                    let mut members = split.unknown;
                    members.sort_by(|(a, x), (b, y)| (a, x.get()).cmp(&(b, y.get())));
                    self.text('{', &members.len().to_string());
                    for (name, member) in members {
                        self.text('n', &name);
                        self.json(member, depth - 1);
                    }
                    return;
                }
            }
            Some(b'[') if depth > 0 => {
                if let Ok(elements) = split::elements(json) {
                    self.text('[', &elements.len().to_string());
                    for element in elements {
                        self.json(element, depth - 1);
                    }
                    return;
                }
            }
            Some(b'"') => {
                if let Ok(string) = serde_json::from_str::<Cow<'_, str>>(text) {
                    return self.text('"', &string);
                }
            }
            _ => {}
        }
        self.text('=', text);
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
