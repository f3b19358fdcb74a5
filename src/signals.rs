//! All signals of this crate.
//!
//! Each is a static to which receivers connect: those of the webhook fields, which
//! [`dispatch`](crate::Webhook::dispatch) fires, and two that your code fires. Which
//! field fires which, [`FIELDS`] says, as do the statics below. Meta describes the fields
//! in its [overview].
//!
//! ```
//! use whatsapp_signals::event::MessageStatusChanged;
//! use whatsapp_signals::{parse, receiver, signals::MESSAGE_STATUS_CHANGED};
//!
//! #[receiver(MESSAGE_STATUS_CHANGED)]
//! fn track(event: &MessageStatusChanged) {
//!     assert_eq!(event.update.status, "read");
//! }
//!
//! # fn main() -> Result<(), whatsapp_signals::ParseError> {
//! let report = parse(include_bytes!("../tests/payloads/status-read.json"))?.dispatch();
//! assert_eq!(report.called(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! [overview]: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview

// One table. Each row gives a signal its doc, its static, its payload, its name and,
// where a webhook fires it, the webhook fields that do. From it come the statics, the
// `Event` implementations, the `WebhookEvent` enum with its dispatch, the parser's way
// from a field to its payload, `ALL` and `FIELDS`.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

#[allow(
    clippy::wildcard_imports,
    reason = "the table names nearly all of them"
)]
use crate::event::*;
use crate::model::{Account, Contact, Identity, RawJson};
use crate::signal::{AnySignal, Report, Signal, Watch};
use crate::webhook::Reader;

/// The four kinds of rows:
///
/// - `own`: payloads of their own, read by hand; `each "list" of "field"` says
///   where their items are, `from "field"` that they come with those of
///   another row;
/// - `items`: [`Change`]s, one for each item of a list;
/// - `values`: [`Change`]s, one for each value;
/// - `manual`: fired by the user's code.
macro_rules! signals {
    (
        own { $(
            $(#[$own_doc:meta])*
            $own_signal:ident: $own:ident = $own_name:literal
            $(, each $($own_list:literal)|+ of $($own_field:literal)|+)?
            $(, from $($own_from:literal)|+)?;
        )+ }
        items { $(
            $(#[$item_doc:meta])*
            $item_signal:ident: $item:ident = $item_name:literal,
            each $item_list:literal of $($item_field:literal)|+;
        )+ }
        values { $(
            $(#[$value_doc:meta])*
            $value_signal:ident: $value:ident = $value_name:literal,
            of $($value_field:literal)|+;
        )+ }
        manual { $(
            $(#[$manual_doc:meta])*
            $manual_signal:ident: $manual:ident = $manual_name:literal;
        )+ }
    ) => {
        signals! { @events
            $($(#[$own_doc])* $own_signal: $own($own) = $own_name;)+
            $($(#[$item_doc])* $item_signal: $item(Change<$item>) = $item_name;)+
            $($(#[$value_doc])* $value_signal: $value(Change<$value>) = $value_name;)+
        }
        signals! { @statics
            $(
                $(#[$own_doc])*
                $(
                    #[doc = concat!("\n\nFired by ", $("the field `", $own_field, "`, ",)+)]
                    #[doc = concat!("for each of its ", $("`", $own_list, "`, ",)+ "one by one.")]
                )?
                $(
                    #[doc = concat!("\n\nFired by ", $("the field `", $own_from, "`, ",)+)]
                    /// with another signal.
                )?
                $own_signal: $own = $own_name, stringify!($own);
            )+
            $(
                $(#[$item_doc])*
                #[doc = concat!("\n\nFired by ", $("the field `", $item_field, "`, ",)+)]
                #[doc = concat!("for each of its `", $item_list, "`, one by one.")]
                $item_signal: Change<$item> = $item_name, concat!("Change<", stringify!($item), ">");
            )+
            $(
                $(#[$value_doc])*
                #[doc = concat!("\n\nFired by ", $("the field `", $value_field, "`, ",)+ "for each value.")]
                $value_signal: Change<$value> = $value_name, concat!("Change<", stringify!($value), ">");
            )+
            $($(#[$manual_doc])* $manual_signal: $manual = $manual_name, stringify!($manual);)+
        }

        /// How each item of a field's list is read.
        pub(crate) fn reader_of_items(field: &str, list: &str) -> Option<Reader> {
            use crate::webhook::FromItem;
            match (field, list) {
                $($(($($own_field)|+, $($own_list)|+) => Some(<$own>::READER),)?)+
                $(($($item_field)|+, $item_list) => Some(<Change<$item>>::READER),)+
                _ => None,
            }
        }

        /// How the whole value of a field is read.
        pub(crate) fn reader_of_value(field: &str) -> Option<Reader> {
            use crate::webhook::FromItem;
            match field {
                $($($value_field)|+ => Some(<Change<$value>>::READER),)+
                _ => None,
            }
        }

        /// Whether the values of a field hold lists.
        pub(crate) fn has_lists(field: &str) -> bool {
            let fields: &[&str] = &[
                $($($($own_field,)+)? $($($own_from,)+)?)+
                $($($item_field,)+)+
            ];
            fields.contains(&field)
        }

        /// Which webhook fields fire which signals, by their names: what to
        /// subscribe to in the App Dashboard for the receivers that you have.
        ///
        /// `unrecognized` is not listed: any field may fire it.
        ///
        /// ```
        /// use whatsapp_signals::signals::FIELDS;
        ///
        /// assert!(FIELDS.contains(&("messages", "message_received")));
        /// assert!(FIELDS.contains(&("calls", "call_status")));
        /// ```
        pub static FIELDS: &[(&str, &str)] = &[
            $($($(($own_field, $own_name),)+)? $($(($own_from, $own_name),)+)?)+
            $($(($item_field, $item_name),)+)+
            $($(($value_field, $value_name),)+)+
        ];
    };

    (@events $($(#[$doc:meta])* $signal:ident: $variant:ident($payload:ty) = $name:literal;)+) => {
        /// One event of a webhook: what [`Webhook::events`](crate::Webhook::events)
        /// yields.
        ///
        /// # Examples
        ///
        /// ```
        /// use whatsapp_signals::event::WebhookEvent;
        ///
        /// let body = include_bytes!("../tests/payloads/flow-reply.json");
        /// let webhook = whatsapp_signals::parse(body)?;
        /// let names: Vec<_> = webhook.events().iter().map(WebhookEvent::name).collect();
        /// assert_eq!(names, ["message_received", "flow_completed"]);
        /// # Ok::<(), whatsapp_signals::ParseError>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum WebhookEvent {
            $($(#[$doc])* #[serde(rename = $name)] $variant($payload),)+
        }

        impl WebhookEvent {
            /// The name of its signal: `message_received`, …
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)+
                }
            }

            /// Sends it to the receivers of its signal:
            /// [`Signal::send_robust`].
            #[must_use = "the report holds the failures"]
            pub fn dispatch(&self) -> Report {
                match self {
                    $(Self::$variant(event) => event.send_robust(),)+
                }
            }

            /// [`dispatch`](Self::dispatch), and waits for async receivers:
            /// [`Signal::asend_robust`].
            ///
            /// ```
            /// # pollster::block_on(async {
            /// let body = include_bytes!("../tests/payloads/text.json");
            /// let webhook = whatsapp_signals::parse(body)?;
            /// let report = webhook.events()[0].dispatch_async().await;
            /// assert!(report.is_unheard(), "nobody listens in this example");
            /// # Ok::<(), whatsapp_signals::ParseError>(())
            /// # }).unwrap();
            /// ```
            #[must_use = "the report holds the failures"]
            pub async fn dispatch_async(&self) -> Report {
                match self {
                    $(Self::$variant(event) => $signal.asend_robust(event).await,)+
                }
            }

            /// [`dispatch`](Self::dispatch), with somebody who watches.
            pub(crate) fn dispatch_watched(&self, watch: &mut impl Watch) -> Report {
                match self {
                    $(Self::$variant(event) => $signal.send_watched(event, watch),)+
                }
            }

            /// [`dispatch_async`](Self::dispatch_async), likewise.
            pub(crate) async fn dispatch_async_watched(&self, watch: &mut impl Watch) -> Report {
                match self {
                    $(Self::$variant(event) => $signal.asend_watched(event, watch).await,)+
                }
            }

            /// What it is known by when it comes again:
            /// [`Event::dedup_key`].
            #[must_use]
            pub fn dedup_key(&self) -> String {
                match self {
                    $(Self::$variant(event) => event.dedup_key(),)+
                }
            }

            /// What it must stay in order with: [`Event::partition_key`].
            #[must_use]
            pub fn partition_key(&self) -> String {
                match self {
                    $(Self::$variant(event) => event.partition_key(),)+
                }
            }

            /// The account and number that it concerns.
            ///
            /// ```
            /// let body = include_bytes!("../tests/payloads/text.json");
            /// let webhook = whatsapp_signals::parse(body)?;
            /// let event = &webhook.events()[0];
            /// assert!(event.account().phone_number_id.is_some());
            /// assert_eq!(event.contact().unwrap().display_name(), "Ada Okafor");
            /// # Ok::<(), whatsapp_signals::ParseError>(())
            /// ```
            #[must_use]
            pub fn account(&self) -> &Account {
                match self {
                    $(Self::$variant(event) => &event.account,)+
                }
            }

            /// The user's contact, as the webhook has it; see
            /// [`account`](Self::account) for an example.
            #[must_use]
            pub fn contact(&self) -> Option<&Contact> {
                match self {
                    $(Self::$variant(event) => event.contact(),)+
                }
            }

            /// The user that the event itself names.
            pub(crate) fn user(&self) -> Option<Cow<'_, Identity>> {
                match self {
                    $(Self::$variant(event) => event.user(),)+
                }
            }

            /// Puts what a store knows in the place of the webhook's contact.
            pub(crate) fn set_contact(&mut self, contact: Arc<Contact>) {
                match self {
                    $(Self::$variant(event) => event.set_contact(contact),)+
                }
            }

            /// Whether two with one [`dedup_key`](Self::dedup_key) may be two:
            /// Meta gives a [`META_ERROR`](crate::signals::META_ERROR) neither
            /// an id nor a time, so the same error may have happened again.
            ///
            /// ```
            /// let body = include_bytes!("../tests/payloads/value-errors.json");
            /// let webhook = whatsapp_signals::parse(body)?;
            /// assert_eq!(webhook.events()[0].name(), "meta_error");
            /// assert!(webhook.events()[0].repeats());
            /// # Ok::<(), whatsapp_signals::ParseError>(())
            /// ```
            #[must_use]
            pub fn repeats(&self) -> bool {
                match self {
                    $(Self::$variant(_) => <$payload as Keys>::REPEATS,)+
                }
            }

            /// The JSON of the item that it was made from.
            #[must_use]
            pub fn raw(&self) -> &RawJson {
                match self {
                    $(Self::$variant(event) => &event.raw,)+
                }
            }
        }

        $(impl From<$payload> for WebhookEvent {
            fn from(event: $payload) -> Self {
                Self::$variant(event)
            }
        })+
    };

    (@statics $(
        $(#[$doc:meta])* $signal:ident: $payload:ty = $name:literal, $payload_text:expr;
    )+) => {
        $(
            $(#[$doc])*
            ///
            /// # Examples
            ///
            /// ```
            /// # use whatsapp_signals::{event::*, model::*};
            #[doc = concat!("use whatsapp_signals::{receiver, signals::", stringify!($signal), "};")]
            ///
            #[doc = concat!("#[receiver(", stringify!($signal), ")]")]
            #[doc = concat!("fn receive(event: &", $payload_text, ") {}")]
            ///
            #[doc = concat!("assert!(", stringify!($signal), ".has_receivers());")]
            /// ```
            pub static $signal: Signal<$payload> = Signal::new($name);

            impl Event for $payload {
                const NAME: &'static str = $name;

                fn signal() -> &'static Signal<Self> {
                    &$signal
                }

                fn dedup_key(&self) -> String {
                    format!(concat!($name, ":{}"), self.key())
                }

                fn partition_key(&self) -> String {
                    self.partition()
                }
            }
        )+

        /// Every signal of this crate, in the order of the table.
        ///
        /// ```
        /// use whatsapp_signals::signals;
        ///
        /// for signal in signals::ALL {
        ///     println!("{}: {} receivers", signal.name(), signal.receivers().len());
        /// }
        /// assert_eq!(signals::ALL[0].name(), "message_received");
        /// ```
        pub static ALL: &[&dyn AnySignal] = &[$(&$signal),+];
    };
}

signals! {
    own {
        /// A user sent you a message. Django's `whatsapp_message_received`.
        MESSAGE_RECEIVED: MessageReceived = "message_received", each "messages" of "messages";
        /// A message that you sent came one step further, or failed.
        MESSAGE_STATUS_CHANGED: MessageStatusChanged = "message_status_changed",
            each "statuses" of "messages";
        /// A user submitted a flow. Django's `whatsapp_flow_completed`.
        ///
        /// The message that submitted it also fires [`MESSAGE_RECEIVED`], just
        /// before.
        FLOW_COMPLETED: FlowCompleted = "flow_completed", from "messages";
        /// A user subscribed through a signup link. Django's
        /// `whatsapp_user_subscribed`.
        USER_SUBSCRIBED: UserSubscribed = "user_subscribed",
            from "user_preferences" | "in_app_signup";
        /// Somebody answered from the WhatsApp Business app.
        MESSAGE_ECHO: MessageEcho = "message_echo",
            each "message_echoes" of "smb_message_echoes" | "message_echoes" | "messages";
        /// A message of old conversations.
        HISTORY_MESSAGE: HistoryMessage = "history_message",
            each "messages" | "message_echoes" of "history";
        /// A user wrote in a conversation that you only watch.
        STANDBY_MESSAGE: StandbyMessage = "standby_message", each "messages" of "standby";
        /// A message came one step further in a conversation that you only
        /// watch.
        STANDBY_STATUS: StandbyStatus = "standby_status", each "statuses" of "standby";
        /// Something in a webhook that this version does not know, or that
        /// does not look as it should.
        UNRECOGNIZED: Unrecognized = "unrecognized";
    }
    items {
        /// Whoever answers a conversation that you only watch sent a message.
        STANDBY_ECHO: StandbyEcho = "standby_echo", each "message_echoes" of "standby";
        /// A piece of old conversations, without its messages.
        HISTORY: History = "history", each "history" of "history";
        /// A contact in the address book of the WhatsApp Business app changed.
        SMB_APP_STATE_SYNC: SmbAppStateSync = "smb_app_state_sync",
            each "state_sync" of "smb_app_state_sync";
        /// What was said before a conversation was handed to you.
        CONVERSATION_CONTEXT: ConversationContext = "conversation_context",
            each "conversation_context" of "messages";
        /// A user tapped a link in a marketing message.
        USER_ACTION: UserAction = "user_action", each "user_actions" of "messages";
        /// A user wants no more marketing messages, or wants them again.
        USER_PREFERENCE: UserPreference = "user_preference",
            each "user_preferences" of "user_preferences";
        /// A user has another business-scoped user id; early versions.
        USER_ID_UPDATE: UserIdUpdate = "user_id_update", each "user_id_update" of "user_id_update";
        /// A call begins, ends, or has been recorded.
        CALL: Call = "call", each "calls" of "calls";
        /// A call that you made rings, is accepted or is rejected.
        CALL_STATUS: CallStatus = "call_status", each "statuses" of "calls";
        /// A group was made or deleted.
        GROUP_LIFECYCLE_UPDATE: GroupLifecycleUpdate = "group_lifecycle_update",
            each "groups" of "group_lifecycle_update";
        /// Users joined a group, left it, or ask to be let in.
        GROUP_PARTICIPANTS_UPDATE: GroupParticipantsUpdate = "group_participants_update",
            each "groups" of "group_participants_update" | "group_participant_update";
        /// The subject, description or picture of a group was changed.
        GROUP_SETTINGS_UPDATE: GroupSettingsUpdate = "group_settings_update",
            each "groups" of "group_settings_update";
        /// A group was suspended, or is no longer.
        GROUP_STATUS_UPDATE: GroupStatusUpdate = "group_status_update",
            each "groups" of "group_status_update";
        /// Meta saw a purchase or a lead in a conversation.
        AUTOMATIC_EVENT: AutomaticEvent = "automatic_event",
            each "automatic_events" of "automatic_events";
        /// What became of a marketing message that is tracked.
        TRACKING_EVENT: TrackingEvent = "tracking_event", each "events" of "tracking_events";
        /// Meta could not do something that concerns no single message.
        ///
        /// Meta gives no time with it, so that equal errors have one
        /// [`dedup_key`](Event::dedup_key): do not drop the second one.
        META_ERROR: MetaError = "meta_error", each "errors" of "messages" | "calls";
    }
    values {
        /// A conversation was given to you, or taken from you.
        MESSAGING_HANDOVER: MessagingHandover = "messaging_handover", of "messaging_handovers";
        /// A template was approved, rejected, paused, …
        MESSAGE_TEMPLATE_STATUS_UPDATE: MessageTemplateStatusUpdate = "message_template_status_update",
            of "message_template_status_update";
        /// How users like a template changed.
        MESSAGE_TEMPLATE_QUALITY_UPDATE: MessageTemplateQualityUpdate = "message_template_quality_update",
            of "message_template_quality_update";
        /// The text or the buttons of a template changed.
        MESSAGE_TEMPLATE_COMPONENTS_UPDATE: MessageTemplateComponentsUpdate = "message_template_components_update",
            of "message_template_components_update";
        /// Meta moved a template to another category, or is going to.
        TEMPLATE_CATEGORY_UPDATE: TemplateCategoryUpdate = "template_category_update",
            of "template_category_update";
        /// What you sent belongs to another category.
        TEMPLATE_CORRECT_CATEGORY_DETECTION: TemplateCorrectCategoryDetection = "template_correct_category_detection",
            of "template_correct_category_detection";
        /// Something happened to a WhatsApp Business Account.
        ACCOUNT_UPDATE: AccountUpdate = "account_update", of "account_update";
        /// Meta has reviewed a WhatsApp Business Account.
        ACCOUNT_REVIEW_UPDATE: AccountReviewUpdate = "account_review_update",
            of "account_review_update";
        /// Your messaging limit, business profile or official account.
        ACCOUNT_ALERT: AccountAlert = "account_alert", of "account_alerts";
        /// The settings of a number changed.
        ACCOUNT_SETTINGS_UPDATE: AccountSettingsUpdate = "account_settings_update",
            of "account_settings_update";
        /// Meta has reviewed the display name of a number.
        PHONE_NUMBER_NAME_UPDATE: PhoneNumberNameUpdate = "phone_number_name_update",
            of "phone_number_name_update";
        /// The throughput or the quality of a number changed.
        PHONE_NUMBER_QUALITY_UPDATE: PhoneNumberQualityUpdate = "phone_number_quality_update",
            of "phone_number_quality_update";
        /// How many messages and numbers a business may have.
        BUSINESS_CAPABILITY_UPDATE: BusinessCapabilityUpdate = "business_capability_update",
            of "business_capability_update";
        /// Something happened to a business portfolio; not documented by Meta.
        BUSINESS_STATUS_UPDATE: BusinessStatusUpdate = "business_status_update",
            of "business_status_update";
        /// The username of a number was approved, reserved or deleted.
        BUSINESS_USERNAME_UPDATE: BusinessUsernameUpdate = "business_username_update",
            of "business_username_updates" | "business_username_update" | "phone_number_username_update";
        /// Somebody changed the two-step PIN of a number, or asked to.
        SECURITY: Security = "security", of "security";
        /// A flow was published, or does not work as it should.
        FLOW_UPDATE: FlowUpdate = "flow_update", of "flows";
        /// A solution that you offer with partners changed.
        PARTNER_SOLUTION: PartnerSolution = "partner_solution", of "partner_solutions";
        /// The connection to a payment provider changed.
        PAYMENT_CONFIGURATION_UPDATE: PaymentConfigurationUpdate = "payment_configuration_update",
            of "payment_configuration_update";
    }
    manual {
        /// You sent a message. Django's `whatsapp_message_sent`; fired by your
        /// code.
        MESSAGE_SENT: MessageSent = "message_sent";
        /// A campaign of yours has run to its end. Django's
        /// `whatsapp_campaign_completed`; fired by your code.
        CAMPAIGN_COMPLETED: CampaignCompleted = "campaign_completed";
    }
}
