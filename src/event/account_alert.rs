use super::Payload;
use crate::json::object::object;
use crate::model::text_enum::text_enum;

object! {
    /// `account_alerts`: something about your messaging limit, your business
    /// profile or your official business account.
    ///
    /// The alert stands in `alert_info` or, in older webhooks, beside the
    /// entity; [`info`](Self::info) looks in both places.
    ///
    /// ```json
    /// {"entity_type": "BUSINESS", "entity_id": "506914307656634",
    ///  "alert_info": {"alert_severity": "WARNING", "alert_status": "ACTIVE",
    ///                 "alert_type": "OBA_REJECTED", "alert_description": "…"}}
    /// ```
    ///
    /// Meta's page: [account_alerts webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/account_alerts).
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// for body in [
    ///     &std::fs::read("tests/payloads/account-alert.json")?[..],
    ///     &std::fs::read("tests/payloads/account-alert-flat.json")?,
    /// ] {
    ///     let webhook = whatsapp_signals::parse(body)?;
    ///     let [WebhookEvent::AccountAlert(change)] = webhook.events() else { panic!("one change") };
    ///     assert!(change.value.info().alert_type.is_some());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct AccountAlert {
        /// What it is about: `BUSINESS`, `PHONE_NUMBER`, …
        pub entity_type: Option<Box<str>>,
        /// The id of what it is about.
        pub entity_id: Option<Box<str>>,
        /// The alert.
        pub alert_info: Option<AlertInfo>,
        /// Older: how bad it is.
        pub alert_severity: Option<AlertSeverity>,
        /// Older: whether it still holds.
        pub alert_status: Option<Box<str>>,
        /// Older: what it is.
        pub alert_type: Option<Box<str>>,
        /// Older: in words.
        pub alert_description: Option<Box<str>>,
    }
}

object! {
    /// An alert.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::{AlertInfo, AlertSeverity};
    ///
    /// let alert: AlertInfo = serde_json::from_str(
    ///     r#"{"alert_severity": "CRITICAL", "alert_type": "OBA_REJECTED"}"#,
    /// )?;
    /// assert_eq!(alert.alert_severity, Some(AlertSeverity::Critical));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct AlertInfo {
        /// How bad it is.
        pub alert_severity: Option<AlertSeverity>,
        /// Whether it still holds: `ACTIVE`, `NONE`.
        pub alert_status: Option<Box<str>>,
        /// What it is: `OBA_APPROVED`, `PROFILE_PICTURE_LOST`, …
        pub alert_type: Option<Box<str>>,
        /// In words.
        pub alert_description: Option<Box<str>>,
    }
}

text_enum! {
    /// How bad an alert is.
    pub enum AlertSeverity {
        /// Something was rejected or denied.
        Critical = "CRITICAL",
        /// You may have to act.
        Warning = "WARNING",
        /// Nothing to do.
        Informational = "INFORMATIONAL",
    }
}

impl AccountAlert {
    /// The alert, wherever the version of the webhook has it.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/account-alert-flat.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::AccountAlert(change)] = webhook.events() else { panic!("one change") };
    /// assert_eq!(change.value.alert_info, None, "an older webhook");
    /// assert_eq!(change.value.info().alert_type.as_deref(), Some("PROFILE_PICTURE_LOST"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn info(&self) -> AlertInfo {
        let here = || AlertInfo {
            alert_severity: self.alert_severity.clone(),
            alert_status: self.alert_status.clone(),
            alert_type: self.alert_type.clone(),
            alert_description: self.alert_description.clone(),
        };
        self.alert_info.clone().unwrap_or_else(here)
    }
}

impl Payload for AccountAlert {}
