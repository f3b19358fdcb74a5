//! The people who write to you.

use std::sync::Arc;

use super::{Identity, RawJson, Timestamp};
use crate::json::stored::stored;

stored! {
    /// A WhatsApp user as your program knows them.
    ///
    /// A webhook fills in who they are and what their profile says; the rest is
    /// yours: labels, notes, opt-outs.
    ///
    /// # JSON
    ///
    /// ```json
    /// {"wa_id": "15550101001", "user_id": "US.7001",
    ///  "profile": {"name": "Ada Okafor", "username": "ada"}}
    /// ```
    ///
    /// `Deserialize` reads this form, without [`raw`](Self::raw), and the one that `Serialize`
    /// writes: with `identity`, `name`, … in place of the ids and `profile`.
    ///
    /// Meta's page: [messages webhook](https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages).
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Contact, Identity};
    ///
    /// let mut contact = Contact::new(Identity::from_phone("+1 555 010-1001").unwrap());
    /// assert_eq!(contact.display_name(), "15550101001");
    ///
    /// contact.name = Some("Ada Okafor".into());
    /// assert_eq!(contact.display_name(), "Ada Okafor");
    ///
    /// let listed: Contact =
    ///     serde_json::from_str(r#"{"wa_id": "15550101001", "profile": {"name": "Ada Okafor"}}"#)?;
    /// assert_eq!(listed.display_name(), "Ada Okafor");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    #[allow(
        clippy::struct_excessive_bools,
        reason = "independent facts, each with its own name"
    )]
    pub struct Contact {
        /// The user, by every id that Meta gave.
        pub identity: Identity,
        /// The name in their WhatsApp profile.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub name: Option<Arc<str>>,
        /// The username in their WhatsApp profile, with or without its `@`, as
        /// Meta wrote it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub username: Option<Arc<str>>,
        /// The country of their profile, two letters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub country_code: Option<Arc<str>>,
        /// Changes when the user's WhatsApp identity changes; present when the
        /// identity check of the number is on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub identity_key_hash: Option<Arc<str>>,
        /// Theirs, if you know it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub email: Option<Box<str>>,
        /// Your labels.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub labels: Vec<String>,
        /// Your notes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub notes: Option<Box<str>>,
        /// They asked for no more marketing.
        #[serde(default)]
        pub opted_out: bool,
        /// You blocked them.
        #[serde(default)]
        pub is_blocked: bool,
        /// They came through an in-app signup.
        #[serde(default)]
        pub subscribed_via_signup: bool,
        /// When they subscribed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub subscribed_at: Option<Timestamp>,
        /// When your program first saw them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub created_at: Option<Timestamp>,
        /// When your program last changed this record.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub updated_at: Option<Timestamp>,
        /// Their item of the webhook's `contacts` array.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub raw: Option<RawJson>,
    }
}

impl Contact {
    /// A contact of whom only the identity is known.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Contact, Identity};
    ///
    /// let contact = Contact::new(Identity::from_user_id("US.7001").unwrap());
    /// assert_eq!((contact.name, contact.opted_out), (None, false));
    /// ```
    #[must_use]
    #[inline]
    pub fn new(identity: Identity) -> Self {
        Self {
            identity,
            name: None,
            username: None,
            country_code: None,
            identity_key_hash: None,
            email: None,
            labels: Vec::new(),
            notes: None,
            opted_out: false,
            is_blocked: false,
            subscribed_via_signup: false,
            subscribed_at: None,
            created_at: None,
            updated_at: None,
            raw: None,
        }
    }

    /// Returns the phone number in WhatsApp's digits, if it is known.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Contact, Identity};
    ///
    /// let contact = Contact::new(Identity::from_user_id("US.7001").unwrap());
    /// assert_eq!(contact.phone(), None, "a user may be known without a number");
    /// ```
    #[must_use]
    pub fn phone(&self) -> Option<&str> {
        self.identity.phone()
    }

    /// What to call them: the name, or else the username, the phone number or
    /// the user id. Never empty.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Contact, Identity};
    ///
    /// let mut contact = Contact::new(Identity::from_user_id("US.7001").unwrap());
    /// assert_eq!(contact.display_name(), "US.7001");
    /// contact.username = Some("ada.gravels".into());
    /// assert_eq!(contact.display_name(), "ada.gravels");
    /// ```
    #[must_use]
    pub fn display_name(&self) -> &str {
        [self.name.as_deref(), self.username.as_deref()]
            .into_iter()
            .flatten()
            .chain(self.identity.ids())
            .find(|name| !name.is_empty())
            .unwrap_or_default()
    }
}
