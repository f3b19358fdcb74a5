use super::Payload;
use crate::json::object::object;
use crate::model::text_enum::text_enum;

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
