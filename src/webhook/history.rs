//! The items of `history`: chunks of threads, with the messages of past conversations.

use std::sync::Arc;

use super::event_sink::EventSink;
use super::item::{Item, Thread};
use super::item_kind::{FromItem, ItemKind, read_field_event};
use super::message::read_historic;
use crate::event::{Event, FieldEvent, History, HistoryMessage, Reason};
use crate::json::Omissions;
use crate::json::object::{ReadMembers, members};
use crate::model::{Contact, IdText, Identity, Ids, UserSide, WaId};

/// A chunk of threads: an event for the chunk, and one for each message of its threads.
pub(super) const CHUNK: ItemKind = ItemKind {
    add_events: add_chunk,
    has_receivers: |context| {
        let of_chunk = FieldEvent::<History>::signal().with(context);
        of_chunk.has_receivers() || HistoryMessage::has_receivers(context)
    },
    ..*FieldEvent::<History>::KIND
};

fn add_chunk<'a>(events: &mut EventSink<'_>, item: &Item<'_, 'a>) -> Result<Omissions<'a>, Reason> {
    let mut omitted = Omissions::default();
    let chunk = read_field_event::<History>(events, item, &mut omitted)?;
    // The threads have the progress of their chunk.
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
        THREAD.add_each(events, path, threads, item.context, Some(&parent));
    } else {
        events.report(item.context.change, path, Reason::Malformed, threads);
    }
    Ok(omitted)
}

/// A thread: an event for each of its messages.
const THREAD: ItemKind = ItemKind {
    add_events: add_thread,
    is_about_user: true,
    side: UserSide::Either,
    has_receivers: HistoryMessage::has_receivers,
};

members! {
    /// The ids of the user in a thread.
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

fn add_thread<'a>(
    events: &mut EventSink<'_>,
    item: &Item<'_, 'a>,
) -> Result<Omissions<'a>, Reason> {
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
            // A contact of the value has the user's name, too.
            let contact = item.contact_by_id(&identity);
            contact.unwrap_or_else(|| {
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
        let kind = HistoryMessage::KIND;
        kind.add_each(events, path, messages, item.context, Some(&thread));
    } else {
        let messages = Item {
            thread: Some(&thread),
            ..Item::new(messages, 0, path, item.context)
        };
        events.report_item(&messages, UserSide::Either, Reason::Malformed);
    }
    Ok(omitted)
}

/// A message of a thread. Outside of threads, the file of an earlier message.
impl FromItem for HistoryMessage {
    fn add_events<'a>(
        events: &mut EventSink<'_>,
        item: &Item<'_, 'a>,
    ) -> Result<Omissions<'a>, Reason> {
        let mut omitted = Omissions::default();
        let account = item.account();
        let contact = item.thread.and_then(|thread| thread.contact.clone());
        let user = contact.as_ref().map(|contact| &contact.identity);
        let historic = read_historic(item.json, &mut omitted, item.numbers(), user)?;
        let contact = contact.or_else(|| item.contact(historic.message.user.as_ref()));
        let raw = events.raw(item.json);
        events.push(HistoryMessage {
            message: Box::new(historic.message),
            from_number: historic.from_number,
            thread_id: item.thread.and_then(|thread| thread.id.clone()),
            history_context: historic.history_context,
            progress: item.thread.and_then(|thread| thread.progress),
            contact,
            account,
            raw,
            known_as: None,
        });
        Ok(omitted)
    }
}
