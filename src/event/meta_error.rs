use super::Payload;
use crate::model::MetaError;

impl Payload for MetaError {}
