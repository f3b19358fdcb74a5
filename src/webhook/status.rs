//! The items of `statuses`.

use super::event_sink::EventSink;
use super::item::Item;
use super::item_kind::FromItem;
use super::summary::{Recipient, RecipientIds};
use crate::event::{MessageStatusChanged, Reason, StandbyStatus};
use crate::json::object::{ReadMembers, members};
use crate::json::stored::FromMeta;
use crate::json::{Fault, Node, Omissions};
use crate::model::{
    Conversation, IdText, MessageId, MessageStatus, MetaError, Payment, Pricing, StatusUpdate,
    TemplateId, Timestamp, UserSide,
};

members! {
    /// The members of a status.
    struct Members<'a> {
        id: MessageId,
        status: MessageStatus,
        timestamp: Timestamp,
        /// The group's id when `recipient_type` is `group`.
        recipient_id: IdText<'a>,
        conversation: Box<Conversation>,
        pricing: Pricing,
        errors: Vec<MetaError>,
        biz_opaque_callback_data: Box<str>,
        recipient_user_id: IdText<'a>,
        /// The name on a page of Meta's. The example on that page has the next one.
        parent_recipient_user_id: IdText<'a>,
        parent_user_id: IdText<'a>,
        /// The name in the field `calls`.
        recipient_parent_user_id: IdText<'a>,
        recipient_type: Box<str>,
        /// Meta documents this name and the next one.
        recipient_participant_id: IdText<'a>,
        participant_recipient_id: IdText<'a>,
        recipient_participant_user_id: IdText<'a>,
        recipient_identity_key_hash: Box<str>,
        kind = "type": Box<str>,
        payment: Box<Payment>,
        template_id: TemplateId,
    }
}

impl Members<'_> {
    /// Returns the update of a status.
    ///
    /// # Errors
    ///
    /// The fault of a required member.
    #[inline]
    fn into_update(self, json: Node<'_>, omitted: &Omissions<'_>) -> Result<StatusUpdate, Fault> {
        let id = self.id.filter(|id| !id.as_str().is_empty());
        let id = id.ok_or_else(|| omitted.missing(json, "id"))?;
        let status = self.status.ok_or_else(|| omitted.missing(json, "status"))?;
        // An omitted type would turn the group's id into the user's.
        omitted.check(json, "recipient_type")?;
        let recipient = Recipient::new(RecipientIds {
            recipient_id: self.recipient_id,
            recipient_type: self.recipient_type,
            user_id: self.recipient_user_id,
            parent_user_id: self
                .parent_recipient_user_id
                .or(self.parent_user_id)
                .or(self.recipient_parent_user_id),
            participant_id: self
                .recipient_participant_id
                .or(self.participant_recipient_id),
            participant_user_id: self.recipient_participant_user_id,
        });
        Ok(StatusUpdate {
            id,
            status,
            kind: self.kind,
            timestamp: self.timestamp,
            recipient: recipient.user,
            recipient_type: recipient.recipient_type,
            group_id: recipient.group_id,
            recipient_identity_key_hash: self.recipient_identity_key_hash,
            conversation: self.conversation,
            pricing: self.pricing,
            payment: self.payment,
            template_id: self.template_id,
            errors: self.errors.unwrap_or_default(),
            biz_opaque_callback_data: self.biz_opaque_callback_data,
        })
    }
}

impl FromMeta for StatusUpdate {
    const STORED: &'static [&'static str] = &["recipient", "group_id"];

    fn from_meta<'a>(object: Node<'a>, omitted: &mut Omissions<'a>) -> Result<Self, Fault> {
        Members::read(object, omitted)?.into_update(object, omitted)
    }
}

/// Implements [`FromItem`] for events with the same members.
macro_rules! from_status {
    ($($event:ident)+) => { $(
        impl FromItem for $event {
            const SIDE: UserSide = UserSide::To;

            fn add_events<'a>(
                events: &mut EventSink<'_>,
                item: &Item<'_, 'a>,
            ) -> Result<Omissions<'a>, Reason> {
                let mut omitted = Omissions::default();
                let mut members = Members::default();
                members.fill(item.json, &mut omitted)?;
                let update = members.into_update(item.json, &omitted)?;
                let raw = events.raw(item.json);
                events.push(Self {
                    contact: item.contact_in(update.is_group_message(), update.recipient.as_ref()),
                    update,
                    account: item.account(),
                    raw,
                    known_as: None,
                });
                Ok(omitted)
            }
        }
    )+ };
}

from_status! { MessageStatusChanged StandbyStatus }
