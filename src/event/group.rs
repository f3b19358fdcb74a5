//! Updates of groups.

use super::Payload;
use crate::json::object::object;
use crate::model::text_enum::text_enum;
use crate::model::{GroupId, Identity, MetaError, Numbers, Timestamp, UserId, WaId};

object! {
    /// `group_lifecycle_update`: a group was made or deleted, or could not be.
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
    #[derive(Eq, Hash)]
    pub struct GroupLifecycleUpdate {
        /// What happened, or was to.
        pub kind = "type": GroupLifecycle,
        /// Which group; missing when it could not be made.
        pub group_id: Option<GroupId>,
        /// When.
        pub timestamp: Option<Timestamp>,
        /// Your request that led to it.
        pub request_id: Option<Box<str>>,
        /// What the group is called.
        pub subject: Option<Box<str>>,
        /// What it is about.
        pub description: Option<Box<str>>,
        /// How users join.
        pub invite_link: Option<Box<str>>,
        /// Whether you let each of them in.
        pub join_approval_mode: Option<Box<str>>,
        /// Why it could not be done.
        pub errors: Vec<MetaError>,
    }
}

text_enum! {
    /// What happened to a group.
    pub enum GroupLifecycle {
        /// It was made.
        Create = "group_create",
        /// It was deleted.
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

object! {
    /// `group_participants_update`: users joined a group, left it, or ask to be
    /// let in.
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
    /// assert!(change.value.added_participants[0].user().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Eq, Hash)]
    pub struct GroupParticipantsUpdate {
        /// What happened.
        pub kind = "type": ParticipantsEvent,
        /// Which group.
        pub group_id: Option<GroupId>,
        /// When.
        pub timestamp: Option<Timestamp>,
        /// Your request that led to it.
        pub request_id: Option<Box<str>>,
        /// Why: `invite_link`.
        pub reason: Option<Box<str>>,
        /// Who did it: `business` or `participant`.
        pub initiated_by: Option<Box<str>>,
        /// Who joined.
        pub added_participants: Vec<GroupParticipant>,
        /// Who left.
        pub removed_participants: Vec<GroupParticipant>,
        /// Who was to leave, and did not.
        pub failed_participants: Vec<GroupParticipant>,
        /// The request to be let in.
        pub join_request_id: Option<Box<str>>,
        /// Who asks, by phone number, when Meta shows it.
        pub wa_id: Option<WaId>,
        /// Who asks, by the id within your portfolio.
        pub user_id: Option<UserId>,
        /// Who asks, by the id within the enterprise above it.
        pub parent_user_id: Option<UserId>,
        /// Who asks, by username.
        pub username: Option<Box<str>>,
        /// The country of who asks, two letters.
        pub country_code: Option<Box<str>>,
        /// Why it could not be done, in whole or in part.
        pub errors: Vec<MetaError>,
    }
}

text_enum! {
    /// What happened to the participants of a group.
    pub enum ParticipantsEvent {
        /// Some joined.
        Add = "group_participants_add" | "group_add_participants",
        /// Some left.
        Remove = "group_participants_remove" | "group_remove_participants",
        /// Somebody asks to be let in.
        JoinRequestCreated = "group_join_request_created",
        /// Somebody no longer asks to be let in.
        JoinRequestRevoked = "group_join_request_revoked",
    }
}

object! {
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
    #[derive(Default, Eq, Hash)]
    pub struct GroupParticipant {
        /// As your request named them.
        pub input: Option<Box<str>>,
        /// The phone number, when Meta shows it.
        pub wa_id: Option<WaId>,
        /// The id within your portfolio.
        pub user_id: Option<UserId>,
        /// The id within the enterprise above it.
        pub parent_user_id: Option<UserId>,
        /// The username.
        pub username: Option<Box<str>>,
        /// The country of their profile, two letters.
        pub country_code: Option<Box<str>>,
        /// Why it could not be done.
        pub errors: Vec<MetaError>,
    }
}

impl GroupParticipant {
    /// The user, by the ids that Meta gave.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::GroupParticipant;
    ///
    /// let rider: GroupParticipant = serde_json::from_str(r#"{"user_id": "NL.8102"}"#)?;
    /// assert_eq!(rider.user().unwrap().user_id().unwrap(), "NL.8102");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn user(&self) -> Option<Identity> {
        Identity::from_parts(
            self.wa_id.as_ref(),
            self.user_id.as_ref(),
            self.parent_user_id.as_ref(),
        )
    }
}

impl GroupParticipantsUpdate {
    /// The user who asks to be let in, or no longer does.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::GroupParticipantsUpdate;
    ///
    /// let asks: GroupParticipantsUpdate = serde_json::from_str(
    ///     r#"{"type": "group_join_request_created", "wa_id": "15550101001"}"#,
    /// )?;
    /// assert_eq!(asks.user().unwrap().phone(), Some("15550101001"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn user(&self) -> Option<Identity> {
        Identity::from_parts(
            self.wa_id.as_ref(),
            self.user_id.as_ref(),
            self.parent_user_id.as_ref(),
        )
    }
}

impl Payload for GroupParticipantsUpdate {
    const IS_ABOUT_USER: bool = true;

    fn user(&self, _: Numbers<'_>) -> Option<Identity> {
        self.user()
    }

    fn group(&self) -> Option<&str> {
        self.group_id.as_ref().map(GroupId::as_str)
    }

    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

object! {
    /// `group_settings_update`: the subject, description or picture of a group
    /// was changed, or could not be.
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
    #[derive(Default, Eq, Hash)]
    pub struct GroupSettingsUpdate {
        /// `group_settings_update`.
        pub kind = "type": Option<Box<str>>,
        /// Which group.
        pub group_id: Option<GroupId>,
        /// When.
        pub timestamp: Option<Timestamp>,
        /// Your request that led to it.
        pub request_id: Option<Box<str>>,
        /// Its picture.
        pub profile_picture: Option<Box<GroupSetting>>,
        /// What it is called.
        pub group_subject: Option<Box<GroupSetting>>,
        /// What it is about.
        pub group_description: Option<Box<GroupSetting>>,
        /// Why it could not be done, in whole or in part.
        pub errors: Vec<MetaError>,
    }
}

object! {
    /// One setting of a group.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::GroupSetting;
    ///
    /// let subject: GroupSetting = serde_json::from_str(
    ///     r#"{"text": "Sunday ride", "update_successful": false, "errors": [{"code": 131000}]}"#,
    /// )?;
    /// assert_eq!(subject.update_successful, Some(false));
    /// assert_eq!(subject.errors[0].code.as_ref().unwrap(), "131000");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct GroupSetting {
        /// The new text.
        pub text: Option<Box<str>>,
        /// The MIME type of the new picture.
        pub mime_type: Option<Box<str>>,
        /// The SHA-256 of the new picture, in base64.
        pub sha256: Option<Box<str>>,
        /// Whether it was changed.
        pub update_successful: Option<bool>,
        /// Why it was not.
        pub errors: Vec<MetaError>,
    }
}

impl Payload for GroupSettingsUpdate {
    fn group(&self) -> Option<&str> {
        self.group_id.as_ref().map(GroupId::as_str)
    }

    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

object! {
    /// `group_status_update`: a group was suspended, or is no longer.
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
    #[derive(Eq, Hash)]
    pub struct GroupStatusUpdate {
        /// What happened.
        pub kind = "type": GroupState,
        /// Which group.
        pub group_id: Option<GroupId>,
        /// When.
        pub timestamp: Option<Timestamp>,
        /// Why, should Meta tell.
        pub errors: Vec<MetaError>,
    }
}

text_enum! {
    /// Whether a group is suspended.
    pub enum GroupState {
        /// It is: Meta says that it breaks the rules.
        Suspended = "group_suspend",
        /// It is no longer.
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
