//! What an [`AccountUpdate`](super::AccountUpdate) tells beside its event.

use crate::json::object::object;
use crate::model::text_enum::text_enum;
use crate::model::{AppId, BusinessId, SolutionId, Timestamp, WabaId};

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
