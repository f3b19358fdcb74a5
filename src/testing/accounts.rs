//! Changes of accounts, numbers, templates and flows: each value is one item.

use serde_json::{Value, json};

use super::item::SampleKind;
use super::sample::Sample;
use crate::event::{
    AccountAlert, AccountReviewUpdate, AccountSettingsUpdate, AccountUpdate,
    BusinessCapabilityUpdate, BusinessStatusUpdate, BusinessUsernameUpdate, FieldEvent, FlowUpdate,
    MessageTemplateComponentsUpdate, MessageTemplateQualityUpdate, MessageTemplateStatusUpdate,
    PartnerSolution, PaymentConfigurationUpdate, PhoneNumberNameUpdate, PhoneNumberQualityUpdate,
    Security, TemplateCategoryUpdate, TemplateCorrectCategoryDetection,
};

/// Declares kinds of values: the field, and the members.
macro_rules! kinds {
    ($($name:ident = $field:literal $(with $settings:ident $fill:tt)?;)+) => { $(
        const $name: SampleKind = SampleKind {
            field: $field,
            list: None,
            fill: kinds!(@fill $($settings $fill)?),
            has_contact: false,
        };
    )+ };
    (@fill) => { |_| json!({}) };
    (@fill $settings:ident $fill:tt) => { |$settings| json!($fill) };
}

kinds! {
    TEMPLATE_STATUS = "message_template_status_update";
    TEMPLATE_QUALITY = "message_template_quality_update";
    TEMPLATE_COMPONENTS = "message_template_components_update";
    TEMPLATE_CATEGORY = "template_category_update";
    TEMPLATE_DETECTION = "template_correct_category_detection";
    ACCOUNT = "account_update" with s {"phone_number": s.display};
    REVIEW = "account_review_update";
    ALERT = "account_alerts" with s {"entity_type": "WABA", "entity_id": s.waba_id};
    SETTINGS = "account_settings_update" with s {
        "messaging_product": "whatsapp", "timestamp": s.own_time().to_string(),
        "type": "PHONE_NUMBER_SETTINGS",
        "phone_number_settings": {
            "phone_number_id": s.phone_number_id, "calling": {"status": "ENABLED"}
        }
    };
    CAPABILITY = "business_capability_update";
    BUSINESS = "business_status_update";
    PARTNER = "partner_solutions";
    SECURITY = "security" with s {"display_phone_number": s.display};
    NAME = "phone_number_name_update" with s {"display_phone_number": s.display};
    QUALITY = "phone_number_quality_update" with s {"display_phone_number": s.display};
    USERNAME = "business_username_updates" with s {"display_phone_number": s.display};
    FLOW = "flows";
    PAYMENT = "payment_configuration_update" with s {
        "created_timestamp": 1_784_900_000, "updated_timestamp": s.own_time()
    };
    ANY_CHANGE = "";
}

samples! {
    "webhooks/reference/message_template_status_update"
    TEMPLATE_STATUS -> FieldEvent<MessageTemplateStatusUpdate> {
        /// Creates an event of a template, such as `APPROVED` or `REJECTED`.
        ///
        /// ```
        /// use whatsapp_signals::testing;
        ///
        /// let rejected = testing::template_status("bike_ready", "REJECTED").set("/reason", "INVALID_FORMAT");
        /// assert_eq!(rejected.event().value.reason.as_deref(), Some("INVALID_FORMAT"));
        /// ```
        template_status(name: &str, event: &str) {
            "event": event, "message_template_id": 7_405_060_708_091_011_u64,
            "message_template_name": name, "message_template_language": "en_US",
            "message_template_category": "UTILITY", "reason": "NONE"
        }
    }

    "webhooks/reference/message_template_quality_update"
    TEMPLATE_QUALITY -> FieldEvent<MessageTemplateQualityUpdate> {
        /// Creates the fall or rise of a template's quality, such as `GREEN` to `YELLOW`.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::template_quality("offer", "GREEN", "RED").event();
        /// assert_eq!(event.value.message_template_name.as_deref(), Some("offer"));
        /// ```
        template_quality(name: &str, previous: &str, new: &str) {
            "previous_quality_score": previous, "new_quality_score": new,
            "message_template_id": 7_405_060_708_091_011_u64, "message_template_name": name,
            "message_template_language": "en_US"
        }
    }

    "webhooks/reference/message_template_components_update"
    TEMPLATE_COMPONENTS -> FieldEvent<MessageTemplateComponentsUpdate> {
        /// Creates the notification that a template has another text.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::template_components("offer", "Hi, {{1}}").event();
        /// assert_eq!(event.value.message_template_element.as_deref(), Some("Hi, {{1}}"));
        /// ```
        template_components(name: &str, text: &str) {
            "message_template_id": 7_405_060_708_091_011_u64, "message_template_name": name,
            "message_template_language": "en_US", "message_template_element": text
        }
    }

    "webhooks/reference/template_category_update"
    TEMPLATE_CATEGORY -> FieldEvent<TemplateCategoryUpdate> {
        /// Creates the move of a template to another category, such as `UTILITY` to `MARKETING`.
        ///
        /// ```
        /// use whatsapp_signals::event::TemplateCategory;
        ///
        /// let event = whatsapp_signals::testing::template_category("offer", "UTILITY", "MARKETING").event();
        /// assert_eq!(event.value.new_category, Some(TemplateCategory::Marketing));
        /// ```
        template_category(name: &str, previous: &str, new: &str) {
            "message_template_id": 7_405_060_708_091_011_u64, "message_template_name": name,
            "message_template_language": "en_US", "previous_category": previous,
            "new_category": new
        }
    }

    "webhooks/reference/template_category_update"
    TEMPLATE_DETECTION -> FieldEvent<TemplateCorrectCategoryDetection> {
        /// Creates the detection of a wrong template category.
        ///
        /// ```
        /// use whatsapp_signals::testing;
        ///
        /// let event = testing::template_detection("offer", "UTILITY", "MARKETING").event();
        /// assert_eq!(event.value.message_template_name.as_deref(), Some("offer"));
        /// ```
        template_detection(name: &str, category: &str, correct: &str) {
            "message_template_id": 7_405_060_708_091_011_u64, "message_template_name": name,
            "message_template_language": "en_US", "category": category, "correct_category": correct
        }
    }

    "webhooks/reference/account_update" ACCOUNT -> FieldEvent<AccountUpdate> {
        /// Creates an event of an account, such as `VERIFIED_ACCOUNT`. [`set`](Sample::set) adds the
        /// members that belong to some events.
        ///
        /// ```
        /// use serde_json::json;
        ///
        /// let ban = json!({"waba_ban_state": "SCHEDULE_FOR_DISABLE", "waba_ban_date": "August 9, 2026"});
        /// let event = whatsapp_signals::testing::account_update("DISABLED_UPDATE").set("/ban_info", ban).event();
        /// assert!(event.value.ban_info.is_some());
        /// ```
        account_update(event: &str) {"event": event}
    }

    "webhooks/reference/account_review_update" REVIEW -> FieldEvent<AccountReviewUpdate> {
        /// Creates the result of a review: `APPROVED` or `REJECTED`.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::account_review("REJECTED").event();
        /// assert_eq!(event.value.decision, "REJECTED");
        /// ```
        account_review(decision: &str) {"decision": decision}
    }

    "webhooks/reference/account_alerts" ALERT -> FieldEvent<AccountAlert> {
        /// Creates an alert of a type such as `PROFILE_PICTURE_LOST`.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::account_alert("PROFILE_PICTURE_LOST").event();
        /// let alert = event.value.alert_info.unwrap();
        /// assert_eq!(alert.alert_type.as_deref(), Some("PROFILE_PICTURE_LOST"));
        /// ```
        account_alert(kind: &str) {"alert_info": {
            "alert_severity": "WARNING", "alert_status": "ACTIVE", "alert_type": kind,
            "alert_description": "An alert"
        }}
    }

    "calling/call-settings" SETTINGS -> FieldEvent<AccountSettingsUpdate> {
        /// Creates the notification that calls to the number are enabled.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::account_settings().event();
        /// assert!(event.value.phone_number_settings.is_some());
        /// ```
        account_settings() {}
    }

    "webhooks/reference/business_capability_update" CAPABILITY -> FieldEvent<BusinessCapabilityUpdate> {
        /// Creates new limits of a business for conversations a day and for numbers.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::business_capability(2000, 25).event();
        /// assert_eq!(event.value.max_phone_numbers_per_waba, Some(25));
        /// ```
        business_capability(conversations: u64, numbers: u64) {
            "max_daily_conversations_per_business": conversations,
            "max_phone_numbers_per_waba": numbers
        }
    }

    "webhooks/reference/partner_solutions" PARTNER -> FieldEvent<PartnerSolution> {
        /// Creates an event of a solution that is offered with partners, such as `SOLUTION_CREATED`.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::partner_solution("SOLUTION_CREATED", "INITIATED").event();
        /// assert!(event.value.solution_id.is_some());
        /// ```
        partner_solution(event: &str, status: &str) {
            "event": event, "solution_id": "840730620510400", "solution_status": status
        }
    }

    "webhooks/reference/security" SECURITY -> FieldEvent<Security> {
        /// Creates an event of the two-step PIN, such as `PIN_RESET_REQUEST`.
        ///
        /// ```
        /// use whatsapp_signals::event::SecurityEvent;
        ///
        /// let event = whatsapp_signals::testing::security("PIN_RESET_REQUEST").event();
        /// assert_eq!(event.value.event, SecurityEvent::PinResetRequest);
        /// ```
        security(event: &str) {"event": event, "requester": "70550660770880"}
    }

    "webhooks/reference/phone_number_name_update" NAME -> FieldEvent<PhoneNumberNameUpdate> {
        /// Creates the review of a display name: `APPROVED` or `REJECTED`.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::phone_number_name("Juniper Yard", "APPROVED").event();
        /// assert_eq!(event.value.requested_verified_name.as_deref(), Some("Juniper Yard"));
        /// ```
        phone_number_name(name: &str, decision: &str) {
            "decision": decision, "requested_verified_name": name, "rejection_reason": null
        }
    }

    "webhooks/reference/phone_number_quality_update" QUALITY -> FieldEvent<PhoneNumberQualityUpdate> {
        /// Creates a change of a number's throughput, such as `THROUGHPUT_UPGRADE` to `TIER_10K`.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::phone_number_quality("THROUGHPUT_UPGRADE", "TIER_10K").event();
        /// assert!(event.value.current_limit.is_some());
        /// ```
        phone_number_quality(event: &str, limit: &str) {"event": event, "current_limit": limit}
    }

    "business-scoped-user-ids" USERNAME -> FieldEvent<BusinessUsernameUpdate> {
        /// Creates the `approved`, `reserved` or `deleted` username of a number.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::business_username("juniper.yard", "approved").event();
        /// assert_eq!(event.value.username.as_deref(), Some("juniper.yard"));
        /// ```
        business_username(username: &str, status: &str) {"username": username, "status": status}
    }

    "webhooks/reference/payment_configuration_update"
    PAYMENT -> FieldEvent<PaymentConfigurationUpdate> {
        /// Creates the status of a payment configuration, such as `Active`.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::payment_configuration("Active").event();
        /// assert_eq!(event.value.provider_name.as_deref(), Some("razorpay"));
        /// ```
        payment_configuration(status: &str) {
            "configuration_name": "counter", "provider_name": "razorpay",
            "provider_mid": "acc_TEST", "status": status
        }
    }
}

/// Creates an event of a business portfolio, in an undocumented field.
///
/// ```
/// let event = whatsapp_signals::testing::business_status("ACCOUNT_VIOLATION").event();
/// assert!(event.time.is_some());
/// ```
pub fn business_status(event: &str) -> Sample<FieldEvent<BusinessStatusUpdate>> {
    Sample::new(BUSINESS, json!({"event": event}))
}

/// Creates the change of a flow from one status to another, such as `DRAFT` to `PUBLISHED`.
///
/// Meta's page: [flows webhooks](https://developers.facebook.com/docs/whatsapp/flows/guides/flowswebhooks).
///
/// ```
/// use whatsapp_signals::event::FlowStatus;
///
/// let event = whatsapp_signals::testing::flow_status("DRAFT", "PUBLISHED").event();
/// assert_eq!(event.value.new_status, Some(FlowStatus::Published));
/// ```
pub fn flow_status(previous: &str, new: &str) -> Sample<FieldEvent<FlowUpdate>> {
    let message = format!("The flow went from {previous} to {new}");
    let value = json!({
        "event": "FLOW_STATUS_CHANGE", "flow_id": "730620510400290", "message": message,
        "old_status": previous, "new_status": new,
    });
    Sample::new(FLOW, value)
}

/// Creates the value of any field. The other functions are shorter and complete the value.
///
/// ```
/// use serde_json::json;
/// use whatsapp_signals::event::{AccountUpdate, FieldEvent};
/// use whatsapp_signals::testing::{self, Sample};
///
/// let country = json!({"event": "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE", "country": "IN"});
/// let sample: Sample<FieldEvent<AccountUpdate>> = testing::change("account_update", country);
/// assert_eq!(sample.event().value.country.as_deref(), Some("IN"));
/// ```
pub fn change<E>(field: &'static str, value: impl Into<Value>) -> Sample<E> {
    let kind = SampleKind {
        field,
        ..ANY_CHANGE
    };
    Sample::new(kind, value.into())
}
