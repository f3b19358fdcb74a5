use super::Payload;
use crate::json::object::object;
use crate::model::text_enum::text_enum;
use crate::model::{Identity, Numbers, SignupId, Timestamp, UserId, WaId};

object! {
    /// `user_preferences`: a user wants no more marketing messages, or wants
    /// them again.
    ///
    /// A preference `signup` fires [`USER_SUBSCRIBED`](crate::signals::USER_SUBSCRIBED)
    /// in place of this.
    ///
    /// ```json
    /// {"wa_id": "15550101001", "user_id": "US.7001", "category": "marketing_messages",
    ///  "value": "stop", "detail": "…", "timestamp": 1785000000}
    /// ```
    ///
    /// Meta's page: [user_preferences webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/user_preferences).
    ///
    /// ```
    /// use whatsapp_signals::event::{PreferenceValue, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/user-preferences-stop.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::UserPreference(change)] = webhook.events() else { panic!("one change") };
    /// assert_eq!(change.value.value, PreferenceValue::Stop);
    /// assert!(change.value.user().is_some());
    ///
    /// let body = &std::fs::read("tests/payloads/user-preferences-stop-signup.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::UserPreference(change)] = webhook.events() else { panic!("one change") };
    /// assert_eq!(change.value.signup_id.as_ref().unwrap(), "juniper-autumn-rides");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Eq, Hash)]
    pub struct UserPreference {
        /// The user's phone number, when Meta shows it.
        pub wa_id: Option<WaId>,
        /// The user's id within your portfolio.
        pub user_id: Option<UserId>,
        /// The user's id within the enterprise above it.
        pub parent_user_id: Option<UserId>,
        /// About what: `marketing_messages`.
        pub category: Option<Box<str>>,
        /// What they want.
        pub value: PreferenceValue,
        /// In words.
        pub detail: Option<Box<str>>,
        /// When.
        pub timestamp: Option<Timestamp>,
        /// The [signup](crate::model::Signup) that a
        /// [`Stop`](PreferenceValue::Stop) refers to.
        pub signup_id: Option<SignupId>,
    }
}

text_enum! {
    /// What a user wants.
    pub enum PreferenceValue {
        /// No more of these messages.
        Stop = "stop",
        /// These messages again.
        Resume = "resume",
        /// To subscribe.
        Signup = "signup",
    }
}

impl UserPreference {
    /// The user.
    #[must_use]
    pub fn user(&self) -> Option<Identity> {
        Identity::from_parts(
            self.wa_id.as_ref(),
            self.user_id.as_ref(),
            self.parent_user_id.as_ref(),
        )
    }
}

impl Payload for UserPreference {
    const IS_ABOUT_USER: bool = true;

    fn user(&self, _: Numbers<'_>) -> Option<Identity> {
        self.user()
    }

    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}
