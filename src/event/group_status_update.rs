use super::Payload;
use crate::json::object::object;
use crate::model::text_enum::text_enum;
use crate::model::{GroupId, MetaError, Timestamp};

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
