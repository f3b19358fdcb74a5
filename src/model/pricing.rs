//! What a message costs.

use super::text_enum::text_enum;
use super::{ConversationId, Timestamp};
use crate::json::object::object;

object! {
    /// The conversation that a message was billed under.
    ///
    /// ```
    /// use whatsapp_signals::model::Conversation;
    ///
    /// let conversation: Conversation =
    ///     serde_json::from_str(r#"{"id": "72b1", "origin": {"type": "marketing"}}"#)?;
    /// assert_eq!(conversation.origin.unwrap().kind.unwrap(), "marketing");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct Conversation {
        /// Its id.
        pub id: Option<ConversationId>,
        /// When its window closes; only with `sent`.
        pub expiration_timestamp: Option<Timestamp>,
        /// What opened it.
        pub origin: Option<ConversationOrigin>,
        /// In group statuses Meta writes the pricing here.
        pub pricing: Option<Pricing>,
    }
}

object! {
    /// What opened a conversation.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{ConversationOrigin, PricingCategory};
    ///
    /// let origin: ConversationOrigin = serde_json::from_str(r#"{"type": "utility"}"#)?;
    /// assert_eq!(origin.kind, Some(PricingCategory::Utility));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct ConversationOrigin {
        /// Its category.
        pub kind = "type": Option<PricingCategory>,
    }
}

object! {
    /// What a message costs.
    ///
    /// ```
    /// use whatsapp_signals::model::{Pricing, PricingCategory, PricingModel};
    ///
    /// let pricing: Pricing = serde_json::from_str(
    ///     r#"{"billable": true, "pricing_model": "PMP", "type": "regular", "category": "utility"}"#,
    /// )?;
    /// assert_eq!(pricing.pricing_model, Some(PricingModel::PerMessage));
    /// assert_eq!(pricing.category, Some(PricingCategory::Utility));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// Meta's page: [pricing](https://developers.facebook.com/docs/whatsapp/pricing).
    #[derive(Default, Eq, Hash)]
    pub struct Pricing {
        /// Whether it is billed; Meta means to drop this.
        pub billable: Option<bool>,
        /// By conversation or by message.
        pub pricing_model: Option<PricingModel>,
        /// Reason why it is free, or that it is not.
        pub kind = "type": Option<PricingType>,
        /// Finer distinction within the type.
        pub subtype: Option<PricingSubtype>,
        /// The rate.
        pub category: Option<PricingCategory>,
    }
}

text_enum! {
    /// By what Meta bills.
    pub enum PricingModel {
        /// By conversation; the model until July 2025.
        PerConversation = "CBP",
        /// By message.
        PerMessage = "PMP",
    }
}

text_enum! {
    /// Reason why a message is free, or that it is not.
    ///
    /// Meta changed the rules on 1 October 2026, so one value covers different
    /// messages before and after that day.
    ///
    /// Meta's page: [pricing](https://developers.facebook.com/docs/whatsapp/pricing).
    pub enum PricingType {
        /// Billed. Since October 2026 also a utility message within 24 hours
        /// after a user's message.
        Regular = "regular",
        /// Free: a service message within the free tier. Until October 2026: a
        /// service or utility message within 24 hours after a user's message.
        FreeCustomerService = "free_customer_service",
        /// Free: a service message to a group.
        FreeGroupCustomerService = "free_group_customer_service",
        /// Free: within the window after a free entry point, which lasts 72
        /// hours, or up to 7 days since October 2026.
        FreeEntryPoint = "free_entry_point",
    }
}

text_enum! {
    /// Finer distinction within a [`PricingType`].
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    /// use whatsapp_signals::model::PricingSubtype;
    ///
    /// let body = &std::fs::read("tests/payloads/status-paid-exempt.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::MessageStatusChanged(event)] = webhook.events() else { panic!("a status") };
    /// let pricing = event.update.pricing.as_ref().unwrap();
    /// assert_eq!(pricing.subtype, Some(PricingSubtype::PaidExempt));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Meta's page: [status messages webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status).
    pub enum PricingSubtype {
        /// Exempt from the charge.
        PaidExempt = "paid_exempt",
    }
}

text_enum! {
    /// The category by which a message or a conversation is billed.
    ///
    /// Meta's page: [pricing](https://developers.facebook.com/docs/whatsapp/pricing).
    pub enum PricingCategory {
        /// A template with a code to log in with.
        Authentication = "authentication",
        /// The same, at the rate for businesses of other countries. In a conversation Meta
        /// writes `authentication_international`.
        AuthenticationInternational = "authentication-international" | "authentication_international",
        /// A template that promotes.
        Marketing = "marketing",
        /// A template sent with the Marketing Messages API.
        MarketingLite = "marketing_lite",
        /// A template about an order or an account.
        Utility = "utility",
        /// A message within 24 hours after a user's message.
        Service = "service",
        /// A conversation that began with an advertisement.
        ReferralConversion = "referral_conversion",
        /// A template that promotes, sent to a group.
        GroupMarketing = "group_marketing",
        /// A template about an order or an account, sent to a group.
        GroupUtility = "group_utility",
        /// A message to a group within 24 hours after a message in it.
        GroupService = "group_service",
        /// A message of an assistant that is the business's main product.
        GeneralPurposeAi = "general_purpose_ai",
    }
}
