//! Signups, in the shapes in which they come.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::split::object;
use crate::event::{Reason, UserSubscribed};
use crate::model::timestamp::readable;
use crate::model::{
    Account, Contact, Identity, Ids, RawJson, Signup, SignupId, Timestamp, UserId, WaId,
};

/// An item of `user_preferences`, or an `in_app_signup`, which has less.
#[derive(Deserialize)]
pub(super) struct Subscription {
    #[serde(default)]
    wa_id: Option<WaId>,
    #[serde(default)]
    user_id: Option<UserId>,
    #[serde(default)]
    parent_user_id: Option<UserId>,
    /// `signup`, `stop`, `resume`.
    #[serde(default)]
    value: Option<Box<str>>,
    #[serde(default)]
    signup_id: Option<SignupId>,
    #[serde(default, deserialize_with = "readable")]
    timestamp: Option<Timestamp>,
}

pub(super) fn read(item: &RawValue) -> Result<Subscription, Reason> {
    object(item)
}

impl Subscription {
    pub(super) fn user(&self) -> Option<Identity> {
        Identity::from_ids(Ids {
            wa_id: self.wa_id.clone(),
            user_id: self.user_id.clone(),
            parent_user_id: self.parent_user_id.clone(),
        })
    }

    /// Whether a preference is a signup: Meta has one field for both.
    pub(super) fn is_signup(&self) -> bool {
        self.value.as_deref() == Some("signup")
    }

    /// The event, with what the webhook's contact tells about the user.
    pub(super) fn subscribed(
        self,
        contact: Option<Arc<Contact>>,
        account: &Arc<Account>,
        raw: RawJson,
    ) -> Result<UserSubscribed, Reason> {
        let mut contact = match (contact.map(Arc::unwrap_or_clone), self.user()) {
            (Some(mut contact), user) => {
                // The item may know more ids than the contact.
                if let Some(user) = user {
                    contact.identity = contact.identity.or(user);
                }
                contact
            }
            (None, Some(user)) => Contact::new(user),
            (None, None) => return Err(Reason::Missing("wa_id".into())),
        };
        let signup_id = self
            .signup_id
            .filter(|id| !id.as_str().is_empty())
            .ok_or_else(|| Reason::Missing("signup_id".into()))?;
        contact.subscribed_via_signup = true;
        contact.subscribed_at = self.timestamp;
        Ok(UserSubscribed {
            contact,
            signup: Signup::new(signup_id),
            account: Arc::clone(account),
            raw,
        })
    }
}
