use super::Payload;
use crate::json::object::object;
use crate::model::text_enum::text_enum;
use crate::model::{Identity, Numbers, Timestamp, UserId, WaId};

object! {
    /// `smb_app_state_sync`: somebody changed a contact in the address book of
    /// the WhatsApp Business app.
    ///
    /// ```json
    /// {"type": "contact", "action": "add", "metadata": {"timestamp": "1785000000"},
    ///  "contact": {"full_name": "Ada Okafor", "first_name": "Ada", "phone_number": "15550101001"}}
    /// ```
    ///
    /// Meta's page: [smb_app_state_sync webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/smb_app_state_sync).
    ///
    /// ```
    /// use whatsapp_signals::event::{SyncAction, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/app-state-sync.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::SmbAppStateSync(added), WebhookEvent::SmbAppStateSync(removed)] = webhook.events()
    /// else { panic!("two changes") };
    /// assert_eq!(added.value.action, SyncAction::Add);
    /// assert_eq!(removed.value.contact.as_ref().unwrap().full_name, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Eq, Hash)]
    pub struct SmbAppStateSync {
        /// What was changed: `contact`.
        pub kind = "type": Option<Box<str>>,
        /// How.
        pub action: SyncAction,
        /// The contact; without names when it was removed.
        pub contact: Option<SyncedContact>,
        /// When.
        pub metadata: Option<SyncMetadata>,
    }
}

text_enum! {
    /// How a contact was changed.
    pub enum SyncAction {
        /// Added or edited.
        Add = "add",
        /// Removed.
        Remove = "remove",
    }
}

object! {
    /// A contact in the address book of the WhatsApp Business app.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/app-state-sync.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::SmbAppStateSync(added), ..] = webhook.events() else { panic!("a change") };
    /// let contact = added.value.contact.as_ref().unwrap();
    /// assert_eq!(contact.full_name.as_deref(), Some("Ada Okafor"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct SyncedContact {
        /// The whole name there.
        pub full_name: Option<Box<str>>,
        /// The first name there.
        pub first_name: Option<Box<str>>,
        /// The phone number, when Meta shows it.
        pub phone_number: Option<WaId>,
        /// The id within your portfolio.
        pub user_id: Option<UserId>,
        /// The id within the enterprise above it.
        pub parent_user_id: Option<UserId>,
        /// The username.
        pub username: Option<Box<str>>,
        /// The country of their profile, two letters.
        pub country_code: Option<Box<str>>,
    }
}

object! {
    /// When a contact was changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::SyncMetadata;
    ///
    /// let metadata: SyncMetadata = serde_json::from_str(r#"{"timestamp": "1785016261"}"#)?;
    /// assert_eq!(metadata.timestamp.unwrap().as_secs(), 1_785_016_261);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct SyncMetadata {
        /// The time.
        pub timestamp: Option<Timestamp>,
    }
}

impl SyncedContact {
    /// The user, by the ids that Meta gave.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::SyncedContact;
    ///
    /// let contact: SyncedContact = serde_json::from_str(r#"{"phone_number": "15550101001"}"#)?;
    /// assert_eq!(contact.user().unwrap().phone(), Some("15550101001"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn user(&self) -> Option<Identity> {
        Identity::from_parts(
            self.phone_number.as_ref(),
            self.user_id.as_ref(),
            self.parent_user_id.as_ref(),
        )
    }
}

impl Payload for SmbAppStateSync {
    const IS_ABOUT_USER: bool = true;

    fn user(&self, _: Numbers<'_>) -> Option<Identity> {
        self.contact.as_ref()?.user()
    }

    fn time(&self) -> Option<Timestamp> {
        self.metadata.as_ref()?.timestamp
    }
}
