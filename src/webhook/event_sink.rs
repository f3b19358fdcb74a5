//! The sink of the events and reports of a body.

use std::sync::Arc;

use super::item::{ChangeContext, Item, ItemContext};
use super::summary::ItemSummary;
use crate::Context;
use crate::event::{Reason, Unrecognized, WebhookEvent, complete_ids};
use crate::json::{Member, Node, Omissions, Path, each_with_path};
use crate::model::{RawJson, UserSide};
use crate::signals::{ANY_EVENT, UNRECOGNIZED};

/// The greatest number of reports of one body. Meta sends at most 1,000 updates; without a limit,
/// a hostile body of 4 MiB of `1,1,1,…` would become a gigabyte of events.
const MAX_REPORTS: usize = 10_000;

/// The greatest number of events of one body. In a body of 4 MiB, this many items have 40 bytes
/// each; Meta's are longer, and those of a hostile `{},{},{},…` have three.
const MAX_EVENTS: usize = 100_000;

/// The events of a body so far, the reports of its unrecognized parts among them.
pub(super) struct EventSink<'b> {
    body: &'b Arc<str>,
    list: Vec<WebhookEvent>,
    /// The number of reports, dropped ones included.
    reports: usize,
    /// The number of events and reports above a limit.
    dropped: usize,
    selection: Selection<'b>,
    /// The number of items that were not read, since their signals have no receivers.
    skipped: usize,
}

/// The items of a body that become events.
#[derive(Clone, Copy)]
pub(super) enum Selection<'a> {
    All,
    /// The items whose signals have receivers in this context.
    WithReceivers(&'a Context),
}

/// Returns `true` if receivers need all items: those of [`ANY_EVENT`], and those of
/// [`UNRECOGNIZED`], since any item may be malformed.
fn needs_all(context: &Context) -> bool {
    ANY_EVENT.with(context).has_receivers() || UNRECOGNIZED.with(context).has_receivers()
}

impl<'b> EventSink<'b> {
    pub(super) fn new(body: &'b Arc<str>, selection: Selection<'b>) -> Self {
        let selection = match selection {
            Selection::WithReceivers(context) if needs_all(context) => Selection::All,
            selection => selection,
        };
        Self {
            body,
            list: Vec::new(),
            reports: 0,
            dropped: 0,
            selection,
            skipped: 0,
        }
    }

    /// Returns all events. Above a limit, the last one reports the whole body.
    pub(super) fn finish(mut self, body: Node<'_>) -> Vec<WebhookEvent> {
        if self.dropped > 0 {
            let change = ChangeContext::default();
            let reason = Reason::TooMany(self.dropped);
            let report = unrecognized(&change, "entry".to_owned(), reason, self.raw(body));
            self.list.push(report.into());
        }
        complete_ids(&mut self.list);
        self.list
    }

    pub(super) fn selects_all(&self) -> bool {
        matches!(self.selection, Selection::All)
    }

    /// Returns `true` if the items with these receivers become events.
    #[inline]
    pub(super) fn selects(&self, has_receivers: fn(&Context) -> bool) -> bool {
        match self.selection {
            Selection::All => true,
            Selection::WithReceivers(context) => has_receivers(context),
        }
    }

    /// Counts items that do not become events.
    pub(super) fn skip(&mut self, items: usize) {
        self.skipped += items;
    }

    /// Returns the number of events.
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
            self.dropped += 1;
        }
    }

    /// Returns the JSON of a value of the body.
    #[inline]
    pub(super) fn raw(&self, json: Node<'_>) -> RawJson {
        RawJson::part_of(self.body, json.range())
    }

    /// Reserves memory for the events of this many items.
    pub(super) fn reserve(&mut self, items: usize) {
        // Meta sends at most 1,000 updates. More memory, for a hostile body, is reserved on demand.
        let items = items.min(1_024);
        if self.list.is_empty() {
            // Most bodies have one item, and need no spare capacity.
            self.list.reserve_exact(items);
        } else {
            self.list.reserve(items);
        }
    }

    /// Reports an unknown member; each element of a list by itself.
    #[cold]
    pub(super) fn report_unknown(
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
            self.report_item(&item, UserSide::Either, reason.clone());
        }
        if list.elements().next().is_none() {
            let item = Item::new(list, 0, path, context);
            self.report_item(&item, UserSide::Either, reason);
        }
    }

    /// Reports a value that is no item, without a user.
    #[cold]
    pub(super) fn report(
        &mut self,
        change: &ChangeContext<'_>,
        path: Path<'_>,
        reason: impl Into<Reason>,
        json: Node<'_>,
    ) {
        if self.count_report() {
            let raw = self.raw(json);
            self.push(unrecognized(change, path.text(), reason.into(), raw));
        }
    }

    /// Reports an item, with its id, user and time if they are well-formed.
    #[cold]
    pub(super) fn report_item(
        &mut self,
        item: &Item<'_, '_>,
        side: UserSide,
        reason: impl Into<Reason>,
    ) {
        if self.count_report() {
            let summary = ItemSummary::read(item, side);
            self.push_report(item, &summary, item.path.text(), reason.into(), item.json);
        }
    }

    /// Reports the malformed members that the events of an item lack, with the user of its first
    /// event. `before` is the number of events before those of the item.
    #[inline]
    pub(super) fn report_omitted<'a>(
        &mut self,
        item: &Item<'_, 'a>,
        before: usize,
        side: UserSide,
        omitted: Omissions<'a>,
    ) {
        if !omitted.is_empty() {
            self.report_each_omission(item, before, side, omitted);
        }
    }

    #[cold]
    fn report_each_omission<'a>(
        &mut self,
        item: &Item<'_, 'a>,
        before: usize,
        side: UserSide,
        omitted: Omissions<'a>,
    ) {
        let summary = match self.list.get(before) {
            Some(event) => ItemSummary::of_event(item, event),
            None => ItemSummary::read(item, side),
        };
        each_with_path(item.json, item.path, omitted, |path, omission| {
            if self.count_report() {
                self.push_report(item, &summary, path, omission.fault.into(), omission.json);
            }
        });
    }

    /// Counts a report. Returns `false` above the limit.
    fn count_report(&mut self) -> bool {
        self.reports += 1;
        let is_allowed = self.reports <= MAX_REPORTS;
        self.dropped += usize::from(!is_allowed);
        is_allowed
    }

    fn push_report(
        &mut self,
        item: &Item<'_, '_>,
        summary: &ItemSummary,
        path: String,
        reason: Reason,
        json: Node<'_>,
    ) {
        let change = item.context.change;
        let raw = self.raw(json);
        self.push(Unrecognized {
            id: summary.id.clone(),
            user: summary.user.clone(),
            contact: summary.contact.clone(),
            group_id: summary.group_id.clone(),
            timestamp: summary.timestamp.or(change.time),
            account: Arc::clone(&summary.account),
            ..unrecognized(change, path, reason, raw)
        });
    }
}

/// Returns a report without a user.
fn unrecognized(
    change: &ChangeContext<'_>,
    path: String,
    reason: Reason,
    raw: RawJson,
) -> Unrecognized {
    Unrecognized {
        field: change.shared_field(),
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
