//! Short ways to what a message has.

use super::{Content, Direction, Interactive, Location, Media, Message, NfmReply, Reaction};
use crate::model::{Identity, MessageId};

impl Message {
    /// Returns the user who sent it, if it is inbound.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/text.json")?)?;
    /// let [WebhookEvent::MessageReceived(event)] = webhook.events() else { panic!("a message") };
    /// assert_eq!(event.message.sender().unwrap().phone(), Some("15550101001"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn sender(&self) -> Option<&Identity> {
        self.user
            .as_ref()
            .filter(|_| self.direction == Direction::Inbound)
    }

    /// Returns the user to whom you sent it, if it is outbound.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Content, Identity, Message};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let message = Message::outbound("wamid.A", ada.clone(), Content::text("Hello")).build();
    /// assert_eq!((message.recipient(), message.sender()), (Some(&ada), None));
    /// ```
    #[must_use]
    pub fn recipient(&self) -> Option<&Identity> {
        self.user
            .as_ref()
            .filter(|_| self.direction == Direction::Outbound)
    }

    /// The type as Meta spells it: `text`, `image`, `interactive`, … The older
    /// `unknown` reads as `unsupported`.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Content, Identity, Message};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let message = Message::outbound("wamid.A", ada, Content::template("spring_offer", "en")).build();
    /// assert_eq!(message.message_type(), "template");
    /// ```
    #[must_use]
    pub fn message_type(&self) -> &'static str {
        self.content.message_type()
    }

    /// The message in one line, as an inbox would list it: the text, the
    /// button's label, the caption or else `[Image]`, the emoji, the name of
    /// the place. Empty when there is nothing to show.
    ///
    /// ```
    /// use whatsapp_signals::model::{Content, Identity, Media, Message};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let image = Message::outbound("wamid.A", ada, Content::Image(Media::default())).build();
    /// assert_eq!(image.body(), "[Image]");
    /// ```
    #[must_use]
    pub fn body(&self) -> &str {
        self.content.body()
    }

    /// The text of a text message, and of no other.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Content, Identity, Message};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let emoji = Message::outbound("wamid.B", ada, Content::reaction("wamid.A", Some("👍"))).build();
    /// assert_eq!((emoji.text(), emoji.body()), (None, "👍"));
    /// ```
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(&text.body),
            _ => None,
        }
    }

    /// Returns the file of an image, audio, video, document or sticker; `None` when Meta could
    /// not download it, as [`errors`](Self::errors) then say.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/image.json")?)?;
    /// let [WebhookEvent::MessageReceived(event)] = webhook.events() else { panic!("a message") };
    /// let to_download = event.message.media().and_then(|media| media.id.as_ref());
    /// assert_eq!(to_download.unwrap(), "7137021601430931");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn media(&self) -> Option<&Media> {
        self.content.media()
    }

    /// Whether it carries a file.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Content, Identity, Media, Message};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let mut film = Media::default();
    /// film.id = Some("1003383421387256".into());
    /// let message = Message::outbound("wamid.A", ada, Content::Video(film)).build();
    /// assert!(message.has_media());
    /// ```
    #[must_use]
    pub fn has_media(&self) -> bool {
        self.media().is_some()
    }

    /// The place that it shares.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/location.json")?)?;
    /// let [WebhookEvent::MessageReceived(event)] = webhook.events() else { panic!("a message") };
    /// assert_eq!(event.message.location().unwrap().name.as_deref(), Some("Lockside Bike Shed"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        match &self.content {
            Content::Location(location) => Some(location),
            _ => None,
        }
    }

    /// Whether it shares a place.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Content, Identity, Location, Message};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let pin = Message::outbound("wamid.A", ada, Content::Location(Location::default())).build();
    /// assert!(pin.is_location());
    /// ```
    #[must_use]
    pub fn is_location(&self) -> bool {
        self.location().is_some()
    }

    /// The reaction that it is.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Content, Identity, Message};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let message = Message::outbound("wamid.B", ada, Content::reaction("wamid.A", Some("👍"))).build();
    /// assert_eq!(message.reaction().unwrap().message_id, "wamid.A");
    /// ```
    #[must_use]
    pub fn reaction(&self) -> Option<&Reaction> {
        match &self.content {
            Content::Reaction(reaction) => Some(reaction),
            _ => None,
        }
    }

    /// The form that it submits.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/flow-reply.json")?)?;
    /// let [WebhookEvent::MessageReceived(event), ..] = webhook.events() else { panic!("a message") };
    /// assert_eq!(event.message.nfm_reply().unwrap().name.as_deref(), Some("flow"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn nfm_reply(&self) -> Option<&NfmReply> {
        self.content.nfm_reply()
    }

    /// What your code called the button or list row that the user tapped: the
    /// id of an interactive reply, the payload of a template's button.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/button-reply.json")?)?;
    /// let [WebhookEvent::MessageReceived(event)] = webhook.events() else { panic!("a message") };
    /// assert_eq!(event.message.reply_id(), Some("quote-4471-approve"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn reply_id(&self) -> Option<&str> {
        match &self.content {
            Content::Button(button) => button.payload.as_deref(),
            Content::Interactive(interactive) => match &**interactive {
                Interactive::ButtonReply(reply) => Some(&reply.id),
                Interactive::ListReply(reply) => Some(&reply.id),
                _ => None,
            },
            _ => None,
        }
    }

    /// The message that it answers.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Content, Identity, Message};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let answer = Message::outbound("wamid.B", ada, Content::text("Yes")).reply_to("wamid.A").build();
    /// assert_eq!(answer.reply_to().unwrap(), "wamid.A");
    /// ```
    #[must_use]
    pub fn reply_to(&self) -> Option<&MessageId> {
        self.context.as_ref()?.id.as_ref()
    }

    /// Returns the user from now on, where the message is news of a changed id.
    pub(crate) fn changed_user(&self) -> Option<Identity> {
        match (&self.content, &self.direction) {
            (Content::System(system), Direction::Inbound) => system.current(self.user.as_ref()?),
            _ => None,
        }
    }

    /// Whether it is news of a changed id.
    pub(crate) fn is_news_of_ids(&self) -> bool {
        self.changed_user().is_some()
    }
}
