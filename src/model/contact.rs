//! Contacts, and the signups that they subscribe through.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::text_enum::text_enum;
use super::{Identity, RawJson, SignupId, Timestamp};
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

/// A link that subscribes whoever taps it: `wa.me/PHONE/signup/ID`.
///
/// The webhook carries the id alone; the rest is what you stored when you made
/// the signup.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::Signup;
///
/// let mut signup = Signup::new("spring_tune_up");
/// signup.confirmation_message = Some("Welcome! Your code: {{promo_code}}".into());
/// signup.promo_code = Some("TUNE10".into());
///
/// assert_eq!(signup.deep_link("+1 555-010-0200"), "https://wa.me/15550100200/signup/spring_tune_up");
/// assert_eq!(signup.confirmation().unwrap(), "Welcome! Your code: TUNE10");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Signup {
    /// Meta's id of it.
    pub signup_id: SignupId,
    /// Your name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// What the user reads before consenting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signup_message: Option<String>,
    /// What the user gets after subscribing; may hold `{{promo_code}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation_message: Option<String>,
    /// Your privacy policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy_policy_url: Option<String>,
    /// Your web site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website_url: Option<String>,
    /// What stands in for `{{promo_code}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promo_code: Option<String>,
    /// Whether the link works.
    #[serde(default = "active")]
    pub status: SignupStatus,
    /// The label that new subscribers get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_add_to_label: Option<String>,
    /// How many subscribed through it.
    #[serde(default)]
    pub subscriber_count: u64,
}

text_enum! {
    /// Whether a signup's link works.
    pub enum SignupStatus {
        /// It does.
        Active = "ACTIVE",
        /// It does not.
        Disabled = "DISABLED",
    }
}

fn active() -> SignupStatus {
    SignupStatus::Active
}

impl Signup {
    /// A signup of which only the id is known.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Signup, SignupStatus};
    ///
    /// let signup = Signup::new("spring_tune_up");
    /// assert_eq!(signup.signup_id, "spring_tune_up");
    /// assert_eq!(signup.status, SignupStatus::Active);
    /// ```
    #[must_use]
    pub fn new(signup_id: impl Into<SignupId>) -> Self {
        Self {
            signup_id: signup_id.into(),
            display_name: None,
            signup_message: None,
            confirmation_message: None,
            privacy_policy_url: None,
            website_url: None,
            promo_code: None,
            status: SignupStatus::Active,
            auto_add_to_label: None,
            subscriber_count: 0,
        }
    }

    /// The link for one of your numbers; only the digits of `phone` count.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::Signup;
    ///
    /// let link = Signup::new("spring_tune_up").deep_link("+1 555-010-0200");
    /// assert_eq!(link, "https://wa.me/15550100200/signup/spring_tune_up");
    /// ```
    #[must_use]
    pub fn deep_link(&self, phone: &str) -> String {
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        format!("https://wa.me/{digits}/signup/{}", self.signup_id)
    }

    /// The confirmation message with the promo code put in.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::Signup;
    ///
    /// let mut signup = Signup::new("spring_tune_up");
    /// assert_eq!(signup.confirmation(), None);
    /// signup.confirmation_message = Some("Your code: {{promo_code}}".into());
    /// signup.promo_code = Some("TUNE10".into());
    /// assert_eq!(signup.confirmation().as_deref(), Some("Your code: TUNE10"));
    /// ```
    #[must_use]
    pub fn confirmation(&self) -> Option<String> {
        let code = self.promo_code.as_deref().unwrap_or_default();
        let message = self.confirmation_message.as_deref()?;
        Some(message.replace("{{promo_code}}", code))
    }
}
