//! The events of a webhook while it is being read.

use std::sync::Arc;

use super::header::Header;
use super::item::Reader;
use super::path::Path;
use super::piece::Piece;
use super::scope::Scope;
use super::split::{Elements, Member, elements};
use crate::event::{Reason, Unrecognized, WebhookEvent};
use crate::model::RawJson;
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

    /// All events. What was not reported one by one is reported at the end,
    /// with the whole body.
    pub(super) fn into_list(mut self) -> Vec<WebhookEvent> {
        if self.more > 0 {
            let rest = Unrecognized {
                field: None,
                path: "entry".to_owned(),
                reason: Reason::TooMany(self.more),
                id: None,
                user: None,
                timestamp: None,
                account: Arc::default(),
                raw: self.raw(Piece::known(self.body.trim())),
            };
            self.list.push(rest.into());
        }
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

    /// Hands each item to `read`; what it cannot read is reported.
    pub(super) fn each<'v>(
        &mut self,
        scope: &Scope<'_>,
        path: Path<'_>,
        items: Elements<'v>,
        mut read: impl FnMut(&mut Self, usize, Piece<'v>) -> Result<(), Reason>,
    ) {
        for (at, item) in items.into_iter().enumerate() {
            if let Err(reason) = read(self, at, item) {
                self.unrecognized_item(scope, path.element(at), reason, item);
            }
        }
    }

    /// Reports the members of an object that this version does not know, item
    /// by item where they have items.
    pub(super) fn unknown(
        &mut self,
        scope: &Scope<'_>,
        object: Option<Path<'_>>,
        members: Vec<Member<'_>>,
    ) {
        for (name, piece) in members {
            let path = match &object {
                Some(object) => object.member(&name),
                None => Path::root(&name),
            };
            match elements(piece) {
                Ok(items) if !items.is_empty() => {
                    for (at, item) in items.into_iter().enumerate() {
                        let path = path.element(at);
                        self.unrecognized_item(scope, path, Reason::UnknownMember, item);
                    }
                }
                _ => self.unrecognized(scope, path, Reason::UnknownMember, piece),
            }
        }
    }

    /// Reports something that is not one of the items that have a header.
    pub(super) fn unrecognized(
        &mut self,
        scope: &Scope<'_>,
        path: Path<'_>,
        reason: Reason,
        piece: Piece<'_>,
    ) {
        self.report(scope, path, reason, piece, Header::default);
    }

    /// Reports an item, with as much of its header as can be read.
    pub(super) fn unrecognized_item(
        &mut self,
        scope: &Scope<'_>,
        path: Path<'_>,
        reason: Reason,
        item: Piece<'_>,
    ) {
        self.report(scope, path, reason, item, || Header::read(item));
    }

    #[cold]
    fn report(
        &mut self,
        scope: &Scope<'_>,
        path: Path<'_>,
        reason: Reason,
        piece: Piece<'_>,
        header: impl FnOnce() -> Header,
    ) {
        self.unrecognized += 1;
        if self.unrecognized > MAX_UNRECOGNIZED {
            self.more += 1;
            return;
        }
        let header = header();
        self.push(Unrecognized {
            field: scope.keep_field(),
            path: path.to_string(),
            reason,
            id: header.id,
            user: header.user,
            timestamp: header.timestamp.or(scope.time),
            account: Arc::clone(&scope.account),
            raw: self.raw(piece),
        });
    }
}
