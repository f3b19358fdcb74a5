//! One item of `statuses`.

use serde::Deserialize;

use super::events::Events;
use super::item::{FromItem, FromWire, Item};
use super::split::object;
use crate::event::{MessageStatusChanged, Reason, StandbyStatus};
use crate::model::object::option;
use crate::model::{
    Conversation, GroupId, Identity, Ids, MessageId, MessageStatus, MetaError, Payment, Pricing,
    StatusUpdate, TemplateId, Timestamp, UserId, WaId,
};

/// A status as Meta writes it.
#[derive(Deserialize)]
pub(super) struct Wire {
    #[serde(default)]
    id: Option<MessageId>,
    #[serde(default)]
    status: Option<MessageStatus>,
    #[serde(default, rename = "type", deserialize_with = "option")]
    kind: Option<Box<str>>,
    #[serde(default, deserialize_with = "option")]
    timestamp: Option<Timestamp>,
    /// The group's id when `recipient_type` is `group`.
    #[serde(default)]
    recipient_id: Option<WaId>,
    #[serde(default, deserialize_with = "option")]
    recipient_type: Option<Box<str>>,
    #[serde(default)]
    recipient_user_id: Option<UserId>,
    /// One page spells it this way, its example the next.
    #[serde(default)]
    parent_recipient_user_id: Option<UserId>,
    #[serde(default)]
    parent_user_id: Option<UserId>,
    /// So it is spelled in the field `calls`.
    #[serde(default)]
    recipient_parent_user_id: Option<UserId>,
    /// Meta writes this or the next.
    #[serde(default)]
    recipient_participant_id: Option<WaId>,
    #[serde(default)]
    participant_recipient_id: Option<WaId>,
    #[serde(default)]
    recipient_participant_user_id: Option<UserId>,
    #[serde(default, deserialize_with = "option")]
    recipient_identity_key_hash: Option<Box<str>>,
    #[serde(default)]
    conversation: Option<Box<Conversation>>,
    #[serde(default)]
    pricing: Option<Box<Pricing>>,
    #[serde(default)]
    payment: Option<Box<Payment>>,
    #[serde(default)]
    template_id: Option<TemplateId>,
    #[serde(default)]
    errors: Option<Vec<MetaError>>,
    #[serde(default, deserialize_with = "option")]
    biz_opaque_callback_data: Option<Box<str>>,
}

impl Wire {
    fn into_update(self) -> Result<StatusUpdate, Reason> {
        let id = self.id.filter(|id| !id.as_str().is_empty());
        let id = id.ok_or_else(|| Reason::Missing("id".into()))?;
        let status = self
            .status
            .ok_or_else(|| Reason::Missing("status".into()))?;

        let participant = self
            .recipient_participant_id
            .or(self.participant_recipient_id);
        // Only groups have participants.
        let is_group = self.recipient_type.as_deref() == Some("group")
            || participant.is_some()
            || self.recipient_participant_user_id.is_some();
        let (group_id, recipient_id) = if is_group {
            let group = self.recipient_id.as_ref();
            (group.map(|id| GroupId::from(id.as_str())), participant)
        } else {
            (None, self.recipient_id)
        };
        let recipient = Identity::from_ids(Ids {
            wa_id: recipient_id,
            user_id: self
                .recipient_participant_user_id
                .or(self.recipient_user_id),
            parent_user_id: self
                .parent_recipient_user_id
                .or(self.parent_user_id)
                .or(self.recipient_parent_user_id),
        });
        Ok(StatusUpdate {
            id,
            status,
            kind: self.kind,
            timestamp: self.timestamp,
            recipient,
            recipient_type: self
                .recipient_type
                .or_else(|| is_group.then(|| "group".into())),
            group_id,
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

/// The two events differ in name only.
macro_rules! from_status {
    ($($event:ident)+) => { $(
        impl FromItem for $event {
            fn read(events: &mut Events<'_>, item: &Item<'_, '_>) -> Result<(), Reason> {
                Self::push(events, item, object(item.json)?)
            }
        }

        impl $event {
            fn push(
                events: &mut Events<'_>,
                item: &Item<'_, '_>,
                wire: Wire,
            ) -> Result<(), Reason> {
                let update = wire.into_update()?;
                let raw = events.raw(item.json);
                events.push(Self {
                    contact: item.contact_in(update.is_of_group(), update.recipient.as_ref()),
                    update,
                    account: item.account(),
                    raw,
                });
                Ok(())
            }
        }
    )+ };
}

from_status! { MessageStatusChanged StandbyStatus }

impl FromWire for MessageStatusChanged {
    type Wire<'a> = Wire;

    fn add(events: &mut Events<'_>, item: &Item<'_, '_>, wire: Wire) -> Result<(), Reason> {
        Self::push(events, item, wire)
    }
}
