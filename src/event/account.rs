//! Updates, alerts and reviews of a WhatsApp Business Account.

use super::Payload;
use crate::json::object::object;
use crate::model::text_enum::text_enum;
use crate::model::{AppId, BusinessId, SolutionId, Timestamp, WabaId};

object! {
    /// `account_update`: something happened to a WhatsApp Business Account.
    ///
    /// Which members are there depends on [`event`](Self::event). For the
    /// events about partners `account.waba_id` is the id of a business
    /// portfolio, and the account is in [`waba_info`](Self::waba_info).
    ///
    /// ```json
    /// {"event": "ACCOUNT_RESTRICTION", "phone_number": "15550100200",
    ///  "restriction_info": [{"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION",
    ///                        "expiration": 1785600000}]}
    /// ```
    ///
    /// Meta's page: [account_update webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/account_update).
    ///
    /// ```
    /// use whatsapp_signals::event::{AccountEvent, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/account-update-restriction.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::AccountUpdate(change)] = webhook.events() else { panic!("one change") };
    /// assert_eq!(change.value.event, AccountEvent::AccountRestriction);
    /// assert!(change.value.restriction_info[0].expiration.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Eq, Hash)]
    pub struct AccountUpdate {
        /// What happened.
        pub event: AccountEvent,
        /// The number that it is about.
        pub phone_number: Option<Box<str>>,
        /// Where the business is now, in two letters.
        pub country: Option<Box<str>>,
        /// The account and the partners that share it.
        pub waba_info: Option<Box<WabaInfo>>,
        /// What rule was broken.
        pub violation_info: Option<ViolationInfo>,
        /// What you may no longer do.
        pub restriction_info: Vec<RestrictionInfo>,
        /// Whether the account is disabled, and since when.
        pub ban_info: Option<BanInfo>,
        /// From when international authentication rates hold.
        pub auth_international_rate_eligibility: Option<Box<RateEligibility>>,
        /// The pricing tier that was reached.
        pub volume_tier_info: Option<Box<VolumeTierInfo>>,
        /// Why the number was disconnected.
        pub disconnection_info: Option<DisconnectionInfo>,
        /// How a client's business verification went.
        pub partner_client_certification_info: Option<Box<CertificationInfo>>,
        /// Whose business is still to be verified.
        pub partner_client_certification_needed_info: Option<CertificationNeededInfo>,
    }
}

text_enum! {
    /// What happened to an account.
    pub enum AccountEvent {
        /// It was deleted.
        AccountDeleted = "ACCOUNT_DELETED",
        /// It was disconnected after a change of device.
        AccountOffboarded = "ACCOUNT_OFFBOARDED",
        /// It was connected again.
        AccountReconnected = "ACCOUNT_RECONNECTED",
        /// It may do less than before.
        AccountRestriction = "ACCOUNT_RESTRICTION",
        /// It broke a rule.
        AccountViolation = "ACCOUNT_VIOLATION",
        /// Its ad account is shared with you.
        AdAccountLinked = "AD_ACCOUNT_LINKED",
        /// International authentication rates will hold.
        AuthIntlPriceEligibilityUpdate = "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE",
        /// The country of the business is set.
        BusinessPrimaryLocationCountryUpdate = "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE",
        /// It was disabled, will be, or is back.
        DisabledUpdate = "DISABLED_UPDATE",
        /// The terms of marketing messages were accepted.
        MmLiteTermsSigned = "MM_LITE_TERMS_SIGNED",
        /// It is shared with you.
        PartnerAdded = "PARTNER_ADDED",
        /// Its owner gave your app permissions.
        PartnerAppInstalled = "PARTNER_APP_INSTALLED",
        /// Its owner took them back.
        PartnerAppUninstalled = "PARTNER_APP_UNINSTALLED",
        /// Its owner's business is to be verified by you.
        PartnerClientCertificationNeeded = "PARTNER_CLIENT_CERTIFICATION_NEEDED",
        /// The verification came one step further.
        PartnerClientCertificationStatusUpdate = "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE",
        /// It is no longer shared with you.
        PartnerRemoved = "PARTNER_REMOVED",
        /// Its number was verified.
        VerifiedAccount = "VERIFIED_ACCOUNT",
        /// It reached another pricing tier.
        VolumeBasedPricingTierUpdate = "VOLUME_BASED_PRICING_TIER_UPDATE",
    }
}

impl Payload for AccountUpdate {}

object! {
    /// An account and who shares it.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/account-update-partner-added.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::AccountUpdate(change)] = webhook.events() else { panic!("one change") };
    /// let info = change.value.waba_info.as_ref().unwrap();
    /// assert_eq!(info.waba_id.as_ref().unwrap(), "900800700600500");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct WabaInfo {
        /// The account.
        pub waba_id: Option<WabaId>,
        /// The business portfolio that owns it.
        pub owner_business_id: Option<BusinessId>,
        /// The ad account that is shared.
        pub ad_account_linked: Option<Box<str>>,
        /// The same, as another page of Meta's spells it.
        pub ad_account_id: Option<Box<str>>,
        /// The partner's app.
        pub partner_app_id: Option<AppId>,
        /// The solution through which the customer came.
        pub solution_id: Option<SolutionId>,
        /// The partners of that solution.
        pub solution_partner_business_ids: Vec<BusinessId>,
    }
}

object! {
    /// A broken rule.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::ViolationInfo;
    ///
    /// let info: ViolationInfo = serde_json::from_str(r#"{"violation_type": "ALCOHOL"}"#)?;
    /// assert_eq!(info.violation_type.as_deref(), Some("ALCOHOL"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct ViolationInfo {
        /// Which: `ADULT`, `ALCOHOL`, `LOW_CALLING_QUALITY`, …
        pub violation_type: Option<Box<str>>,
        /// What you can do about it.
        pub remediation: Option<Box<str>>,
    }
}

object! {
    /// Something that you may no longer do.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::{event::RestrictionInfo, model::Timestamp};
    ///
    /// let info: RestrictionInfo = serde_json::from_str(r#"{"expiration": 1785613800}"#)?;
    /// assert!(info.expiration > Some(Timestamp::from_secs(1_785_000_000)), "it still holds");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct RestrictionInfo {
        /// What: `RESTRICTED_BIZ_INITIATED_MESSAGING`, …
        pub restriction_type: Option<Box<str>>,
        /// Until when.
        pub expiration: Option<Timestamp>,
        /// What you can do about it.
        pub remediation: Option<Box<str>>,
    }
}

object! {
    /// Whether an account is disabled.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::{BanInfo, BanState};
    ///
    /// let info: BanInfo = serde_json::from_str(r#"{"waba_ban_state": "SCHEDULE_FOR_DISABLE"}"#)?;
    /// assert_eq!(info.waba_ban_state, [BanState::ScheduleForDisable]);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct BanInfo {
        /// One state or several.
        pub waba_ban_state: Vec<BanState>,
        /// The day, in words: `April 17, 2025`.
        pub waba_ban_date: Option<Box<str>>,
    }
}

text_enum! {
    /// A state of a disabled account.
    pub enum BanState {
        /// It will be disabled.
        ScheduleForDisable = "SCHEDULE_FOR_DISABLE",
        /// It is disabled.
        Disable = "DISABLE",
        /// It is back.
        Reinstate = "REINSTATE",
    }
}

object! {
    /// From when international authentication rates hold.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::RateEligibility;
    ///
    /// let rates: RateEligibility = serde_json::from_str(r#"{"start_time": 1785542400}"#)?;
    /// assert!(rates.start_time.is_some() && rates.exception_countries.is_empty());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct RateEligibility {
        /// In general.
        pub start_time: Option<Timestamp>,
        /// In countries with a date of their own.
        pub exception_countries: Vec<ExceptionCountry>,
    }
}

object! {
    /// A country with a date of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::ExceptionCountry;
    ///
    /// let country: ExceptionCountry = serde_json::from_str(r#"{"country_code": "NG"}"#)?;
    /// assert_eq!(country.country_code.as_deref(), Some("NG"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct ExceptionCountry {
        /// In two letters.
        pub country_code: Option<Box<str>>,
        /// From when the rates hold there.
        pub start_time: Option<Timestamp>,
    }
}

object! {
    /// A tier of prices by volume.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::VolumeTierInfo;
    ///
    /// let info: VolumeTierInfo = serde_json::from_str(r#"{"tier": "100001:250000"}"#)?;
    /// let (from, to) = info.tier.as_deref().and_then(|tier| tier.split_once(':')).unwrap();
    /// assert_eq!((from, to), ("100001", "250000"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct VolumeTierInfo {
        /// When it was reached.
        pub tier_update_time: Option<Timestamp>,
        /// For which category of messages.
        pub pricing_category: Option<Box<str>>,
        /// From how many messages to how many: `25000001:50000000`.
        pub tier: Option<Box<str>>,
        /// The month in which it holds: `2025-11`.
        pub effective_month: Option<Box<str>>,
        /// Where it holds.
        pub region: Option<Box<str>>,
    }
}

object! {
    /// Why a number was disconnected.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::DisconnectionInfo;
    ///
    /// let info: DisconnectionInfo = serde_json::from_str(r#"{"reason": "CHANGE_NUMBER"}"#)?;
    /// assert_eq!(info.reason.as_deref(), Some("CHANGE_NUMBER"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct DisconnectionInfo {
        /// `PRIMARY_INACTIVITY`, `CHANGE_NUMBER`, …
        pub reason: Option<Box<str>>,
        /// `SYSTEM` or `USER`.
        pub initiated_by: Option<Box<str>>,
    }
}

object! {
    /// How the verification of a client's business went.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::CertificationInfo;
    ///
    /// let info: CertificationInfo = serde_json::from_str(r#"{"rejection_reasons": ["WEBSITE"]}"#)?;
    /// assert_eq!(&*info.rejection_reasons[0], "WEBSITE");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct CertificationInfo {
        /// The client.
        pub client_business_id: Option<BusinessId>,
        /// `APPROVED`, `FAILED`, `PENDING`, …
        pub status: Option<Box<str>>,
        /// Why it failed.
        pub rejection_reasons: Vec<Box<str>>,
    }
}

object! {
    /// Whose business is still to be verified.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::CertificationNeededInfo;
    ///
    /// let info: CertificationNeededInfo = serde_json::from_str(r#"{"client_business_id": "4103"}"#)?;
    /// assert_eq!(info.client_business_id.unwrap(), "4103");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct CertificationNeededInfo {
        /// The client.
        pub client_business_id: Option<BusinessId>,
    }
}

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

object! {
    /// `account_review_update`: Meta has reviewed a WhatsApp Business Account.
    ///
    /// ```json
    /// {"decision": "APPROVED"}
    /// ```
    ///
    /// Meta's page: [account_review_update webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/account_review_update).
    ///
    /// ```
    /// use whatsapp_signals::event::{Decision, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/account-review-update.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::AccountReviewUpdate(change)] = webhook.events() else { panic!("one change") };
    /// assert_eq!(change.value.decision, Decision::Approved);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Eq, Hash)]
    pub struct AccountReviewUpdate {
        /// The outcome.
        pub decision: Decision,
    }
}

text_enum! {
    /// What a review of Meta's decided.
    pub enum Decision {
        /// Approved.
        Approved = "APPROVED",
        /// Rejected.
        Rejected = "REJECTED",
        /// Not decided yet.
        Pending = "PENDING",
        /// Put off.
        Deferred = "DEFERRED",
    }
}

impl Payload for AccountReviewUpdate {}
