//! JSON objects that are made of others.

use serde_json::Value;

/// An object, and these members beside its own.
pub(crate) fn with(mut object: Value, members: &Value) -> Value {
    let members = members.as_object().expect("an object").clone();
    object.as_object_mut().expect("an object").extend(members);
    object
}
