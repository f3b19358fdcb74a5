//! Contacts, and the signups that they subscribe through.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::text_enum::text_enum;
use super::{Identity, RawJson, SignupId, Timestamp};
use crate::json::stored::stored;

stored! {
    /// A WhatsApp user in your program's records.
    ///
    /// A webhook provides the identity and the profile; your program adds labels, notes and
    /// opt-outs.
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
    /// contact.username = Some("ada.gravels".into());
    /// assert_eq!(contact.display_name(), "ada.gravels");
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
        /// The identity, with every id that Meta sent.
        pub identity: Identity,
        /// The name of the WhatsApp profile.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub name: Option<Arc<str>>,
        /// The username of the WhatsApp profile, with or without its `@`, as Meta wrote it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub username: Option<Arc<str>>,
        /// The country of the profile, a two-letter code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub country_code: Option<Arc<str>>,
        /// Changes when the user's WhatsApp identity changes; present when the
        /// identity check of the number is on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub identity_key_hash: Option<Arc<str>>,
        /// The email address, if known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub email: Option<Box<str>>,
        /// Your labels.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub labels: Vec<String>,
        /// Your notes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub notes: Option<Box<str>>,
        /// The user opted out of marketing.
        #[serde(default)]
        pub opted_out: bool,
        /// You blocked the user.
        #[serde(default)]
        pub is_blocked: bool,
        /// The user subscribed through an in-app signup.
        #[serde(default)]
        pub subscribed_via_signup: bool,
        /// The time of the subscription.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub subscribed_at: Option<Timestamp>,
        /// The time of the first record.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub created_at: Option<Timestamp>,
        /// The time of the last change of the record.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub updated_at: Option<Timestamp>,
        /// The item of the webhook's `contacts` array.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub raw: Option<RawJson>,
    }
}

impl Contact {
    /// Returns a contact with an identity and no other members.
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

    /// Returns the phone number as WhatsApp's digits, if known.
    #[must_use]
    pub fn phone(&self) -> Option<&str> {
        self.identity.phone()
    }

    /// Returns the display name: the name, or else the username, the phone number or the user id.
    /// Never empty.
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

/// A link by which users subscribe: `wa.me/PHONE/signup/ID`.
///
/// The webhook has only the id; the other members are those that you stored with the signup.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::Signup;
///
/// let mut signup = Signup::new("spring_tune_up");
/// assert_eq!(signup.confirmation(), None);
/// signup.confirmation_message = Some("Welcome! Your code: {{promo_code}}".into());
/// signup.promo_code = Some("TUNE10".into());
///
/// assert_eq!(signup.deep_link("+1 555-010-0200"), "https://wa.me/15550100200/signup/spring_tune_up");
/// assert_eq!(signup.confirmation().unwrap(), "Welcome! Your code: TUNE10");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Signup {
    /// Meta's id of the signup.
    pub signup_id: SignupId,
    /// Your name of the signup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The text before the consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signup_message: Option<String>,
    /// The confirmation after the subscription; may contain `{{promo_code}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation_message: Option<String>,
    /// The address of your privacy policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy_policy_url: Option<String>,
    /// The address of your web site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website_url: Option<String>,
    /// The value of `{{promo_code}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promo_code: Option<String>,
    /// The status of the link.
    #[serde(default = "active")]
    pub status: SignupStatus,
    /// The label of new subscribers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_add_to_label: Option<String>,
    /// The number of subscriptions.
    #[serde(default)]
    pub subscriber_count: u64,
}

text_enum! {
    /// The status of a signup's link.
    pub enum SignupStatus {
        /// The link works.
        Active = "ACTIVE",
        /// The link does not work.
        Disabled = "DISABLED",
    }
}

fn active() -> SignupStatus {
    SignupStatus::Active
}

impl Signup {
    /// Returns a signup with an id and no other members.
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

    /// Returns the link for a business number; only the digits of `phone` count.
    #[must_use]
    pub fn deep_link(&self, phone: &str) -> String {
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        format!("https://wa.me/{digits}/signup/{}", self.signup_id)
    }

    /// Returns the confirmation message with the promo code inserted.
    #[must_use]
    pub fn confirmation(&self) -> Option<String> {
        let code = self.promo_code.as_deref().unwrap_or_default();
        let message = self.confirmation_message.as_deref()?;
        Some(message.replace("{{promo_code}}", code))
    }
}
