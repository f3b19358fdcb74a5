//! Items of `user_preferences`, and signups in the shapes in which they come.

use std::sync::Arc;

use super::events::Events;
use super::item::{FromItem, Item, Reader, change};
use crate::event::{Event, FieldEvent, PreferenceValue, Reason, UserPreference, UserSubscribed};
use crate::json::Omissions;
use crate::json::object::{ReadMembers, members};
use crate::model::{Contact, IdText, Ids, Signup, SignupId, Timestamp};

/// Reads an item of `user_preferences`. Meta has one field for preferences and signups.
pub(super) const PREFERENCE: Reader = Reader {
    read: |events, item| {
        let mut omitted = Omissions::default();
        let change = change::<UserPreference>(events, item, &mut omitted)?;
        if change.value.value == PreferenceValue::Signup {
            UserSubscribed::read(events, item)?;
        } else {
            events.push(change);
        }
        Ok(omitted)
    },
    has_receivers: |context| {
        let of_preference = FieldEvent::<UserPreference>::signal().with(context);
        of_preference.has_receivers() || UserSubscribed::has_receivers(context)
    },
    ..*FieldEvent::<UserPreference>::READER
};

members! {
    /// An item of `user_preferences` whose value is `signup`, or an
    /// `in_app_signup`, which has less.
    struct Subscription<'a> {
        wa_id: IdText<'a>,
        user_id: IdText<'a>,
        parent_user_id: IdText<'a>,
        signup_id: SignupId,
        timestamp: Timestamp,
    }
}

impl FromItem for UserSubscribed {
    /// Completes the user by the webhook's contact.
    fn read<'a>(events: &mut Events<'_>, item: &Item<'_, 'a>) -> Result<Omissions<'a>, Reason> {
        let mut omitted = Omissions::default();
        let signup = Subscription::read(item.json, &mut omitted)?;
        let user = item.identity(&Ids {
            wa_id: signup.wa_id,
            user_id: signup.user_id,
            parent_user_id: signup.parent_user_id,
        });
        let listed = item.contact(user.as_ref());
        let mut contact = match (&listed, user) {
            (Some(listed), user) => {
                let mut contact = Contact::clone(listed);
                // The item may know more ids than the contact.
                if let Some(user) = user {
                    contact.identity = contact.identity.or(&user);
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
        // Some of Meta's webhooks have 0 there.
        let timestamp = signup.timestamp.filter(|time| time.as_secs() > 0);
        let timestamp = timestamp.or(item.context.change.time);
        contact.subscribed_at = timestamp;
        if let (Some(listed), Some(contacts)) = (&listed, item.context.contacts) {
            contacts.mark_copied(listed, item.at);
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
