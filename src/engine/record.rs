//! The records of an event: its message or status, its contact, its signup and its campaign.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::contacts::{Contacts, Entry};
use super::draft::{Draft, Undecided};
use super::settings::Settings;
use super::user::{self, KnownUsers};
use crate::event::{HistoryMessage, WebhookEvent};
use crate::model::{
    Account, Campaign, CampaignId, CampaignStatus, Contact, Content, Direction, HistoryStatus,
    Message, MessageStatus, Signup, SignupId, StatusUpdate, Timestamp,
};
use crate::signal::quietly;
use crate::store::{
    CampaignKey, CampaignRow, MessageKey, MessageRef, NewMessage, NumberKey, SignupKey, StoreError,
    StoreErrorKind, Tenant,
};

/// The stored contact and signup of an event.
#[derive(Debug, Default)]
pub(super) struct Stored {
    contact: Option<Arc<Contact>>,
    /// Boxed, as it is rare: the jobs of a claim stay short.
    signup: Option<Box<Signup>>,
}

impl Stored {
    fn new(entry: Option<Entry>, signup: Option<Signup>) -> Self {
        Self {
            contact: entry.map(|(_, contact)| contact),
            signup: signup.map(Box::new),
        }
    }

    /// Returns the contact.
    pub(super) fn contact(&self) -> Option<&Contact> {
        self.contact.as_deref()
    }

    /// Puts them into the event, in place of those of the webhook.
    pub(super) fn put_into(self, event: &mut WebhookEvent) {
        if let Some(contact) = self.contact {
            event.set_contact(contact);
        }
        if let (WebhookEvent::UserSubscribed(event), Some(signup)) = (event, self.signup) {
            event.signup = *signup;
        }
    }
}

/// The number and the tenant that an event belongs to.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) number: NumberKey,
    pub(super) tenant: Tenant,
}

/// The function that gives an account its tenant, if the program has one.
pub(super) type TenantOf = Arc<dyn Fn(&Account) -> Tenant + Send + Sync>;

/// The tenants of numbers that are known to be stored. They never change.
pub(super) type StoredTenants = Mutex<HashMap<NumberKey, Tenant>>;

/// The places of accounts. A number belongs to the tenant under which it came first.
pub(super) struct Places<'e> {
    tenant_of: Option<&'e TenantOf>,
    stored: &'e StoredTenants,
    /// The tenants that are stored once the decision is committed.
    added: Vec<(NumberKey, Tenant)>,
    /// The last account: events of one webhook mostly share it.
    last: Option<(*const Account, Place)>,
}

impl<'e> Places<'e> {
    pub(super) fn new(tenant_of: Option<&'e TenantOf>, stored: &'e StoredTenants) -> Self {
        Self {
            tenant_of,
            stored,
            added: Vec::new(),
            last: None,
        }
    }

    /// Returns the place of an account, which is stored if it is new.
    pub(super) fn of(
        &mut self,
        draft: &mut Draft<'_, '_>,
        account: &'e Account,
    ) -> Result<Place, Undecided> {
        if let Some((last, place)) = &self.last
            && std::ptr::eq(*last, account)
        {
            return Ok(place.clone());
        }
        let number = NumberKey::of(account);
        let stored = self.stored.lock().get(&number).cloned();
        let tenant = match stored {
            Some(tenant) => tenant,
            None => self.add(draft, &number, account)?,
        };
        let place = Place { number, tenant };
        self.last = Some((account, place.clone()));
        Ok(place)
    }

    fn add(
        &mut self,
        draft: &mut Draft<'_, '_>,
        number: &NumberKey,
        account: &Account,
    ) -> Result<Tenant, Undecided> {
        let tenant = if let Some(tenant) = draft.tenant(number)? {
            tenant
        } else {
            let tenant = self.tenant_of(account)?;
            draft.add_number(number.clone(), tenant.clone());
            tenant
        };
        self.added.push((number.clone(), tenant.clone()));
        Ok(tenant)
    }

    /// Returns the tenant of an account whose number has none.
    pub(super) fn tenant_of(&self, account: &Account) -> Result<Tenant, StoreError> {
        let Some(tenant_of) = self.tenant_of else {
            let waba = account.waba_id.as_ref().map_or("", AsRef::as_ref);
            return Ok(Tenant::new(waba));
        };
        quietly(|| tenant_of(account)).ok_or_else(|| {
            let source = "the function of tenants panicked";
            StoreError::new(StoreErrorKind::NoTenant, source)
        })
    }

    /// Returns the tenants that are stored once the decision is committed.
    pub(super) fn into_added(self) -> Vec<(NumberKey, Tenant)> {
        self.added
    }
}

/// Notes the rows that the records of an event are decided by.
pub(super) fn want_records(
    draft: &mut Draft<'_, '_>,
    users: &mut KnownUsers,
    event: &WebhookEvent,
    place: &Place,
) {
    user::want_ids(draft, users, event, &place.tenant);
    let status = match event {
        WebhookEvent::MessageStatusChanged(event) => Some(&event.update),
        WebhookEvent::StandbyStatus(event) => Some(&event.update),
        _ => None,
    };
    if let Some(update) = status.filter(|update| update.is_of_message()) {
        draft.want_message(MessageKey {
            number: place.number.clone(),
            id: update.id.clone(),
        });
    }
    if let WebhookEvent::UserSubscribed(event) = event {
        draft.want_signup(signup_key(place, &event.signup.signup_id));
    }
    if let Some(id) = campaign_of(event) {
        draft.want_campaign(campaign_key(place, id));
    }
}

/// Returns the campaign that an event of the program names.
fn campaign_of(event: &WebhookEvent) -> Option<&CampaignId> {
    match event {
        WebhookEvent::MessageSent(event) => event.campaign.as_ref(),
        WebhookEvent::MessageRefused(event) => event.campaign.as_ref(),
        _ => None,
    }
}

/// Returns whether an event has records, so that its account needs a place.
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

/// Writes the records of events.
pub(super) struct Recorder {
    now: Timestamp,
    contacts: Contacts,
    /// Whether the JSON of messages is stored beside them.
    keeps_raw: bool,
}

impl Recorder {
    pub(super) fn new(now: Timestamp, settings: &Settings) -> Self {
        Self {
            now,
            contacts: Contacts::new(now),
            keeps_raw: settings.raw_payload,
        }
    }

    /// Writes the records of a new event.
    pub(super) fn record<'a>(
        &mut self,
        draft: &mut Draft<'a, '_>,
        event: &'a WebhookEvent,
        place: &Place,
    ) -> Result<Stored, Undecided> {
        let signup = match event {
            WebhookEvent::UserSubscribed(event) => {
                draft.count_subscriber(&signup_key(place, &event.signup.signup_id))?
            }
            _ => None,
        };
        let entry = self.record_user(draft, event, place, signup.as_ref())?;
        if let Some(id) = campaign_of(event) {
            add_campaign(draft, place, id)?;
        }
        let contact = entry.as_ref().map(|(id, _)| *id);
        let raw = self.keeps_raw.then(|| match event {
            WebhookEvent::MessageSent(event) => event.request.as_ref(),
            event => Some(event.raw()),
        });
        let mut store = |message: MessageRef<'a>, is_unread| {
            let at = message.timestamp.unwrap_or(self.now);
            let mut new = NewMessage::new(message, at);
            new.contact = contact;
            new.is_unread = is_unread;
            new.raw_payload = raw.flatten();
            new.campaign = campaign_of(event).cloned();
            record_message(draft, place, new)
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
                    draft.count_refusal(campaign_key(place, id));
                }
            }
            WebhookEvent::MessageStatusChanged(event) => {
                self.record_status(draft, place, &event.update)?;
            }
            WebhookEvent::StandbyStatus(event) => {
                self.record_status(draft, place, &event.update)?;
            }
            _ => {}
        }
        Ok(Stored::new(entry, signup))
    }

    /// Writes what an event that has happened again says of its user.
    pub(super) fn record_again(
        &mut self,
        draft: &mut Draft<'_, '_>,
        event: &WebhookEvent,
        place: &Place,
    ) -> Result<Stored, Undecided> {
        let signup = stored_signup(draft, event, place)?;
        let entry = self.record_user(draft, event, place, signup.as_ref())?;
        Ok(Stored::new(entry, signup))
    }

    /// Loads the records of an event that was recorded before.
    pub(super) fn load(
        &mut self,
        draft: &mut Draft<'_, '_>,
        event: &WebhookEvent,
        place: &Place,
    ) -> Result<Stored, Undecided> {
        let entry = match user::identity(event) {
            Some(user) => {
                let at = time_of(event).unwrap_or(self.now);
                self.contacts.find(draft, &place.tenant, &user, at)?
            }
            None => None,
        };
        Ok(Stored::new(entry, stored_signup(draft, event, place)?))
    }

    fn record_user(
        &mut self,
        draft: &mut Draft<'_, '_>,
        event: &WebhookEvent,
        place: &Place,
        signup: Option<&Signup>,
    ) -> Result<Option<Entry>, Undecided> {
        let at = time_of(event).unwrap_or(self.now);
        let contacts = &mut self.contacts;
        user::record(contacts, draft, &place.tenant, event, signup, at, self.now)
    }

    fn record_status(
        &mut self,
        draft: &mut Draft<'_, '_>,
        place: &Place,
        update: &StatusUpdate,
    ) -> Result<(), Undecided> {
        if !update.is_of_message() {
            return Ok(());
        }
        let key = MessageKey {
            number: place.number.clone(),
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

/// Stores a message, or what is new of it.
fn record_message<'a>(
    draft: &mut Draft<'a, '_>,
    place: &Place,
    mut new: NewMessage<'a>,
) -> Result<(), Undecided> {
    let key = MessageKey {
        number: place.number.clone(),
        id: new.message.id.clone(),
    };
    // Messages of a group are in no conversation with one of its members.
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
        // The status came first, or the message again at an earlier one.
        if let Some(status) = &stored.status
            && status.is_news_after(new.status.as_ref())
        {
            new.status = Some(status.clone());
        }
        Some(new)
    })
}

/// Returns the time of an event about a user, if it has one.
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

fn signup_key(place: &Place, id: &SignupId) -> SignupKey {
    SignupKey {
        tenant: place.tenant.clone(),
        id: id.clone(),
    }
}

fn campaign_key(place: &Place, id: &CampaignId) -> CampaignKey {
    CampaignKey {
        tenant: place.tenant.clone(),
        id: id.clone(),
    }
}

/// The completion of a campaign, which the commit of its event writes.
pub(super) struct Completion {
    pub(super) key: CampaignKey,
    /// The row that the event was made of.
    pub(super) seen: Option<CampaignRow>,
    pub(super) campaign: Campaign,
}

impl Completion {
    /// Writes the campaign as completed, unless it has changed since the event was made.
    pub(super) fn write(&self, draft: &mut Draft<'_, '_>) -> Result<(), Undecided> {
        let stored = draft.campaign(&self.key)?;
        let seen = self.seen.as_ref();
        // A refusal is no change of the campaign: the counter is not part of what is written.
        let parts =
            |row: Option<&CampaignRow>| row.map(|row| (row.campaign.clone(), row.completions));
        if parts(stored) != parts(seen) {
            let source = "the campaign has changed meanwhile";
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
    place: &Place,
    id: &CampaignId,
) -> Result<(), Undecided> {
    let key = campaign_key(place, id);
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
    place: &Place,
) -> Result<Option<Signup>, Undecided> {
    match event {
        WebhookEvent::UserSubscribed(event) => {
            draft.signup(&signup_key(place, &event.signup.signup_id))
        }
        _ => Ok(None),
    }
}

/// Returns whether a message stands for one that Meta cannot send (yet).
fn is_placeholder(message: &Message) -> bool {
    matches!(
        message.content,
        Content::Unsupported(_) | Content::MediaPlaceholder
    )
}

/// Returns whether a message is one that a user wrote, and not news about the user or about another
/// message.
fn is_to_be_read(message: &Message) -> bool {
    !matches!(
        message.content,
        Content::System(_) | Content::Edit(_) | Content::Revoke(_)
    )
}

/// Returns an old message with the status that stands beside it.
fn with_history_status(event: &HistoryMessage) -> MessageRef<'_> {
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
