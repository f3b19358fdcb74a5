//! Contents of a member or two.

use crate::json::object::object;
use crate::model::MessageId;

object! {
    /// `text`: words.
    ///
    /// ```json
    /// {"body": "Is my bike ready?"}
    /// ```
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::Text;
    ///
    /// let text: Text = serde_json::from_str(r#"{"body": "Is my bike ready?"}"#)?;
    /// assert_eq!(text.body, "Is my bike ready?");
    /// # Ok::<(), serde_json::Error>(())
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
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::Reaction;
    ///
    /// let reaction: Reaction = serde_json::from_str(r#"{"message_id": "wamid.A", "emoji": "👍"}"#)?;
    /// assert_eq!((reaction.message_id.as_str(), reaction.emoji.as_deref()), ("wamid.A", Some("👍")));
    /// # Ok::<(), serde_json::Error>(())
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
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::Button;
    ///
    /// let button: Button = serde_json::from_str(r#"{"payload": "CONFIRM", "text": "Yes, please"}"#)?;
    /// assert_eq!(button.payload.as_deref(), Some("CONFIRM"));
    /// # Ok::<(), serde_json::Error>(())
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
    /// not hand to businesses. The message's errors say why. Also the content of a message that
    /// you sent, of a type that this version does not know.
    ///
    /// ```json
    /// {"type": "poll_creation"}
    /// ```
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::Unsupported;
    ///
    /// let unsupported: Unsupported = serde_json::from_str(r#"{"type": "poll_creation"}"#)?;
    /// assert_eq!(unsupported.kind.as_deref(), Some("poll_creation"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct Unsupported {
        /// Its type: `poll_creation`, `gif`, `pin`, …; may be missing.
        pub kind = "type": Option<Box<str>>,
    }
}
