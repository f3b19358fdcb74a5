//! Changes that users make to what they have sent.

use serde::{Deserialize, Serialize};

use super::{Content, Context};
use crate::model::MessageId;
use crate::model::object::object;

/// `edit`: the user changed a message.
///
/// ```json
/// {"original_message_id": "wamid.HBgL…",
///  "message": {"type": "text", "text": {"body": "Friday, I mean"}}}
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Edit {
    /// The message that was changed.
    pub original_message_id: MessageId,
    /// What it says now.
    pub message: EditedMessage,
}

/// The new content of an edited message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EditedMessage {
    /// What it says.
    pub content: Content,
    /// What it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
}

object! {
    /// `revoke`: the user deleted a message for everyone.
    ///
    /// ```json
    /// {"original_message_id": "wamid.HBgL…"}
    /// ```
    #[derive(Eq, Hash)]
    pub struct Revoke {
        /// The message that was deleted.
        pub original_message_id: MessageId,
    }
}
