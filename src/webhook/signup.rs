//! The items of `user_preferences`, and signups.

use std::sync::Arc;

use super::event_sink::EventSink;
use super::item::Item;
use super::item_kind::{FromItem, ItemKind, read_field_event};
use crate::event::{Event, FieldEvent, PreferenceValue, Reason, UserPreference, UserSubscribed};
use crate::json::Omissions;
use crate::json::object::{ReadMembers, members};
use crate::model::{Contact, IdText, Ids, Signup, SignupId, Timestamp};

/// An item of `user_preferences`: a preference, or a signup if its value is `signup`.
pub(super) const PREFERENCE: ItemKind = ItemKind {
    add_events: |events, item| {
        let mut omitted = Omissions::default();
        let event = read_field_event::<UserPreference>(events, item, &mut omitted)?;
        if event.value.value == PreferenceValue::Signup {
            UserSubscribed::add_events(events, item)?;
        } else {
            events.push(event);
        }
        Ok(omitted)
    },
    has_receivers: |context| {
        let of_preference = FieldEvent::<UserPreference>::signal().with(context);
        of_preference.has_receivers() || UserSubscribed::has_receivers(context)
    },
    ..*FieldEvent::<UserPreference>::KIND
};

members! {
    /// The members of a signup: an item of `user_preferences`, or an `in_app_signup`, which has
    /// some of them.
    struct Members<'a> {
        wa_id: IdText<'a>,
        user_id: IdText<'a>,
        parent_user_id: IdText<'a>,
        signup_id: SignupId,
        timestamp: Timestamp,
    }
}

impl FromItem for UserSubscribed {
    fn add_events<'a>(
        events: &mut EventSink<'_>,
        item: &Item<'_, 'a>,
    ) -> Result<Omissions<'a>, Reason> {
        let mut omitted = Omissions::default();
        let signup = Members::read(item.json, &mut omitted)?;
        let user = item.identity(&Ids {
            wa_id: signup.wa_id,
            user_id: signup.user_id,
            parent_user_id: signup.parent_user_id,
        });
        let shared = item.contact(user.as_ref());
        let mut contact = match (&shared, user) {
            (Some(shared), user) => {
                let mut contact = Contact::clone(shared);
                // The item may have ids that the contact lacks.
                if let Some(user) = user {
                    contact.identity = contact.identity.completed_by(&user);
                }
                contact
            }
            (None, Some(user)) => Contact::new(user),
            (None, None) => return Err(omitted.missing(item.json, "wa_id").into()),
        };
        let signup_id = signup
            .signup_id
            .filter(|id| !id.as_str().is_empty())
            .ok_or_else(|| omitted.missing(item.json, "signup_id"))?;
        contact.subscribed_via_signup = true;
        // Some of Meta's webhooks have 0 as the time.
        let timestamp = signup.timestamp.filter(|time| time.as_secs() > 0);
        let timestamp = timestamp.or(item.context.change.time);
        contact.subscribed_at = timestamp;
        if let (Some(shared), Some(contacts)) = (&shared, item.context.contacts) {
            contacts.mark_copied(shared, item.at);
        }
        let raw = events.raw(item.json);
        events.push(Self {
            contact: Arc::new(contact),
            signup: Signup::new(signup_id),
            timestamp,
            account: item.account(),
            raw,
            known_as: None,
        });
        Ok(omitted)
    }
}
