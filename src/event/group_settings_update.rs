use super::Payload;
use crate::json::object::object;
use crate::model::{GroupId, MetaError, Timestamp};

object! {
    /// `group_settings_update`: the subject, description or picture of a group
    /// was changed, or could not be.
    ///
    /// ```json
    /// {"type": "group_settings_update", "group_id": "Y2FwaV9n…", "request_id": "…",
    ///  "timestamp": "1785000000", "group_subject": {"text": "Sunday ride", "update_successful": true},
    ///  "profile_picture": {"mime_type": "image/jpeg", "sha256": "…", "update_successful": false,
    ///                      "errors": [{"code": 131000}]}}
    /// ```
    ///
    /// Meta's page: [group webhooks](https://developers.facebook.com/documentation/business-messaging/whatsapp/groups/webhooks).
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/group-settings-update.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::GroupSettingsUpdate(change)] = webhook.events() else { panic!("one change") };
    /// let picture = change.value.profile_picture.as_ref().unwrap();
    /// assert_eq!(picture.update_successful, Some(false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct GroupSettingsUpdate {
        /// `group_settings_update`.
        pub kind = "type": Option<Box<str>>,
        /// Which group.
        pub group_id: Option<GroupId>,
        /// When.
        pub timestamp: Option<Timestamp>,
        /// Your request that led to it.
        pub request_id: Option<Box<str>>,
        /// Its picture.
        pub profile_picture: Option<Box<GroupSetting>>,
        /// What it is called.
        pub group_subject: Option<Box<GroupSetting>>,
        /// What it is about.
        pub group_description: Option<Box<GroupSetting>>,
        /// Why it could not be done, in whole or in part.
        pub errors: Vec<MetaError>,
    }
}

object! {
    /// One setting of a group.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::GroupSetting;
    ///
    /// let subject: GroupSetting = serde_json::from_str(
    ///     r#"{"text": "Sunday ride", "update_successful": false, "errors": [{"code": 131000}]}"#,
    /// )?;
    /// assert_eq!(subject.update_successful, Some(false));
    /// assert_eq!(subject.errors[0].code.as_ref().unwrap(), "131000");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct GroupSetting {
        /// The new text.
        pub text: Option<Box<str>>,
        /// The MIME type of the new picture.
        pub mime_type: Option<Box<str>>,
        /// The SHA-256 of the new picture, in base64.
        pub sha256: Option<Box<str>>,
        /// Whether it was changed.
        pub update_successful: Option<bool>,
        /// Why it was not.
        pub errors: Vec<MetaError>,
    }
}

impl Payload for GroupSettingsUpdate {
    fn group(&self) -> Option<&str> {
        self.group_id.as_ref().map(GroupId::as_str)
    }

    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}
