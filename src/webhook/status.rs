//! One item of `statuses`.

use serde::Deserialize;

use super::events::Events;
use super::item::{FromItem, FromWire, Item};
use super::lenient::Omissions;
use super::piece::Piece;
use crate::event::{MessageStatusChanged, Reason, StandbyStatus};
use crate::model::object::option;
use crate::model::{
    Conversation, GroupId, Identity, Ids, MessageId, MessageStatus, MetaError, Payment, Pricing,
    StatusUpdate, TemplateId, Timestamp, UserId, UserSide, WaId,
};

/// A status as Meta writes it.
#[derive(Deserialize)]
pub(super) struct Wire {
    #[serde(default, deserialize_with = "option")]
    id: Option<MessageId>,
    #[serde(default, deserialize_with = "option")]
    status: Option<MessageStatus>,
    #[serde(default, rename = "type", deserialize_with = "option")]
    kind: Option<Box<str>>,
    #[serde(default, deserialize_with = "option")]
    timestamp: Option<Timestamp>,
    /// The group's id when `recipient_type` is `group`.
    #[serde(default, deserialize_with = "option")]
    recipient_id: Option<WaId>,
    #[serde(default, deserialize_with = "option")]
    recipient_type: Option<Box<str>>,
    #[serde(default, deserialize_with = "option")]
    recipient_user_id: Option<UserId>,
    /// One page spells it this way, its example the next.
    #[serde(default, deserialize_with = "option")]
    parent_recipient_user_id: Option<UserId>,
    #[serde(default, deserialize_with = "option")]
    parent_user_id: Option<UserId>,
    /// So it is spelled in the field `calls`.
    #[serde(default, deserialize_with = "option")]
    recipient_parent_user_id: Option<UserId>,
    /// Meta writes this or the next.
    #[serde(default, deserialize_with = "option")]
    recipient_participant_id: Option<WaId>,
    #[serde(default, deserialize_with = "option")]
    participant_recipient_id: Option<WaId>,
    #[serde(default, deserialize_with = "option")]
    recipient_participant_user_id: Option<UserId>,
    #[serde(default, deserialize_with = "option")]
    recipient_identity_key_hash: Option<Box<str>>,
    #[serde(default, deserialize_with = "option")]
    conversation: Option<Box<Conversation>>,
    #[serde(default, deserialize_with = "option")]
    pricing: Option<Box<Pricing>>,
    #[serde(default, deserialize_with = "option")]
    payment: Option<Box<Payment>>,
    #[serde(default, deserialize_with = "option")]
    template_id: Option<TemplateId>,
    #[serde(default, deserialize_with = "option")]
    errors: Option<Vec<MetaError>>,
    #[serde(default, deserialize_with = "option")]
    biz_opaque_callback_data: Option<Box<str>>,
}

impl Wire {
    /// Makes the update of a status without the members that `omitted` says.
    fn into_update(self, json: Piece<'_>, omitted: &Omissions<'_>) -> Result<StatusUpdate, Reason> {
        let id = self.id.filter(|id| !id.as_str().is_empty());
        let id = id.ok_or_else(|| omitted.missing(json, "id"))?;
        let status = self.status.ok_or_else(|| omitted.missing(json, "status"))?;
        // Without it, the group's id would be the user's.
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

/// The ids by which a status names its recipient.
pub(super) struct RecipientIds {
    /// The group's id when `recipient_type` is `group`.
    pub(super) recipient_id: Option<WaId>,
    pub(super) recipient_type: Option<Box<str>>,
    pub(super) user_id: Option<UserId>,
    pub(super) parent_user_id: Option<UserId>,
    pub(super) participant_id: Option<WaId>,
    pub(super) participant_user_id: Option<UserId>,
}

/// The user that a message was sent to, alone or as a participant of a group.
pub(super) struct Recipient {
    pub(super) user: Option<Identity>,
    pub(super) recipient_type: Option<Box<str>>,
    pub(super) group_id: Option<GroupId>,
}

impl Recipient {
    pub(super) fn new(ids: RecipientIds) -> Self {
        // Only groups have participants.
        let is_group = ids.recipient_type.as_deref() == Some("group")
            || ids.participant_id.is_some()
            || ids.participant_user_id.is_some();
        let (group_id, wa_id) = if is_group {
            let group = ids.recipient_id.as_ref();
            let group = group.map(|id| GroupId::from(id.as_str()));
            (group, ids.participant_id)
        } else {
            (None, ids.recipient_id)
        };
        Self {
            user: Identity::from_ids(Ids {
                wa_id,
                user_id: ids.participant_user_id.or(ids.user_id),
                parent_user_id: ids.parent_user_id,
            }),
            recipient_type: ids
                .recipient_type
                .or_else(|| is_group.then(|| "group".into())),
            group_id,
        }
    }
}

/// The two events differ in name only.
macro_rules! from_status {
    ($($event:ident)+) => { $(
        impl FromItem for $event {
            const SIDE: UserSide = UserSide::To;

            fn read<'j>(
                events: &mut Events<'_>,
                item: &Item<'j, '_, '_>,
            ) -> Result<Omissions<'j>, Reason> {
                let mut omitted = Omissions::default();
                let wire = omitted.read(item.json)?;
                Self::push(events, item, wire, &omitted)?;
                Ok(omitted)
            }
        }

        impl $event {
            fn push(
                events: &mut Events<'_>,
                item: &Item<'_, '_, '_>,
                wire: Wire,
                omitted: &Omissions<'_>,
            ) -> Result<(), Reason> {
                let update = wire.into_update(item.json, omitted)?;
                let raw = events.raw(item.json);
                events.push(Self {
                    contact: item.contact_in(update.is_of_group(), update.recipient.as_ref()),
                    update,
                    account: item.account(),
                    raw,
        known_as: None,
                });
                Ok(())
            }
        }
    )+ };
}

from_status! { MessageStatusChanged StandbyStatus }

impl FromWire for MessageStatusChanged {
    type Wire<'a> = Wire;

    fn add<'j>(
        events: &mut Events<'_>,
        item: &Item<'j, '_, '_>,
        wire: Wire,
    ) -> Result<Omissions<'j>, Reason> {
        let omitted = Omissions::default();
        Self::push(events, item, wire, &omitted)?;
        Ok(omitted)
    }
}
