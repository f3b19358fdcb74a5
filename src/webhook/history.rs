//! One item of `history`: a piece of old conversations.

use std::sync::Arc;

use serde::Deserialize;

use super::events::Events;
use super::item::{FromItem, Item, Reader};
use super::lenient::Omissions;
use super::message;
use super::split::{elements, members};
use crate::event::{Change, History, HistoryMessage, Reason};
use crate::model::object::{member, option};
use crate::model::{Contact, HistoryProgress, Identity, Ids, UserId, UserSide, WaId};
use crate::signals::HISTORY_MESSAGE;

/// Adds the piece itself and, one by one, the messages of its threads.
pub(crate) fn push(
    events: &mut Events<'_>,
    item: &Item<'_, '_, '_>,
    chunk: Change<History>,
) -> Result<(), Reason> {
    let [threads] = members(item.json, ["threads"])?.known;
    let progress = chunk.value.metadata;
    events.push(chunk);
    let Some(threads) = threads else {
        return Ok(());
    };
    let path = item.path.member("threads");
    match elements(threads) {
        Ok(threads) => {
            // Its progress is that of all threads.
            let chunk = Thread {
                progress,
                ..Thread::default()
            };
            item.around
                .each(events, path, &threads, Some(&chunk), THREAD);
        }
        Err(reason) => events.unrecognized(item.around.scope, path, reason, threads),
    }
    Ok(())
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
    is_heard: || HISTORY_MESSAGE.has_receivers(),
};

/// The ids of the user that a thread is with.
#[derive(Deserialize)]
struct Wire {
    #[serde(default, deserialize_with = "option")]
    id: Option<WaId>,
    #[serde(default, deserialize_with = "option")]
    context: Option<Context>,
}

#[derive(Default, Deserialize)]
struct Context {
    #[serde(default, deserialize_with = "option")]
    wa_id: Option<WaId>,
    #[serde(default, deserialize_with = "option")]
    user_id: Option<UserId>,
    #[serde(default, deserialize_with = "option")]
    parent_user_id: Option<UserId>,
    #[serde(default, deserialize_with = "option")]
    username: Option<Arc<str>>,
}

member!(Context);

fn thread<'j>(events: &mut Events<'_>, item: &Item<'j, '_, '_>) -> Result<Omissions<'j>, Reason> {
    let mut omitted = Omissions::default();
    let wire: Wire = omitted.read(item.json)?;
    let [messages] = members(item.json, ["messages"])?.known;
    let context = wire.context.unwrap_or_default();
    let identity = Identity::from_ids(Ids {
        wa_id: context.wa_id.or_else(|| wire.id.clone()),
        user_id: context.user_id,
        parent_user_id: context.parent_user_id,
    });
    let thread = Thread {
        id: wire.id,
        contact: identity.map(|identity| {
            // The webhook's contact knows the name as well.
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
    match elements(messages) {
        Ok(messages) => {
            let path = item.path.member("messages");
            let reader = HistoryMessage::READER;
            item.around
                .each(events, path, &messages, Some(&thread), reader);
        }
        Err(reason) => {
            let path = item.path.member("messages");
            let messages = Item::new(messages, 0, path, item.around);
            let messages = Item {
                thread: Some(&thread),
                ..messages
            };
            events.unrecognized_item(&messages, UserSide::Either, reason);
        }
    }
    Ok(omitted)
}

/// One message; without a thread, a file that follows one.
impl FromItem for HistoryMessage {
    fn read<'j>(events: &mut Events<'_>, item: &Item<'j, '_, '_>) -> Result<Omissions<'j>, Reason> {
        let mut omitted = Omissions::default();
        let account = item.account();
        let contact = item.thread.and_then(|thread| thread.contact.clone());
        let user = contact.as_ref().map(|contact| &contact.identity);
        let old = message::old(item.json, &mut omitted, item.numbers(), user)?;
        let contact = contact.or_else(|| item.contact(old.message.user.as_ref()));
        let raw = events.raw(item.json);
        events.push(HistoryMessage {
            message: old.message,
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
