//! Items of `history`: chunks of old conversations.

use std::sync::Arc;

use super::change::read_each;
use super::events::Events;
use super::item::{FromItem, Item, Reader, change};
use super::message::parse_historic;
use crate::event::{Event, FieldEvent, History, HistoryMessage, Reason};
use crate::json::Omissions;
use crate::json::object::{ReadMembers, members};
use crate::model::{Contact, HistoryProgress, IdText, Identity, Ids, UserSide, WaId};

/// Reads a chunk: an event for itself, and one for each message of its threads.
pub(super) const CHUNK: Reader = Reader {
    read: chunk,
    has_receivers: |context| {
        let of_chunk = FieldEvent::<History>::signal().with(context);
        of_chunk.has_receivers() || HistoryMessage::has_receivers(context)
    },
    ..*FieldEvent::<History>::READER
};

fn chunk<'a>(events: &mut Events<'_>, item: &Item<'_, 'a>) -> Result<Omissions<'a>, Reason> {
    let mut omitted = Omissions::default();
    let chunk = change::<History>(events, item, &mut omitted)?;
    // The progress of the chunk is that of its threads.
    let parent = Thread {
        progress: chunk.value.metadata,
        ..Thread::default()
    };
    let threads = item.json.only("threads")?;
    events.push(chunk);
    let Some(threads) = threads else {
        return Ok(omitted);
    };
    let path = item.path.member("threads");
    if threads.is_array() {
        read_each(events, path, threads, item.context, Some(&parent), &THREAD);
    } else {
        events.unrecognized(item.context.change, path, Reason::Malformed, threads);
    }
    Ok(omitted)
}

/// An old conversation.
#[derive(Default)]
pub(super) struct Thread {
    id: Option<WaId>,
    /// The user that it is with.
    pub(super) contact: Option<Arc<Contact>>,
    progress: Option<HistoryProgress>,
}

const THREAD: Reader = Reader {
    read: thread,
    is_about_user: true,
    side: UserSide::Either,
    has_receivers: HistoryMessage::has_receivers,
};

members! {
    /// The ids of the user that a thread is with.
    struct ThreadMembers<'a> {
        id: IdText<'a>,
        context: ThreadContext<'a>,
    }

    struct ThreadContext<'a> {
        wa_id: IdText<'a>,
        user_id: IdText<'a>,
        parent_user_id: IdText<'a>,
        username: Arc<str>,
    }
}

fn thread<'a>(events: &mut Events<'_>, item: &Item<'_, 'a>) -> Result<Omissions<'a>, Reason> {
    let mut omitted = Omissions::default();
    let members = ThreadMembers::read(item.json, &mut omitted)?;
    let messages = item.json.only("messages")?;
    let context = members.context.unwrap_or_default();
    let identity = Identity::from_ids(&Ids {
        wa_id: context.wa_id.or_else(|| members.id.clone()),
        user_id: context.user_id,
        parent_user_id: context.parent_user_id,
    });
    let thread = Thread {
        id: members.id.as_deref().map(WaId::from),
        contact: identity.map(|identity| {
            // The webhook's contact has the name, too.
            let listed = item.listed_contact(&identity);
            listed.unwrap_or_else(|| {
                let mut contact = Contact::new(identity);
                contact.username = context.username;
                Arc::new(contact)
            })
        }),
        progress: item.thread.and_then(|chunk| chunk.progress),
    };
    let Some(messages) = messages else {
        return Ok(omitted);
    };
    let path = item.path.member("messages");
    if messages.is_array() {
        let reader = HistoryMessage::READER;
        read_each(events, path, messages, item.context, Some(&thread), reader);
    } else {
        let messages = Item {
            thread: Some(&thread),
            ..Item::new(messages, 0, path, item.context)
        };
        events.unrecognized_item(&messages, UserSide::Either, Reason::Malformed);
    }
    Ok(omitted)
}

/// One message; without a thread, a file that follows one.
impl FromItem for HistoryMessage {
    fn read<'a>(events: &mut Events<'_>, item: &Item<'_, 'a>) -> Result<Omissions<'a>, Reason> {
        let mut omitted = Omissions::default();
        let account = item.account();
        let contact = item.thread.and_then(|thread| thread.contact.clone());
        let user = contact.as_ref().map(|contact| &contact.identity);
        let old = parse_historic(item.json, &mut omitted, item.numbers(), user)?;
        let contact = contact.or_else(|| item.contact(old.message.user.as_ref()));
        let raw = events.raw(item.json);
        events.push(HistoryMessage {
            message: Box::new(old.message),
            from_number: old.from_number,
            thread_id: item.thread.and_then(|thread| thread.id.clone()),
            history_context: old.history_context,
            progress: item.thread.and_then(|thread| thread.progress),
            contact,
            account,
            raw,
            known_as: None,
        });
        Ok(omitted)
    }
}
