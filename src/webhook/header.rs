//! What an odd item still tells of itself.

use std::borrow::Cow;

use super::piece::Piece;
use super::split::members;
use crate::model::{Identity, Ids, MessageId, Timestamp};

/// Of whom it is, and of when.
#[derive(Default)]
pub(super) struct Header {
    pub(super) id: Option<MessageId>,
    pub(super) user: Option<Identity>,
    pub(super) timestamp: Option<Timestamp>,
}

impl Header {
    pub(super) fn read(item: Piece<'_>) -> Self {
        let names = [
            "id",
            "timestamp",
            "from",
            "from_user_id",
            "from_parent_user_id",
            "wa_id",
            "user_id",
            "recipient_type",
            "recipient_id",
            "recipient_user_id",
            "recipient_participant_id",
            "participant_recipient_id",
            "recipient_participant_user_id",
        ];
        let Ok(header) = members(item, names) else {
            return Self::default();
        };
        let [
            id,
            timestamp,
            from,
            from_user,
            from_parent,
            wa_id,
            user_id,
            rest @ ..,
        ] = header.known;
        let [
            kind,
            to,
            to_user,
            participant,
            participant_too,
            participant_user,
        ] = rest;
        // Sent to a group, it names the group where else it names a user.
        let is_group = readable::<Cow<'_, str>>(kind).is_some_and(|kind| kind == "group");
        let to = to.filter(|_| !is_group);
        let wa_id = [from, wa_id, participant, participant_too, to];
        let user_id = [from_user, user_id, participant_user, to_user];
        Self {
            id: readable(id).filter(|id: &MessageId| !id.as_str().is_empty()),
            user: Identity::from_ids(Ids {
                wa_id: wa_id.into_iter().find_map(readable),
                user_id: user_id.into_iter().find_map(readable),
                parent_user_id: readable(from_parent),
            }),
            timestamp: readable(timestamp),
        }
    }
}

/// The scalar that a piece spells, if it does.
pub(super) fn readable<'a, T: serde::Deserialize<'a>>(piece: Option<Piece<'a>>) -> Option<T> {
    serde_json::from_str(piece?.get()).ok()
}
