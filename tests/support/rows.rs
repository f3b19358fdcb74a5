//! Rows of a store, read and written past the engine.

use std::sync::atomic::{AtomicI64, Ordering};

use whatsapp_signals::model::Timestamp;
use whatsapp_signals::store::{
    Changes, Durability, EventChange, Fingerprint, Lease, LoadQuery, ProgressRow, ReceiverState,
    Snapshot, Store, WebhookChange, WebhookId, WebhookRow,
};

/// Reads rows.
pub(crate) fn load(store: &impl Store, wanted: &LoadQuery) -> Snapshot {
    pollster::block_on(store.load(wanted)).expect("rows")
}

/// Writes rows.
pub(crate) fn commit(store: &impl Store, changes: &Changes<'_>) {
    pollster::block_on(store.commit(changes, Durability::Process)).expect("a commit");
}

/// Returns the row of a webhook.
pub(crate) fn webhook(store: &impl Store, id: WebhookId) -> Option<WebhookRow> {
    let mut wanted = LoadQuery::default();
    wanted.webhooks.insert(id);
    let stored = load(store, &wanted).webhooks.remove(&id).flatten();
    stored.map(|stored| stored.row)
}

/// Returns the progress of an event.
pub(crate) fn progress(store: &impl Store, key: &str) -> Option<ProgressRow> {
    let key = Fingerprint::of(key);
    let mut wanted = LoadQuery::default();
    wanted.events.insert(key);
    load(store, &wanted).progress.remove(&key).flatten()
}

/// Returns the receivers of an event that have come to this state.
pub(crate) fn receivers(progress: &ProgressRow, state: ReceiverState) -> Vec<&str> {
    let receivers = progress.receivers.iter();
    let receivers = receivers.filter(|receiver| receiver.state == state);
    receivers.map(|receiver| &*receiver.receiver).collect()
}

/// Adds a webhook with these events.
pub(crate) fn add_webhook(
    store: &impl Store,
    row: WebhookRow,
    body: &[u8],
    keys: &[&str],
) -> WebhookId {
    static NEXT: AtomicI64 = AtomicI64::new(0);
    // Ordering: only the number itself matters.
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let id = WebhookId(WebhookId::at(Timestamp::now()).0 + number);
    let mut changes = Changes::default();
    changes
        .webhooks
        .push(WebhookChange::Insert { id, row, body });
    let events = keys.iter().map(|key| Fingerprint::of(key));
    let events = events.map(|key| EventChange::new(key, None, id));
    changes.events.extend(events);
    commit(store, &changes);
    id
}

/// Changes the row of a webhook, and adds events with this progress.
pub(crate) fn change_webhook(
    store: &impl Store,
    id: WebhookId,
    change: impl FnOnce(&mut WebhookRow),
    progress: Option<ProgressRow>,
) {
    let mut wanted = LoadQuery::default();
    wanted.webhooks.insert(id);
    let stored = load(store, &wanted).webhooks.remove(&id).flatten();
    let stored = stored.expect("a webhook");
    let (version, mut row) = (stored.version, stored.row);
    change(&mut row);
    let mut changes = Changes::default();
    changes
        .webhooks
        .push(WebhookChange::Update { id, version, row });
    if let Some(progress) = progress {
        let key = Fingerprint::of(&progress.key);
        changes.events.push(EventChange::new(key, None, id));
        changes.progress.push((key, progress));
    }
    commit(store, &changes);
}

/// Leases a webhook.
pub(crate) fn lease(store: &impl Store, id: WebhookId, lease: Lease) {
    change_webhook(store, id, |row| row.lease = Some(lease), None);
}
