//! Changes that users make to what they have sent.

use serde::{Deserialize, Serialize};

use super::content::Tagged;
use super::{Content, MessageContext};
use crate::json::object::{ReadMembers, members, object};
use crate::json::stored::{FromMeta, stored};
use crate::json::{Fault, Node, Omissions};
use crate::model::MessageId;

/// `edit`: the user changed a message.
///
/// ```json
/// {"original_message_id": "wamid.HBgL…",
///  "message": {"type": "text", "text": {"body": "Friday, I mean"}}}
/// ```
///
/// `Deserialize` reads this form, and the one that `Serialize` writes: with `content` in place of
/// the `type` and the member that it names.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{event::WebhookEvent, model::Content};
///
/// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/edit-text.json")?)?;
/// let [WebhookEvent::MessageReceived(event)] = webhook.events() else { panic!("a message") };
/// let Content::Edit(edit) = &event.message.content else { panic!("an edit") };
/// assert_ne!(edit.original_message_id, event.message.id);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Edit {
    /// The message that was changed.
    pub original_message_id: MessageId,
    /// What it says now.
    pub message: EditedMessage,
}

stored! {
    /// The new content of an edited message.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::{event::WebhookEvent, model::Content};
    ///
    /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/edit-text.json")?)?;
    /// let [WebhookEvent::MessageReceived(event)] = webhook.events() else { panic!("a message") };
    /// let Content::Edit(edit) = &event.message.content else { panic!("an edit") };
    /// assert!(edit.message.content.body().starts_with("Replace it, please"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub struct EditedMessage {
        /// The new content.
        pub content: Content,
        /// The message that it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub context: Option<MessageContext>,
    }
}

object! {
    /// `revoke`: the user deleted a message for everyone.
    ///
    /// ```json
    /// {"original_message_id": "wamid.HBgL…"}
    /// ```
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::Revoke;
    ///
    /// let revoke: Revoke = serde_json::from_str(r#"{"original_message_id": "wamid.A"}"#)?;
    /// assert_eq!(revoke.original_message_id, "wamid.A");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Eq, Hash)]
    pub struct Revoke {
        /// The message that was deleted.
        pub original_message_id: MessageId,
    }
}

members! {
    struct Members {
        original_message_id: MessageId,
    }
}

/// Reads an edit.
pub(super) fn read<'a>(
    tagged: &Tagged<'a>,
    omitted: &mut Omissions<'a>,
) -> Result<Box<Edit>, Fault> {
    let edit = tagged.required()?;
    let members = Members::read(edit, omitted)?;
    let id = members.original_message_id;
    let original_message_id = id.ok_or_else(|| omitted.missing(edit, "original_message_id"))?;
    let message = edit
        .only("message")?
        .ok_or_else(|| Fault::Missing("message".into()))?;
    Ok(Box::new(Edit {
        original_message_id,
        message: EditedMessage::from_meta(message, omitted)?,
    }))
}

impl FromMeta for EditedMessage {
    const OWN: &'static [&'static str] = &["content"];

    fn from_meta<'a>(message: Node<'a>, omitted: &mut Omissions<'a>) -> Result<Self, Fault> {
        let context = message.only("context")?;
        let tagged = Tagged::new(message)?;
        // A message that was sent is edited. An edit in an edit in an edit would end with the
        // stack.
        if matches!(&*tagged.kind, "edit" | "revoke") {
            return Err(Fault::UnknownType((&*tagged.kind).into()));
        }
        Ok(Self {
            content: Content::read(&tagged, omitted)?,
            context: context.and_then(|context| omitted.read_part(message, context)),
        })
    }
}
