//! Items of conversations that are no messages: statuses, preferences, calls, groups, echoes, …

use serde_json::{Value, json};

use super::item::{Item, SampleKind, Settings};
use super::messages;
use super::sample::Sample;
use crate::event::{
    AutomaticEvent, Call, CallStatus, ConversationContext, FieldEvent, GroupLifecycleUpdate,
    GroupParticipantsUpdate, GroupSettingsUpdate, GroupStatusUpdate, History, HistoryMessage,
    MessageEcho, MessageReceived, MessageStatusChanged, MessagingHandover, MetaError,
    SmbAppStateSync, StandbyEcho, StandbyMessage, StandbyStatus, TrackingEvent, UserAction,
    UserIdUpdate, UserPreference, UserSubscribed,
};

/// Declares kinds of items in lists: the field, the list, and the members.
macro_rules! kinds {
    ($($name:ident = $field:literal $list:literal, $has_contact:literal, $fill:expr;)+) => { $(
        pub(super) const $name: SampleKind = SampleKind {
            field: $field,
            list: Some($list),
            fill: $fill,
            has_contact: $has_contact,
        };
    )+ };
}

kinds! {
    STATUS = "messages" "statuses", true, status_of;
    // Meta leaves out the contact of a message that failed.
    FAILURE = "messages" "statuses", false, status_of;
    STANDBY_STATUS = "standby" "statuses", true, status_of;
    STANDBY_MESSAGE = "standby" "messages", true, messages::fill;
    STANDBY_ECHO = "standby" "message_echoes", false, |s| json!({
        "id": s.id("wamid"), "timestamp": s.time(),
        "message": match &s.group_id {
            Some(group) => json!({"to": group, "recipient_type": "group"}),
            None => json!({
                "to": s.phone, "recipient": s.user_id, "recipient_type": "individual",
            }),
        },
    });
    ECHO = "smb_message_echoes" "message_echoes", true, |s| json!({
        "from": s.business(), "to": s.phone, "to_user_id": s.user_id,
        "to_parent_user_id": s.parent_user_id, "id": s.id("wamid"), "timestamp": s.time(),
        "context": s.context(), "group_id": s.group_id,
    });
    HISTORY = "history" "history", false, |s| json!({
        "metadata": {"phase": 0, "chunk_order": s.number(), "progress": 100},
    });
    HISTORY_MESSAGE = "history" "messages", true, messages::fill;
    STATE_SYNC = "smb_app_state_sync" "state_sync", false, |s| json!({
        "type": "contact", "metadata": {"timestamp": s.own_time().to_string()},
        "contact": {
            "full_name": s.name, "first_name": s.name, "phone_number": s.phone,
            "user_id": s.user_id, "parent_user_id": s.parent_user_id, "username": s.username,
        },
    });
    PREFERENCE = "user_preferences" "user_preferences", true, |s| json!({
        "wa_id": s.phone, "user_id": s.user_id, "parent_user_id": s.parent_user_id,
        "category": "marketing_messages", "timestamp": s.own_time(),
    });
    USER_ID_UPDATE = "user_id_update" "user_id_update", true, |s| json!({
        "wa_id": s.phone, "detail": "The user has a new user id",
        "timestamp": s.own_time().to_string(),
    });
    USER_ACTION = "messages" "user_actions", false, |s| json!({
        "timestamp": s.own_time().to_string(),
    });
    CONTEXT = "messages" "conversation_context", false, |_| json!({});
    ERROR = "messages" "errors", false, |_| json!({});
    CALL = "calls" "calls", true, |s| json!({
        "id": s.id("wacid"), "from": s.phone, "from_user_id": s.user_id,
        "from_parent_user_id": s.parent_user_id, "to": s.business(), "timestamp": s.time(),
        "direction": "USER_INITIATED",
    });
    CALL_STATUS = "calls" "statuses", true, |s| json!({
        "id": s.id("wacid"), "type": "call", "timestamp": s.time(), "recipient_id": s.phone,
        "recipient_user_id": s.user_id, "recipient_parent_user_id": s.parent_user_id,
    });
    GROUP_LIFECYCLE = "group_lifecycle_update" "groups", false, group;
    GROUP_ADDED = "group_participants_update" "groups", false, |s| with(
        group(s), "added_participants", json!([participant(s)]),
    );
    GROUP_REMOVED = "group_participants_update" "groups", false, |s| with(
        group(s), "removed_participants", json!([participant(s)]),
    );
    GROUP_REQUEST = "group_participants_update" "groups", false, |s| with(
        json!({
            "wa_id": s.phone, "user_id": s.user_id, "parent_user_id": s.parent_user_id,
            "username": s.username, "timestamp": s.own_time(), "group_id": s.group(),
        }),
        "join_request_id", format!("REQUEST{}", s.number()).into(),
    );
    GROUP_SETTINGS = "group_settings_update" "groups", false, group;
    GROUP_STATUS = "group_status_update" "groups", false, group;
    AUTOMATIC = "automatic_events" "automatic_events", false, |s| json!({
        "id": s.id("wamid"), "timestamp": s.own_time(),
    });
    TRACKING = "tracking_events" "events", false, |s| json!({"timestamp": s.own_time()});
    ANY_ITEM = "" "", false, |_| json!({});
}

/// A handover, which is the value of its field, without a list.
const HANDOVER: SampleKind = SampleKind {
    field: "messaging_handovers",
    list: None,
    fill: |s| {
        json!({
            "messaging_product": "whatsapp", "sender": {"phone_number": s.phone},
            "recipient": {
                "phone_number_id": s.phone_number_id, "display_phone_number": s.display,
            },
            "timestamp": s.own_time().to_string(),
        })
    },
    has_contact: false,
};

fn status_of(s: &Settings) -> Value {
    match &s.group_id {
        Some(group) => json!({
            "timestamp": s.time(), "recipient_id": group, "recipient_type": "group",
            "recipient_participant_id": s.phone, "recipient_participant_user_id": s.user_id,
        }),
        None => json!({
            "timestamp": s.time(), "recipient_id": s.phone, "recipient_user_id": s.user_id,
            "parent_recipient_user_id": s.parent_user_id,
        }),
    }
}

fn group(s: &Settings) -> Value {
    json!({"timestamp": s.own_time().to_string(), "group_id": s.group()})
}

fn participant(s: &Settings) -> Value {
    json!({
        "input": s.phone, "wa_id": s.phone, "user_id": s.user_id,
        "parent_user_id": s.parent_user_id, "username": s.username,
    })
}

fn with(mut object: Value, name: &str, member: Value) -> Value {
    object[name] = member;
    object
}

samples! {
    "webhooks/reference/messages/status" STATUS -> MessageStatusChanged {
        /// Creates the status `sent` of the message with this wamid.
        ///
        /// ```
        /// use whatsapp_signals::testing;
        ///
        /// let sent = testing::sent("wamid.A").to("15550101001").pricing("utility", true).event();
        /// assert_eq!(sent.update.status, "sent");
        /// ```
        sent(id: impl AsRef<str>) {"id": id.as_ref(), "status": "sent"}

        /// Creates the status `delivered` of a message.
        ///
        /// ```
        /// use whatsapp_signals::testing;
        ///
        /// let event = testing::delivered("wamid.A").in_group("Y2FwaV9n").event();
        /// assert_eq!(event.update.group_id.unwrap(), "Y2FwaV9n");
        /// ```
        delivered(id: impl AsRef<str>) {"id": id.as_ref(), "status": "delivered"}

        /// Creates the status `read` of a message.
        ///
        /// ```
        /// assert_eq!(whatsapp_signals::testing::read("wamid.A").event().update.status, "read");
        /// ```
        read(id: impl AsRef<str>) {"id": id.as_ref(), "status": "read"}

        /// Creates the status `played` of a voice message.
        ///
        /// ```
        /// assert_eq!(whatsapp_signals::testing::played("wamid.A").event().update.status, "played");
        /// ```
        played(id: impl AsRef<str>) {"id": id.as_ref(), "status": "played"}
    }

    "webhooks/reference/messages/status" FAILURE -> MessageStatusChanged {
        /// Creates the status `failed` of a message, with Meta's error code and its title.
        ///
        /// ```
        /// use whatsapp_signals::testing;
        ///
        /// let event = testing::failed("wamid.A", 131_026, "Message undeliverable").event();
        /// assert_eq!(event.update.errors[0].code.as_ref().unwrap(), "131026");
        /// ```
        failed(id: impl AsRef<str>, code: u32, title: &str) {
            "id": id.as_ref(), "status": "failed",
            "errors": [{"code": code, "title": title, "message": title}]
        }
    }

    "webhooks/reference/messages/errors" ERROR -> FieldEvent<MetaError> {
        /// Creates an error that concerns no single message, with Meta's code and its title.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::meta_error(130_429, "Rate limit hit").event();
        /// assert_eq!(event.value.code.unwrap(), "130429");
        /// ```
        meta_error(code: u32, title: &str) {"code": code, "title": title, "message": title}
    }

    "webhooks/reference/user_preferences" PREFERENCE -> FieldEvent<UserPreference> {
        /// Creates a preference of the user: `stop` or `resume` marketing messages.
        ///
        /// ```
        /// use whatsapp_signals::event::PreferenceValue;
        ///
        /// let event = whatsapp_signals::testing::preference("stop").event();
        /// assert_eq!(event.value.value, PreferenceValue::Stop);
        /// ```
        preference(value: &str) {
            "value": value, "detail": format!("User requested to {value} marketing messages")
        }
    }

    "webhooks/reference/user_preferences" PREFERENCE -> UserSubscribed {
        /// Creates a subscription through a signup link.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::signup("autumn-rides").named("Ada").event();
        /// assert_eq!((event.contact.display_name(), event.signup.signup_id.as_str()), ("Ada", "autumn-rides"));
        /// ```
        signup(id: &str) {
            "value": "signup", "signup_id": id, "detail": "User signed up for marketing messages"
        }
    }

    "business-scoped-user-ids" USER_ID_UPDATE -> FieldEvent<UserIdUpdate> {
        /// Creates the older form of the notification of another business-scoped user id;
        /// [`user_id_changed`](super::user_id_changed) creates the current one.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::user_id_update("US.7001", "US.7002").event();
        /// assert!(event.raw.as_str().contains("US.7002"));
        /// ```
        user_id_update(previous: &str, current: &str) {
            "user_id": {"previous": previous, "current": current}
        }
    }

    "marketing-messages/track-click-events" USER_ACTION -> FieldEvent<UserAction> {
        /// Creates a tap on a link in a marketing message.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::link_click("click-1").event();
        /// let click = event.value.marketing_messages_link_click_data.unwrap();
        /// assert_eq!(click.click_id.as_deref(), Some("click-1"));
        /// ```
        link_click(id: &str) {
            "action_type": "marketing_messages_link_click",
            "marketing_messages_link_click_data": {
                "click_component": "cta", "click_id": id, "tracking_token": "token-1"
            }
        }
    }

    "marketing-messages/track-click-events" TRACKING -> FieldEvent<TrackingEvent> {
        /// Creates the result of a tracked marketing message, such as `sent`.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::tracking_event("sent").event();
        /// assert_eq!(event.value.event_name.as_deref(), Some("sent"));
        /// ```
        tracking_event(name: &str) {
            "event_name": name, "tracking_data": {"click_id": "click-1", "tracking_token": "token-1"}
        }
    }

    "embedded-signup/automatic-events-api" AUTOMATIC -> FieldEvent<AutomaticEvent> {
        /// Creates a `Purchase` or another event that Meta found in a conversation.
        ///
        /// ```
        /// use serde_json::json;
        ///
        /// let purchase = whatsapp_signals::testing::automatic_event("Purchase");
        /// let event = purchase.set("/custom_data", json!({"currency": "EUR", "value": 8950})).event();
        /// assert!(event.value.custom_data.is_some());
        /// ```
        automatic_event(name: &str) {"event_name": name, "ctwa_clid": "clid-1"}
    }

    "calling/reference" CALL -> FieldEvent<Call> {
        /// Creates an event of a call from the user, such as `connect` or `terminate`.
        ///
        /// ```
        /// use whatsapp_signals::{event::CallEvent, testing};
        ///
        /// let call = testing::call("connect").id("wacid.A").event();
        /// assert_eq!(call.value.event, CallEvent::Connect);
        /// let end = testing::call("terminate").id("wacid.A").set("/status", "COMPLETED").event();
        /// assert_eq!(end.value.id, call.value.id);
        /// ```
        call(event: &str) {"event": event}
    }

    "calling/reference" CALL_STATUS -> FieldEvent<CallStatus> {
        /// Creates a status of a call to the user: `RINGING`, `ACCEPTED` or `REJECTED`.
        ///
        /// ```
        /// use whatsapp_signals::{event::CallStage, testing};
        ///
        /// let event = testing::call_status("RINGING").id("wacid.A").to("15550101001").event();
        /// assert_eq!(event.value.status, CallStage::Ringing);
        /// ```
        call_status(status: &str) {"status": status}
    }

    "groups/webhooks" GROUP_LIFECYCLE -> FieldEvent<GroupLifecycleUpdate> {
        /// Creates the notification that a group was made.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::group_created("Sunday ride").in_group("Y2FwaV9n").event();
        /// assert_eq!(event.value.group_id.as_ref().unwrap(), "Y2FwaV9n");
        /// ```
        group_created(subject: &str) {
            "type": "group_create", "request_id": "request-1", "subject": subject,
            "invite_link": "https://chat.whatsapp.com/TEST", "join_approval_mode": "auto_approve"
        }

        /// Creates the notification that a group was deleted.
        ///
        /// ```
        /// assert!(whatsapp_signals::testing::group_deleted().event().value.group_id.is_some());
        /// ```
        group_deleted() {"type": "group_delete", "request_id": "request-1"}
    }

    "groups/webhooks" GROUP_ADDED -> FieldEvent<GroupParticipantsUpdate> {
        /// Creates the notification that the user joined a group through its link.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::participant_added().from("31970100202").event();
        /// assert_eq!(event.value.added_participants[0].user.as_ref().unwrap().phone(), Some("31970100202"));
        /// ```
        participant_added() {"type": "group_participants_add", "reason": "invite_link"}
    }

    "groups/webhooks" GROUP_REMOVED -> FieldEvent<GroupParticipantsUpdate> {
        /// Creates the notification that the user left a group.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::participant_removed().event();
        /// assert_eq!(event.value.removed_participants.len(), 1);
        /// ```
        participant_removed() {"type": "group_participants_remove", "initiated_by": "participant"}
    }

    "groups/webhooks" GROUP_REQUEST -> FieldEvent<GroupParticipantsUpdate> {
        /// Creates the request of the user to join a group.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::join_request().event();
        /// assert!(event.value.join_request_id.is_some());
        /// ```
        join_request() {"type": "group_join_request_created", "reason": "invite_link"}
    }

    "groups/webhooks" GROUP_SETTINGS -> FieldEvent<GroupSettingsUpdate> {
        /// Creates the notification that a group has another subject.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::group_renamed("Monday ride").event();
        /// let subject = event.value.group_subject.unwrap();
        /// assert_eq!(subject.text.as_deref(), Some("Monday ride"));
        /// ```
        group_renamed(subject: &str) {
            "type": "group_settings_update", "request_id": "request-1",
            "group_subject": {"text": subject, "update_successful": true}
        }
    }

    "groups/webhooks" GROUP_STATUS -> FieldEvent<GroupStatusUpdate> {
        /// Creates the notification that a group was suspended.
        ///
        /// ```
        /// assert!(whatsapp_signals::testing::group_suspended().event().value.group_id.is_some());
        /// ```
        group_suspended() {"type": "group_suspend"}
    }

    "webhooks/reference/smb_app_state_sync" STATE_SYNC -> FieldEvent<SmbAppStateSync> {
        /// Creates the notification that the user was added to the address book of the app.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::contact_added().named("Ada").event();
        /// assert_eq!(event.value.contact.unwrap().full_name.as_deref(), Some("Ada"));
        /// ```
        contact_added() {"action": "add"}

        /// Creates the notification that the user was removed from the address book of the app.
        ///
        /// ```
        /// use whatsapp_signals::event::SyncAction;
        ///
        /// let event = whatsapp_signals::testing::contact_removed().event();
        /// assert_eq!(event.value.action, SyncAction::Remove);
        /// ```
        contact_removed() {"action": "remove"}
    }

    "webhooks/reference/messaging-handovers" HANDOVER -> FieldEvent<MessagingHandover> {
        /// Creates the notification that a conversation was passed from one role to another.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::control_passed("ai_agent", "escalation").event();
        /// assert_eq!(event.value.control().unwrap().new_owner_role.as_deref(), Some("escalation"));
        /// ```
        control_passed(previous: &str, new: &str) {
            "type": "control_passed",
            "control_passed": {"previous_owner_role": previous, "new_owner_role": new}
        }
    }

    "webhooks/reference/standby" CONTEXT -> FieldEvent<ConversationContext> {
        /// Creates the summary of a conversation from before it was handed to the program.
        ///
        /// In a [`batch`](super::batch), the messages of the same number have it, too:
        ///
        /// ```
        /// use whatsapp_signals::{event::WebhookEvent, testing};
        ///
        /// let context = testing::conversation_context("Ada asked for prices.");
        /// let webhook = testing::batch([testing::text("So?")]).and(context).webhook();
        /// let WebhookEvent::MessageReceived(event) = &webhook.events()[0] else { panic!("a message") };
        /// let context = event.conversation_context.as_ref().unwrap();
        /// assert_eq!(context.text(), Some("Ada asked for prices."));
        /// ```
        conversation_context(summary: &str) {"type": "summary", "summary": {"text": summary}}
    }
}

/// Creates a chunk of old conversations, with messages of the user and [echoes](Sample::echo).
///
/// Meta's page: [history webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/history).
///
/// ```
/// use whatsapp_signals::testing::{self, Item};
///
/// let question = testing::text("Is my bike ready?").from("15550101001");
/// let answer = testing::text("Tomorrow").to("15550101001").echo();
/// let chunk = testing::history([Item::from(question), answer.into()]);
///
/// let names: Vec<_> = chunk.webhook().iter().map(|event| event.name()).collect();
/// assert_eq!(names, ["history", "history_message", "history_message"]);
/// ```
pub fn history<I: Into<Item>>(
    messages: impl IntoIterator<Item = I>,
) -> Sample<FieldEvent<History>> {
    let mut threads: Vec<Value> = Vec::new();
    for item in messages {
        let item: Item = item.into();
        let mut message = item.json();
        message["history_context"] = json!({"status": "READ"});
        let mut context = item.settings.contact();
        context["username"] = json!(item.settings.username);
        if let Value::Object(context) = &mut context {
            context.retain(|name, member| name != "profile" && !member.is_null());
        }
        let thread = threads
            .iter_mut()
            .find(|thread| thread["context"] == context);
        match thread.and_then(|thread| thread["messages"].as_array_mut()) {
            Some(messages) => messages.push(message),
            None => threads.push(json!({
                "id": item.settings.phone, "context": context, "messages": [message],
            })),
        }
    }
    Sample::new(HISTORY, json!({"threads": threads}))
}

/// Creates a text of the app or agent that answers a conversation in which the program is on standby.
///
/// Meta's page: [standby webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/standby).
///
/// ```
/// let event = whatsapp_signals::testing::standby_echo("We are on it").event();
/// assert_eq!(event.value.message["text"]["body"], "We are on it");
///
/// let to_group = whatsapp_signals::testing::standby_echo("We are on it").in_group("Y2FwaV9n");
/// assert_eq!(to_group.event().value.to_message().unwrap().group_id.unwrap(), "Y2FwaV9n");
/// ```
pub fn standby_echo(body: &str) -> Sample<FieldEvent<StandbyEcho>> {
    Sample::new(STANDBY_ECHO, json!({}))
        .set("/message/type", "text")
        .set("/message/text/body", body)
}

/// Creates an item of any list, by the names of the field and the list. The other functions are
/// shorter and complete the item.
///
/// ```
/// use serde_json::json;
/// use whatsapp_signals::event::{FieldEvent, TrackingEvent};
/// use whatsapp_signals::testing::{self, Sample};
///
/// let item: Sample<FieldEvent<TrackingEvent>> =
///     testing::item("tracking_events", "events", json!({"event_name": "read"}));
/// assert_eq!(item.event().value.event_name.as_deref(), Some("read"));
/// ```
pub fn item<E>(field: &'static str, list: &'static str, item: impl Into<Value>) -> Sample<E> {
    let kind = SampleKind {
        field,
        list: Some(list),
        ..ANY_ITEM
    };
    Sample::new(kind, item.into())
}

/// Messages of other kinds of conversations.
impl Sample<MessageReceived> {
    /// Makes it a message that the business sent from the WhatsApp Business app.
    ///
    /// Meta's page: [smb_message_echoes webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/smb_message_echoes).
    ///
    /// ```
    /// use whatsapp_signals::testing;
    ///
    /// let echo = testing::text("Your bike is ready").to("31970100202").echo().event();
    /// assert_eq!(echo.message.recipient().unwrap().phone(), Some("31970100202"));
    /// ```
    pub fn echo(self) -> Sample<MessageEcho> {
        self.of_kind(ECHO)
    }

    /// Makes it a message in a conversation in which the program is on standby.
    ///
    /// Meta's page: [standby webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/standby).
    pub fn standby(self) -> Sample<StandbyMessage> {
        self.of_kind(STANDBY_MESSAGE)
    }

    /// Makes it a message of an old conversation. [`history`](super::history) makes a chunk of
    /// several.
    ///
    /// Meta's page: [history webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/history).
    pub fn historic(self) -> Sample<HistoryMessage> {
        self.of_kind(HISTORY_MESSAGE)
    }
}

/// Statuses of other kinds of conversations.
impl Sample<MessageStatusChanged> {
    /// Makes it a status in a conversation in which the program is on standby.
    pub fn standby(self) -> Sample<StandbyStatus> {
        self.of_kind(STANDBY_STATUS)
    }
}
