//! Bodies with random changes, like those that Meta may make.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::json::Json;

/// A change of a body. The indexes choose the part and the member.
#[derive(Clone, Debug)]
enum Change {
    Replace(Index, Json),
    Nest(Index, bool),
    Add(Index, Index, Json),
    Drop(Index, Index),
    Repeat(Index, Index),
    Reverse(Index),
}

fn malformed() -> impl Strategy<Value = Json> {
    let malformed = [
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
    select(malformed.map(Json::parse).to_vec())
}

fn change() -> impl Strategy<Value = Change> {
    let index = || any::<Index>();
    prop_oneof![
        (index(), malformed()).prop_map(|(at, malformed)| Change::Replace(at, malformed)),
        (index(), any::<bool>()).prop_map(|(at, in_array)| Change::Nest(at, in_array)),
        (index(), index(), malformed())
            .prop_map(|(at, child, malformed)| Change::Add(at, child, malformed)),
        (index(), index()).prop_map(|(at, child)| Change::Drop(at, child)),
        (index(), index()).prop_map(|(at, child)| Change::Repeat(at, child)),
        index().prop_map(Change::Reverse),
    ]
}

impl Change {
    fn apply(self, body: &mut Json) {
        let count = body.count();
        match self {
            Self::Replace(at, malformed) => *body.part(at.index(count)) = malformed,
            Self::Nest(at, in_array) => {
                let part = body.part(at.index(count));
                *part = if in_array {
                    Json::Array(vec![part.clone()])
                } else {
                    Json::Object(vec![("\"zzz\"".to_owned(), part.clone())])
                };
            }
            Self::Add(at, child, malformed) => match body.part(at.index(count)) {
                Json::Array(elements) => {
                    elements.insert(child.index(elements.len() + 1), malformed);
                }
                Json::Object(members) => {
                    members.insert(
                        child.index(members.len() + 1),
                        ("\"zzz\"".to_owned(), malformed),
                    );
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

/// Returns bodies of every field with up to five changes.
pub(crate) fn malformed_bodies(
    bodies: &[(String, String)],
) -> impl Strategy<Value = String> + use<> {
    let bodies: Vec<Json> = bodies.iter().map(|(_, body)| Json::parse(body)).collect();
    let changes = prop::collection::vec(change(), 0..6);
    (select(bodies), changes).prop_map(|(mut body, changes)| {
        for change in changes {
            change.apply(&mut body);
        }
        body.to_string()
    })
}
