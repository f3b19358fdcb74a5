use super::Payload;
use crate::model::MetaError;

impl Payload for MetaError {
    // Meta gives neither an id nor a time.
    const REPEATS: bool = true;
}
