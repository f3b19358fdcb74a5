use super::Payload;
use crate::json::object::object;
use crate::model::{Identity, Numbers, Timestamp, UserId, WaId};

object! {
    /// `user_id_update`: a user has another business-scoped user id.
    ///
    /// Meta tells this with a [`System`](crate::model::System) message
    /// nowadays; this field is what early versions had.
    ///
    /// ```json
    /// {"wa_id": "15550101001", "detail": "…", "timestamp": 1785000000,
    ///  "user_id": {"previous": "US.7001", "current": "US.7002"}}
    /// ```
    ///
    /// Meta's page: [business-scoped user ids](https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids).
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/user-id-update.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::UserIdUpdate(change)] = webhook.events() else { panic!("one change") };
    /// let ids = change.value.user_id.as_ref().unwrap();
    /// assert_ne!(ids.previous, ids.current);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct UserIdUpdate {
        /// The user's phone number, when Meta shows it.
        pub wa_id: Option<WaId>,
        /// The id within your portfolio.
        pub user_id: Option<IdChange>,
        /// The id within the enterprise above it.
        pub parent_user_id: Option<IdChange>,
        /// In words.
        pub detail: Option<Box<str>>,
        /// When.
        pub timestamp: Option<Timestamp>,
    }
}

object! {
    /// An id until now, and from now on.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::IdChange;
    ///
    /// let change: IdChange = serde_json::from_str(r#"{"previous": "US.7001", "current": "US.7002"}"#)?;
    /// assert_eq!(change.previous.unwrap(), "US.7001");
    /// assert_eq!(change.current.unwrap(), "US.7002");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct IdChange {
        /// Until now.
        pub previous: Option<UserId>,
        /// From now on.
        pub current: Option<UserId>,
    }
}

impl UserIdUpdate {
    /// The user, by the ids that hold from now on.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::UserIdUpdate;
    ///
    /// let update: UserIdUpdate = serde_json::from_str(
    ///     r#"{"user_id": {"previous": "US.7001", "current": "US.7002"}}"#,
    /// )?;
    /// assert_eq!(update.user().unwrap().user_id().unwrap(), "US.7002");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn user(&self) -> Option<Identity> {
        self.with(|change| change.current.as_ref())
    }

    /// Returns the user by the ids that held until now; `None` when the webhook has none of
    /// them.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::UserIdUpdate;
    ///
    /// let update: UserIdUpdate = serde_json::from_str(
    ///     r#"{"user_id": {"previous": "US.7001", "current": "US.7002"}}"#,
    /// )?;
    /// assert_eq!(update.previous_user().unwrap().user_id().unwrap(), "US.7001");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn previous_user(&self) -> Option<Identity> {
        self.with(|change| change.previous.as_ref())
    }

    fn with(&self, id: fn(&IdChange) -> Option<&UserId>) -> Option<Identity> {
        Identity::from_parts(
            self.wa_id.as_ref(),
            self.user_id.as_ref().and_then(id),
            self.parent_user_id.as_ref().and_then(id),
        )
    }
}

impl Payload for UserIdUpdate {
    const IS_ABOUT_USER: bool = true;

    fn user(&self, _: Numbers<'_>) -> Option<Identity> {
        self.previous_user().or_else(|| self.user())
    }

    fn renamed(&self) -> Option<Identity> {
        self.user()
            .filter(|user| Some(user) != self.previous_user().as_ref())
    }

    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}
