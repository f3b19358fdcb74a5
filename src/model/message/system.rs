//! News about a user.

use crate::model::object::object;
use crate::model::text_enum::text_enum;
use crate::model::{Identity, UserId, WaId, is_user_id};

object! {
    /// `system`: news about the user, which the chat shows to both sides.
    ///
    /// ```json
    /// {"type": "user_changed_number", "body": "…", "wa_id": "12195555358"}
    /// {"type": "user_changed_user_id", "user_id": "US.13…", "previous_user_id": "US.99…"}
    /// ```
    ///
    /// Meta's page: [system messages](https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages/system).
    ///
    /// ```
    /// use whatsapp_signals::model::{System, SystemKind};
    ///
    /// let older: System = serde_json::from_str(
    ///     r#"{"type": "customer_changed_number", "new_wa_id": "12195555358"}"#,
    /// )?;
    /// assert_eq!(older.kind, Some(SystemKind::CustomerChangedNumber));
    /// assert_eq!(older.new_number().unwrap(), "12195555358");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct System {
        /// What happened.
        #[serde(rename = "type")]
        pub kind: Option<SystemKind>,
        /// What the chat shows.
        pub body: Option<Box<str>>,
        /// The user's number from now on.
        pub wa_id: Option<WaId>,
        /// The same in older versions.
        pub new_wa_id: Option<WaId>,
        /// The user's id from now on.
        pub user_id: Option<UserId>,
        /// The user's parent id from now on.
        pub parent_user_id: Option<UserId>,
        /// The user's id until now.
        pub previous_user_id: Option<UserId>,
        /// The user's parent id until now.
        pub previous_parent_user_id: Option<UserId>,
        /// The hash of the user's new identity, in older versions.
        pub identity: Option<Box<str>>,
        /// The user, in older versions.
        pub customer: Option<WaId>,
        /// The user, in older versions still.
        pub user: Option<WaId>,
    }
}

text_enum! {
    /// What a system message tells.
    pub enum SystemKind {
        /// The user has another phone number.
        UserChangedNumber = "user_changed_number",
        /// The user has another business-scoped user id.
        UserChangedUserId = "user_changed_user_id",
        /// The user has another phone number; older versions.
        CustomerChangedNumber = "customer_changed_number",
        /// The user has another device or identity; older versions.
        CustomerIdentityChanged = "customer_identity_changed",
    }
}

impl System {
    /// Returns the user's number from now on, wherever the version of the webhook has it;
    /// `None` when that member is empty or has a business-scoped user id.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::System;
    ///
    /// let news: System = serde_json::from_str(r#"{"wa_id": "15550101002"}"#)?;
    /// assert_eq!(news.new_number().unwrap(), "15550101002");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn new_number(&self) -> Option<&WaId> {
        let numbers = [&self.wa_id, &self.new_wa_id].into_iter().flatten();
        numbers.into_iter().find(|number| {
            let number = number.as_str();
            !number.is_empty() && !is_user_id(number)
        })
    }

    /// Returns the user until now, given the sender of the message, which may be missing or
    /// have the new ids already.
    pub(crate) fn previous(&self, sender: Option<Identity>) -> Option<Identity> {
        let from = |id: fn(&Identity) -> Option<&str>| sender.as_ref().and_then(id);
        let from_number = from(|sender| Some(sender.wa_id()?.as_str()));
        let from_user_id = from(|sender| Some(sender.user_id()?.as_str()));
        let from_parent = from(|sender| Some(sender.parent_user_id()?.as_str()));
        let new_number = self.new_number().map(WaId::as_str);
        let user_id = self.new_user_id();
        let parent = text(self.parent_user_id.as_ref());
        let (old_number, old_user_id) = match self.ids_in_body() {
            Some((old, new)) if Some(new) == user_id && is_user_id(old) => (None, Some(old)),
            Some((old, new)) if Some(new) == new_number && !is_user_id(old) => (Some(old), None),
            _ => (None, None),
        };
        let number = match self.kind {
            Some(SystemKind::UserChangedNumber | SystemKind::CustomerChangedNumber) => {
                from_number.filter(|number| Some(*number) != new_number)
            }
            _ => from_number,
        };
        let previous = Identity::new(
            number
                .or(old_number)
                .or(text(self.customer.as_ref()))
                .or(text(self.user.as_ref())),
            text(self.previous_user_id.as_ref())
                .or(old_user_id)
                .or(from_user_id.filter(|id| Some(*id) != user_id)),
            text(self.previous_parent_user_id.as_ref())
                .or(from_parent.filter(|id| Some(*id) != parent)),
        );
        previous
            .or(sender)
            .or_else(|| Identity::new(new_number, user_id, parent))
    }

    /// Returns the user from now on, given the user until now; `None` when the message is
    /// no news of that.
    pub(crate) fn current(&self, previous: &Identity) -> Option<Identity> {
        if self.kind == Some(SystemKind::CustomerIdentityChanged) {
            return None;
        }
        let current = Identity::new(
            self.new_number().or(previous.wa_id()).map(WaId::as_str),
            self.new_user_id()
                .or(previous.user_id().map(UserId::as_str)),
            text(self.parent_user_id.as_ref()).or(previous.parent_user_id().map(UserId::as_str)),
        )?;
        (current != *previous).then_some(current)
    }

    fn new_user_id(&self) -> Option<&str> {
        let in_place_of_number = text(self.wa_id.as_ref()).filter(|id| is_user_id(id));
        text(self.user_id.as_ref()).or(in_place_of_number)
    }

    /// Returns A and B of `User … changed from A to B`, in which Meta names the previous id
    /// where no member does.
    fn ids_in_body(&self) -> Option<(&str, &str)> {
        let (_, ids) = self.body.as_deref()?.rsplit_once("changed from ")?;
        let (old, new) = ids.split_once(" to ")?;
        let [old, new] = [old, new].map(|id| id.trim().trim_end_matches('.'));
        (!old.is_empty() && !old.contains(char::is_whitespace)).then_some((old, new))
    }
}

/// Returns an id as text, unless it is missing or empty.
fn text(id: Option<&impl AsRef<str>>) -> Option<&str> {
    id.map(AsRef::as_ref).filter(|id| !id.is_empty())
}
