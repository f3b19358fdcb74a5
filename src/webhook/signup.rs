//! Signups, in the shapes in which they come.

use std::sync::Arc;

use serde::Deserialize;

use super::events::Events;
use super::item::{FromItem, Item};
use super::lenient::Omissions;
use crate::event::{Reason, UserSubscribed};
use crate::model::object::option;
use crate::model::{Contact, Identity, Signup, SignupId, Timestamp, UserId, WaId};

/// An item of `user_preferences` whose value is `signup`, or an
/// `in_app_signup`, which has less.
#[derive(Deserialize)]
struct Subscription {
    #[serde(default, deserialize_with = "option")]
    wa_id: Option<WaId>,
    #[serde(default, deserialize_with = "option")]
    user_id: Option<UserId>,
    #[serde(default, deserialize_with = "option")]
    parent_user_id: Option<UserId>,
    #[serde(default, deserialize_with = "option")]
    signup_id: Option<SignupId>,
    #[serde(default, deserialize_with = "option")]
    timestamp: Option<Timestamp>,
}

impl FromItem for UserSubscribed {
    /// Takes over what the webhook's contact tells about the user.
    fn read<'j>(events: &mut Events<'_>, item: &Item<'j, '_, '_>) -> Result<Omissions<'j>, Reason> {
        let mut omitted = Omissions::default();
        let signup: Subscription = omitted.read(item.json)?;
        let user = Identity::from_parts(
            signup.wa_id.as_ref(),
            signup.user_id.as_ref(),
            signup.parent_user_id.as_ref(),
        );
        let listed = item.contact(user.as_ref());
        let mut contact = match (&listed, user) {
            (Some(listed), user) => {
                let mut contact = Contact::clone(listed);
                // The item may know more ids than the contact.
                if let Some(user) = user {
                    contact.identity = contact.identity.or(user);
                }
                contact
            }
            (None, Some(user)) => Contact::new(user),
            (None, None) => return Err(omitted.missing(item.json, "wa_id")),
        };
        let signup_id = signup
            .signup_id
            .filter(|id| !id.as_str().is_empty())
            .ok_or_else(|| omitted.missing(item.json, "signup_id"))?;
        contact.subscribed_via_signup = true;
        // Some of Meta's webhooks have 0 there.
        let timestamp = signup.timestamp.filter(|time| time.as_secs() > 0);
        let timestamp = timestamp.or(item.around.scope.time);
        contact.subscribed_at = timestamp;
        if let Some(listed) = &listed {
            item.around.contacts.copied(listed, item.at);
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
