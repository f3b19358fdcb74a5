use super::{
    BanInfo, CertificationInfo, CertificationNeededInfo, DisconnectionInfo, Payload,
    RateEligibility, RestrictionInfo, ViolationInfo, VolumeTierInfo, WabaInfo,
};
use crate::json::object::object;
use crate::model::text_enum::text_enum;

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
