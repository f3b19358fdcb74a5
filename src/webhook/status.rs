//! One item of `statuses`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::events::Events;
use super::item::{FromItem, Item};
use super::split::object;
use crate::event::{MessageStatusChanged, Reason, StandbyStatus};
use crate::model::object::option;
use crate::model::{
    Conversation, GroupId, Identity, Ids, MessageId, MessageStatus, MetaError, Payment, Pricing,
    StatusUpdate, TemplateId, Timestamp, UserId, WaId,
};

/// A status as Meta writes it.
#[derive(Deserialize)]
struct Wire {
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

fn read(item: &RawValue) -> Result<StatusUpdate, Reason> {
    let wire: Wire = object(item)?;
    let id = wire.id.filter(|id| !id.as_str().is_empty());
    let id = id.ok_or_else(|| Reason::Missing("id".into()))?;
    let status = wire
        .status
        .ok_or_else(|| Reason::Missing("status".into()))?;

    let participant = wire
        .recipient_participant_id
        .or(wire.participant_recipient_id);
    // Only groups have participants.
    let is_group = wire.recipient_type.as_deref() == Some("group")
        || participant.is_some()
        || wire.recipient_participant_user_id.is_some();
    let (group_id, recipient_id) = if is_group {
        let group = wire.recipient_id.as_ref();
        (group.map(|id| GroupId::from(id.as_str())), participant)
    } else {
        (None, wire.recipient_id)
    };
    let mut update = StatusUpdate::new(id, status);
    update.kind = wire.kind;
    update.timestamp = wire.timestamp;
    update.recipient_type = wire
        .recipient_type
        .or_else(|| is_group.then(|| "group".into()));
    update.group_id = group_id;
    update.recipient = Identity::from_ids(Ids {
        wa_id: recipient_id,
        user_id: wire
            .recipient_participant_user_id
            .or(wire.recipient_user_id),
        parent_user_id: wire
            .parent_recipient_user_id
            .or(wire.parent_user_id)
            .or(wire.recipient_parent_user_id),
    });
    update.recipient_identity_key_hash = wire.recipient_identity_key_hash;
    update.conversation = wire.conversation;
    update.pricing = wire.pricing;
    update.payment = wire.payment;
    update.template_id = wire.template_id;
    update.errors = wire.errors.unwrap_or_default();
    update.biz_opaque_callback_data = wire.biz_opaque_callback_data;
    Ok(update)
}

/// The two events differ in name only.
macro_rules! from_status {
    ($($event:ident)+) => { $(
        impl FromItem for $event {
            fn read(events: &mut Events<'_>, item: &Item<'_, '_>) -> Result<(), Reason> {
                let update = read(item.json)?;
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
