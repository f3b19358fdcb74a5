//! The table of signals. Each row gives the documentation, the static, the payload and the name of
//! a signal, and the webhook fields that fire it, if any.
//!
//! Macros that take the table define the statics, the [`Event`](crate::Event) implementations,
//! [`WebhookEvent`](crate::WebhookEvent) and its dispatch, `ALL` and `FIELDS`, and the parser's
//! reader of each field.

/// Passes the table to a macro, behind the extra tokens. There are four kinds of rows:
///
/// - `own`: payloads of a separate type; `each "list" of "field"` names the lists of their items,
///   and `from "field"` a field whose item yields another event first;
/// - `items`: [`FieldEvent`](crate::event::FieldEvent)s, one for each item of a list;
/// - `values`: [`FieldEvent`](crate::event::FieldEvent)s, one for each value;
/// - `manual`: events that the program delivers.
macro_rules! for_each_signal {
    ($callback:ident $(, $extra:tt)*) => {
        $callback! {
            $($extra)*
            own {
                /// A user sent you a message. Django's `whatsapp_message_received`.
                MESSAGE_RECEIVED: MessageReceived = "message_received", each "messages" of "messages";
                /// The status of a message that you sent: sent, delivered, read, played or failed.
                MESSAGE_STATUS_CHANGED: MessageStatusChanged = "message_status_changed",
                    each "statuses" of "messages";
                /// A user submitted a flow. Django's `whatsapp_flow_completed`.
                ///
                /// The message that submitted the flow also fires [`MESSAGE_RECEIVED`](crate::signals::MESSAGE_RECEIVED), immediately
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
                /// A user wrote in a conversation that another app handles.
                STANDBY_MESSAGE: StandbyMessage = "standby_message", each "messages" of "standby";
                /// The status of a message in a conversation that another app handles.
                STANDBY_STATUS: StandbyStatus = "standby_status", each "statuses" of "standby";
                /// An item of a webhook that this version does not support, or that is malformed.
                UNRECOGNIZED: Unrecognized = "unrecognized";
            }
            items {
                /// A message of the app or agent that handles a conversation in place of yours.
                STANDBY_ECHO: StandbyEcho = "standby_echo", each "message_echoes" of "standby";
                /// A chunk of old conversations, without its messages.
                HISTORY: History = "history", each "history" of "history";
                /// A contact in the address book of the WhatsApp Business app changed.
                SMB_APP_STATE_SYNC: SmbAppStateSync = "smb_app_state_sync",
                    each "state_sync" of "smb_app_state_sync";
                /// A summary of a conversation before its handover to you.
                CONVERSATION_CONTEXT: ConversationContext = "conversation_context",
                    each "conversation_context" of "messages";
                /// A user tapped a link in a marketing message.
                USER_ACTION: UserAction = "user_action", each "user_actions" of "messages";
                /// A user stopped or resumed marketing messages.
                USER_PREFERENCE: UserPreference = "user_preference",
                    each "user_preferences" of "user_preferences";
                /// The business-scoped user id of a user changed; early versions of the webhook.
                USER_ID_UPDATE: UserIdUpdate = "user_id_update", each "user_id_update" of "user_id_update";
                /// A call begins, ends, or has been recorded.
                CALL: Call = "call", each "calls" of "calls";
                /// A call that you made is ringing, accepted or rejected.
                CALL_STATUS: CallStatus = "call_status", each "statuses" of "calls";
                /// A group was created or deleted.
                GROUP_LIFECYCLE_UPDATE: GroupLifecycleUpdate = "group_lifecycle_update",
                    each "groups" of "group_lifecycle_update";
                /// Users joined or left a group, or requested to join it.
                GROUP_PARTICIPANTS_UPDATE: GroupParticipantsUpdate = "group_participants_update",
                    each "groups" of "group_participants_update" | "group_participant_update";
                /// The subject, description or picture of a group was changed.
                GROUP_SETTINGS_UPDATE: GroupSettingsUpdate = "group_settings_update",
                    each "groups" of "group_settings_update";
                /// A group was suspended, or its suspension ended.
                GROUP_STATUS_UPDATE: GroupStatusUpdate = "group_status_update",
                    each "groups" of "group_status_update";
                /// Meta detected a purchase or a lead in a conversation.
                AUTOMATIC_EVENT: AutomaticEvent = "automatic_event",
                    each "automatic_events" of "automatic_events";
                /// The result of a tracked marketing message.
                TRACKING_EVENT: TrackingEvent = "tracking_event", each "events" of "tracking_events";
                /// An operation of Meta failed that concerns no single message.
                ///
                /// The error has neither an id nor a time, so equal errors have one
                /// [`dedup_key`](Event::dedup_key): do not drop the second one.
                META_ERROR: MetaError = "meta_error", each "errors" of "messages" | "calls";
            }
            values {
                /// A conversation was handed over to you, or to another app.
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
                /// Meta moved a template to another category, or announced the move.
                TEMPLATE_CATEGORY_UPDATE: TemplateCategoryUpdate = "template_category_update",
                    of "template_category_update";
                /// Meta detected that a template belongs to another category.
                TEMPLATE_CORRECT_CATEGORY_DETECTION: TemplateCorrectCategoryDetection = "template_correct_category_detection",
                    of "template_correct_category_detection";
                /// A WhatsApp Business Account changed: a restriction, a violation, a deletion, …
                ACCOUNT_UPDATE: AccountUpdate = "account_update", of "account_update";
                /// Meta reviewed a WhatsApp Business Account.
                ACCOUNT_REVIEW_UPDATE: AccountReviewUpdate = "account_review_update",
                    of "account_review_update";
                /// An alert about your messaging limit, business profile or official account.
                ACCOUNT_ALERT: AccountAlert = "account_alert", of "account_alerts";
                /// The settings of a number changed.
                ACCOUNT_SETTINGS_UPDATE: AccountSettingsUpdate = "account_settings_update",
                    of "account_settings_update";
                /// Meta reviewed the display name of a number.
                PHONE_NUMBER_NAME_UPDATE: PhoneNumberNameUpdate = "phone_number_name_update",
                    of "phone_number_name_update";
                /// The throughput or the quality of a number changed.
                PHONE_NUMBER_QUALITY_UPDATE: PhoneNumberQualityUpdate = "phone_number_quality_update",
                    of "phone_number_quality_update";
                /// The limits of a business for messages and numbers changed.
                BUSINESS_CAPABILITY_UPDATE: BusinessCapabilityUpdate = "business_capability_update",
                    of "business_capability_update";
                /// The status of a business portfolio changed; not documented by Meta.
                BUSINESS_STATUS_UPDATE: BusinessStatusUpdate = "business_status_update",
                    of "business_status_update";
                /// The username of a number was approved, reserved or deleted.
                BUSINESS_USERNAME_UPDATE: BusinessUsernameUpdate = "business_username_update",
                    of "business_username_updates" | "business_username_update" | "phone_number_username_update";
                /// The two-step PIN of a number was changed, or its reset was requested.
                SECURITY: Security = "security", of "security";
                /// A flow was published, or its endpoint has errors or delays.
                FLOW_UPDATE: FlowUpdate = "flow_update", of "flows";
                /// The status of a solution that you offer with partners changed.
                PARTNER_SOLUTION: PartnerSolution = "partner_solution", of "partner_solutions";
                /// The connection to a payment provider changed.
                PAYMENT_CONFIGURATION_UPDATE: PaymentConfigurationUpdate = "payment_configuration_update",
                    of "payment_configuration_update";
            }
            manual {
                /// You sent a message. Django's `whatsapp_message_sent`; delivered by your code, or
                /// by an engine that [stores](crate::WebhookEngine::process_sent) the message.
                MESSAGE_SENT: MessageSent = "message_sent";
                /// Meta refused a message of yours; delivered by your code, or by an
                /// [engine](crate::WebhookEngine::process_refused).
                MESSAGE_REFUSED: MessageRefused = "message_refused";
                /// A campaign of yours was completed. Django's `whatsapp_campaign_completed`;
                /// delivered by your code, or by an engine that
                /// [stores](crate::engine::Records::save_campaign) the campaign.
                CAMPAIGN_COMPLETED: CampaignCompleted = "campaign_completed";
            }
        }
    };
}

pub(crate) use for_each_signal;
