//! An item of a webhook, with the context that it shares with other items.

use std::cell::OnceCell;
use std::sync::Arc;

use super::contacts::ContactIndex;
use crate::event::ConversationContext;
use crate::json::{Node, Path};
use crate::model::{
    Account, Contact, HistoryProgress, Identity, Ids, Numbers, PhoneNumberId, Timestamp, WaId,
};

/// The context of all items of a change.
#[derive(Default)]
pub(super) struct ChangeContext<'c> {
    pub(super) field: Option<&'c str>,
    /// The field's name, shared by the events that have it: a body may have many of these, and
    /// the name may be long.
    shared_field: OnceCell<Arc<str>>,
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
        Self {
            field,
            shared_field: OnceCell::new(),
            account,
            time,
        }
    }

    pub(super) fn shared_field(&self) -> Option<Arc<str>> {
        let field = self.field?;
        let shared = self.shared_field.get_or_init(|| field.into());
        Some(Arc::clone(shared))
    }
}

/// The context of all items of a value.
pub(super) struct ItemContext<'c> {
    pub(super) change: &'c ChangeContext<'c>,
    pub(super) contacts: Option<&'c ContactIndex<'c>>,
    pub(super) conversation_context: Option<Arc<ConversationContext>>,
}

impl<'c> ItemContext<'c> {
    /// Returns the context of an item without others beside it.
    pub(super) fn alone(change: &'c ChangeContext<'c>) -> Self {
        Self {
            change,
            contacts: None,
            conversation_context: None,
        }
    }
}

/// A thread of `history`, or a chunk of threads.
#[derive(Default)]
pub(super) struct Thread {
    pub(super) id: Option<WaId>,
    /// The user on the other side of the business.
    pub(super) contact: Option<Arc<Contact>>,
    pub(super) progress: Option<HistoryProgress>,
}

/// An element of a list, or a value without lists.
pub(super) struct Item<'i, 'a> {
    pub(super) json: Node<'a>,
    /// The index in the list.
    pub(super) at: usize,
    pub(super) path: Path<'i>,
    pub(super) context: &'i ItemContext<'i>,
    /// The thread or chunk around the item.
    pub(super) thread: Option<&'i Thread>,
}

impl<'i, 'a> Item<'i, 'a> {
    /// Returns an item outside of threads.
    #[inline]
    pub(super) fn new(
        json: Node<'a>,
        at: usize,
        path: Path<'i>,
        context: &'i ItemContext<'i>,
    ) -> Self {
        Self {
            json,
            at,
            path,
            context,
            thread: None,
        }
    }

    /// Returns the contact of a sender or recipient. A member of a group is found by its ids only,
    /// since the only contact of the value may be another member.
    #[inline]
    pub(super) fn contact_in(
        &self,
        is_group: bool,
        user: Option<&Identity>,
    ) -> Option<Arc<Contact>> {
        if is_group {
            self.contact_by_id(user?)
        } else {
            self.contact(user)
        }
    }

    /// Returns the contact of a user; without a match, the only contact if it belongs to the item.
    #[inline]
    pub(super) fn contact(&self, user: Option<&Identity>) -> Option<Arc<Contact>> {
        self.context.contacts?.find(user, self.at)
    }

    /// Returns the contact with an id of this user.
    #[inline]
    pub(super) fn contact_by_id(&self, user: &Identity) -> Option<Arc<Contact>> {
        self.context.contacts?.find_by_id(user, self.at)
    }

    /// Returns the user with these ids, shared with its contact if that is at the same index.
    #[inline]
    pub(super) fn identity(&self, ids: &Ids<'_>) -> Option<Identity> {
        match self.context.contacts {
            Some(contacts) => contacts.identity(ids, self.at),
            None => Identity::from_ids(ids),
        }
    }

    #[inline]
    pub(super) fn account(&self) -> Arc<Account> {
        Arc::clone(&self.context.change.account)
    }

    /// Returns the account, with the number that the item itself has if the account has none.
    pub(super) fn account_of(&self, number: Option<&PhoneNumberId>) -> Arc<Account> {
        let mut account = self.account();
        if let Some(number) = number
            && account.phone_number_id.is_none()
        {
            Arc::make_mut(&mut account).phone_number_id = Some(number.clone());
        }
        account
    }

    /// Returns the known numbers of both sides: the account's, and that of the thread or of the
    /// only contact.
    pub(super) fn numbers(&self) -> Numbers<'_> {
        let thread = self.thread.and_then(|thread| thread.contact.as_ref());
        Numbers {
            business: self.context.change.account.display_phone_number.as_deref(),
            user: match thread {
                Some(contact) => contact.phone(),
                None => self.context.contacts.and_then(ContactIndex::only_number),
            },
        }
    }
}
