//! One item of a webhook, and how it becomes an event.

use std::sync::Arc;

use serde::Deserialize;

use super::contacts::Finder;
use super::events::Events;
use super::path::Path;
use super::piece::Piece;
use super::scope::Scope;
use super::split::{Elements, members, object};
use crate::event::{Change, Event, Payload, Reason, WebhookEvent};
use crate::model::{Account, Contact, ConversationContext, Identity, PhoneNumberId};

/// What is to be read: an item of a list, or a whole value.
pub(crate) struct Item<'i, 'a> {
    pub(super) json: Piece<'i>,
    /// Its place in the list.
    pub(super) at: usize,
    pub(super) path: Path<'i>,
    pub(super) around: &'i Around<'a>,
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

    /// Reads each element of a list; what it cannot read is reported.
    pub(super) fn each(
        &self,
        events: &mut Events<'_>,
        path: Path<'_>,
        items: Elements<'_>,
        mut read: impl FnMut(&mut Events<'_>, &Item<'_, '_>) -> Result<(), Reason>,
    ) {
        events.make_room(items.len());
        events.each(self.scope, path, items, |events, at, json| {
            let path = path.element(at);
            let around = self;
            read(
                events,
                &Item {
                    json,
                    at,
                    path,
                    around,
                },
            )
        });
    }
}

/// How an item is read.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    pub(super) read: fn(&mut Events<'_>, &Item<'_, '_>) -> Result<(), Reason>,
    /// Whether the item names a user, or should.
    pub(super) is_about_user: bool,
    /// Whether anybody hears what comes of it when it can be read.
    pub(super) is_heard: fn() -> bool,
}

/// An event that is read from an item.
pub(crate) trait FromItem: Event {
    /// Whether the item names a user, or should.
    const IS_ABOUT_USER: bool = true;

    /// [`read`](Self::read), to be called later.
    const READER: Reader = Reader {
        read: Self::read,
        is_about_user: Self::IS_ABOUT_USER,
        is_heard: Self::is_heard,
    };

    /// Whether any signal that it fires has receivers.
    fn is_heard() -> bool {
        Self::signal().has_receivers()
    }

    /// Reads an item and adds its events.
    ///
    /// # Errors
    ///
    /// Why the item, or a part of it, cannot be read; the caller reports it.
    fn read(events: &mut Events<'_>, item: &Item<'_, '_>) -> Result<(), Reason>;
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
    fn add(
        events: &mut Events<'_>,
        item: &Item<'_, '_>,
        wire: Self::Wire<'_>,
    ) -> Result<(), Reason>;
}

impl Item<'_, '_> {
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

    /// The account with a number that the item itself names.
    fn account_of(&self, number: Option<&PhoneNumberId>) -> Arc<Account> {
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

    fn read(events: &mut Events<'_>, item: &Item<'_, '_>) -> Result<(), Reason> {
        let change: Self = change(events, item)?;
        T::push(events, item, change)
    }
}

fn change<T: Payload>(events: &Events<'_>, item: &Item<'_, '_>) -> Result<Change<T>, Reason> {
    let value: T = object(item.json).map_err(|odd| missing::<T>(item.json).unwrap_or(odd))?;
    let contact = || item.contact(value.user().as_ref());
    Ok(Change {
        contact: if T::IS_ABOUT_USER { contact() } else { None },
        account: item.account_of(value.phone_number_id()),
        time: item.around.scope.time,
        raw: events.raw(item.json),
        value,
    })
}

/// Which member an odd object lacks.
#[cold]
fn missing<T: Payload>(json: Piece<'_>) -> Option<Reason> {
    let is_missing = |name: &&&'static str| {
        members(json, [**name]).is_ok_and(|members| members.known[0].is_none())
    };
    let name = T::REQUIRED.iter().find(is_missing)?;
    Some(Reason::Missing((*name).into()))
}
