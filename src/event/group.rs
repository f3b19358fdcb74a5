//! Updates of groups.

use super::Payload;
use crate::json::object::json_object;
use crate::model::text_enum::text_enum;
use crate::model::{GroupId, Identity, MetaError, Numbers, Timestamp};

/// `group_lifecycle_update`: the creation or deletion of a group, or its failure.
///
/// ```json
/// {"type": "group_create", "group_id": "Y2FwaV9n…", "request_id": "…", "timestamp": "1785000000",
///  "subject": "Sunday ride", "description": "…", "invite_link": "https://…"}
/// ```
///
/// Meta's page: [group webhooks](https://developers.facebook.com/documentation/business-messaging/whatsapp/groups/webhooks).
///
/// ```
/// use whatsapp_signals::event::{GroupLifecycle, WebhookEvent};
///
/// let body = &std::fs::read("tests/payloads/group-created.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::GroupLifecycleUpdate(change)] = webhook.events() else { panic!("one change") };
/// assert_eq!(change.value.kind, GroupLifecycle::Create);
/// assert!(change.value.errors.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Eq, Hash)]
pub struct GroupLifecycleUpdate {
    /// The operation.
    #[json(rename = "type")]
    pub kind: GroupLifecycle,
    /// The group; missing after a failed creation.
    pub group_id: Option<GroupId>,
    /// The time of the event.
    pub timestamp: Option<Timestamp>,
    /// The id of your request.
    pub request_id: Option<Box<str>>,
    /// The name of the group.
    pub subject: Option<Box<str>>,
    /// The description of the group.
    pub description: Option<Box<str>>,
    /// The link by which users join.
    pub invite_link: Option<Box<str>>,
    /// The approval mode of joining users.
    pub join_approval_mode: Option<Box<str>>,
    /// The errors of a failed operation.
    pub errors: Vec<MetaError>,
}

text_enum! {
    /// The kind of a [`GroupLifecycleUpdate`].
    pub enum GroupLifecycle {
        /// The group was created.
        Create = "group_create",
        /// The group was deleted.
        Delete = "group_delete",
    }
}

impl Payload for GroupLifecycleUpdate {
    fn group(&self) -> Option<&str> {
        self.group_id.as_ref().map(GroupId::as_str)
    }

    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

/// `group_participants_update`: users joined or left a group, or requested to join.
///
/// ```json
/// {"type": "group_participants_remove", "group_id": "Y2FwaV9n…", "request_id": "…",
///  "timestamp": "1785000000", "initiated_by": "business",
///  "removed_participants": [{"input": "15550101001"}],
///  "failed_participants": [{"input": "15550101002", "errors": [{"code": 131212}]}],
///  "errors": [{"code": 131201}]}
/// ```
///
/// Meta's page: [group webhooks](https://developers.facebook.com/documentation/business-messaging/whatsapp/groups/webhooks).
///
/// ```
/// use whatsapp_signals::event::{ParticipantsEvent, WebhookEvent};
///
/// let body = &std::fs::read("tests/payloads/group-participants-added.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::GroupParticipantsUpdate(change)] = webhook.events() else {
///     panic!("one change")
/// };
/// assert_eq!(change.value.kind, ParticipantsEvent::Add);
/// assert!(change.value.added_participants[0].user.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Eq, Hash)]
pub struct GroupParticipantsUpdate {
    /// The kind of event.
    #[json(rename = "type")]
    pub kind: ParticipantsEvent,
    /// The group.
    pub group_id: Option<GroupId>,
    /// The time of the event.
    pub timestamp: Option<Timestamp>,
    /// The id of your request.
    pub request_id: Option<Box<str>>,
    /// The reason: `invite_link`.
    pub reason: Option<Box<str>>,
    /// The initiator: `business` or `participant`.
    pub initiated_by: Option<Box<str>>,
    /// The users that joined.
    pub added_participants: Vec<GroupParticipant>,
    /// The users that left.
    pub removed_participants: Vec<GroupParticipant>,
    /// The users whose removal failed.
    pub failed_participants: Vec<GroupParticipant>,
    /// The id of a join request.
    pub join_request_id: Option<Box<str>>,
    /// The user of a join request, by `wa_id`, `user_id` and `parent_user_id`.
    #[json(ids("wa_id", "user_id", "parent_user_id"))]
    pub user: Option<Identity>,
    /// The requesting user's username.
    pub username: Option<Box<str>>,
    /// The requesting user's country, a two-letter code.
    pub country_code: Option<Box<str>>,
    /// The errors of an operation that failed in whole or in part.
    pub errors: Vec<MetaError>,
}

text_enum! {
    /// The kind of a [`GroupParticipantsUpdate`].
    pub enum ParticipantsEvent {
        /// Users joined.
        Add = "group_participants_add" | "group_add_participants",
        /// Users left.
        Remove = "group_participants_remove" | "group_remove_participants",
        /// A user requested to join.
        JoinRequestCreated = "group_join_request_created",
        /// A user revoked a join request.
        JoinRequestRevoked = "group_join_request_revoked",
    }
}

/// A participant of a group.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
///
/// let body = &std::fs::read("tests/payloads/group-participants-removed.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::GroupParticipantsUpdate(change)] = webhook.events() else {
///     panic!("one change")
/// };
/// let stays = &change.value.failed_participants[0];
/// assert_eq!(stays.input.as_deref(), Some("81901000303"));
/// assert_eq!(stays.errors[0].code.as_ref().unwrap(), "131212");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct GroupParticipant {
    /// The user as in your request.
    pub input: Option<Box<str>>,
    /// The user, by `wa_id`, `user_id` and `parent_user_id`.
    #[json(ids("wa_id", "user_id", "parent_user_id"))]
    pub user: Option<Identity>,
    /// The username.
    pub username: Option<Box<str>>,
    /// The country of the profile, a two-letter code.
    pub country_code: Option<Box<str>>,
    /// The errors of a failed operation.
    pub errors: Vec<MetaError>,
}

impl Payload for GroupParticipantsUpdate {
    const IS_ABOUT_USER: bool = true;

    fn user(&self, _: Numbers<'_>) -> Option<Identity> {
        self.user.clone()
    }

    fn group(&self) -> Option<&str> {
        self.group_id.as_ref().map(GroupId::as_str)
    }

    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

/// `group_settings_update`: a change of a group's subject, description or picture, or its failure.
///
/// ```json
/// {"type": "group_settings_update", "group_id": "Y2FwaV9n…", "request_id": "…",
///  "timestamp": "1785000000", "group_subject": {"text": "Sunday ride", "update_successful": true},
///  "profile_picture": {"mime_type": "image/jpeg", "sha256": "…", "update_successful": false,
///                      "errors": [{"code": 131000}]}}
/// ```
///
/// Meta's page: [group webhooks](https://developers.facebook.com/documentation/business-messaging/whatsapp/groups/webhooks).
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
///
/// let body = &std::fs::read("tests/payloads/group-settings-update.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::GroupSettingsUpdate(change)] = webhook.events() else { panic!("one change") };
/// let picture = change.value.profile_picture.as_ref().unwrap();
/// assert_eq!(picture.update_successful, Some(false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct GroupSettingsUpdate {
    /// `group_settings_update`.
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
    /// The group.
    pub group_id: Option<GroupId>,
    /// The time of the event.
    pub timestamp: Option<Timestamp>,
    /// The id of your request.
    pub request_id: Option<Box<str>>,
    /// The picture.
    pub profile_picture: Option<Box<GroupSetting>>,
    /// The subject.
    pub group_subject: Option<Box<GroupSetting>>,
    /// The description.
    pub group_description: Option<Box<GroupSetting>>,
    /// The errors of an operation that failed in whole or in part.
    pub errors: Vec<MetaError>,
}

/// One setting of a group.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct GroupSetting {
    /// The new text.
    pub text: Option<Box<str>>,
    /// The MIME type of the new picture.
    pub mime_type: Option<Box<str>>,
    /// The SHA-256 of the new picture, in base64.
    pub sha256: Option<Box<str>>,
    /// Whether the change succeeded.
    pub update_successful: Option<bool>,
    /// The errors of a failed change.
    pub errors: Vec<MetaError>,
}

impl Payload for GroupSettingsUpdate {
    fn group(&self) -> Option<&str> {
        self.group_id.as_ref().map(GroupId::as_str)
    }

    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

/// `group_status_update`: the suspension of a group, or its end.
///
/// ```json
/// {"type": "group_suspend", "group_id": "Y2FwaV9n…", "timestamp": "1785000000"}
/// ```
///
/// Meta's page: [group webhooks](https://developers.facebook.com/documentation/business-messaging/whatsapp/groups/webhooks).
///
/// ```
/// use whatsapp_signals::event::{GroupState, WebhookEvent};
///
/// let body = &std::fs::read("tests/payloads/group-suspended.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::GroupStatusUpdate(change)] = webhook.events() else { panic!("one change") };
/// assert_eq!(change.value.kind, GroupState::Suspended);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Eq, Hash)]
pub struct GroupStatusUpdate {
    /// The kind of event.
    #[json(rename = "type")]
    pub kind: GroupState,
    /// The group.
    pub group_id: Option<GroupId>,
    /// The time of the event.
    pub timestamp: Option<Timestamp>,
    /// The errors, if Meta has sent any.
    pub errors: Vec<MetaError>,
}

text_enum! {
    /// The kind of a [`GroupStatusUpdate`].
    pub enum GroupState {
        /// Meta suspended the group for a policy violation.
        Suspended = "group_suspend",
        /// The suspension ended.
        SuspendCleared = "group_suspend_cleared",
    }
}

impl Payload for GroupStatusUpdate {
    fn group(&self) -> Option<&str> {
        self.group_id.as_ref().map(GroupId::as_str)
    }

    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}
