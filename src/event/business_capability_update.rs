use super::{MessagingLimit, Payload};
use crate::json::object::object;

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
