//! JSON as a tree of texts, which is written unchanged with any features of `serde_json`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// A text with its quotes, a number, `true`, `false`, `null`.
    Scalar(String),
    Array(Vec<Json>),
    /// Names have their quotes, and may come twice.
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(crate) fn parse(text: &str) -> Self {
        let raw: &RawValue = serde_json::from_str(text).expect("valid JSON");
        Self::from_raw(raw)
    }

    fn from_raw(raw: &RawValue) -> Self {
        match raw.get().as_bytes()[0] {
            b'[' => {
                let elements: Vec<&RawValue> = serde_json::from_str(raw.get()).expect("an array");
                Self::Array(elements.into_iter().map(Self::from_raw).collect())
            }
            b'{' => {
                let Members(members) = serde_json::from_str(raw.get()).expect("an object");
                Self::Object(members)
            }
            _ => Self::Scalar(raw.get().to_owned()),
        }
    }

    /// Itself and all that is in it.
    pub(crate) fn count(&self) -> usize {
        1 + match self {
            Self::Scalar(_) => 0,
            Self::Array(elements) => elements.iter().map(Self::count).sum(),
            Self::Object(members) => members.iter().map(|(_, member)| member.count()).sum(),
        }
    }

    /// The part with this number, in the order of the text.
    pub(crate) fn part(&mut self, number: usize) -> &mut Self {
        if number == 0 {
            return self;
        }
        let mut left = number - 1;
        let parts: Vec<&mut Self> = match self {
            Self::Scalar(_) => Vec::new(),
            Self::Array(elements) => elements.iter_mut().collect(),
            Self::Object(members) => members.iter_mut().map(|(_, member)| member).collect(),
        };
        for part in parts {
            let count = part.count();
            if left < count {
                return part.part(left);
            }
            left -= count;
        }
        panic!("a number below the count")
    }

    /// The same with the members of each object in the order of their names.
    pub(crate) fn sorted(self) -> Self {
        match self {
            Self::Array(elements) => Self::Array(elements.into_iter().map(Self::sorted).collect()),
            Self::Object(members) => {
                let mut members: Vec<_> = members
                    .into_iter()
                    .map(|(name, member)| (name, member.sorted()))
                    .collect();
                members.sort_by(|(a, _), (b, _)| a.cmp(b));
                Self::Object(members)
            }
            Self::Scalar(text) => Self::Scalar(text),
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(text) => f.write_str(text),
            Self::Array(elements) => {
                for (at, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if at == 0 { "[ " } else { " ,\t" })?;
                }
                f.write_str(if elements.is_empty() { "[ ]" } else { " ]" })
            }
            Self::Object(members) => {
                for (at, (name, member)) in members.iter().enumerate() {
                    write!(
                        f,
                        "{}{name} : {member}",
                        if at == 0 { "{\n" } else { " ,\n" }
                    )?;
                }
                f.write_str(if members.is_empty() { "{ }" } else { "\n}" })
            }
        }
    }
}

struct Members(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((name, member)) = map.next_entry::<&RawValue, &RawValue>()? {
                    members.push((name.get().to_owned(), Json::from_raw(member)));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}
