//! Updates of a business: capabilities, status, username, solutions and payment providers.

use super::{MessagingLimit, Payload};
use crate::json::object::object;
use crate::model::text_enum::text_enum;
use crate::model::{SolutionId, Timestamp};

object! {
    /// `business_capability_update`: how many messages and numbers a business
    /// may have.
    ///
    /// ```json
    /// {"max_daily_conversations_per_business": 2000, "max_phone_numbers_per_waba": 25}
    /// ```
    ///
    /// Meta's page: [business_capability_update webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/business_capability_update).
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/business-capability-update.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::BusinessCapabilityUpdate(change)] = webhook.events() else {
    ///     panic!("one change")
    /// };
    /// let limit = change.value.max_daily_conversations_per_business.as_ref().unwrap();
    /// assert_eq!(limit.messages(), Some(2000));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct BusinessCapabilityUpdate {
        /// How many users it may write to in a day.
        pub max_daily_conversations_per_business: Option<MessagingLimit>,
        /// The same for each number, in older versions.
        pub max_daily_conversation_per_phone: Option<MessagingLimit>,
        /// How many numbers it may have in all.
        pub max_phone_numbers_per_business: Option<i64>,
        /// How many numbers each of its accounts may have.
        pub max_phone_numbers_per_waba: Option<i64>,
    }
}

impl Payload for BusinessCapabilityUpdate {}

object! {
    /// `business_status_update`: something happened to a business portfolio.
    ///
    /// Meta has no page about this field; what is known of it comes from
    /// libraries that read it. Everything else is in the raw JSON.
    ///
    /// ```json
    /// {"event": "ACCOUNT_VIOLATION"}
    /// ```
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/business-status-update.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::BusinessStatusUpdate(change)] = webhook.events() else { panic!("one change") };
    /// assert_eq!(change.value.event.as_deref(), Some("ACCOUNT_VIOLATION"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct BusinessStatusUpdate {
        /// What happened.
        pub event: Option<Box<str>>,
    }
}

impl Payload for BusinessStatusUpdate {}

object! {
    /// `business_username_updates`: the username of one of your numbers was
    /// approved, reserved or deleted.
    ///
    /// Meta also takes usernames away. [`context`](Self::context) is then
    /// `revoked`, with status `deleted`, or `approved` if Meta replaced the
    /// username by another one.
    ///
    /// Older spellings of the field are `business_username_update` and, with
    /// other members, `phone_number_username_update`.
    ///
    /// ```json
    /// {"display_phone_number": "15550100200", "username": "juniperyard", "status": "approved"}
    /// {"display_phone_number": "15550100200", "status": "deleted", "context": "revoked"}
    /// {"display_phone_number": "15550100200", "decision": "REJECTED",
    ///  "requested_username": "bikes", "rejection_reasons": ["…"]}
    /// ```
    ///
    /// Meta's page: [business-scoped user ids](https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids).
    ///
    /// ```
    /// use whatsapp_signals::event::{UsernameStatus, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/business-username-deleted.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::BusinessUsernameUpdate(change)] = webhook.events() else { panic!("one change") };
    /// assert_eq!(change.value.status, Some(UsernameStatus::Deleted));
    /// assert_eq!(change.value.username, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct BusinessUsernameUpdate {
        /// The number, as people see it.
        pub display_phone_number: Option<Box<str>>,
        /// The username; missing when it was deleted.
        pub username: Option<Box<str>>,
        /// What became of it.
        pub status: Option<UsernameStatus>,
        /// Cause of the status, if Meta changed it.
        pub context: Option<UsernameContext>,
        /// Older: what Meta decided about a request.
        pub decision: Option<Box<str>>,
        /// Older: the username that was asked for.
        pub requested_username: Option<Box<str>>,
        /// Older: why it was refused.
        pub rejection_reasons: Vec<Box<str>>,
    }
}

text_enum! {
    /// What became of a username.
    pub enum UsernameStatus {
        /// Users see it.
        Approved = "approved",
        /// It is kept for you and not shown yet.
        Reserved = "reserved",
        /// It is gone.
        Deleted = "deleted",
    }
}

text_enum! {
    /// Cause of a username's status.
    ///
    /// ```
    /// use whatsapp_signals::event::{UsernameContext, UsernameStatus, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/business-username-revoked.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::BusinessUsernameUpdate(lost), WebhookEvent::BusinessUsernameUpdate(replaced)] =
    ///     webhook.events()
    /// else {
    ///     panic!("two changes")
    /// };
    /// assert_eq!(lost.value.status, Some(UsernameStatus::Deleted));
    /// assert_eq!(lost.value.context, Some(UsernameContext::Revoked));
    /// assert_eq!(replaced.value.username.as_deref(), Some("juniperyard.repairs"));
    /// assert_eq!(replaced.value.context, Some(UsernameContext::Revoked));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub enum UsernameContext {
        /// Meta took the username away.
        Revoked = "revoked",
    }
}

impl Payload for BusinessUsernameUpdate {}

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

object! {
    /// `payment_configuration_update`: the connection to a payment provider
    /// changed.
    ///
    /// ```json
    /// {"configuration_name": "juniper-pay", "provider_name": "razorpay", "provider_mid": "acc_42",
    ///  "status": "Needs Testing", "created_timestamp": 1785000000, "updated_timestamp": 1785000300}
    /// ```
    ///
    /// Meta's page: [payment_configuration_update webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/payment_configuration_update).
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/payment-configuration-update.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::PaymentConfigurationUpdate(change)] = webhook.events() else {
    ///     panic!("one change")
    /// };
    /// assert!(change.value.updated_timestamp > change.value.created_timestamp);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct PaymentConfigurationUpdate {
        /// Your name for it.
        pub configuration_name: Option<Box<str>>,
        /// `razorpay`, `payu`, …
        pub provider_name: Option<Box<str>>,
        /// Your merchant id at the provider.
        pub provider_mid: Option<Box<str>>,
        /// Whether it works.
        pub status: Option<PaymentConfigurationStatus>,
        /// When it was made.
        pub created_timestamp: Option<Timestamp>,
        /// When it last changed.
        pub updated_timestamp: Option<Timestamp>,
    }
}

text_enum! {
    /// Whether a connection to a payment provider works.
    pub enum PaymentConfigurationStatus {
        /// It does.
        Active = "Active",
        /// It is to be connected.
        NeedsConnecting = "Needs Connecting",
        /// It is connected, and to be tested.
        NeedsTesting = "Needs Testing",
    }
}

impl Payload for PaymentConfigurationUpdate {
    fn time(&self) -> Option<Timestamp> {
        self.updated_timestamp
    }
}
