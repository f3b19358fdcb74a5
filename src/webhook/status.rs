//! Items of `statuses`.

use super::events::Events;
use super::item::{FromItem, Item};
use crate::event::{MessageStatusChanged, Reason, StandbyStatus};
use crate::json::object::{ReadMembers, members};
use crate::json::stored::FromMeta;
use crate::json::{Fault, Node, Omissions};
use crate::model::{
    Conversation, GroupId, IdText, Identity, Ids, MessageId, MessageStatus, MetaError, Payment,
    Pricing, StatusUpdate, TemplateId, Timestamp, UserSide,
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
        /// One page of Meta's spells it this way, its example the next.
        parent_recipient_user_id: IdText<'a>,
        parent_user_id: IdText<'a>,
        /// The spelling of the field `calls`.
        recipient_parent_user_id: IdText<'a>,
        recipient_type: Box<str>,
        /// Meta writes this or the next.
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
    /// Makes the update of a status without its omitted members.
    #[inline]
    fn into_update(self, json: Node<'_>, omitted: &Omissions<'_>) -> Result<StatusUpdate, Fault> {
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

impl FromMeta for StatusUpdate {
    const OWN: &'static [&'static str] = &["recipient", "group_id"];

    fn from_meta<'a>(object: Node<'a>, omitted: &mut Omissions<'a>) -> Result<Self, Fault> {
        Members::read(object, omitted)?.into_update(object, omitted)
    }
}

/// The ids by which a status names its recipient.
pub(super) struct RecipientIds<'a> {
    /// The group's id when `recipient_type` is `group`.
    pub(super) recipient_id: Option<IdText<'a>>,
    pub(super) recipient_type: Option<Box<str>>,
    pub(super) user_id: Option<IdText<'a>>,
    pub(super) parent_user_id: Option<IdText<'a>>,
    pub(super) participant_id: Option<IdText<'a>>,
    pub(super) participant_user_id: Option<IdText<'a>>,
}

/// The user that a message was sent to, alone or as a participant of a group.
pub(super) struct Recipient {
    pub(super) user: Option<Identity>,
    pub(super) recipient_type: Option<Box<str>>,
    pub(super) group_id: Option<GroupId>,
}

impl Recipient {
    #[inline]
    pub(super) fn new(ids: RecipientIds<'_>) -> Self {
        // Only groups have participants.
        let is_group = ids.recipient_type.as_deref() == Some("group")
            || ids.participant_id.is_some()
            || ids.participant_user_id.is_some();
        let (group_id, wa_id) = if is_group {
            let group = ids.recipient_id.as_deref().map(GroupId::from);
            (group, ids.participant_id)
        } else {
            (None, ids.recipient_id)
        };
        Self {
            user: Identity::from_ids(&Ids {
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

/// Implements [`FromItem`] for events that differ in name only.
macro_rules! from_status {
    ($($event:ident)+) => { $(
        impl FromItem for $event {
            const SIDE: UserSide = UserSide::To;

            fn read<'a>(
                events: &mut Events<'_>,
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
