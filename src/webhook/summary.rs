//! The summary of an item for its reports: id, user and time, even of a malformed or unknown item.
//!
//! Well-formed items are read by the same rules: [`Parties`] for the two sides of a message or a
//! call, [`System`] for the change of an id, [`Recipient`] for a status.

use std::borrow::Cow;
use std::sync::Arc;

use super::item::Item;
use crate::event::{CallDirection, WebhookEvent};
use crate::json::object::{ReadMembers, members};
use crate::json::{Node, Omissions};
use crate::model::{
    Account, Contact, GroupId, IdText, Identity, Ids, MessageId, NamedUser, Numbers, Parties,
    PhoneNumberId, System, Timestamp, UserSide, is_same_number,
};

/// The members that the reports of an item share.
pub(super) struct ItemSummary {
    pub(super) id: Option<MessageId>,
    pub(super) user: Option<Identity>,
    pub(super) contact: Option<Arc<Contact>>,
    pub(super) group_id: Option<GroupId>,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) account: Arc<Account>,
}

impl ItemSummary {
    /// Reads the summary of an item without an event. `side` is the user's.
    pub(super) fn read(item: &Item<'_, '_>, side: UserSide) -> Self {
        let thread = item.thread.and_then(|thread| thread.contact.as_ref());
        let thread_user = thread.map(|contact| &contact.identity);
        let members = SummaryMembers::of(item.json);
        let (id, timestamp) = (members.id.clone(), members.timestamp);
        let account = item.account_of(members.phone_number_id());
        let (user, group_id) = members.into_user(side, item.numbers());
        let user = user.or_else(|| thread_user.cloned());
        let contact = thread
            .filter(|contact| {
                let identity = &contact.identity;
                user.as_ref().is_none_or(|user| identity.is_same_user(user))
            })
            .cloned();
        let contact = contact.or_else(|| item.contact_in(group_id.is_some(), user.as_ref()));
        Self {
            id,
            user,
            contact,
            group_id,
            timestamp,
            account,
        }
    }

    /// Returns the summary of an item with this event: the id and time of the item, and all other
    /// members of the event.
    pub(super) fn of_event(item: &Item<'_, '_>, event: &WebhookEvent) -> Self {
        let members = SummaryMembers::of(item.json);
        let contact = event.contact().filter(|_| !event.changes_ids());
        Self {
            id: members.id,
            user: event.user().map(Cow::into_owned),
            contact: contact.map(|contact| Arc::new(contact.clone())),
            group_id: event.group().map(GroupId::from),
            timestamp: members.timestamp,
            account: Arc::new(event.account().clone()),
        }
    }
}

members! {
    /// The members of any item that hold its id, its user or its time.
    pub(super) struct SummaryMembers<'a> {
        id: MessageId,
        timestamp: Timestamp,
        group_id: GroupId,
        from: IdText<'a>,
        from_user_id: IdText<'a>,
        from_parent_user_id: IdText<'a>,
        to: IdText<'a>,
        to_user_id: IdText<'a>,
        to_parent_user_id: IdText<'a>,
        direction: CallDirection,
        wa_id: IdText<'a>,
        user_id: IdText<'a>,
        parent_user_id: IdText<'a>,
        recipient_id: IdText<'a>,
        recipient_type: Box<str>,
        recipient_user_id: IdText<'a>,
        parent_recipient_user_id: IdText<'a>,
        recipient_parent_user_id: IdText<'a>,
        recipient_participant_id: IdText<'a>,
        participant_recipient_id: IdText<'a>,
        recipient_participant_user_id: IdText<'a>,
        system: Box<System>,
        /// In a thread of `history`.
        context: NamedUser,
        /// In `smb_app_state_sync`.
        contact: NestedUser<'a>,
        /// In `messaging_handovers`.
        sender: NestedUser<'a>,
        /// In `messaging_handovers`: the number of the business.
        recipient: NumberId,
        /// In a standby echo: the request that sent the message.
        message: RequestRecipient<'a>,
        /// In a value without lists.
        contacts: Vec<NamedUser>,
    }

    /// The ids of a user in a nested object.
    pub(super) struct NestedUser<'a> {
        phone_number: IdText<'a>,
        user_id: IdText<'a>,
        parent_user_id: IdText<'a>,
    }

    /// The business number in a nested object.
    pub(super) struct NumberId {
        phone_number_id: PhoneNumberId,
    }

    /// The recipient in a request.
    pub(super) struct RequestRecipient<'a> {
        to: IdText<'a>,
        recipient: IdText<'a>,
        recipient_type: Box<str>,
    }
}

impl<'a> SummaryMembers<'a> {
    /// Reads the well-formed members of an item.
    pub(super) fn of(item: Node<'a>) -> Self {
        let mut members = Self::default();
        // An item that is no object has no members.
        let _ = members.fill(item, &mut Omissions::default());
        members.id = members.id.filter(|id| !id.as_str().is_empty());
        members
    }

    /// Returns the number of the business, for an item that has it.
    pub(super) fn phone_number_id(&self) -> Option<&PhoneNumberId> {
        self.recipient.as_ref()?.phone_number_id.as_ref()
    }

    /// Returns the user and the group of the item. `side` is the user's, and `numbers` are the
    /// known numbers of both sides.
    pub(super) fn into_user(
        mut self,
        side: UserSide,
        numbers: Numbers<'_>,
    ) -> (Option<Identity>, Option<GroupId>) {
        let recipient = Recipient::new(RecipientIds {
            recipient_id: self.recipient_id.take(),
            recipient_type: self.recipient_type.take(),
            user_id: self.recipient_user_id.take(),
            parent_user_id: self
                .parent_recipient_user_id
                .take()
                .or(self.recipient_parent_user_id.take()),
            participant_id: self
                .recipient_participant_id
                .take()
                .or(self.participant_recipient_id.take()),
            participant_user_id: self.recipient_participant_user_id.take(),
        });
        let mut group_id = self.group_id.take().or(recipient.group_id);
        let user = recipient
            .user
            .or_else(|| self.user_of_side(side, numbers))
            .or_else(|| self.other_user(&mut group_id));
        // The number of the business is not a user's.
        let user = user.filter(|user| match (user.phone(), numbers.business) {
            (Some(phone), Some(business)) => {
                user.user_id().is_some()
                    || user.parent_user_id().is_some()
                    || !is_same_number(phone, business)
            }
            _ => true,
        });
        (user, group_id)
    }

    /// Returns the user of a message or a call.
    fn user_of_side(&mut self, side: UserSide, numbers: Numbers<'_>) -> Option<Identity> {
        let parties = Parties {
            from: Ids {
                wa_id: self.from.take(),
                user_id: self.from_user_id.take(),
                parent_user_id: self.from_parent_user_id.take(),
            },
            to: Ids {
                wa_id: self.to.take(),
                user_id: self.to_user_id.take(),
                parent_user_id: self.to_parent_user_id.take(),
            },
        };
        let side = match side {
            UserSide::Either => {
                let direction = self.direction.as_ref().and_then(CallDirection::user_side);
                // Either side may be the business: no user is better than a wrong one.
                if direction.is_none() && parties.is_either(numbers) {
                    return None;
                }
                parties.side(direction, numbers)
            }
            // The numbers may contradict the side, and win.
            side if parties.is_business(side, numbers.business) => side.other(),
            side => side,
        };
        let user = parties.user(side);
        match &self.system {
            Some(system) if side == UserSide::From => {
                let previous = system.previous(user.as_ref());
                previous.or(user).or_else(|| system.new_user())
            }
            _ => user,
        }
    }

    /// Returns the user of an item that is no message, call or status. Sets the group for a standby
    /// echo that was sent to a group.
    fn other_user(&mut self, group_id: &mut Option<GroupId>) -> Option<Identity> {
        let own = Identity::from_ids(&Ids {
            wa_id: self.wa_id.take(),
            user_id: self.user_id.take(),
            parent_user_id: self.parent_user_id.take(),
        });
        let of = |user: NestedUser<'_>| {
            Identity::from_ids(&Ids {
                wa_id: user.phone_number,
                user_id: user.user_id,
                parent_user_id: user.parent_user_id,
            })
        };
        own.or_else(|| self.contact.take().and_then(of))
            .or_else(|| self.sender.take().and_then(of))
            .or_else(|| self.context.take().and_then(|context| context.user))
            .or_else(|| {
                let request = self.message.take()?;
                if request.recipient_type.as_deref() == Some("group") {
                    *group_id = request.to.as_deref().map(GroupId::from);
                    return None;
                }
                Identity::of_request(request.to.as_deref(), request.recipient.as_deref())
            })
            .or_else(|| match self.contacts.as_deref()? {
                [only] => only.user.clone(),
                _ => None,
            })
    }
}

/// The ids in a status that name the recipient of its message.
pub(super) struct RecipientIds<'a> {
    /// The group's id when `recipient_type` is `group`.
    pub(super) recipient_id: Option<IdText<'a>>,
    pub(super) recipient_type: Option<Box<str>>,
    pub(super) user_id: Option<IdText<'a>>,
    pub(super) parent_user_id: Option<IdText<'a>>,
    pub(super) participant_id: Option<IdText<'a>>,
    pub(super) participant_user_id: Option<IdText<'a>>,
}

/// The recipient of a message: a user, alone or as a participant of a group.
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
