use serde_json::{Map, Value};

use super::Payload;
use crate::json::object::object;
use crate::model::{PhoneNumberId, Timestamp};

object! {
    /// `account_settings_update`: the settings of a number changed.
    ///
    /// ```json
    /// {"messaging_product": "whatsapp", "timestamp": "1785000000", "type": "PHONE_NUMBER_SETTINGS",
    ///  "phone_number_settings": {"phone_number_id": "300200100500600", "calling": {"status": "ENABLED"}}}
    /// ```
    ///
    /// `messaging_product` is always `whatsapp`, and is not kept.
    ///
    /// Meta's page: [call settings](https://developers.facebook.com/documentation/business-messaging/whatsapp/calling/call-settings).
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/account-settings-update.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::AccountSettingsUpdate(change)] = webhook.events() else { panic!("one change") };
    /// let settings = change.value.phone_number_settings.as_ref().unwrap();
    /// assert_eq!(settings.calling.as_ref().unwrap()["status"], "ENABLED");
    /// assert_eq!(change.account.phone_number_id, settings.phone_number_id);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct AccountSettingsUpdate {
        /// When they changed.
        pub timestamp: Option<Timestamp>,
        /// Which settings: `PHONE_NUMBER_SETTINGS`.
        pub kind = "type": Option<Box<str>>,
        /// The settings of the number.
        pub phone_number_settings: Option<PhoneNumberSettings>,
    }
}

object! {
    /// The settings of a number.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::PhoneNumberSettings;
    ///
    /// let settings: PhoneNumberSettings = serde_json::from_str(
    ///     r#"{"phone_number_id": "300200100500600", "calling": {"status": "DISABLED"}}"#,
    /// )?;
    /// let calling = settings.calling.unwrap_or_default();
    /// assert_eq!(calling["status"], "DISABLED");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct PhoneNumberSettings {
        /// The number.
        pub phone_number_id: Option<PhoneNumberId>,
        /// Its settings for calls, in the form of Meta's settings endpoint.
        pub calling: Option<Map<String, Value>>,
    }
}

impl Payload for AccountSettingsUpdate {
    fn phone_number_id(&self) -> Option<&PhoneNumberId> {
        self.phone_number_settings
            .as_ref()?
            .phone_number_id
            .as_ref()
    }

    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}
