//! In-app signups.

use serde::{Deserialize, Serialize};

use super::SignupId;
use super::text_enum::text_enum;

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
