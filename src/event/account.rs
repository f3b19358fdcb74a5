//! Updates, alerts and reviews of a WhatsApp Business Account.

use super::Payload;
use crate::json::object::json_object;
use crate::model::text_enum::text_enum;
use crate::model::{AppId, BusinessId, SolutionId, Timestamp, WabaId};

/// `account_update`: a change of a WhatsApp Business Account.
///
/// The [`event`](Self::event) decides which members are present. For the events about partners
/// `account.waba_id` is the id of a business portfolio, and the account is in
/// [`waba_info`](Self::waba_info).
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
#[json_object]
#[derive(Eq, Hash)]
pub struct AccountUpdate {
    /// The kind of change.
    pub event: AccountEvent,
    /// The phone number.
    pub phone_number: Option<Box<str>>,
    /// The country of the business, a two-letter code.
    pub country: Option<Box<str>>,
    /// The account and the partners that share it.
    pub waba_info: Option<Box<WabaInfo>>,
    /// The violated policy.
    pub violation_info: Option<ViolationInfo>,
    /// The restricted features.
    pub restriction_info: Vec<RestrictionInfo>,
    /// The ban state, with its date.
    pub ban_info: Option<BanInfo>,
    /// The start of international authentication rates.
    pub auth_international_rate_eligibility: Option<Box<RateEligibility>>,
    /// The new pricing tier.
    pub volume_tier_info: Option<Box<VolumeTierInfo>>,
    /// The reason for the disconnection.
    pub disconnection_info: Option<DisconnectionInfo>,
    /// The result of a client's business verification.
    pub partner_client_certification_info: Option<Box<CertificationInfo>>,
    /// The client to be verified.
    pub partner_client_certification_needed_info: Option<CertificationNeededInfo>,
}

text_enum! {
    /// The kind of an [`AccountUpdate`].
    pub enum AccountEvent {
        /// The account was deleted.
        AccountDeleted = "ACCOUNT_DELETED",
        /// The account was disconnected after a change of device.
        AccountOffboarded = "ACCOUNT_OFFBOARDED",
        /// The account was connected again.
        AccountReconnected = "ACCOUNT_RECONNECTED",
        /// Features of the account were restricted.
        AccountRestriction = "ACCOUNT_RESTRICTION",
        /// The account violated a policy.
        AccountViolation = "ACCOUNT_VIOLATION",
        /// An ad account was shared with you.
        AdAccountLinked = "AD_ACCOUNT_LINKED",
        /// International authentication rates will apply.
        AuthIntlPriceEligibilityUpdate = "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE",
        /// The country of the business was set.
        BusinessPrimaryLocationCountryUpdate = "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE",
        /// The account was disabled, will be disabled or was reinstated.
        DisabledUpdate = "DISABLED_UPDATE",
        /// The terms of marketing messages were accepted.
        MmLiteTermsSigned = "MM_LITE_TERMS_SIGNED",
        /// The account was shared with you.
        PartnerAdded = "PARTNER_ADDED",
        /// The owner granted permissions to your app.
        PartnerAppInstalled = "PARTNER_APP_INSTALLED",
        /// The owner revoked the permissions of your app.
        PartnerAppUninstalled = "PARTNER_APP_UNINSTALLED",
        /// You are to verify the owner's business.
        PartnerClientCertificationNeeded = "PARTNER_CLIENT_CERTIFICATION_NEEDED",
        /// The state of the verification changed.
        PartnerClientCertificationStatusUpdate = "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE",
        /// The account is no longer shared with you.
        PartnerRemoved = "PARTNER_REMOVED",
        /// The number of the account was verified.
        VerifiedAccount = "VERIFIED_ACCOUNT",
        /// The account reached another pricing tier.
        VolumeBasedPricingTierUpdate = "VOLUME_BASED_PRICING_TIER_UPDATE",
    }
}

impl Payload for AccountUpdate {}

/// An account and its partners.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct WabaInfo {
    /// The account.
    pub waba_id: Option<WabaId>,
    /// The business portfolio that owns it.
    pub owner_business_id: Option<BusinessId>,
    /// The shared ad account.
    pub ad_account_linked: Option<Box<str>>,
    /// The shared ad account, as spelled on another page of Meta.
    pub ad_account_id: Option<Box<str>>,
    /// The partner's app.
    pub partner_app_id: Option<AppId>,
    /// The solution that the customer signed up through.
    pub solution_id: Option<SolutionId>,
    /// The partners of that solution.
    pub solution_partner_business_ids: Vec<BusinessId>,
}

/// A policy violation.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct ViolationInfo {
    /// `ADULT`, `ALCOHOL`, `LOW_CALLING_QUALITY`, …
    pub violation_type: Option<Box<str>>,
    /// The suggested remedy.
    pub remediation: Option<Box<str>>,
}

/// A restricted feature.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct RestrictionInfo {
    /// `RESTRICTED_BIZ_INITIATED_MESSAGING`, …
    pub restriction_type: Option<Box<str>>,
    /// The end of the restriction.
    pub expiration: Option<Timestamp>,
    /// The suggested remedy.
    pub remediation: Option<Box<str>>,
}

/// The ban of an account.
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
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct BanInfo {
    /// One state or several.
    pub waba_ban_state: Vec<BanState>,
    /// The date as text: `April 17, 2025`.
    pub waba_ban_date: Option<Box<str>>,
}

text_enum! {
    /// The state of a ban.
    pub enum BanState {
        /// The account will be disabled.
        ScheduleForDisable = "SCHEDULE_FOR_DISABLE",
        /// The account is disabled.
        Disable = "DISABLE",
        /// The account was reinstated.
        Reinstate = "REINSTATE",
    }
}

/// The start of international authentication rates.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct RateEligibility {
    /// The default start.
    pub start_time: Option<Timestamp>,
    /// The countries with another start.
    pub exception_countries: Vec<ExceptionCountry>,
}

/// A country with its own start of international authentication rates.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct ExceptionCountry {
    /// The two-letter code.
    pub country_code: Option<Box<str>>,
    /// The start of the rates.
    pub start_time: Option<Timestamp>,
}

/// A volume pricing tier.
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
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct VolumeTierInfo {
    /// The time at which the account reached the tier.
    pub tier_update_time: Option<Timestamp>,
    /// The message category.
    pub pricing_category: Option<Box<str>>,
    /// The range of message counts: `25000001:50000000`.
    pub tier: Option<Box<str>>,
    /// The month in which the tier applies: `2025-11`.
    pub effective_month: Option<Box<str>>,
    /// The region in which the tier applies.
    pub region: Option<Box<str>>,
}

/// The disconnection of a number.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct DisconnectionInfo {
    /// `PRIMARY_INACTIVITY`, `CHANGE_NUMBER`, …
    pub reason: Option<Box<str>>,
    /// `SYSTEM` or `USER`.
    pub initiated_by: Option<Box<str>>,
}

/// The verification of a client's business.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct CertificationInfo {
    /// The client.
    pub client_business_id: Option<BusinessId>,
    /// `APPROVED`, `FAILED`, `PENDING`, …
    pub status: Option<Box<str>>,
    /// The reasons for a failure.
    pub rejection_reasons: Vec<Box<str>>,
}

/// A client whose business is to be verified.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct CertificationNeededInfo {
    /// The client.
    pub client_business_id: Option<BusinessId>,
}

/// `account_alerts`: an alert about your messaging limit, your business profile or your official
/// business account.
///
/// The alert is in `alert_info` or, in older webhooks, beside the entity; [`info`](Self::info)
/// covers both.
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
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct AccountAlert {
    /// The type of the entity: `BUSINESS`, `PHONE_NUMBER`, …
    pub entity_type: Option<Box<str>>,
    /// The id of the entity.
    pub entity_id: Option<Box<str>>,
    /// The alert.
    pub alert_info: Option<AlertInfo>,
    /// The severity, in older webhooks.
    pub alert_severity: Option<AlertSeverity>,
    /// The status, in older webhooks.
    pub alert_status: Option<Box<str>>,
    /// The kind of alert, in older webhooks.
    pub alert_type: Option<Box<str>>,
    /// The description, in older webhooks.
    pub alert_description: Option<Box<str>>,
}

/// The content of an [`AccountAlert`].
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct AlertInfo {
    /// The severity.
    pub alert_severity: Option<AlertSeverity>,
    /// The status: `ACTIVE`, `NONE`.
    pub alert_status: Option<Box<str>>,
    /// The kind of alert: `OBA_APPROVED`, `PROFILE_PICTURE_LOST`, …
    pub alert_type: Option<Box<str>>,
    /// The description.
    pub alert_description: Option<Box<str>>,
}

text_enum! {
    /// The severity of an alert.
    pub enum AlertSeverity {
        /// A request was rejected or denied.
        Critical = "CRITICAL",
        /// An action may be necessary.
        Warning = "WARNING",
        /// No action is necessary.
        Informational = "INFORMATIONAL",
    }
}

impl AccountAlert {
    /// Returns the alert of a webhook of any version.
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

/// `account_review_update`: the result of a review of a WhatsApp Business Account.
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
#[json_object]
#[derive(Eq, Hash)]
pub struct AccountReviewUpdate {
    /// The outcome.
    pub decision: Decision,
}

text_enum! {
    /// The result of a review.
    pub enum Decision {
        /// Approved.
        Approved = "APPROVED",
        /// Rejected.
        Rejected = "REJECTED",
        /// The review has not ended.
        Pending = "PENDING",
        /// Deferred.
        Deferred = "DEFERRED",
    }
}

impl Payload for AccountReviewUpdate {}
