//! The content of a message, by its type.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::{
    Button, ContactCard, Edit, Interactive, Location, Media, NfmReply, Order, Reaction, Revoke,
    System, Template, Text, Unsupported, edit, interactive, template,
};
use crate::json::object::{FromNode, Lenient, Member};
use crate::json::{self, Fault, Node, Omissions, only};
use crate::model::MessageId;

/// Declares [`Content`]. A row has the `type` on the wire, the variant with its value, the
/// function that reads the value, and the value in one line.
macro_rules! contents {
    (
        $(#[$enum_doc:meta])*
        pub enum Content { $(
            $(#[$doc:meta])*
            $wire:literal $(| $older:literal)? =>
                $variant:ident $(($value:ident: $type:ty) by $read:path)?, $body:expr;
        )+ }
    ) => {
        $(#[$enum_doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Content {
            $($(#[$doc])* $variant $(($type))?,)+
        }

        impl Content {
            /// The types of messages, in the order of the table.
            #[cfg(feature = "testing")]
            pub(crate) const TYPES: &[&str] = &[$($wire),+];

            /// Reads the content of a message.
            ///
            /// # Errors
            ///
            /// [`Fault::UnknownType`], or the reason why the value cannot be read.
            #[inline]
            pub(crate) fn read<'a>(
                tagged: &Tagged<'a>,
                omitted: &mut Omissions<'a>,
            ) -> Result<Self, Fault> {
                Self::reader(&tagged.kind)?(tagged, omitted)
            }

            /// Returns the reader of a message type.
            ///
            /// # Errors
            ///
            /// [`Fault::UnknownType`] for a type that is not in the table.
            #[inline]
            pub(crate) fn reader(kind: &str) -> Result<ContentReader, Fault> {
                match kind {
                    $($wire $(| $older)? => Ok(
                        #[allow(unused_variables, reason = "some contents have no members")]
                        |tagged, omitted| Ok(Self::$variant $(($read(tagged, omitted)?))?)
                    ),)+
                    unknown => Err(Fault::UnknownType(unknown.into())),
                }
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
                    $(Self::$variant { .. } => $wire,)+
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
                match self {
                    $(Self::$variant $(($value))? => $body,)+
                }
            }
        }
    };
}

contents! {
    /// The content of a message: one variant for each `type` of Meta's.
    ///
    /// A message of a type that this version does not know arrives as
    /// [`Unrecognized`](crate::event::Unrecognized).
    ///
    /// ```
    /// use whatsapp_signals::model::Content;
    ///
    /// assert_eq!(Content::text("hello").message_type(), "text");
    /// ```
    pub enum Content {
        /// Words.
        "text" => Text(text: Text) by required, &text.body;
        /// A picture, perhaps with a caption.
        "image" => Image(image: Media) by media, or(image.caption.as_deref(), "[Image]");
        /// A sound or a voice message.
        "audio" => Audio(audio: Media) by media, or(audio.caption.as_deref(), "[Audio]");
        /// A film, perhaps with a caption.
        "video" => Video(video: Media) by media, or(video.caption.as_deref(), "[Video]");
        /// A file with a name.
        "document" => Document(file: Media) by media, or(file.caption.as_deref(), "[Document]");
        /// A sticker.
        "sticker" => Sticker(_sticker: Media) by media, "[Sticker]";
        /// A place.
        "location" => Location(place: Location) by required, or(place.name.as_deref(), "[Location]");
        /// Contact cards.
        "contacts" => Contacts(_cards: Vec<ContactCard>) by cards, "[Contacts]";
        /// An emoji on another message, or its removal.
        "reaction" => Reaction(reaction: Reaction) by required, or(reaction.emoji.as_deref(), "");
        /// The reply to an interactive message, or such a message of the business.
        "interactive" =>
            Interactive(interactive: Box<Interactive>) by interactive::read, interactive.title();
        /// A tap on a template's quick-reply button.
        "button" => Button(button: Button) by required, or(button.text.as_deref(), "");
        /// A shopping cart.
        "order" => Order(order: Order) by required, or(order.text.as_deref(), "[Order]");
        /// News about the user: a new number, a new user id.
        "system" => System(system: Box<System>) by required, or(system.body.as_deref(), "");
        /// The user changed a message.
        "edit" => Edit(edit: Box<Edit>) by edit::read, edit.message.content.body();
        /// The user deleted a message.
        "revoke" => Revoke(_revoke: Revoke) by required, "[Deleted]";
        /// The user opened the chat for the first time. Older API versions.
        "request_welcome" => RequestWelcome, "";
        /// A message that WhatsApp does not hand to businesses.
        "unsupported" | "unknown" => Unsupported(_other: Unsupported) by optional, "[Unsupported]";
        /// A file of an old conversation that comes in a webhook of its own.
        "media_placeholder" => MediaPlaceholder, "[Media]";
        /// A template of the business, with the values of its parameters.
        "template" => Template(template: Template) by template::read, &template.name;
    }
}

/// Returns a text, unless it is missing or empty.
fn or<'a>(text: Option<&'a str>, instead: &'a str) -> &'a str {
    text.filter(|text| !text.is_empty()).unwrap_or(instead)
}

/// Reads the content of a message of one type.
pub(crate) type ContentReader =
    for<'a> fn(&Tagged<'a>, &mut Omissions<'a>) -> Result<Content, Fault>;

/// An object whose `type` names the member with its content.
pub(crate) struct Tagged<'a> {
    pub(crate) object: Node<'a>,
    pub(crate) kind: Cow<'a, str>,
    pub(crate) members: Candidates<'a>,
}

/// The members of an object that may be its content.
pub(crate) type Candidates<'a> = SmallVec<[json::Member<'a>; 4]>;

/// The text of a `type`.
pub(crate) struct Kind<'a>(pub(crate) Cow<'a, str>);

impl<'a> FromNode<'a> for Kind<'a> {
    #[inline]
    fn read_into(slot: &mut Option<Self>, json: Lenient<'_, 'a>) -> Result<(), Fault> {
        let text = json.exact_text().ok_or(Fault::Malformed)?;
        *slot = Some(Self(text));
        Ok(())
    }
}

/// Returns the `type` of an object.
///
/// # Errors
///
/// The reason why it has no `type`.
pub(crate) fn type_of(object: Node<'_>) -> Result<Cow<'_, str>, Fault> {
    if !object.is_object() {
        return Err(Fault::Malformed);
    }
    let kind = object.only("type")?;
    let kind = kind.ok_or_else(|| Fault::Missing("type".into()))?;
    kind.exact_text().ok_or(Fault::Malformed)
}

impl<'a> Tagged<'a> {
    /// Reads the `type` of an object.
    ///
    /// # Errors
    ///
    /// The reason why it has no `type`.
    pub(crate) fn new(object: Node<'a>) -> Result<Self, Fault> {
        Ok(Self {
            object,
            kind: type_of(object)?,
            members: object.members().collect(),
        })
    }

    /// Returns the member with the content; `None` when it is missing or `null`.
    ///
    /// # Errors
    ///
    /// [`Fault::Duplicate`].
    #[inline]
    pub(crate) fn optional(&self) -> Result<Option<Node<'a>>, Fault> {
        only(&self.members, &self.kind)
    }

    /// Returns the member with the content.
    ///
    /// # Errors
    ///
    /// [`Fault::Duplicate`], [`Fault::Missing`].
    #[inline]
    pub(crate) fn required(&self) -> Result<Node<'a>, Fault> {
        self.optional()?
            .ok_or_else(|| Fault::Missing((&*self.kind).into()))
    }
}

#[inline]
fn required<'a, T: Member>(tagged: &Tagged<'a>, omitted: &mut Omissions<'a>) -> Result<T, Fault> {
    omitted.read(tagged.required()?)
}

/// Reads a medium; an empty one of a message whose errors say why Meta could not download it.
fn media<'a>(tagged: &Tagged<'a>, omitted: &mut Omissions<'a>) -> Result<Media, Fault> {
    required(tagged, omitted).or_else(|fault| {
        let errors = tagged.object.get("errors");
        let has_errors = errors.is_some_and(|errors| {
            !errors.is_null() && (!errors.is_array() || errors.elements().next().is_some())
        });
        if !has_errors {
            return Err(fault);
        }
        match tagged.optional() {
            Ok(Some(member)) => omitted.add(tagged.object, member, fault),
            Ok(None) => {}
            Err(_) => omitted.add_duplicates(tagged.object, &[&tagged.kind], 1),
        }
        Ok(Media::default())
    })
}

fn cards<'a>(tagged: &Tagged<'a>, omitted: &mut Omissions<'a>) -> Result<Vec<ContactCard>, Fault> {
    omitted.read_each(tagged.required()?)
}

/// Reads a content that may be missing: the `errors` of the message have the reason.
#[allow(clippy::unnecessary_wraps, reason = "as all readers of the table")]
fn optional<'a, T: Default + Member>(
    tagged: &Tagged<'a>,
    omitted: &mut Omissions<'a>,
) -> Result<T, Fault> {
    let Ok(member) = tagged.optional() else {
        omitted.add_duplicates(tagged.object, &[&tagged.kind], 1);
        return Ok(T::default());
    };
    let read = member.and_then(|member| omitted.read_part(tagged.object, member));
    Ok(read.unwrap_or_default())
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
            components: Vec::new(),
            cards: Vec::new(),
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

    /// See [`Message::nfm_reply`](super::Message::nfm_reply).
    #[inline]
    pub(crate) fn nfm_reply(&self) -> Option<&NfmReply> {
        match self {
            Self::Interactive(interactive) => match &**interactive {
                Interactive::NfmReply(reply) => Some(reply),
                _ => None,
            },
            _ => None,
        }
    }

    /// Reads the content of a request that sends a message. `None` for a type that cannot be
    /// sent or has no variant, and for a malformed member.
    pub(crate) fn of_request(request: Node<'_>) -> Option<Self> {
        let kind = match request.only("type").ok()? {
            // A text needs no `type` in a request.
            None => Cow::Borrowed("text"),
            Some(kind) => kind.exact_text()?,
        };
        match &*kind {
            "text" | "image" | "audio" | "video" | "document" | "sticker" | "location"
            | "contacts" | "reaction" | "interactive" | "template" => {}
            _ => return None,
        }
        let tagged = Tagged {
            object: request,
            kind,
            members: request.members().collect(),
        };
        Self::read(&tagged, &mut Omissions::default()).ok()
    }
}
