//! One item of a webhook, and how it becomes an event.

use std::sync::Arc;

use serde::Deserialize;

use super::contacts::Finder;
use super::events::Events;
use super::history::Thread;
use super::lenient::Omissions;
use super::path::Path;
use super::piece::Piece;
use super::scope::Scope;
use super::split::members;
use crate::event::{Change, Event, Payload, Reason, WebhookEvent};
use crate::model::{
    Account, Contact, ConversationContext, Identity, Numbers, PhoneNumberId, UserSide,
};

/// What is to be read: an item of a list, or a whole value.
pub(crate) struct Item<'j, 'i, 'a> {
    pub(super) json: Piece<'j>,
    /// Its place in the list.
    pub(super) at: usize,
    pub(super) path: Path<'i>,
    pub(super) around: &'i Around<'a>,
    /// The thread of old messages, or the chunk of threads, that it stands in.
    pub(super) thread: Option<&'i Thread>,
}

/// What the items of one value share.
pub(crate) struct Around<'a> {
    pub(super) scope: &'a Scope<'a>,
    pub(super) contacts: Finder<'a>,
    pub(super) conversation_context: Option<Arc<ConversationContext>>,
    /// False when nobody heard of these items when the contacts were to be read:
    /// they were not. Who listens since then must not get an event without its
    /// contact.
    pub(super) are_wanted: bool,
}

impl<'a> Around<'a> {
    /// For an item that stands alone.
    pub(super) fn nothing(scope: &'a Scope<'a>) -> Self {
        Self {
            scope,
            contacts: Finder::of_nobody(),
            conversation_context: None,
            are_wanted: true,
        }
    }

    /// Reads each element of a list, and adds its events.
    pub(super) fn each(
        &self,
        events: &mut Events<'_>,
        path: Path<'_>,
        items: &[Piece<'_>],
        thread: Option<&Thread>,
        reader: Reader,
    ) {
        events.make_room(items.len());
        for (at, json) in items.iter().enumerate() {
            let item = Item::new(*json, at, path.element(at), self);
            Item { thread, ..item }.add(events, reader);
        }
    }
}

/// How an item is read.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    pub(super) read:
        for<'j> fn(&mut Events<'_>, &Item<'j, '_, '_>) -> Result<Omissions<'j>, Reason>,
    /// Whether the item names a user, or should.
    pub(super) is_about_user: bool,
    /// The side of it that is the user, where it has two.
    pub(super) side: UserSide,
    /// Whether anybody hears what comes of it when it can be read.
    pub(super) is_heard: fn() -> bool,
}

/// An event that is read from an item.
pub(crate) trait FromItem: Event {
    /// Whether the item names a user, or should.
    const IS_ABOUT_USER: bool = true;

    /// The side of the item that is the user, where it has two.
    const SIDE: UserSide = UserSide::Either;

    /// [`read`](Self::read), to be called later.
    const READER: Reader = Reader {
        read: Self::read,
        is_about_user: Self::IS_ABOUT_USER,
        side: Self::SIDE,
        is_heard: Self::is_heard,
    };

    /// Whether any signal that it fires has receivers.
    fn is_heard() -> bool {
        Self::signal().has_receivers()
    }

    /// Reads an item and adds its events. Returns the members that these lack, which the
    /// caller reports.
    ///
    /// # Errors
    ///
    /// Why the item, or a part of it, cannot be read; the caller reports it.
    fn read<'j>(events: &mut Events<'_>, item: &Item<'j, '_, '_>) -> Result<Omissions<'j>, Reason>;
}

/// An event that can also be made of an item that was read before its text is known.
pub(super) trait FromWire: FromItem {
    /// The item as Meta writes it.
    type Wire<'a>: Deserialize<'a>;

    /// Adds the events that [`read`](FromItem::read) adds.
    ///
    /// # Errors
    ///
    /// As there.
    fn add<'j>(
        events: &mut Events<'_>,
        item: &Item<'j, '_, '_>,
        wire: Self::Wire<'j>,
    ) -> Result<Omissions<'j>, Reason>;
}

impl<'j, 'i, 'a> Item<'j, 'i, 'a> {
    /// Makes an item that stands in no thread.
    pub(super) fn new(json: Piece<'j>, at: usize, path: Path<'i>, around: &'i Around<'a>) -> Self {
        Self {
            json,
            at,
            path,
            around,
            thread: None,
        }
    }

    /// Returns the members of these names.
    pub(crate) fn members<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> [Option<Piece<'j>>; N] {
        members(self.json, names).map_or([None; N], |members| members.known)
    }

    /// Reads it and adds its events, or reports it.
    pub(super) fn add(&self, events: &mut Events<'_>, reader: Reader) {
        let before = events.len();
        let result = (reader.read)(events, self);
        self.report(events, before, reader.side, result);
    }

    /// Reports the item, or what its events lack: those behind the first `before`.
    pub(super) fn report(
        &self,
        events: &mut Events<'_>,
        before: usize,
        side: UserSide,
        result: Result<Omissions<'j>, Reason>,
    ) {
        match result {
            Ok(omitted) => events.omitted(self, before, side, omitted),
            Err(reason) => events.unrecognized_item(self, side, reason),
        }
    }

    /// The contact of a user; that of a group's member only by its ids, since
    /// the only contact need not be this member.
    pub(super) fn contact_in(
        &self,
        is_group: bool,
        user: Option<&Identity>,
    ) -> Option<Arc<Contact>> {
        if is_group {
            self.listed_contact(user?)
        } else {
            self.contact(user)
        }
    }

    /// The contact of a user, or the only contact for the only item.
    pub(super) fn contact(&self, user: Option<&Identity>) -> Option<Arc<Contact>> {
        self.around.contacts.find(user, self.at)
    }

    /// The contact with an id of this user.
    pub(super) fn listed_contact(&self, user: &Identity) -> Option<Arc<Contact>> {
        self.around.contacts.find_listed(user, self.at)
    }

    pub(super) fn account(&self) -> Arc<Account> {
        Arc::clone(&self.around.scope.account)
    }

    /// The numbers that are known of both sides: by the account, and by the thread or the
    /// only contact.
    pub(super) fn numbers(&self) -> Numbers<'_> {
        let thread = self.thread.and_then(|thread| thread.contact.as_ref());
        Numbers {
            business: self.around.scope.account.display_phone_number.as_deref(),
            user: match thread {
                Some(contact) => contact.phone(),
                None => self.around.contacts.only_number(),
            },
        }
    }

    /// The account with a number that the item itself names.
    pub(super) fn account_of(&self, number: Option<&PhoneNumberId>) -> Arc<Account> {
        let mut account = self.account();
        if let Some(number) = number
            && account.phone_number_id.is_none()
        {
            Arc::make_mut(&mut account).phone_number_id = Some(number.clone());
        }
        account
    }
}

impl<T: Payload> FromItem for Change<T>
where
    Self: Into<WebhookEvent> + Event,
{
    const IS_ABOUT_USER: bool = T::IS_ABOUT_USER;

    fn is_heard() -> bool {
        Self::signal().has_receivers() || T::is_heard()
    }

    fn read<'j>(events: &mut Events<'_>, item: &Item<'j, '_, '_>) -> Result<Omissions<'j>, Reason> {
        let mut omitted = Omissions::default();
        let value = omitted.read(item.json)?;
        T::push(events, item, change(events, item, value))?;
        Ok(omitted)
    }
}

fn change<T: Payload>(events: &Events<'_>, item: &Item<'_, '_, '_>, value: T) -> Change<T> {
    let account = item.account_of(value.phone_number_id());
    let user = value.user(item.numbers());
    let contact = || {
        let current = || item.contact(Some(&value.renamed()?));
        item.contact(user.as_ref()).or_else(current)
    };
    Change {
        contact: if T::IS_ABOUT_USER { contact() } else { None },
        account,
        time: item.around.scope.time,
        raw: events.raw(item.json),
        known_as: None,
        value,
    }
}
