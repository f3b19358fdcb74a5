//! The rows of records in a decision: contacts, messages, signups and campaigns.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::{Draft, Holders, MessageSlot, Slot, Undecided, slot};
use crate::model::{MessageStatus, Signup, Timestamp};
use crate::store::{
    CampaignKey, CampaignRow, ContactId, ContactRow, ConversationKey, IdKey, Merge, MessageKey,
    MessageState, NewMessage, SignupKey,
};

impl<'a, 's> Draft<'a, 's> {
    /// Returns the contacts that have or had an id.
    pub(crate) fn holders(&mut self, key: &IdKey) -> Result<&[ContactId], Undecided> {
        match self.holders.entry(key.clone()) {
            Entry::Occupied(holders) => Ok(&holders.into_mut().now),
            Entry::Vacant(vacant) => {
                if let Some(seen) = self.known.holders.get(key) {
                    return Ok(&vacant.insert(Holders::of(seen)).now);
                }
                self.missing.ids.insert(vacant.into_key());
                Err(Undecided::NotLoaded)
            }
        }
    }

    fn contact_slot(&mut self, id: ContactId) -> Result<&mut Slot<'s, ContactRow>, Undecided> {
        use std::collections::btree_map::Entry;
        match self.contacts.entry(id) {
            Entry::Occupied(slot) => Ok(slot.into_mut()),
            Entry::Vacant(vacant) => {
                if let Some(stored) = self.known.contacts.get(&id) {
                    return Ok(vacant.insert(Slot::of(stored.as_ref())));
                }
                self.missing.contacts.insert(id);
                Err(Undecided::NotLoaded)
            }
        }
    }

    /// Returns a contact.
    pub(crate) fn contact(&mut self, id: ContactId) -> Result<Option<&ContactRow>, Undecided> {
        Ok(self.contact_slot(id)?.row())
    }

    /// Adds or updates a contact.
    pub(crate) fn put_contact(&mut self, id: ContactId, row: ContactRow) {
        for held in &row.ids {
            let key = IdKey {
                tenant: row.tenant.clone(),
                kind: held.kind,
                id: Arc::clone(&held.id),
            };
            let holders = match self.holders.entry(key) {
                Entry::Occupied(holders) => holders.into_mut(),
                Entry::Vacant(vacant) => match self.known.holders.get(vacant.key()) {
                    Some(seen) => vacant.insert(Holders::of(seen)),
                    // The row had this id before: an id that is new to it was loaded.
                    None => continue,
                },
            };
            if !holders.now.contains(&id) {
                let now = holders.now.to_mut();
                now.push(id);
                now.sort_unstable();
            }
        }
        let slot = self.contacts.entry(id).or_insert_with(|| Slot {
            seen: self.known.contacts.get(&id).and_then(|stored| {
                let stored = stored.as_ref()?;
                Some(stored.version)
            }),
            row: None,
            is_written: true,
        });
        slot.put(Some(row));
    }

    /// Merges the contact `from` into `into`, which the caller writes.
    pub(crate) fn merge_contact(
        &mut self,
        from: ContactId,
        into: ContactId,
    ) -> Result<(), Undecided> {
        for holders in self.holders.values_mut() {
            if holders.now.contains(&from) {
                holders.now.to_mut().retain(|holder| *holder != from);
            }
        }
        for slot in &mut self.messages {
            if let Some(new) = &mut slot.new
                && new.contact == Some(from)
            {
                new.contact = Some(into);
            }
        }
        let slot = self.contact_slot(from)?;
        match slot.seen {
            Some(version) => {
                slot.put(None);
                self.merges.push(Merge::new(from, version, into));
            }
            // The contact was new in this decision.
            None => _ = self.contacts.remove(&from),
        }
        Ok(())
    }

    /// Deletes a stored contact with all its messages.
    pub(crate) fn delete_contact(&mut self, id: ContactId) -> Result<(), Undecided> {
        let slot = self.contact_slot(id)?;
        if let Some(version) = slot.seen {
            slot.put(None);
            self.deleted_contacts.push((id, version));
        }
        Ok(())
    }

    /// Deletes messages and statuses.
    pub(crate) fn delete_messages(&mut self, keys: &[MessageKey]) {
        self.deleted_messages.extend_from_slice(keys);
    }

    fn message_slot(
        &mut self,
        key: MessageKey,
        is_probably_new: bool,
    ) -> Result<&mut MessageSlot<'a>, Undecided> {
        let vacant = match self.message_indexes.entry(key) {
            Entry::Occupied(index) => return Ok(&mut self.messages[*index.get()]),
            Entry::Vacant(vacant) => vacant,
        };
        let stored = match self.known.messages.get(vacant.key()) {
            Some(stored) => stored.as_ref(),
            None if is_probably_new && self.is_optimistic => None,
            None => {
                self.missing.messages.insert(vacant.into_key());
                return Err(Undecided::NotLoaded);
            }
        };
        let (index, key) = (self.messages.len(), vacant.key().clone());
        vacant.insert(index);
        self.messages.push(MessageSlot {
            key,
            seen: stored.map(|stored| stored.version),
            state: stored.map(|stored| stored.row.clone()),
            new: None,
            status_at: None,
        });
        Ok(&mut self.messages[index])
    }

    /// Returns the state of a message that may be stored.
    pub(crate) fn message(&mut self, key: &MessageKey) -> Result<Option<MessageState>, Undecided> {
        Ok(self.message_slot(key.clone(), false)?.state.clone())
    }

    /// Stores the message that `decide` returns for the state in the store, if any.
    pub(crate) fn put_message(
        &mut self,
        key: MessageKey,
        decide: impl FnOnce(Option<&MessageState>) -> Option<NewMessage<'a>>,
    ) -> Result<(), Undecided> {
        let slot = self.message_slot(key, true)?;
        if let Some(new) = decide(slot.state.as_ref()) {
            let state = MessageState::new(true, new.is_unread, new.status.clone());
            slot.state = Some(state.in_campaign(new.campaign.clone()));
            slot.new = Some(new);
        }
        Ok(())
    }

    /// Sets the status of a message.
    pub(crate) fn put_status(
        &mut self,
        key: &MessageKey,
        status: &MessageStatus,
        at: Timestamp,
    ) -> Result<(), Undecided> {
        let slot = self.message_slot(key.clone(), false)?;
        let state = slot
            .state
            .get_or_insert(MessageState::new(false, false, None));
        state.status = Some(status.clone());
        match &mut slot.new {
            Some(new) => new.status = Some(status.clone()),
            None => slot.status_at = Some(at),
        }
        Ok(())
    }

    /// Marks the messages of a conversation as read.
    pub(crate) fn mark_read(&mut self, key: ConversationKey) {
        self.read_conversations.push(key);
    }

    fn signup_slot(&mut self, key: &SignupKey) -> Result<&mut Slot<'s, Signup>, Undecided> {
        let missing = &mut self.missing.signups;
        slot(&mut self.signups, &self.known.signups, missing, key)
    }

    /// Returns a signup.
    pub(crate) fn signup(&mut self, key: &SignupKey) -> Result<Option<Signup>, Undecided> {
        Ok(self.signup_slot(key)?.row().cloned())
    }

    /// Adds a signup, or replaces all of a stored one except its subscriber count.
    pub(crate) fn put_signup(&mut self, key: &SignupKey, row: Signup) -> Result<(), Undecided> {
        self.signup_slot(key)?.put(Some(row));
        Ok(())
    }

    /// Increments the subscriber count of a stored signup, and returns the signup.
    pub(crate) fn count_subscriber(
        &mut self,
        key: &SignupKey,
    ) -> Result<Option<Signup>, Undecided> {
        let row = &mut self.signup_slot(key)?.row;
        let Some(row) = row else { return Ok(None) };
        let signup = row.to_mut();
        signup.subscriber_count += 1;
        let signup = signup.clone();
        self.subscribers.push(key.clone());
        Ok(Some(signup))
    }

    fn campaign_slot(
        &mut self,
        key: &CampaignKey,
    ) -> Result<&mut Slot<'s, CampaignRow>, Undecided> {
        let missing = &mut self.missing.campaigns;
        slot(&mut self.campaigns, &self.known.campaigns, missing, key)
    }

    /// Returns a campaign.
    pub(crate) fn campaign(
        &mut self,
        key: &CampaignKey,
    ) -> Result<Option<&CampaignRow>, Undecided> {
        Ok(self.campaign_slot(key)?.row())
    }

    /// Returns whether a campaign is stored. As campaigns are never deleted, the commit need not
    /// check a stored one.
    pub(crate) fn has_campaign(&mut self, key: &CampaignKey) -> Result<bool, Undecided> {
        if !self.campaigns.contains_key(key)
            && let Some(Some(_)) = self.known.campaigns.get(key)
        {
            return Ok(true);
        }
        Ok(self.campaign(key)?.is_some())
    }

    /// Adds a campaign, or replaces all of a stored one except its number of refusals.
    pub(crate) fn put_campaign(
        &mut self,
        key: &CampaignKey,
        row: CampaignRow,
    ) -> Result<(), Undecided> {
        self.campaign_slot(key)?.put(Some(row));
        Ok(())
    }

    /// Increments the refusals of a campaign that is stored or that the decision adds.
    pub(crate) fn count_refusal(&mut self, key: CampaignKey) {
        self.refusals.push(key);
    }
}
