//! The id, user and time of an item that is malformed or unknown.
//!
//! Items that are read as what they are follow the same rules: [`Parties`] for the two
//! sides of a message or a call, [`System`] for news of a changed id, [`Recipient`] for a
//! status.

use super::status::{Recipient, RecipientIds};
use crate::event::CallDirection;
use crate::json::object::{ReadMembers, members};
use crate::json::{Node, Omissions};
use crate::model::{
    GroupId, IdMembers, IdText, Identity, Ids, MessageId, Numbers, Parties, PhoneNumberId, System,
    Timestamp, UserSide, is_same_number,
};

members! {
    /// The members of an item that name it, its user and its time.
    pub(super) struct Summary<'a> {
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
        /// Of a thread of `history`.
        context: IdMembers,
        /// Of `smb_app_state_sync`.
        contact: Partner<'a>,
        /// Of `messaging_handovers`.
        sender: Partner<'a>,
        /// Of `messaging_handovers`: the number of the business.
        recipient: Number,
        /// Of a standby echo: the request by which it was sent.
        message: Request<'a>,
        /// Of a value that is one item.
        contacts: Vec<IdMembers>,
    }

    /// A user in a member of an item.
    pub(super) struct Partner<'a> {
        phone_number: IdText<'a>,
        user_id: IdText<'a>,
        parent_user_id: IdText<'a>,
    }

    pub(super) struct Number {
        phone_number_id: PhoneNumberId,
    }

    pub(super) struct Request<'a> {
        to: IdText<'a>,
        recipient: IdText<'a>,
        recipient_type: Box<str>,
    }
}

impl<'a> Summary<'a> {
    /// Reads the well-formed members of an item.
    pub(super) fn of(item: Node<'a>) -> Self {
        let mut summary = Self::default();
        // An item that is no object has no members.
        let _ = summary.fill(item, &mut Omissions::default());
        summary.id = summary.id.filter(|id| !id.as_str().is_empty());
        summary
    }

    /// Returns the number of the business, where Meta puts it into the item.
    pub(super) fn phone_number_id(&self) -> Option<&PhoneNumberId> {
        self.recipient.as_ref()?.phone_number_id.as_ref()
    }

    /// Returns the user of an item of which `side` is the user, and the group that it was
    /// sent in, where these numbers are known of both sides.
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
            .or_else(|| self.partner(side, numbers))
            .or_else(|| self.other_ids(&mut group_id));
        // The number of the business is no user's.
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
    fn partner(&mut self, side: UserSide, numbers: Numbers<'_>) -> Option<Identity> {
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
                // No user is better than the business.
                if direction.is_none() && parties.is_either(numbers) {
                    return None;
                }
                parties.side(direction, numbers)
            }
            // The business may have sent it in spite of that.
            side if parties.is_business(side, numbers.business) => side.other(),
            side => side,
        };
        let user = parties.user(side);
        match &self.system {
            Some(system) if side == UserSide::From => {
                let previous = system.previous(user.as_ref());
                previous.or(user).or_else(|| system.new_ids())
            }
            _ => user,
        }
    }

    /// Returns the user that a member of another name has.
    fn other_ids(&mut self, group_id: &mut Option<GroupId>) -> Option<Identity> {
        let own = Identity::from_ids(&Ids {
            wa_id: self.wa_id.take(),
            user_id: self.user_id.take(),
            parent_user_id: self.parent_user_id.take(),
        });
        let of = |partner: Partner<'_>| {
            Identity::from_ids(&Ids {
                wa_id: partner.phone_number,
                user_id: partner.user_id,
                parent_user_id: partner.parent_user_id,
            })
        };
        own.or_else(|| self.contact.take().and_then(of))
            .or_else(|| self.sender.take().and_then(of))
            .or_else(|| self.context.as_ref().and_then(IdMembers::identity))
            .or_else(|| {
                let request = self.message.take()?;
                if request.recipient_type.as_deref() == Some("group") {
                    *group_id = request.to.as_deref().map(GroupId::from);
                    return None;
                }
                Identity::of_request(request.to.as_deref(), request.recipient.as_deref())
            })
            .or_else(|| match self.contacts.as_deref()? {
                [only] => only.identity(),
                _ => None,
            })
    }
}
