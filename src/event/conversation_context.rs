use super::Payload;
use crate::model::ConversationContext;

impl Payload for ConversationContext {}
