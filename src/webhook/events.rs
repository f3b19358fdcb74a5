//! The events of a webhook while it is being read.

use std::borrow::Cow;
use std::sync::Arc;

use super::item::{ChangeContext, Item, ItemContext, Reader};
use super::summary::Summary;
use crate::Context;
use crate::event::{Reason, Unrecognized, WebhookEvent, complete_ids};
use crate::json::{Member, Node, Omissions, Path, each_with_path};
use crate::model::{Account, Contact, GroupId, Identity, MessageId, RawJson, Timestamp, UserSide};
use crate::signals::{ANY_EVENT, UNRECOGNIZED};

/// The greatest number of reports of one body. Meta sends a thousand updates at most; past
/// this a body is hostile, and four megabytes of `1,1,1,…` must not become a gigabyte of events.
const MAX_UNRECOGNIZED: usize = 10_000;

/// The greatest number of events of one body. A body of this many items has forty bytes an
/// item, which none of Meta's has; `{},{},{},…` has three.
const MAX_EVENTS: usize = 100_000;

/// The events so far, and the body that they are read from.
pub(super) struct Events<'b> {
    body: &'b Arc<str>,
    list: Vec<WebhookEvent>,
    unrecognized: usize,
    /// The number of events and reports past a limit.
    more: usize,
    selection: Selection<'b>,
    /// The number of items that were not read, since no receiver would get them.
    skipped: usize,
}

/// The items that are read.
#[derive(Clone, Copy)]
pub(super) enum Selection<'a> {
    All,
    /// Those whose signals have receivers, with this context.
    WithReceivers(&'a Context),
}

/// True when receivers need all items to be read. Any item may be malformed, which a receiver of
/// [`UNRECOGNIZED`] gets.
fn needs_all(context: &Context) -> bool {
    ANY_EVENT.with(context).has_receivers() || UNRECOGNIZED.with(context).has_receivers()
}

impl<'b> Events<'b> {
    pub(super) fn new(body: &'b Arc<str>, selection: Selection<'b>) -> Self {
        let selection = match selection {
            Selection::WithReceivers(context) if needs_all(context) => Selection::All,
            selection => selection,
        };
        Self {
            body,
            list: Vec::new(),
            unrecognized: 0,
            more: 0,
            selection,
            skipped: 0,
        }
    }

    /// Returns all events, with one report of the whole body at the end if a limit was reached.
    pub(super) fn into_list(mut self, body: Node<'_>) -> Vec<WebhookEvent> {
        if self.more > 0 {
            let nothing = ChangeContext::default();
            let reason = Reason::TooMany(self.more);
            let rest = unrecognized(&nothing, "entry".to_owned(), reason, self.raw(body));
            self.list.push(rest.into());
        }
        complete_ids(&mut self.list);
        self.list
    }

    pub(super) fn selects_all(&self) -> bool {
        matches!(self.selection, Selection::All)
    }

    /// Whether items are read that are read in this way.
    #[inline]
    pub(super) fn selects(&self, reader: &Reader) -> bool {
        match self.selection {
            Selection::All => true,
            Selection::WithReceivers(context) => (reader.has_receivers)(context),
        }
    }

    /// Counts items that are not read.
    pub(super) fn skip(&mut self, items: usize) {
        self.skipped += items;
    }

    /// Returns the number of events so far.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn skipped(&self) -> usize {
        self.skipped
    }

    #[inline]
    pub(super) fn push(&mut self, event: impl Into<WebhookEvent>) {
        if self.list.len() < MAX_EVENTS {
            self.list.push(event.into());
        } else {
            self.more += 1;
        }
    }

    /// Returns the JSON of a value of the body.
    #[inline]
    pub(super) fn raw(&self, json: Node<'_>) -> RawJson {
        RawJson::part_of(self.body, json.range())
    }

    /// Reserves memory for the events of so many items.
    pub(super) fn reserve(&mut self, items: usize) {
        // Meta sends a thousand updates at most. The events of hostile items take theirs one
        // by one.
        let items = items.min(1_024);
        if self.list.is_empty() {
            // Most bodies have one item.
            self.list.reserve_exact(items);
        } else {
            self.list.reserve(items);
        }
    }

    /// Reports a member of an object that this version does not know, item by item where it has
    /// items.
    #[cold]
    pub(super) fn unknown(
        &mut self,
        context: &ItemContext<'_>,
        path: Path<'_>,
        member: Member<'_>,
    ) {
        let reason = if member.has_malformed_name() {
            Reason::Malformed
        } else {
            Reason::UnknownMember
        };
        let list = member.value;
        for (at, json) in list.elements().enumerate() {
            let item = Item::new(json, at, path.element(at), context);
            self.unrecognized_item(&item, UserSide::Either, reason.clone());
        }
        if list.elements().next().is_none() {
            let item = Item::new(list, 0, path, context);
            self.unrecognized_item(&item, UserSide::Either, reason);
        }
    }

    /// Reports a value that is no item, and about no user.
    #[cold]
    pub(super) fn unrecognized(
        &mut self,
        change: &ChangeContext<'_>,
        path: Path<'_>,
        reason: impl Into<Reason>,
        json: Node<'_>,
    ) {
        if self.may_report() {
            let raw = self.raw(json);
            self.push(unrecognized(change, path.text(), reason.into(), raw));
        }
    }

    /// Reports an item, with its id, its user and its time as far as they can be read.
    #[cold]
    pub(super) fn unrecognized_item(
        &mut self,
        item: &Item<'_, '_>,
        side: UserSide,
        reason: impl Into<Reason>,
    ) {
        if self.may_report() {
            let about = About::read(item, side);
            self.report(item, &about, item.path.text(), reason.into(), item.json);
        }
    }

    /// Reports the members that the events of an item lack. The events are those behind
    /// the first `before`, and the reports are about the same user.
    #[inline]
    pub(super) fn omitted<'a>(
        &mut self,
        item: &Item<'_, 'a>,
        before: usize,
        side: UserSide,
        omitted: Omissions<'a>,
    ) {
        if !omitted.is_empty() {
            self.report_omitted(item, before, side, omitted);
        }
    }

    #[cold]
    fn report_omitted<'a>(
        &mut self,
        item: &Item<'_, 'a>,
        before: usize,
        side: UserSide,
        omitted: Omissions<'a>,
    ) {
        let about = match self.list.get(before) {
            Some(event) => About::as_of(item, event),
            None => About::read(item, side),
        };
        each_with_path(item.json, item.path, omitted, |path, omission| {
            if self.may_report() {
                self.report(item, &about, path, omission.fault.into(), omission.json);
            }
        });
    }

    /// Counts a report; `false` past the limit.
    fn may_report(&mut self) -> bool {
        self.unrecognized += 1;
        let may_report = self.unrecognized <= MAX_UNRECOGNIZED;
        self.more += usize::from(!may_report);
        may_report
    }

    fn report(
        &mut self,
        item: &Item<'_, '_>,
        about: &About,
        path: String,
        reason: Reason,
        json: Node<'_>,
    ) {
        let change = item.context.change;
        let raw = self.raw(json);
        self.push(Unrecognized {
            id: about.id.clone(),
            user: about.user.clone(),
            contact: about.contact.clone(),
            group_id: about.group_id.clone(),
            timestamp: about.timestamp.or(change.time),
            account: Arc::clone(&about.account),
            ..unrecognized(change, path, reason, raw)
        });
    }
}

/// Makes a report that names no user.
fn unrecognized(
    change: &ChangeContext<'_>,
    path: String,
    reason: Reason,
    raw: RawJson,
) -> Unrecognized {
    Unrecognized {
        field: change.keep_field(),
        path,
        reason,
        id: None,
        user: None,
        contact: None,
        group_id: None,
        timestamp: change.time,
        account: Arc::clone(&change.account),
        raw,
        known_as: None,
    }
}

/// The id, user and time that reports of an item have.
struct About {
    id: Option<MessageId>,
    user: Option<Identity>,
    contact: Option<Arc<Contact>>,
    group_id: Option<GroupId>,
    timestamp: Option<Timestamp>,
    account: Arc<Account>,
}

impl About {
    /// Reads it from an item that could not be read as what it is.
    fn read(item: &Item<'_, '_>, side: UserSide) -> Self {
        let thread = item.thread.and_then(|thread| thread.contact.as_ref());
        let thread_user = thread.map(|contact| &contact.identity);
        let summary = Summary::of(item.json);
        let (id, timestamp) = (summary.id.clone(), summary.timestamp);
        let account = item.account_of(summary.phone_number_id());
        let (user, group_id) = summary.into_user(side, item.numbers());
        let user = user.or_else(|| thread_user.cloned());
        let contact = thread
            .filter(|contact| {
                let identity = &contact.identity;
                user.as_ref().is_none_or(|user| identity.is_same_user(user))
            })
            .cloned();
        let contact = contact.or_else(|| item.contact_in(group_id.is_some(), user.as_ref()));
        Self {
            id,
            user,
            contact,
            group_id,
            timestamp,
            account,
        }
    }

    /// Reads the id and the time of an item, and takes the rest from an event of it.
    fn as_of(item: &Item<'_, '_>, event: &WebhookEvent) -> Self {
        let summary = Summary::of(item.json);
        let contact = event.contact().filter(|_| !event.is_news_of_ids());
        Self {
            id: summary.id,
            user: event.user().map(Cow::into_owned),
            contact: contact.map(|contact| Arc::new(contact.clone())),
            group_id: event.group().map(GroupId::from),
            timestamp: summary.timestamp,
            account: Arc::new(event.account().clone()),
        }
    }
}
