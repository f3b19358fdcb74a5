//! The content of a message, by its type.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::tagged::Tagged;
use super::{
    ContactCard, Interactive, Location, Media, MessageContext, NfmReply, Order, System, Template,
    interactive, template,
};
use crate::json::object::{MemberValue, ReadMembers, json_object, members};
use crate::json::stored::{FromMeta, stored};
use crate::json::{Fault, Node, Omissions};
use crate::model::MessageId;

/// Declares [`Content`]. A row has the `type` on the wire, the variant with its value, the reader
/// of the value, and the value as one line of text.
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
            #[must_use]
            pub fn message_type(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $wire,)+
                }
            }

            /// See [`Message::body`](super::Message::body).
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
    /// use whatsapp_signals::model::{Content, Media};
    ///
    /// let hello = Content::text("Hello");
    /// assert_eq!((hello.message_type(), hello.body()), ("text", "Hello"));
    /// assert_eq!(Content::reaction("wamid.A", Some("🚴")).body(), "🚴");
    /// assert_eq!(Content::template("spring_offer", "en_US").body(), "spring_offer");
    ///
    /// let mut image = Media::default();
    /// assert_eq!(Content::Image(image.clone()).body(), "[Image]");
    /// image.caption = Some("The new gears".into());
    /// assert_eq!(Content::Image(image).body(), "The new gears");
    /// ```
    pub enum Content {
        /// A text.
        "text" => Text(text: Text) by required, &text.body;
        /// An image, possibly with a caption.
        "image" => Image(image: Media) by media, or(image.caption.as_deref(), "[Image]");
        /// An audio file or a voice message.
        "audio" => Audio(audio: Media) by media, or(audio.caption.as_deref(), "[Audio]");
        /// A video, possibly with a caption.
        "video" => Video(video: Media) by media, or(video.caption.as_deref(), "[Video]");
        /// A document.
        "document" => Document(file: Media) by media, or(file.caption.as_deref(), "[Document]");
        /// A sticker.
        "sticker" => Sticker(_sticker: Media) by media, "[Sticker]";
        /// A location.
        "location" => Location(pin: Location) by required, or(pin.name.as_deref(), "[Location]");
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
        /// A change of the user's number or user id.
        "system" => System(system: Box<System>) by required, or(system.body.as_deref(), "");
        /// The user edited a message.
        "edit" => Edit(edit: Box<Edit>) by read_edit, edit.message.content.body();
        /// The user deleted a message.
        "revoke" => Revoke(_revoke: Revoke) by required, "[Deleted]";
        /// The user opened the chat for the first time. Older API versions.
        "request_welcome" => RequestWelcome, "";
        /// A message that WhatsApp does not deliver to businesses.
        "unsupported" | "unknown" => Unsupported(_other: Unsupported) by optional, "[Unsupported]";
        /// A file of an earlier conversation, which another webhook contains.
        "media_placeholder" => MediaPlaceholder, "[Media]";
        /// A template of the business, with the values of its parameters.
        "template" => Template(template: Template) by template::read, &template.name;
    }
}

/// Returns a text, or `instead` if it is missing or empty.
fn or<'a>(text: Option<&'a str>, instead: &'a str) -> &'a str {
    text.filter(|text| !text.is_empty()).unwrap_or(instead)
}

/// A reader of the content of one message type.
pub(crate) type ContentReader =
    for<'a> fn(&Tagged<'a>, &mut Omissions<'a>) -> Result<Content, Fault>;

#[inline]
fn required<'a, T: MemberValue>(
    tagged: &Tagged<'a>,
    omitted: &mut Omissions<'a>,
) -> Result<T, Fault> {
    omitted.read(tagged.required()?)
}

/// Reads a medium; an empty one if the message has errors, as Meta could not download the file.
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

/// Reads a content that may be missing; the `errors` of the message contain the reason.
#[allow(clippy::unnecessary_wraps, reason = "as all readers of the table")]
fn optional<'a, T: Default + MemberValue>(
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
    /// Returns the content of a text message.
    #[must_use]
    pub fn text(body: impl Into<String>) -> Self {
        Self::Text(Text { body: body.into() })
    }

    /// Returns a template with a name and a language code.
    #[must_use]
    pub fn template(name: impl Into<String>, language: impl Into<String>) -> Self {
        Self::Template(Template {
            name: name.into(),
            language: language.into(),
            components: Vec::new(),
            cards: Vec::new(),
        })
    }

    /// Returns a reaction to a message; without an emoji, its removal.
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

    /// Reads the content of a request to send. `None` for a type that cannot be sent or has no
    /// variant, and for a malformed member.
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

/// `edit`: the user edited a message.
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
/// assert!(edit.message.content.body().starts_with("Replace it, please"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Edit {
    /// The edited message.
    pub original_message_id: MessageId,
    /// The new content.
    pub message: EditedMessage,
}

stored! {
    /// The new content of an edited message.
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub struct EditedMessage {
        /// The new content.
        pub content: Content,
        /// The message to which it replies.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub context: Option<MessageContext>,
    }
}

/// `revoke`: the user deleted a message for all participants.
///
/// ```json
/// {"original_message_id": "wamid.HBgL…"}
/// ```
#[json_object]
#[derive(Eq, Hash)]
pub struct Revoke {
    /// The deleted message.
    pub original_message_id: MessageId,
}

members! {
    struct Members {
        original_message_id: MessageId,
    }
}

/// Reads an edit.
fn read_edit<'a>(tagged: &Tagged<'a>, omitted: &mut Omissions<'a>) -> Result<Box<Edit>, Fault> {
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
    const STORED: &'static [&'static str] = &["content"];

    fn from_meta<'a>(message: Node<'a>, omitted: &mut Omissions<'a>) -> Result<Self, Fault> {
        let context = message.only("context")?;
        let tagged = Tagged::new(message)?;
        // Only a message that was sent can be edited. Nested edits would overflow the stack.
        if matches!(&*tagged.kind, "edit" | "revoke") {
            return Err(Fault::UnknownType((&*tagged.kind).into()));
        }
        Ok(Self {
            content: Content::read(&tagged, omitted)?,
            context: context.and_then(|context| omitted.read_part(message, context)),
        })
    }
}

/// `text`: a text message.
///
/// ```json
/// {"body": "Is my bike ready?"}
/// ```
#[json_object]
#[derive(Eq, Hash)]
pub struct Text {
    /// The text, up to 4,096 characters.
    pub body: String,
}

/// `reaction`: an emoji on another message.
///
/// ```json
/// {"message_id": "wamid.HBgL…", "emoji": "👍"}
/// ```
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::Reaction;
///
/// let reaction: Reaction = serde_json::from_str(r#"{"message_id": "wamid.A", "emoji": "👍"}"#)?;
/// assert_eq!((reaction.message_id.as_str(), reaction.emoji.as_deref()), ("wamid.A", Some("👍")));
///
/// let removed: Reaction = serde_json::from_str(r#"{"message_id": "wamid.A"}"#)?;
/// assert!(removed.is_removed());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Eq, Hash)]
pub struct Reaction {
    /// The message with the reaction.
    pub message_id: MessageId,
    /// The emoji; missing or empty for a removed reaction.
    pub emoji: Option<Box<str>>,
}

impl Reaction {
    /// Returns whether the user removed the reaction.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.emoji.as_deref().is_none_or(str::is_empty)
    }
}

/// `button`: a tap on a template's quick-reply button.
///
/// ```json
/// {"payload": "CONFIRM", "text": "Yes, please"}
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct Button {
    /// The payload of the button.
    pub payload: Option<Box<str>>,
    /// The label of the button.
    pub text: Option<Box<str>>,
}

/// `unsupported` (in older versions `unknown`): a message that WhatsApp does not deliver to
/// businesses. The errors of the message contain the reason. Also the content of an outbound
/// message of an unknown type.
///
/// ```json
/// {"type": "poll_creation"}
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct Unsupported {
    /// The type: `poll_creation`, `gif`, `pin`, …; may be missing.
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
}
