use super::Payload;
use crate::json::object::object;
use crate::model::text_enum::text_enum;
use crate::model::{GroupId, MetaError, Timestamp};

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
