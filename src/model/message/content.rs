//! What a message says, by its type.

use serde::{Deserialize, Serialize};

use super::{ContactCard, Edit, Interactive, Location, Media, Order, Revoke, System};
use crate::model::MessageId;
use crate::model::object::object;

/// What a message says: one variant for each `type` of Meta's.
///
/// A type that this version does not know does not come here: such a message
/// arrives as [`Unrecognized`](crate::event::Unrecognized).
///
/// ```
/// use whatsapp_signals::model::Content;
///
/// assert_eq!(Content::text("hello").message_type(), "text");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Content {
    /// Words.
    Text(Text),
    /// A picture, perhaps with a caption.
    Image(Media),
    /// A sound or a voice message.
    Audio(Media),
    /// A film, perhaps with a caption.
    Video(Media),
    /// A file with a name.
    Document(Media),
    /// A sticker.
    Sticker(Media),
    /// A place.
    Location(Location),
    /// Contact cards.
    Contacts(Vec<ContactCard>),
    /// An emoji on another message, or its removal.
    Reaction(Reaction),
    /// The answer to an interactive message.
    Interactive(Box<Interactive>),
    /// A tap on a template's quick-reply button.
    Button(Button),
    /// A shopping cart.
    Order(Order),
    /// News about the user: a new number, a new user id.
    System(Box<System>),
    /// The user changed a message.
    Edit(Box<Edit>),
    /// The user deleted a message.
    Revoke(Revoke),
    /// The user opened the chat for the first time. Older API versions.
    RequestWelcome,
    /// Something that WhatsApp does not hand to businesses.
    Unsupported(Unsupported),
    /// A file of an old conversation that comes in a webhook of its own.
    MediaPlaceholder,
    /// A template; outbound only.
    Template(Template),
}

impl Content {
    /// The words of a text message.
    #[must_use]
    pub fn text(body: impl Into<String>) -> Self {
        Self::Text(Text { body: body.into() })
    }

    /// A template, by its name and language code.
    #[must_use]
    pub fn template(name: impl Into<String>, language: impl Into<String>) -> Self {
        Self::Template(Template {
            name: name.into(),
            language: language.into(),
        })
    }

    /// An emoji on another message; none takes it back.
    #[must_use]
    pub fn reaction(message_id: impl Into<MessageId>, emoji: Option<&str>) -> Self {
        Self::Reaction(Reaction {
            message_id: message_id.into(),
            emoji: emoji.map(Into::into),
        })
    }

    /// See [`Message::message_type`](super::Message::message_type).
    #[must_use]
    pub fn message_type(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Image(_) => "image",
            Self::Audio(_) => "audio",
            Self::Video(_) => "video",
            Self::Document(_) => "document",
            Self::Sticker(_) => "sticker",
            Self::Location(_) => "location",
            Self::Contacts(_) => "contacts",
            Self::Reaction(_) => "reaction",
            Self::Interactive(_) => "interactive",
            Self::Button(_) => "button",
            Self::Order(_) => "order",
            Self::System(_) => "system",
            Self::Edit(_) => "edit",
            Self::Revoke(_) => "revoke",
            Self::RequestWelcome => "request_welcome",
            Self::Unsupported(_) => "unsupported",
            Self::MediaPlaceholder => "media_placeholder",
            Self::Template(_) => "template",
        }
    }

    /// See [`Message::media`](super::Message::media).
    #[must_use]
    pub fn media(&self) -> Option<&Media> {
        match self {
            Self::Image(media)
            | Self::Audio(media)
            | Self::Video(media)
            | Self::Document(media)
            | Self::Sticker(media) => Some(media),
            _ => None,
        }
    }

    /// See [`Message::body`](super::Message::body).
    #[must_use]
    pub fn body(&self) -> &str {
        fn or<'a>(text: Option<&'a str>, instead: &'a str) -> &'a str {
            text.filter(|text| !text.is_empty()).unwrap_or(instead)
        }
        match self {
            Self::Text(text) => &text.body,
            Self::Image(media) => or(media.caption.as_deref(), "[Image]"),
            Self::Audio(media) => or(media.caption.as_deref(), "[Audio]"),
            Self::Video(media) => or(media.caption.as_deref(), "[Video]"),
            Self::Document(media) => or(media.caption.as_deref(), "[Document]"),
            Self::Sticker(_) => "[Sticker]",
            Self::Location(location) => or(location.name.as_deref(), "[Location]"),
            Self::Contacts(_) => "[Contacts]",
            Self::Reaction(reaction) => or(reaction.emoji.as_deref(), ""),
            Self::Interactive(interactive) => interactive.title(),
            Self::Button(button) => or(button.text.as_deref(), ""),
            Self::Order(order) => or(order.text.as_deref(), "[Order]"),
            Self::System(system) => or(system.body.as_deref(), ""),
            Self::Edit(edit) => edit.message.content.body(),
            Self::Revoke(_) => "[Deleted]",
            Self::RequestWelcome => "",
            Self::Unsupported(_) => "[Unsupported]",
            Self::MediaPlaceholder => "[Media]",
            Self::Template(template) => &template.name,
        }
    }
}

object! {
    /// `text`: words.
    ///
    /// ```json
    /// {"body": "Is my bike ready?"}
    /// ```
    #[derive(Eq, Hash)]
    pub struct Text {
        /// Up to 4,096 characters.
        pub body: String,
    }
}

object! {
    /// `reaction`: an emoji on another message.
    ///
    /// ```json
    /// {"message_id": "wamid.HBgL…", "emoji": "👍"}
    /// ```
    #[derive(Eq, Hash)]
    pub struct Reaction {
        /// The message that it is on.
        pub message_id: MessageId,
        /// The emoji; missing or empty when the reaction was taken back.
        pub emoji: Option<Box<str>>,
    }
}

impl Reaction {
    /// Whether the user took the reaction back.
    ///
    /// ```
    /// use whatsapp_signals::model::Reaction;
    ///
    /// let removed: Reaction = serde_json::from_str(r#"{"message_id": "wamid.A"}"#)?;
    /// assert!(removed.is_removed());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.emoji.as_deref().is_none_or(str::is_empty)
    }
}

object! {
    /// `button`: a tap on a template's quick-reply button.
    ///
    /// ```json
    /// {"payload": "CONFIRM", "text": "Yes, please"}
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct Button {
        /// What your code called the button.
        pub payload: Option<Box<str>>,
        /// What the user read on it.
        pub text: Option<Box<str>>,
    }
}

object! {
    /// `unsupported` (in older versions `unknown`): something that WhatsApp does
    /// not hand to businesses. The message's errors say why.
    ///
    /// ```json
    /// {"type": "poll_creation"}
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct Unsupported {
        /// What it was: `poll_creation`, `gif`, `pin`, …; not always told.
        #[serde(rename = "type")]
        pub kind: Option<Box<str>>,
    }
}

/// A template that you sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its language code, `en_US`.
    pub language: String,
}
