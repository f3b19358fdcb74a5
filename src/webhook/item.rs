//! One item of a webhook, and the way from it to an event.

use std::cell::OnceCell;
use std::sync::Arc;

use super::contacts::Contacts;
use super::events::Events;
use super::history::{self, Thread};
use super::signup;
use crate::Context;
#[allow(
    clippy::wildcard_imports,
    reason = "the table of signals names nearly all of them"
)]
use crate::event::*;
use crate::event::{Event, Payload, WebhookEvent};
use crate::json::{Node, Omissions, Path};
use crate::model::{Account, Contact, Identity, Ids, Numbers, PhoneNumberId, Timestamp, UserSide};
use crate::signals::for_each_signal;

/// The context that all items of a change share.
#[derive(Default)]
pub(super) struct ChangeContext<'c> {
    pub(super) field: Option<&'c str>,
    /// The field's name for the events that keep it: a body may have many of these, and the
    /// name may be long.
    kept_field: OnceCell<Arc<str>>,
    pub(super) account: Arc<Account>,
    /// The time of the entry.
    pub(super) time: Option<Timestamp>,
}

impl<'c> ChangeContext<'c> {
    #[inline]
    pub(super) fn new(
        field: Option<&'c str>,
        account: Arc<Account>,
        time: Option<Timestamp>,
    ) -> Self {
        let kept_field = OnceCell::new();
        Self {
            field,
            kept_field,
            account,
            time,
        }
    }

    pub(super) fn keep_field(&self) -> Option<Arc<str>> {
        let kept = |field: &str| Arc::clone(self.kept_field.get_or_init(|| field.into()));
        self.field.map(kept)
    }
}

/// The context that all items of a value share.
pub(super) struct ItemContext<'c> {
    pub(super) change: &'c ChangeContext<'c>,
    pub(super) contacts: Option<&'c Contacts<'c>>,
    pub(super) conversation_context: Option<Arc<ConversationContext>>,
}

impl<'c> ItemContext<'c> {
    /// The context of an item that stands alone.
    pub(super) fn alone(change: &'c ChangeContext<'c>) -> Self {
        Self {
            change,
            contacts: None,
            conversation_context: None,
        }
    }
}

/// An item of a list, or a whole value.
pub(super) struct Item<'i, 'a> {
    pub(super) json: Node<'a>,
    /// Its index in the list.
    pub(super) at: usize,
    pub(super) path: Path<'i>,
    pub(super) context: &'i ItemContext<'i>,
    /// The thread of old messages, or the chunk of threads, that it stands in.
    pub(super) thread: Option<&'i Thread>,
}

/// The way in which an item is read.
#[derive(Clone, Copy)]
pub(super) struct Reader {
    pub(super) read: for<'a> fn(&mut Events<'_>, &Item<'_, 'a>) -> Result<Omissions<'a>, Reason>,
    /// Whether the item names a user, or should.
    pub(super) is_about_user: bool,
    /// The side of it that is the user, where it has two.
    pub(super) side: UserSide,
    /// Whether any signal that it fires has receivers.
    pub(super) has_receivers: fn(&Context) -> bool,
}

/// An event that is read from an item.
pub(super) trait FromItem: Event {
    /// Whether the item names a user, or should.
    const IS_ABOUT_USER: bool = true;

    /// The side of the item that is the user, where it has two.
    const SIDE: UserSide = UserSide::Either;

    /// [`read`](Self::read), to be called later.
    const READER: &'static Reader = &Reader {
        read: Self::read,
        is_about_user: Self::IS_ABOUT_USER,
        side: Self::SIDE,
        has_receivers: Self::has_receivers,
    };

    /// Whether any signal that it fires has receivers.
    fn has_receivers(context: &Context) -> bool {
        Self::signal().with(context).has_receivers()
    }

    /// Reads an item and adds its events. Returns the members that these lack, which the
    /// caller reports.
    ///
    /// # Errors
    ///
    /// The reason why the item, or a part of it, cannot be read; the caller reports it.
    fn read<'a>(events: &mut Events<'_>, item: &Item<'_, 'a>) -> Result<Omissions<'a>, Reason>;
}

impl<'i, 'a> Item<'i, 'a> {
    /// Makes an item that stands in no thread.
    #[inline]
    pub(super) fn new(
        json: Node<'a>,
        at: usize,
        path: Path<'i>,
        context: &'i ItemContext<'i>,
    ) -> Self {
        let thread = None;
        Self {
            json,
            at,
            path,
            context,
            thread,
        }
    }

    /// Reads it and adds its events, or reports it.
    #[inline]
    pub(super) fn add(&self, events: &mut Events<'_>, reader: &Reader) {
        let before = events.len();
        match (reader.read)(events, self) {
            Ok(omitted) => events.omitted(self, before, reader.side, omitted),
            Err(reason) => events.unrecognized_item(self, reader.side, reason),
        }
    }

    /// Returns the contact of a user; that of a group's member only by its ids, since the only
    /// contact need not be this member.
    #[inline]
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

    /// Returns the user with these ids, shared with its contact if that stands at the same index.
    #[inline]
    pub(super) fn identity(&self, ids: &Ids<'_>) -> Option<Identity> {
        match self.context.contacts {
            Some(contacts) => contacts.identity(ids, self.at),
            None => Identity::from_ids(ids),
        }
    }

    /// Returns the contact of a user, or the only contact for the only item.
    #[inline]
    pub(super) fn contact(&self, user: Option<&Identity>) -> Option<Arc<Contact>> {
        self.context.contacts?.find(user, self.at)
    }

    /// Returns the contact with an id of this user.
    #[inline]
    pub(super) fn listed_contact(&self, user: &Identity) -> Option<Arc<Contact>> {
        self.context.contacts?.find_listed(user, self.at)
    }

    #[inline]
    pub(super) fn account(&self) -> Arc<Account> {
        Arc::clone(&self.context.change.account)
    }

    /// Returns the numbers that are known of both sides: by the account, and by the thread or
    /// the only contact.
    pub(super) fn numbers(&self) -> Numbers<'_> {
        let thread = self.thread.and_then(|thread| thread.contact.as_ref());
        Numbers {
            business: self.context.change.account.display_phone_number.as_deref(),
            user: match thread {
                Some(contact) => contact.phone(),
                None => self.context.contacts.and_then(Contacts::only_number),
            },
        }
    }

    /// Returns the account with a number that the item itself names.
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

impl<T: Payload> FromItem for FieldEvent<T>
where
    Self: Into<WebhookEvent> + Event,
{
    const IS_ABOUT_USER: bool = T::IS_ABOUT_USER;

    fn read<'a>(events: &mut Events<'_>, item: &Item<'_, 'a>) -> Result<Omissions<'a>, Reason> {
        let mut omitted = Omissions::default();
        let change = change::<T>(events, item, &mut omitted)?;
        events.push(change);
        Ok(omitted)
    }
}

/// Reads a change of a payload.
pub(super) fn change<'a, T: Payload>(
    events: &Events<'_>,
    item: &Item<'_, 'a>,
    omitted: &mut Omissions<'a>,
) -> Result<FieldEvent<T>, Reason> {
    let mut value: T = omitted.read(item.json)?;
    value.complete(item.json)?;
    let account = item.account_of(value.phone_number_id());
    let user = value.user(item.numbers());
    let contact = || {
        let current = || item.contact(Some(&value.renamed()?));
        item.contact(user.as_ref()).or_else(current)
    };
    Ok(FieldEvent {
        contact: if T::IS_ABOUT_USER { contact() } else { None },
        account,
        time: item.context.change.time,
        raw: events.raw(item.json),
        known_as: None,
        value,
    })
}

/// The field under which a value may be the signup, and the member that holds it elsewhere.
pub(super) const SIGNUP: &str = "in_app_signup";

/// The field whose lists are one level deeper, and the member that holds them.
pub(super) const STANDBY: &str = "standby";

/// Returns the reader of a list in the values of a field.
pub(super) fn reader_of_list(field: &str, list: &str) -> Option<&'static Reader> {
    match (field, list) {
        // Both are read together with other signals.
        ("history", "history") => Some(&history::CHUNK),
        ("user_preferences", "user_preferences") => Some(&signup::PREFERENCE),
        // A signup counts under any field; under its own, other lists count as in a
        // conversation.
        (_, SIGNUP) => Some(UserSubscribed::READER),
        (SIGNUP, list) => reader_of_items("messages", list),
        // So do errors, wherever they are documented.
        (_, "errors") => reader_of_items("messages", "errors"),
        (field, list) => reader_of_items(field, list),
    }
}

/// Defines the way from a field to its readers by the table of signals.
macro_rules! define_readers {
    (
        own { $(
            $(#[$own_doc:meta])*
            $own_signal:ident: $own:ident = $own_name:literal
            $(, each $($own_list:literal)|+ of $($own_field:literal)|+)?
            $(, from $($own_from:literal)|+)?;
        )+ }
        items { $(
            $(#[$item_doc:meta])*
            $item_signal:ident: $item:ident = $item_name:literal,
            each $item_list:literal of $($item_field:literal)|+;
        )+ }
        values { $(
            $(#[$value_doc:meta])*
            $value_signal:ident: $value:ident = $value_name:literal,
            of $($value_field:literal)|+;
        )+ }
        manual { $($manual:tt)+ }
    ) => {
        fn reader_of_items(field: &str, list: &str) -> Option<&'static Reader> {
            match (field, list) {
                $($(($($own_field)|+, $($own_list)|+) => Some(<$own>::READER),)?)+
                $(($($item_field)|+, $item_list) => Some(<FieldEvent<$item>>::READER),)+
                _ => None,
            }
        }

        /// Returns the reader of the whole value of a field.
        pub(super) fn reader_of_value(field: &str) -> Option<&'static Reader> {
            match field {
                $($($value_field)|+ => Some(<FieldEvent<$value>>::READER),)+
                _ => None,
            }
        }

        /// Whether the values of a field hold lists.
        pub(super) fn has_lists(field: &str) -> bool {
            let fields: &[&str] = &[
                $($($($own_field,)+)? $($($own_from,)+)?)+
                $($($item_field,)+)+
            ];
            fields.contains(&field)
        }
    };
}

for_each_signal!(define_readers);
