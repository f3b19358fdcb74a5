//! One item of `history`: a piece of old conversations.

use std::sync::Arc;

use serde::Deserialize;

use super::events::Events;
use super::header::readable;
use super::item::{FromItem, Item};
use super::message;
use super::split::{elements, members, object};
use crate::event::{Change, History, HistoryMessage, Reason};
use crate::model::object::option;
use crate::model::{Contact, HistoryProgress, Identity, Ids, UserId, WaId};

/// Adds the piece itself and, one by one, what its threads hold.
pub(crate) fn push(
    events: &mut Events<'_>,
    item: &Item<'_, '_>,
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
        Ok(threads) => item.around.each(events, path, threads, |events, item| {
            thread(events, item, progress)
        }),
        Err(reason) => events.unrecognized(item.around.scope, path, reason, threads),
    }
    Ok(())
}

/// Whom a thread is with.
struct Thread {
    id: Option<WaId>,
    contact: Option<Arc<Contact>>,
    progress: Option<HistoryProgress>,
}

fn thread(
    events: &mut Events<'_>,
    item: &Item<'_, '_>,
    progress: Option<HistoryProgress>,
) -> Result<(), Reason> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Context {
        wa_id: Option<WaId>,
        user_id: Option<UserId>,
        parent_user_id: Option<UserId>,
        #[serde(deserialize_with = "option")]
        username: Option<Arc<str>>,
    }

    let [id, context, messages] = members(item.json, ["id", "context", "messages"])?.known;
    let context: Context = match context.map(|piece| (object(piece), piece)) {
        Some((Ok(context), _)) => context,
        Some((Err(reason), piece)) => {
            let path = item.path.member("context");
            events.unrecognized(item.around.scope, path, reason, piece);
            Context::default()
        }
        None => Context::default(),
    };
    let id: Option<WaId> = readable(id);
    let identity = Identity::from_ids(Ids {
        wa_id: context.wa_id.or_else(|| id.clone()),
        user_id: context.user_id,
        parent_user_id: context.parent_user_id,
    });
    let thread = Thread {
        id,
        contact: identity.map(|identity| {
            // The webhook's contact knows the name as well.
            let listed = item.listed_contact(&identity);
            listed.unwrap_or_else(|| {
                let mut contact = Contact::new(identity);
                contact.username = context.username;
                Arc::new(contact)
            })
        }),
        progress,
    };
    let messages = messages.map(elements).transpose()?.unwrap_or_default();
    let path = item.path.member("messages");
    item.around.each(events, path, messages, |events, item| {
        old_message(events, item, Some(&thread))
    });
    Ok(())
}

/// A file that follows a thread, outside of it.
impl FromItem for HistoryMessage {
    fn read(events: &mut Events<'_>, item: &Item<'_, '_>) -> Result<(), Reason> {
        old_message(events, item, None)
    }
}

fn old_message(
    events: &mut Events<'_>,
    item: &Item<'_, '_>,
    thread: Option<&Thread>,
) -> Result<(), Reason> {
    let account = item.account();
    let contact = thread.and_then(|thread| thread.contact.clone());
    let user = contact.as_ref().map(|contact| &contact.identity);
    let old = message::old(item.json, account.display_phone_number.as_deref(), user)?;
    let contact = contact.or_else(|| item.contact(old.message.user.as_ref()));
    let raw = events.raw(item.json);
    events.push(HistoryMessage {
        message: old.message,
        from_number: old.from_number,
        thread_id: thread.and_then(|thread| thread.id.clone()),
        history_context: old.history_context,
        progress: thread.and_then(|thread| thread.progress),
        contact,
        account,
        raw,
    });
    Ok(())
}
