//! Bodies made odd at random, in ways in which Meta's may become odd.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::json::Json;

/// How to make a body odd. The indices choose where, and what.
#[derive(Clone, Debug)]
enum Change {
    Replace(Index, Json),
    Nest(Index, bool),
    Add(Index, Index, Json),
    Drop(Index, Index),
    Repeat(Index, Index),
    Reverse(Index),
}

fn odd() -> impl Strategy<Value = Json> {
    let odd = [
        "null",
        "true",
        "5",
        "-0.5",
        "1e400",
        r#""x""#,
        r#""""#,
        r#""\ud83d""#,
        "[]",
        r#"["a", "b"]"#,
        "{}",
        r#"{"a": {"b": []}}"#,
        r#"{"id": "wamid.ODD", "type": "text"}"#,
        r#"{"wa_id": "1999", "signup_id": "s"}"#,
    ];
    select(odd.map(Json::parse).to_vec())
}

fn change() -> impl Strategy<Value = Change> {
    let index = || any::<Index>();
    prop_oneof![
        (index(), odd()).prop_map(|(at, odd)| Change::Replace(at, odd)),
        (index(), any::<bool>()).prop_map(|(at, in_array)| Change::Nest(at, in_array)),
        (index(), index(), odd()).prop_map(|(at, place, odd)| Change::Add(at, place, odd)),
        (index(), index()).prop_map(|(at, child)| Change::Drop(at, child)),
        (index(), index()).prop_map(|(at, child)| Change::Repeat(at, child)),
        index().prop_map(Change::Reverse),
    ]
}

impl Change {
    fn apply(self, body: &mut Json) {
        let count = body.count();
        match self {
            Self::Replace(at, odd) => *body.part(at.index(count)) = odd,
            Self::Nest(at, in_array) => {
                let part = body.part(at.index(count));
                *part = if in_array {
                    Json::Array(vec![part.clone()])
                } else {
                    Json::Object(vec![("\"zzz\"".to_owned(), part.clone())])
                };
            }
            Self::Add(at, place, odd) => match body.part(at.index(count)) {
                Json::Array(elements) => elements.insert(place.index(elements.len() + 1), odd),
                Json::Object(members) => {
                    members.insert(place.index(members.len() + 1), ("\"zzz\"".to_owned(), odd));
                }
                Json::Scalar(_) => {}
            },
            Self::Drop(at, child) => match body.part(at.index(count)) {
                Json::Array(elements) if !elements.is_empty() => {
                    elements.remove(child.index(elements.len()));
                }
                Json::Object(members) if !members.is_empty() => {
                    members.remove(child.index(members.len()));
                }
                _ => {}
            },
            Self::Repeat(at, child) => match body.part(at.index(count)) {
                Json::Array(elements) if !elements.is_empty() => {
                    elements.push(elements[child.index(elements.len())].clone());
                }
                Json::Object(members) if !members.is_empty() => {
                    members.push(members[child.index(members.len())].clone());
                }
                _ => {}
            },
            Self::Reverse(at) => match body.part(at.index(count)) {
                Json::Array(elements) => elements.reverse(),
                Json::Object(members) => members.reverse(),
                Json::Scalar(_) => {}
            },
        }
    }
}

/// Bodies of every field, made odd in up to five ways.
pub(crate) fn odd_bodies(bodies: &[(String, String)]) -> impl Strategy<Value = String> + use<> {
    let bodies: Vec<Json> = bodies.iter().map(|(_, body)| Json::parse(body)).collect();
    let changes = prop::collection::vec(change(), 0..6);
    (select(bodies), changes).prop_map(|(mut body, changes)| {
        for change in changes {
            change.apply(&mut body);
        }
        body.to_string()
    })
}
