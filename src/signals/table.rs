//! The table of signals: each row gives a signal its doc, its static, its payload, its name
//! and, where a webhook fires it, the webhook fields that do.
//!
//! The macros to which the table is handed make the statics, the [`Event`](crate::Event)
//! implementations, [`WebhookEvent`](crate::WebhookEvent) and its dispatch, `ALL` and `FIELDS`
//! of it; and the parser's way from a field to its payload.

/// Hands the table to a macro. There are four kinds of rows:
///
/// - `own`: payloads of their own; `each "list" of "field"` says where their items are,
///   `from "field"` that they come with those of another row;
/// - `items`: [`FieldEvent`](crate::event::FieldEvent)s, one for each item of a list;
/// - `values`: [`FieldEvent`](crate::event::FieldEvent)s, one for each value;
/// - `manual`: delivered by the program.
macro_rules! for_each_signal {
    ($callback:ident) => {
        $callback! {
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
                /// A message sent from the WhatsApp Business app.
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
                /// A message of the app or agent that answers a conversation which you only watch.
                STANDBY_ECHO: StandbyEcho = "standby_echo", each "message_echoes" of "standby";
                /// A piece of old conversations, without its messages.
                HISTORY: History = "history", each "history" of "history";
                /// A contact in the address book of the WhatsApp Business app changed.
                SMB_APP_STATE_SYNC: SmbAppStateSync = "smb_app_state_sync",
                    each "state_sync" of "smb_app_state_sync";
                /// A summary of a conversation from before it was handed to you.
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
                /// The result of a tracked marketing message.
                TRACKING_EVENT: TrackingEvent = "tracking_event", each "events" of "tracking_events";
                /// Meta could not do something that concerns no single message.
                ///
                /// It has neither an id nor a time, so equal errors have one
                /// [`dedup_key`](Event::dedup_key): do not drop the second one.
                META_ERROR: MetaError = "meta_error", each "errors" of "messages" | "calls";
            }
            values {
                /// A conversation was given to you, or taken from you.
                MESSAGING_HANDOVER: MessagingHandover = "messaging_handover", of "messaging_handovers";
                /// A template was approved, rejected, paused, …
                MESSAGE_TEMPLATE_STATUS_UPDATE: MessageTemplateStatusUpdate = "message_template_status_update",
                    of "message_template_status_update";
                /// The quality rating of a template changed.
                MESSAGE_TEMPLATE_QUALITY_UPDATE: MessageTemplateQualityUpdate = "message_template_quality_update",
                    of "message_template_quality_update";
                /// The text or the buttons of a template changed.
                MESSAGE_TEMPLATE_COMPONENTS_UPDATE: MessageTemplateComponentsUpdate = "message_template_components_update",
                    of "message_template_components_update";
                /// Meta moved a template to another category, or is going to.
                TEMPLATE_CATEGORY_UPDATE: TemplateCategoryUpdate = "template_category_update",
                    of "template_category_update";
                /// Meta found that a template belongs to another category.
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
                /// The limits of a business for messages and numbers changed.
                BUSINESS_CAPABILITY_UPDATE: BusinessCapabilityUpdate = "business_capability_update",
                    of "business_capability_update";
                /// Something happened to a business portfolio; not documented by Meta.
                BUSINESS_STATUS_UPDATE: BusinessStatusUpdate = "business_status_update",
                    of "business_status_update";
                /// The username of a number was approved, reserved or deleted.
                BUSINESS_USERNAME_UPDATE: BusinessUsernameUpdate = "business_username_update",
                    of "business_username_updates" | "business_username_update" | "phone_number_username_update";
                /// The two-step PIN of a number was changed, or its reset was requested.
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
                /// You sent a message. Django's `whatsapp_message_sent`; delivered by your
                /// code, or by an engine that [stores](crate::WebhookEngine::process_sent) it.
                MESSAGE_SENT: MessageSent = "message_sent";
                /// Meta refused a message that you wanted to send; delivered by your code, or by
                /// an [engine](crate::WebhookEngine::process_refused).
                MESSAGE_REFUSED: MessageRefused = "message_refused";
                /// A campaign of yours has run to its end. Django's
                /// `whatsapp_campaign_completed`; delivered by your code, or by an engine that
                /// [keeps](crate::engine::Records::save_campaign) the campaign.
                CAMPAIGN_COMPLETED: CampaignCompleted = "campaign_completed";
            }
        }
    };
}

pub(crate) use for_each_signal;
