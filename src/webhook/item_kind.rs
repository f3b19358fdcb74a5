//! The kinds of items, and the way from an item to its events.

use super::event_sink::EventSink;
use super::item::{Item, ItemContext, Thread};
use crate::Context;
use crate::event::{Event, FieldEvent, Payload, Reason, WebhookEvent};
use crate::json::{Node, Omissions, Path};
use crate::model::UserSide;

/// A kind of items, such as the messages of `messages`.
#[derive(Clone, Copy)]
pub(super) struct ItemKind {
    /// See [`FromItem::add_events`].
    pub(super) add_events:
        for<'a> fn(&mut EventSink<'_>, &Item<'_, 'a>) -> Result<Omissions<'a>, Reason>,
    /// See [`FromItem::IS_ABOUT_USER`].
    pub(super) is_about_user: bool,
    /// See [`FromItem::SIDE`].
    pub(super) side: UserSide,
    /// See [`FromItem::has_receivers`].
    pub(super) has_receivers: fn(&Context) -> bool,
}

/// An event that is made of an item.
pub(super) trait FromItem: Event {
    /// `true` if each well-formed item names a user.
    const IS_ABOUT_USER: bool = true;

    /// The side of the user, for items with a sender and a recipient.
    const SIDE: UserSide = UserSide::Either;

    /// The kind of the items that become this event.
    const KIND: &'static ItemKind = &ItemKind {
        add_events: Self::add_events,
        is_about_user: Self::IS_ABOUT_USER,
        side: Self::SIDE,
        has_receivers: Self::has_receivers,
    };

    /// Returns `true` if a signal of the item's events has receivers.
    fn has_receivers(context: &Context) -> bool {
        Self::signal().with(context).has_receivers()
    }

    /// Adds the events of an item. Returns the malformed members that the events lack, for the
    /// caller to report.
    ///
    /// # Errors
    ///
    /// The reason for which the item is unrecognized, for the caller to report.
    fn add_events<'a>(
        events: &mut EventSink<'_>,
        item: &Item<'_, 'a>,
    ) -> Result<Omissions<'a>, Reason>;
}

impl ItemKind {
    /// Adds the events of an item, and reports its malformed members, or the whole item if it is
    /// unrecognized.
    #[inline]
    pub(super) fn add(&self, events: &mut EventSink<'_>, item: &Item<'_, '_>) {
        let before = events.len();
        match (self.add_events)(events, item) {
            Ok(omitted) => events.report_omitted(item, before, self.side, omitted),
            Err(reason) => events.report_item(item, self.side, reason),
        }
    }

    /// Adds the events of each element of a list.
    pub(super) fn add_each(
        &self,
        events: &mut EventSink<'_>,
        path: Path<'_>,
        list: Node<'_>,
        context: &ItemContext<'_>,
        thread: Option<&Thread>,
    ) {
        events.reserve(list.elements().count());
        for (at, json) in list.elements().enumerate() {
            let item = Item::new(json, at, path.element(at), context);
            self.add(events, &Item { thread, ..item });
        }
    }
}

impl<T: Payload> FromItem for FieldEvent<T>
where
    Self: Into<WebhookEvent> + Event,
{
    const IS_ABOUT_USER: bool = T::IS_ABOUT_USER;

    fn add_events<'a>(
        events: &mut EventSink<'_>,
        item: &Item<'_, 'a>,
    ) -> Result<Omissions<'a>, Reason> {
        let mut omitted = Omissions::default();
        let event = read_field_event::<T>(events, item, &mut omitted)?;
        events.push(event);
        Ok(omitted)
    }
}

/// Reads the payload of an item, and returns its event.
pub(super) fn read_field_event<'a, T: Payload>(
    events: &EventSink<'_>,
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
