//! The fast way into a body whose envelope is as Meta documents it: once through it,
//! from left to right.
//!
//! A value is taken apart, or even made into events, while it is gone through. One that
//! is not as documented is then read another way; and so is the whole body if its
//! envelope is not.

use std::cell::OnceCell;
use std::sync::Arc;

use super::cursor::{Cursor, once};
use super::envelope::EnvelopeRules;
use super::events::{Events, Wanted};
use super::path::Path;
use super::scope::Scope;
use super::split::Name;
use super::straight::{self, MESSAGES};
use super::value::{Metadata, PRODUCT, Value, account};
use super::{FromItem, Webhook, change};
use crate::event::{MessageReceived, MessageStatusChanged};
use crate::model::{Account, Timestamp, WabaId};

/// Reads a body; `None` when its envelope differs from what is documented in any
/// way.
pub(super) fn read(body: &Arc<str>, rules: &EnvelopeRules, wanted: Wanted) -> Option<Webhook> {
    let mut cursor = Cursor::new(body);
    let events = Events::new(body, wanted);
    // Values that hold lists name their product, and hardly any other does.
    let has_lists = body.contains(PRODUCT);
    let is_heard =
        events.wants(MessageReceived::READER) || events.wants(MessageStatusChanged::READER);
    let mut walk = Walk {
        events,
        has_lists,
        may_be_straight: has_lists && is_heard,
    };
    let mut webhook = Webhook::default();
    let (mut object, mut entries) = (None, None);
    cursor.object(|cursor, name| match name {
        "object" => once(&mut object, cursor.value()?),
        "entry" => {
            let root = Path::root("entry");
            once(&mut entries, ())?;
            cursor.array(|cursor| {
                let changes = walk.entry(cursor, root.element(webhook.entries))?;
                webhook.entries += 1;
                webhook.empty_entries += usize::from(changes == 0);
                Some(())
            })
        }
        _ if rules.is_ignored(name) => cursor.piece().map(|_| ()),
        _ => None,
    })?;
    let (Name(object), ()) = (object?, entries?);
    if rules.check_object(Some(&object)).is_err() || !cursor.is_at_end() {
        return None;
    }
    webhook.skipped = walk.events.skipped();
    webhook.events = walk.events.into_list();
    Some(webhook)
}

/// What is read of a body, and in which ways it may still be read.
struct Walk<'a> {
    events: Events<'a>,
    /// Whether any value may hold lists.
    has_lists: bool,
    /// Whether any may go the straight way.
    may_be_straight: bool,
}

/// What the changes of an entry share.
struct Entry {
    waba_id: Option<WabaId>,
    time: Option<Timestamp>,
    /// Of the last change.
    account: Option<Arc<Account>>,
}

impl Entry {
    fn new(waba_id: Option<WabaId>, time: Option<Timestamp>) -> Self {
        Self {
            waba_id,
            time,
            account: None,
        }
    }

    /// The account of a change, with the number that its value names.
    fn account(&mut self, number: Option<Metadata>) -> Arc<Account> {
        let has_no_number = |account: &&Arc<Account>| {
            account.phone_number_id.is_none() && account.display_phone_number.is_none()
        };
        if number.is_none()
            && let Some(last) = self.account.as_ref().filter(has_no_number)
        {
            return Arc::clone(last);
        }
        let waba_id = match &self.account {
            None => self.waba_id.take(),
            Some(last) => last.waba_id.clone(),
        };
        Arc::clone(self.account.insert(account(waba_id, number)))
    }
}

impl<'a> Walk<'a> {
    /// Reads an entry and returns how many changes it has.
    fn entry(&mut self, cursor: &mut Cursor<'a>, path: Path<'_>) -> Option<usize> {
        let path = path.member("changes");
        let (mut id, mut time, mut count, mut changes) = (None, None, None, None);
        cursor.object(|cursor, name| match name {
            // What stands behind the changes comes too late for them.
            _ if count.is_some() => None,
            "id" => once(&mut id, cursor.value()?),
            "time" => once(&mut time, cursor.value()?),
            // Meta's examples of calls have the id behind them.
            "changes" if id.is_none() => {
                once(&mut changes, *cursor)?;
                cursor.piece().map(|_| ())
            }
            "changes" if changes.is_none() => {
                let entry = Entry::new(id.take().flatten(), time.flatten());
                once(&mut count, self.changes(cursor, entry, path)?)
            }
            _ => None,
        })?;
        match changes {
            Some(mut cursor) => {
                let entry = Entry::new(id.flatten(), time.flatten());
                self.changes(&mut cursor, entry, path)
            }
            None => count,
        }
    }

    /// Reads the changes of an entry and returns how many there are.
    fn changes(
        &mut self,
        cursor: &mut Cursor<'a>,
        mut entry: Entry,
        path: Path<'_>,
    ) -> Option<usize> {
        let mut count = 0;
        cursor.array(|cursor| {
            self.change(cursor, &mut entry, path.element(count))?;
            count += 1;
            Some(())
        })?;
        Some(count)
    }

    /// Reads a change and adds its events.
    fn change(&mut self, cursor: &mut Cursor<'a>, entry: &mut Entry, path: Path<'_>) -> Option<()> {
        let (mut field, mut value) = (None, None);
        let mark = self.events.mark();
        let path_of_value = path.member("value");
        cursor.object(|cursor, name| match name {
            "field" => once(&mut field, cursor.value()?),
            "value" => {
                let start = *cursor;
                let may_be_straight = self.may_be_straight
                    && field.as_ref().is_none_or(|Name(field)| field == MESSAGES);
                let way = self.value(cursor, entry, path_of_value, may_be_straight)?;
                once(&mut value, (way, cursor.since(start)?))
            }
            _ => None,
        })?;
        let (Name(field), (way, piece)) = (field?, value?);
        if piece.is_null() {
            return None;
        }
        let mut lists = match way {
            Way::Straight if field == MESSAGES => return Some(()),
            Way::Lists(lists) if lists.goes_with(&field) => Some(lists),
            _ => None,
        };
        // What the straight way may have added.
        self.events.back_to(mark);
        let number = lists.as_mut().and_then(|lists| lists.metadata.take());
        let scope = Scope {
            field: Some(&field),
            kept_field: OnceCell::new(),
            account: entry.account(number),
            time: entry.time,
        };
        match lists {
            Some(lists) => change::items(&mut self.events, &scope, path_of_value, lists),
            None => change::value(&mut self.events, &scope, path_of_value, piece),
        }
        Some(())
    }

    /// Goes through a value, in the fastest of the ways that it allows.
    fn value(
        &mut self,
        cursor: &mut Cursor<'a>,
        entry: &mut Entry,
        path: Path<'_>,
        may_be_straight: bool,
    ) -> Option<Way<'a>> {
        let start = *cursor;
        if may_be_straight {
            let time = entry.time;
            let account = |number| entry.account(number);
            if straight::value(&mut self.events, cursor, path, time, account).is_some() {
                return Some(Way::Straight);
            }
            // One odd value is tried in vain, not a thousand.
            self.may_be_straight = false;
            *cursor = start;
        }
        if self.has_lists {
            if let Some(lists) = Value::documented(cursor) {
                return Some(Way::Lists(lists));
            }
            *cursor = start;
        }
        cursor.piece().map(|_| Way::Whole)
    }
}

/// How a value was gone through before its field was known.
enum Way<'a> {
    /// Its items are events, if the field is `messages`.
    Straight,
    /// It was taken apart.
    Lists(Value<'a>),
    /// It was stepped over.
    Whole,
}
