//! Rows for the checks.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{
    Campaign, Contact, Content, Direction, IdKind, Identity, Message, MessageStatus,
};
use crate::model::{Signup, Timestamp};
use crate::store::{
    CampaignKey, CampaignRow, Changes, ContactId, ContactRow, EventChange, EventState, Fingerprint,
    IdKey, IdRow, Lease, LoadQuery, MessageKey, NewMessage, NewStatus, NumberKey, ProgressRow,
    ReceiverProgress, ReceiverState, SignupKey, Tenant, Upsert, WebhookChange, WebhookId,
    WebhookKind, WebhookRow, id_at,
};

/// Returns a commit of some kinds of rows.
macro_rules! changes {
    ($($rows:ident: $value:expr),+ $(,)?) => {
        $crate::store::Changes {
            $($rows: $value.into(),)+
            ..$crate::store::Changes::default()
        }
    };
}

/// Returns the keys of some kinds of rows.
macro_rules! load_query {
    ($($keys:ident: $value:expr),+ $(,)?) => {
        $crate::store::LoadQuery {
            $($keys: $value.into(),)+
            ..$crate::store::LoadQuery::default()
        }
    };
}

pub(super) use {changes, load_query};

pub(super) const NOW: Timestamp = Timestamp::from_secs(1_785_000_000);

/// A body with bytes that are no UTF-8.
pub(super) const BODY: &[u8] = b"{\"a\": 1}\0\xff\xfe\r\n";

/// Returns a lease that does not expire within a check.
pub(super) fn long_lease(holder: i64) -> Lease {
    Lease::new(holder, Duration::from_secs(3600))
}

/// Returns a lease that has expired at its beginning.
pub(super) fn expired_lease(holder: i64) -> Lease {
    Lease::new(holder, Duration::ZERO)
}

pub(super) fn later(seconds: i64) -> Timestamp {
    Timestamp::from_secs(NOW.as_secs() + seconds)
}

pub(super) fn tenant() -> Tenant {
    Tenant::new("bicycles")
}

pub(super) fn other_tenant() -> Tenant {
    Tenant::new("boats")
}

pub(super) fn number(n: i64) -> NumberKey {
    NumberKey::new(format!("106540352{n:03}"))
}

/// Returns the id of a webhook that was received this many seconds after [`NOW`].
pub(super) fn webhook_id(seconds: i64) -> WebhookId {
    WebhookId(id_at(later(seconds).as_secs() * 1000, 7))
}

pub(super) fn webhook(open: u32) -> WebhookRow {
    WebhookRow::new(WebhookKind::Body, NOW, open)
}

pub(super) fn leased(open: u32, lease: Lease) -> WebhookRow {
    let mut row = webhook(open);
    row.lease = Some(lease);
    row
}

pub(super) fn add(id: WebhookId, row: WebhookRow) -> WebhookChange<'static> {
    let body = BODY;
    WebhookChange::Insert { id, row, body }
}

pub(super) fn event(n: i64) -> Fingerprint {
    Fingerprint::of(&event_key(n))
}

pub(super) fn event_key(n: i64) -> String {
    format!("message_received:wamid.{n}:text")
}

pub(super) fn progress(webhook: WebhookId, n: i64, state: EventState) -> ProgressRow {
    let mut row = ProgressRow::new(webhook, event_key(n));
    row.state = state;
    row.attempts = 3;
    let receiver = "bot::answer \u{1f6b2}".to_owned();
    row.receivers = vec![
        ReceiverProgress::new(receiver, ReceiverState::Failed, 3),
        ReceiverProgress::new("bot::log".to_owned(), ReceiverState::Succeeded, 0),
        ReceiverProgress::new("bot::count".to_owned(), ReceiverState::GaveUp, 1),
    ];
    row
}

pub(super) fn message(id: &str) -> Message {
    Message::new(id.into(), Direction::Inbound, Content::text("Hi"))
}

pub(super) fn message_key(number: NumberKey, id: &str) -> MessageKey {
    let id = id.into();
    MessageKey { number, id }
}

/// Returns a message in no conversation.
pub(super) fn new_message(message: Message, at: Timestamp) -> NewMessage<'static> {
    NewMessage::new(message, at)
}

/// Returns an unread message of a contact.
pub(super) fn unread(id: &str, contact: i64) -> NewMessage<'static> {
    let mut new = new_message(message(id), NOW);
    new.contact = Some(ContactId(contact));
    new.is_unread = true;
    new
}

pub(super) fn upsert<K, R>(key: K, version: Option<i64>, row: R) -> Upsert<K, R> {
    Upsert { key, version, row }
}

/// Returns a contact that has these ids now.
pub(super) fn contact(tenant: Tenant, ids: &[(IdKind, &str)]) -> ContactRow {
    let id = |kind| ids.iter().find(|id| id.0 == kind).map(|id| id.1);
    let identity = Identity::new(id(IdKind::Phone), id(IdKind::User), id(IdKind::Parent));
    let mut row = ContactRow::new(tenant, Contact::new(identity.expect("an id")));
    let ids = ids.iter().map(|(kind, id)| IdRow::new(*kind, *id, NOW));
    row.ids = ids.collect();
    row
}

pub(super) fn phone(tenant: Tenant, id: &str) -> IdKey {
    let (kind, id) = (IdKind::Phone, id.into());
    IdKey { tenant, kind, id }
}

pub(super) fn signup_key(tenant: Tenant, id: &str) -> SignupKey {
    let id = id.into();
    SignupKey { tenant, id }
}

/// Returns a commit of one new row of each kind.
pub(super) fn everything(n: i64) -> Changes<'static> {
    let webhook_id = webhook_id(n);
    let phone = phone_number(n);
    let mut contact = contact(tenant(), &[(IdKind::Phone, &phone)]);
    let profile = Arc::make_mut(&mut contact.contact);
    profile.name = Some("O'Hara \"Al\" \u{1f6b2}".into());
    profile.labels = vec!["a".to_owned()];
    contact.profile_at = Some(NOW);
    let mut signup = Signup::new(signup_id(n).as_str());
    signup.confirmation_message = Some("Welcome! {{promo_code}} \"'\\".to_owned());
    let status = NewStatus::new(MessageStatus::Delivered, NOW);
    Changes {
        numbers: vec![(number(n), tenant())],
        webhooks: vec![add(webhook_id, webhook(1))],
        events: vec![EventChange::new(event(n), None, webhook_id)],
        progress: vec![(event(n), progress(webhook_id, n, EventState::Open))],
        contacts: vec![upsert(ContactId(n), None, contact)],
        messages: vec![upsert(
            message_of(n),
            None,
            unread(message_of(n).id.as_str(), n),
        )],
        statuses: vec![upsert(status_of(n), None, status)],
        signups: vec![upsert(signup_of(n), None, signup)],
        campaigns: vec![upsert(campaign_of(n), None, campaign(n))],
        ..Changes::default()
    }
}

pub(super) fn phone_number(n: i64) -> String {
    format!("1555010{n:04}")
}

fn signup_id(n: i64) -> String {
    format!("signup {n}")
}

pub(super) fn signup_of(n: i64) -> SignupKey {
    signup_key(tenant(), &signup_id(n))
}

/// Returns the row of a campaign.
pub(super) fn campaign(n: i64) -> CampaignRow {
    let mut campaign = Campaign::new("Frühling \"27\" \u{1f6b2}");
    campaign.counts.total = n.unsigned_abs();
    let mut row = CampaignRow::new(campaign);
    row.completions = 1;
    row
}

pub(super) fn campaign_key(tenant: Tenant, id: &str) -> CampaignKey {
    let id = id.into();
    CampaignKey { tenant, id }
}

pub(super) fn campaign_of(n: i64) -> CampaignKey {
    campaign_key(tenant(), &format!("campaign {n}"))
}

pub(super) fn message_of(n: i64) -> MessageKey {
    message_key(number(n), &format!("wamid.{n}"))
}

/// Returns the key of a status whose message is not stored.
pub(super) fn status_of(n: i64) -> MessageKey {
    message_key(number(n), &format!("wamid.status.{n}"))
}

/// Returns the keys of all rows of [`everything`].
pub(super) fn all_keys(n: i64) -> LoadQuery {
    LoadQuery {
        numbers: [number(n)].into(),
        webhooks: [webhook_id(n)].into(),
        bodies: [webhook_id(n)].into(),
        events: [event(n)].into(),
        partitions: [].into(),
        turns: [].into(),
        messages: [message_of(n), status_of(n)].into(),
        ids: [phone(tenant(), &phone_number(n))].into(),
        contacts: [ContactId(n)].into(),
        signups: [signup_of(n)].into(),
        campaigns: [campaign_of(n)].into(),
    }
}
