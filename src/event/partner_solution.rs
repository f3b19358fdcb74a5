use super::Payload;
use crate::json::object::object;
use crate::model::SolutionId;
use crate::model::text_enum::text_enum;

object! {
    /// `partner_solutions`: a solution that you offer together with others
    /// changed.
    ///
    /// `account.waba_id` is the id of a business portfolio here.
    ///
    /// ```json
    /// {"event": "SOLUTION_CREATED", "solution_id": "774485461512159", "solution_status": "INITIATED"}
    /// ```
    ///
    /// Meta's page: [partner_solutions webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/partner_solutions).
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/partner-solution.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::PartnerSolution(change)] = webhook.events() else { panic!("one change") };
    /// assert!(change.value.solution_id.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Eq, Hash)]
    pub struct PartnerSolution {
        /// `SOLUTION_CREATED`, `SOLUTION_UPDATED`.
        pub event: Box<str>,
        /// Which solution.
        pub solution_id: Option<SolutionId>,
        /// What has become of it.
        pub solution_status: Option<SolutionStatus>,
    }
}

text_enum! {
    /// What has become of a solution.
    pub enum SolutionStatus {
        /// It was not sent to the partner yet.
        Draft = "DRAFT",
        /// It was sent to the partner.
        Initiated = "INITIATED",
        /// The partner accepted it.
        Active = "ACTIVE",
        /// The partner refused it.
        Rejected = "REJECTED",
        /// Somebody asked to end it.
        PendingDeactivation = "PENDING_DEACTIVATION",
        /// It has ended.
        Deactivated = "DEACTIVATED",
    }
}

impl Payload for PartnerSolution {}
