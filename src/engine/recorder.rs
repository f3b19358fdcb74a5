//! The records of an event: its message or status, its contact, its signup and its campaign.

use std::sync::Arc;

use super::contacts::{self, ContactEntry, Contacts, RequestedUsers};
use super::tenants::ResolvedAccount;
use super::transaction::{Draft, Undecided};
use crate::event::{HistoryMessage, WebhookEvent};
use crate::model::{
    Campaign, CampaignId, CampaignStatus, Contact, Content, Direction, HistoryStatus, Message,
    MessageStatus, Signup, SignupId, StatusUpdate, Timestamp,
};
use crate::store::{
    CampaignKey, CampaignRow, CowMessage, MessageKey, NewMessage, SignupKey, StoreError,
    StoreErrorKind,
};

/// The stored contact and signup of an event, in place of those in the webhook.
#[derive(Debug, Default)]
pub(super) struct StoredContext {
    contact: Option<Arc<Contact>>,
    /// Boxed, as it is rare, so that the jobs of a claim stay small.
    signup: Option<Box<Signup>>,
}

impl StoredContext {
    fn new(entry: Option<ContactEntry>, signup: Option<Signup>) -> Self {
        Self {
            contact: entry.map(|(_, contact)| contact),
            signup: signup.map(Box::new),
        }
    }

    /// Returns the contact.
    pub(super) fn contact(&self) -> Option<&Contact> {
        self.contact.as_deref()
    }

    /// Sets the contact and the signup of the event.
    pub(super) fn apply_to(self, event: &mut WebhookEvent) {
        if let Some(contact) = self.contact {
            event.set_contact(contact);
        }
        if let (WebhookEvent::UserSubscribed(event), Some(signup)) = (event, self.signup) {
            event.signup = *signup;
        }
    }
}

/// Requests the rows that the records of an event depend on.
pub(super) fn request_records(
    draft: &mut Draft<'_, '_>,
    users: &mut RequestedUsers,
    event: &WebhookEvent,
    account: &ResolvedAccount,
) {
    contacts::request_ids(draft, users, event, &account.tenant);
    let status = match event {
        WebhookEvent::MessageStatusChanged(event) => Some(&event.update),
        WebhookEvent::StandbyStatus(event) => Some(&event.update),
        _ => None,
    };
    if let Some(update) = status.filter(|update| update.is_of_message()) {
        draft.request_message(MessageKey {
            number: account.number.clone(),
            id: update.id.clone(),
        });
    }
    if let WebhookEvent::UserSubscribed(event) = event {
        draft.request_signup(signup_key(account, &event.signup.signup_id));
    }
    if let Some(id) = campaign_of(event) {
        draft.request_campaign(campaign_key(account, id));
    }
}

/// Returns the campaign of an event of the program.
fn campaign_of(event: &WebhookEvent) -> Option<&CampaignId> {
    match event {
        WebhookEvent::MessageSent(event) => event.campaign.as_ref(),
        WebhookEvent::MessageRefused(event) => event.campaign.as_ref(),
        _ => None,
    }
}

/// Returns whether an event has records, so that its account is resolved.
pub(super) fn has_records(event: &WebhookEvent) -> bool {
    matches!(
        event,
        WebhookEvent::MessageReceived(_)
            | WebhookEvent::MessageEcho(_)
            | WebhookEvent::StandbyMessage(_)
            | WebhookEvent::StandbyEcho(_)
            | WebhookEvent::HistoryMessage(_)
            | WebhookEvent::MessageStatusChanged(_)
            | WebhookEvent::StandbyStatus(_)
            | WebhookEvent::UserSubscribed(_)
            | WebhookEvent::MessageSent(_)
            | WebhookEvent::MessageRefused(_)
    ) || event.contact().is_some()
        || event.user().is_some()
}

/// The writer of the records of events.
pub(super) struct Recorder {
    now: Timestamp,
    contacts: Contacts,
    /// `true` if messages are stored with their JSON.
    keeps_raw: bool,
}

impl Recorder {
    pub(super) fn new(now: Timestamp, keeps_raw: bool) -> Self {
        Self {
            now,
            contacts: Contacts::new(now),
            keeps_raw,
        }
    }

    /// Writes the records of a new event.
    pub(super) fn record<'a>(
        &mut self,
        draft: &mut Draft<'a, '_>,
        event: &'a WebhookEvent,
        account: &ResolvedAccount,
    ) -> Result<StoredContext, Undecided> {
        let signup = match event {
            WebhookEvent::UserSubscribed(event) => {
                draft.count_subscriber(&signup_key(account, &event.signup.signup_id))?
            }
            _ => None,
        };
        let entry = self.record_user(draft, event, account, signup.as_ref())?;
        if let Some(id) = campaign_of(event) {
            add_campaign(draft, account, id)?;
        }
        let contact = entry.as_ref().map(|(id, _)| *id);
        let raw = self.keeps_raw.then(|| match event {
            WebhookEvent::MessageSent(event) => event.request.as_ref(),
            event => Some(event.raw()),
        });
        let mut store = |message: CowMessage<'a>, is_unread| {
            let at = message.timestamp.unwrap_or(self.now);
            let mut new = NewMessage::new(message, at);
            new.contact = contact;
            new.is_unread = is_unread;
            new.raw_payload = raw.flatten();
            new.campaign = campaign_of(event).cloned();
            record_message(draft, account, new)
        };
        match event {
            WebhookEvent::MessageReceived(event) => {
                store((&event.message).into(), is_to_be_read(&event.message))?;
            }
            WebhookEvent::MessageEcho(event) => store((&event.message).into(), false)?,
            WebhookEvent::StandbyMessage(event) => store((&event.message).into(), false)?,
            WebhookEvent::StandbyEcho(event) => {
                if let Some(message) = event.value.to_message() {
                    store(message.into(), false)?;
                }
            }
            WebhookEvent::HistoryMessage(event) => store(with_history_status(event), false)?,
            WebhookEvent::MessageSent(event) => store((&event.message).into(), false)?,
            WebhookEvent::MessageRefused(event) => {
                if let Some(id) = &event.campaign {
                    draft.count_refusal(campaign_key(account, id));
                }
            }
            WebhookEvent::MessageStatusChanged(event) => {
                self.record_status(draft, account, &event.update)?;
            }
            WebhookEvent::StandbyStatus(event) => {
                self.record_status(draft, account, &event.update)?;
            }
            _ => {}
        }
        Ok(StoredContext::new(entry, signup))
    }

    /// Writes the contact of an event that has happened again.
    pub(super) fn record_again(
        &mut self,
        draft: &mut Draft<'_, '_>,
        event: &WebhookEvent,
        account: &ResolvedAccount,
    ) -> Result<StoredContext, Undecided> {
        let signup = stored_signup(draft, event, account)?;
        let entry = self.record_user(draft, event, account, signup.as_ref())?;
        Ok(StoredContext::new(entry, signup))
    }

    /// Loads the records of an event that was recorded before.
    pub(super) fn load(
        &mut self,
        draft: &mut Draft<'_, '_>,
        event: &WebhookEvent,
        account: &ResolvedAccount,
    ) -> Result<StoredContext, Undecided> {
        let entry = match contacts::identity(event) {
            Some(user) => {
                let at = time_of(event).unwrap_or(self.now);
                self.contacts.find(draft, &account.tenant, &user, at)?
            }
            None => None,
        };
        Ok(StoredContext::new(
            entry,
            stored_signup(draft, event, account)?,
        ))
    }

    fn record_user(
        &mut self,
        draft: &mut Draft<'_, '_>,
        event: &WebhookEvent,
        account: &ResolvedAccount,
        signup: Option<&Signup>,
    ) -> Result<Option<ContactEntry>, Undecided> {
        let at = time_of(event).unwrap_or(self.now);
        let contacts = &mut self.contacts;
        contacts::update_contact(
            contacts,
            draft,
            &account.tenant,
            event,
            signup,
            at,
            self.now,
        )
    }

    fn record_status(
        &mut self,
        draft: &mut Draft<'_, '_>,
        account: &ResolvedAccount,
        update: &StatusUpdate,
    ) -> Result<(), Undecided> {
        if !update.is_of_message() {
            return Ok(());
        }
        let key = MessageKey {
            number: account.number.clone(),
            id: update.id.clone(),
        };
        let state = draft.message(&key)?;
        let status = state.as_ref().and_then(|state| state.status.as_ref());
        if update.status.is_news_after(status) {
            draft.put_status(&key, &update.status, self.now)?;
        }
        Ok(())
    }
}

/// Stores a message, or updates a stored one.
fn record_message<'a>(
    draft: &mut Draft<'a, '_>,
    account: &ResolvedAccount,
    mut new: NewMessage<'a>,
) -> Result<(), Undecided> {
    let key = MessageKey {
        number: account.number.clone(),
        id: new.message.id.clone(),
    };
    // Messages of a group belong to no conversation with one of its members.
    new.contact = new.contact.filter(|_| new.message.group_id.is_none());
    draft.put_message(key, |stored| {
        let Some(stored) = stored else {
            return Some(new);
        };
        if stored.is_stored {
            if is_placeholder(&new.message) {
                return None;
            }
            new.is_unread = stored.is_unread;
        }
        new.campaign = new.campaign.or_else(|| stored.campaign.clone());
        // The status came before the message, or the message again with an earlier status.
        if let Some(status) = &stored.status
            && status.is_news_after(new.status.as_ref())
        {
            new.status = Some(status.clone());
        }
        Some(new)
    })
}

/// Returns the time of an event about a user.
pub(super) fn time_of(event: &WebhookEvent) -> Option<Timestamp> {
    match event {
        WebhookEvent::MessageReceived(event) => event.message.timestamp,
        WebhookEvent::MessageEcho(event) => event.message.timestamp,
        WebhookEvent::StandbyMessage(event) => event.message.timestamp,
        WebhookEvent::StandbyEcho(event) => event.value.timestamp,
        WebhookEvent::HistoryMessage(event) => event.message.timestamp,
        WebhookEvent::MessageStatusChanged(event) => event.update.timestamp,
        WebhookEvent::StandbyStatus(event) => event.update.timestamp,
        WebhookEvent::UserSubscribed(event) => event.timestamp,
        WebhookEvent::UserPreference(event) => event.value.timestamp.or(event.time),
        WebhookEvent::UserIdUpdate(event) => event.value.timestamp.or(event.time),
        WebhookEvent::Unrecognized(event) => event.timestamp,
        WebhookEvent::MessageSent(event) => event.message.timestamp,
        WebhookEvent::MessageRefused(event) => event.timestamp,
        _ => None,
    }
}

fn signup_key(account: &ResolvedAccount, id: &SignupId) -> SignupKey {
    SignupKey {
        tenant: account.tenant.clone(),
        id: id.clone(),
    }
}

fn campaign_key(account: &ResolvedAccount, id: &CampaignId) -> CampaignKey {
    CampaignKey {
        tenant: account.tenant.clone(),
        id: id.clone(),
    }
}

/// The completion of a campaign, written by the commit of its event.
pub(super) struct CampaignCompletion {
    pub(super) key: CampaignKey,
    /// The row that the event was computed from.
    pub(super) seen: Option<CampaignRow>,
    pub(super) campaign: Campaign,
}

impl CampaignCompletion {
    /// Writes the campaign as completed. It is a conflict if the campaign has changed since the
    /// event was made.
    pub(super) fn write(&self, draft: &mut Draft<'_, '_>) -> Result<(), Undecided> {
        let stored = draft.campaign(&self.key)?;
        let seen = self.seen.as_ref();
        // A refusal is no change of the campaign, as this commit does not write their counter.
        let parts =
            |row: Option<&CampaignRow>| row.map(|row| (row.campaign.clone(), row.completions));
        if parts(stored) != parts(seen) {
            let source = "the campaign was changed concurrently";
            return Err(StoreError::new(StoreErrorKind::Conflict, source).into());
        }
        let mut row = CampaignRow::new(self.campaign.clone());
        row.completions = seen.map_or(0, |seen| seen.completions) + 1;
        draft.put_campaign(&self.key, row)
    }
}

/// Adds the campaign of a message that is sent before the campaign is saved.
fn add_campaign(
    draft: &mut Draft<'_, '_>,
    account: &ResolvedAccount,
    id: &CampaignId,
) -> Result<(), Undecided> {
    let key = campaign_key(account, id);
    if draft.has_campaign(&key)? {
        return Ok(());
    }
    let mut campaign = Campaign::new(id.as_str());
    campaign.status = CampaignStatus::Running;
    draft.put_campaign(&key, CampaignRow::new(campaign))
}

fn stored_signup(
    draft: &mut Draft<'_, '_>,
    event: &WebhookEvent,
    account: &ResolvedAccount,
) -> Result<Option<Signup>, Undecided> {
    match event {
        WebhookEvent::UserSubscribed(event) => {
            draft.signup(&signup_key(account, &event.signup.signup_id))
        }
        _ => Ok(None),
    }
}

/// Returns whether a message is a placeholder for one that Meta cannot send, or not yet.
fn is_placeholder(message: &Message) -> bool {
    matches!(
        message.content,
        Content::Unsupported(_) | Content::MediaPlaceholder
    )
}

/// Returns whether a message counts as unread: a user wrote it, and it does not report a change of
/// the user or of another message.
fn is_to_be_read(message: &Message) -> bool {
    !matches!(
        message.content,
        Content::System(_) | Content::Edit(_) | Content::Revoke(_)
    )
}

/// Returns a message of the history with the status from its context.
fn with_history_status(event: &HistoryMessage) -> CowMessage<'_> {
    let message = &*event.message;
    let status = event.history_context.as_ref();
    let status = match status.and_then(|context| context.status.as_ref()) {
        Some(HistoryStatus::Sent) => MessageStatus::Sent,
        Some(HistoryStatus::Delivered) => MessageStatus::Delivered,
        Some(HistoryStatus::Read) => MessageStatus::Read,
        Some(HistoryStatus::Played) => MessageStatus::Played,
        Some(HistoryStatus::Error) => MessageStatus::Failed,
        _ => return message.into(),
    };
    if message.direction == Direction::Inbound || message.status.is_some() {
        return message.into();
    }
    let mut message = message.clone();
    message.status = Some(status);
    message.into()
}
