//! The events of a webhook while it is being read.

use std::borrow::Cow;
use std::sync::Arc;

use super::item::{Around, Item, Reader};
use super::lenient::{Omissions, each_with_path};
use super::path::Path;
use super::piece::Piece;
use super::scope::Scope;
use super::split::{Member, elements, has_malformed_name};
use super::summary::Summary;
use super::users::complete_ids;
use crate::event::{Reason, Unrecognized, WebhookEvent};
use crate::model::{Account, Contact, GroupId, Identity, MessageId, RawJson, Timestamp, UserSide};
use crate::signals::UNRECOGNIZED;

/// How many odd things of one body are reported one by one. Meta sends a
/// thousand updates at most; past this a body is hostile, and four megabytes
/// of `1,1,1,…` must not become a gigabyte of events.
const MAX_UNRECOGNIZED: usize = 10_000;

/// How many events one body gives. A body of this many items has forty bytes
/// an item, which none of Meta's has; `{},{},{},…` has three.
const MAX_EVENTS: usize = 100_000;

/// The events so far, and the body that they are read from.
pub(crate) struct Events<'a> {
    body: &'a Arc<str>,
    list: Vec<WebhookEvent>,
    unrecognized: usize,
    /// What is past a limit.
    more: usize,
    wanted: Wanted,
    /// What was not read, since nobody hears it.
    skipped: usize,
}

/// Which items are to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    All,
    /// Those of which somebody hears.
    Heard,
}

/// How many events there were of each kind.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    len: usize,
    unrecognized: usize,
    more: usize,
    skipped: usize,
}

impl<'a> Events<'a> {
    pub(super) fn new(body: &'a Arc<str>, wanted: Wanted) -> Self {
        // Any item may turn out odd: who hears of those needs all to be read.
        let wanted = match wanted {
            Wanted::Heard if UNRECOGNIZED.has_receivers() => Wanted::All,
            wanted => wanted,
        };
        Self {
            body,
            list: Vec::new(),
            unrecognized: 0,
            more: 0,
            wanted,
            skipped: 0,
        }
    }

    /// Returns all events, with one report of the whole body at the end if a limit was
    /// reached.
    pub(super) fn into_list(mut self) -> Vec<WebhookEvent> {
        if self.more > 0 {
            let raw = self.raw(Piece::known(self.body.trim()));
            let reason = Reason::TooMany(self.more);
            let rest = Unrecognized::new(&Scope::default(), "entry".to_owned(), reason, raw);
            self.list.push(rest.into());
        }
        complete_ids(&mut self.list);
        self.list
    }

    pub(super) fn wants_all(&self) -> bool {
        self.wanted == Wanted::All
    }

    /// Whether items are to be read that are read in this way.
    pub(super) fn wants(&self, read: Reader) -> bool {
        self.wants_all() || (read.is_heard)()
    }

    /// Counts items that are not.
    pub(super) fn skip(&mut self, items: usize) {
        self.skipped += items;
    }

    /// Returns the number of events so far.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn skipped(&self) -> usize {
        self.skipped
    }

    pub(crate) fn push(&mut self, event: impl Into<WebhookEvent>) {
        if self.list.len() < MAX_EVENTS {
            self.list.push(event.into());
        } else {
            self.more += 1;
        }
    }

    /// A piece of the body, to be kept. It must have been split off the body
    /// itself, not off a copy.
    pub(super) fn raw(&self, piece: Piece<'_>) -> RawJson {
        let start = piece.get().as_ptr().addr() - self.body.as_ptr().addr();
        RawJson::part_of(self.body, start..start + piece.get().len())
    }

    /// Where the events stand now.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            len: self.list.len(),
            unrecognized: self.unrecognized,
            more: self.more,
            skipped: self.skipped,
        }
    }

    /// Takes back all that came after.
    pub(super) fn back_to(&mut self, mark: Mark) {
        self.list.truncate(mark.len);
        self.unrecognized = mark.unrecognized;
        self.more = mark.more;
        self.skipped = mark.skipped;
    }

    /// Makes room for the events of so many items.
    pub(super) fn make_room(&mut self, items: usize) {
        // An item of Meta's has a hundred bytes or more, but for an error. What
        // hostile ones take, they take one by one.
        let room = items.min(self.body.len() / 100).min(MAX_EVENTS);
        self.list.reserve(room);
    }

    /// Reports the members of an object that this version does not know, item
    /// by item where they have items.
    pub(super) fn unknown(
        &mut self,
        around: &Around<'_>,
        object: Option<Path<'_>>,
        members: &[Member<'_>],
    ) {
        for member in members {
            let reason = if has_malformed_name(member) {
                Reason::Malformed
            } else {
                Reason::UnknownMember
            };
            let (name, piece) = member;
            let path = match &object {
                Some(object) => object.member(name),
                None => Path::root(name),
            };
            match elements(*piece) {
                Ok(items) if !items.is_empty() => {
                    for (at, json) in items.into_iter().enumerate() {
                        let item = Item::new(json, at, path.element(at), around);
                        self.unrecognized_item(&item, UserSide::Either, reason.clone());
                    }
                }
                _ => {
                    let item = Item::new(*piece, 0, path, around);
                    self.unrecognized_item(&item, UserSide::Either, reason);
                }
            }
        }
    }

    /// Reports something that is no item, and about no user.
    #[cold]
    pub(super) fn unrecognized(
        &mut self,
        scope: &Scope<'_>,
        path: Path<'_>,
        reason: Reason,
        piece: Piece<'_>,
    ) {
        if self.may_report() {
            let raw = self.raw(piece);
            self.push(Unrecognized::new(scope, path.to_string(), reason, raw));
        }
    }

    /// Reports an item, with its id, its user and its time as far as they can be read.
    #[cold]
    pub(super) fn unrecognized_item(
        &mut self,
        item: &Item<'_, '_, '_>,
        side: UserSide,
        reason: Reason,
    ) {
        if self.may_report() {
            let about = About::read(item, side);
            self.report(item, &about, item.path.to_string(), reason, item.json);
        }
    }

    /// Reports the members that the events of an item lack. The events are those behind
    /// the first `before`, and the reports are about the same user.
    pub(super) fn omitted(
        &mut self,
        item: &Item<'_, '_, '_>,
        before: usize,
        side: UserSide,
        omitted: Omissions<'_>,
    ) {
        if omitted.is_empty() {
            return;
        }
        let about = match self.list.get(before) {
            Some(event) => About::as_of(item, event),
            None => About::read(item, side),
        };
        each_with_path(item.json, item.path, omitted, |path, omission| {
            if self.may_report() {
                self.report(item, &about, path, omission.reason, omission.json);
            }
        });
    }

    /// Counts a report; `false` when there were too many.
    fn may_report(&mut self) -> bool {
        self.unrecognized += 1;
        let may_report = self.unrecognized <= MAX_UNRECOGNIZED;
        self.more += usize::from(!may_report);
        may_report
    }

    fn report(
        &mut self,
        item: &Item<'_, '_, '_>,
        about: &About,
        path: String,
        reason: Reason,
        piece: Piece<'_>,
    ) {
        let scope = item.around.scope;
        let raw = self.raw(piece);
        self.push(Unrecognized {
            id: about.id.clone(),
            user: about.user.clone(),
            contact: about.contact.clone(),
            group_id: about.group_id.clone(),
            timestamp: about.timestamp.or(scope.time),
            account: Arc::clone(&about.account),
            ..Unrecognized::new(scope, path, reason, raw)
        });
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
    fn read(item: &Item<'_, '_, '_>, side: UserSide) -> Self {
        let thread = item.thread.and_then(|thread| thread.contact.as_ref());
        let thread_user = thread.map(|contact| &contact.identity);
        let summary = Summary::read(item.json);
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
    fn as_of(item: &Item<'_, '_, '_>, event: &WebhookEvent) -> Self {
        let summary = Summary::read(item.json);
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
