//! Updates of a business: capabilities, status, username, solutions and payment providers.

use super::{MessagingLimit, Payload};
use crate::json::object::json_object;
use crate::model::text_enum::text_enum;
use crate::model::{SolutionId, Timestamp};

/// `business_capability_update`: the limits of a business for messages and numbers.
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
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct BusinessCapabilityUpdate {
    /// The number of users that the business may message in a day.
    pub max_daily_conversations_per_business: Option<MessagingLimit>,
    /// The number of users that each phone number may message in a day, in older versions.
    pub max_daily_conversation_per_phone: Option<MessagingLimit>,
    /// The limit of phone numbers of the business.
    pub max_phone_numbers_per_business: Option<i64>,
    /// The limit of phone numbers of each account.
    pub max_phone_numbers_per_waba: Option<i64>,
}

impl Payload for BusinessCapabilityUpdate {}

/// `business_status_update`: a change of a business portfolio.
///
/// Meta does not document this field; its members are taken from libraries that read it. Other
/// members are in the raw JSON.
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
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct BusinessStatusUpdate {
    /// The kind of change.
    pub event: Option<Box<str>>,
}

impl Payload for BusinessStatusUpdate {}

/// `business_username_updates`: the username of one of your numbers was
/// approved, reserved or deleted.
///
/// Meta can also revoke a username. Then [`context`](Self::context) is `revoked`, with the status
/// `deleted`, or `approved` if Meta replaced the username by another one.
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
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct BusinessUsernameUpdate {
    /// The phone number, formatted.
    pub display_phone_number: Option<Box<str>>,
    /// The username; missing when it was deleted.
    pub username: Option<Box<str>>,
    /// The status.
    pub status: Option<UsernameStatus>,
    /// Cause of the status, if Meta changed it.
    pub context: Option<UsernameContext>,
    /// Meta's decision on a request, in older webhooks.
    pub decision: Option<Box<str>>,
    /// The requested username, in older webhooks.
    pub requested_username: Option<Box<str>>,
    /// The reasons for a rejection, in older webhooks.
    pub rejection_reasons: Vec<Box<str>>,
}

text_enum! {
    /// The status of a username.
    pub enum UsernameStatus {
        /// The username is visible to users.
        Approved = "approved",
        /// The username is reserved for you and not visible yet.
        Reserved = "reserved",
        /// The username was deleted.
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
        /// Meta revoked the username.
        Revoked = "revoked",
    }
}

impl Payload for BusinessUsernameUpdate {}

/// `partner_solutions`: a change of a solution that you offer with partners.
///
/// `account.waba_id` is the id of a business portfolio in these events.
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
#[json_object]
#[derive(Eq, Hash)]
pub struct PartnerSolution {
    /// `SOLUTION_CREATED`, `SOLUTION_UPDATED`.
    pub event: Box<str>,
    /// The solution.
    pub solution_id: Option<SolutionId>,
    /// The status of the solution.
    pub solution_status: Option<SolutionStatus>,
}

text_enum! {
    /// The status of a solution.
    pub enum SolutionStatus {
        /// The solution was not sent to the partner yet.
        Draft = "DRAFT",
        /// The solution was sent to the partner.
        Initiated = "INITIATED",
        /// The partner accepted the solution.
        Active = "ACTIVE",
        /// The partner rejected the solution.
        Rejected = "REJECTED",
        /// A deactivation was requested.
        PendingDeactivation = "PENDING_DEACTIVATION",
        /// The solution was deactivated.
        Deactivated = "DEACTIVATED",
    }
}

impl Payload for PartnerSolution {}

/// `payment_configuration_update`: a change of the connection to a payment provider.
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
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct PaymentConfigurationUpdate {
    /// Your name of the configuration.
    pub configuration_name: Option<Box<str>>,
    /// `razorpay`, `payu`, …
    pub provider_name: Option<Box<str>>,
    /// Your merchant id at the provider.
    pub provider_mid: Option<Box<str>>,
    /// The status of the connection.
    pub status: Option<PaymentConfigurationStatus>,
    /// The time of the creation.
    pub created_timestamp: Option<Timestamp>,
    /// The time of the last change.
    pub updated_timestamp: Option<Timestamp>,
}

text_enum! {
    /// The status of a connection to a payment provider.
    pub enum PaymentConfigurationStatus {
        /// The connection works.
        Active = "Active",
        /// The provider is not connected yet.
        NeedsConnecting = "Needs Connecting",
        /// The provider is connected and not tested yet.
        NeedsTesting = "Needs Testing",
    }
}

impl Payload for PaymentConfigurationUpdate {
    fn time(&self) -> Option<Timestamp> {
        self.updated_timestamp
    }
}
