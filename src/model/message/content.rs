//! What a message says, by its type.

use serde::{Deserialize, Serialize};

use super::{
    Button, ContactCard, Edit, Interactive, Location, Media, Order, Reaction, Revoke, System,
    Template, Text, Unsupported,
};
use crate::model::MessageId;

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
    /// The reply to an interactive message, or such a message of the business.
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
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::Content;
    ///
    /// assert_eq!(Content::text("Hello").body(), "Hello");
    /// ```
    #[must_use]
    pub fn text(body: impl Into<String>) -> Self {
        Self::Text(Text { body: body.into() })
    }

    /// A template, by its name and language code.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::Content;
    ///
    /// assert_eq!(Content::template("spring_offer", "en_US").body(), "spring_offer");
    /// ```
    #[must_use]
    pub fn template(name: impl Into<String>, language: impl Into<String>) -> Self {
        Self::Template(Template {
            name: name.into(),
            language: language.into(),
        })
    }

    /// An emoji on another message; none takes it back.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::Content;
    ///
    /// assert_eq!(Content::reaction("wamid.A", Some("🚴")).body(), "🚴");
    /// assert_eq!(Content::reaction("wamid.A", None).body(), "");
    /// ```
    #[must_use]
    pub fn reaction(message_id: impl Into<MessageId>, emoji: Option<&str>) -> Self {
        Self::Reaction(Reaction {
            message_id: message_id.into(),
            emoji: emoji.map(Into::into),
        })
    }

    /// See [`Message::message_type`](super::Message::message_type).
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::Content;
    ///
    /// assert_eq!(Content::RequestWelcome.message_type(), "request_welcome");
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Content, Media};
    ///
    /// let mut medium = Media::default();
    /// assert_eq!(Content::Sticker(medium.clone()).media(), None, "Meta could not download it");
    /// medium.id = Some("1003383421387256".into());
    /// assert!(Content::Sticker(medium).media().is_some());
    /// assert_eq!(Content::text("Hello").media(), None);
    /// ```
    #[must_use]
    pub fn media(&self) -> Option<&Media> {
        match self {
            Self::Image(media)
            | Self::Audio(media)
            | Self::Video(media)
            | Self::Document(media)
            | Self::Sticker(media) => (*media != Media::default()).then_some(media),
            _ => None,
        }
    }

    /// See [`Message::body`](super::Message::body).
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Content, Media};
    ///
    /// let mut image = Media::default();
    /// image.caption = Some("The new gears".into());
    /// assert_eq!(Content::Image(image).body(), "The new gears");
    /// ```
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
