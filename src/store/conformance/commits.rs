//! Commits: atomicity and conflicts.

use super::sample::{
    BODY, NOW, add, all_keys, campaign, campaign_of, changes, contact, event, everything,
    load_query, long_lease, message_of, number, phone, phone_number, progress, signup_of,
    status_of, tenant, unread, upsert, webhook, webhook_id,
};
use super::{commit, conflict, expect, load};
use crate::model::{IdKind, MessageStatus, Signup};
use crate::store::{
    Changes, ContactId, ConversationKey, Durability, EventChange, EventState, LeaseQuery,
    LoadQuery, Merge, MessageKey, MessageState, NewStatus, ReadRow, Snapshot, Store, Versioned,
    WebhookChange,
};

/// A conflicting commit and its name.
type Case = (&'static str, Changes<'static>);

pub(super) async fn rows_are_loaded(store: &dyn Store) {
    let changes = everything(1);
    commit(store, &changes, "a commit of new rows").await;
    let found = load(store, &all_keys(1)).await;
    assert!(found.now > 0, "a snapshot has the time of the store");

    let row = changes.contacts[0].row.clone();
    let stored = Some(Versioned { version: 1, row });
    assert_eq!(found.contacts[&ContactId(1)], stored, "the contact");
    let row = changes.signups[0].row.clone();
    let stored = Some(Versioned { version: 1, row });
    assert_eq!(found.signups[&signup_of(1)], stored, "the signup");
    let row = changes.campaigns[0].row.clone();
    let stored = Some(Versioned { version: 1, row });
    assert_eq!(found.campaigns[&campaign_of(1)], stored, "the campaign");
    let row = webhook(1);
    let stored = Some(Versioned { version: 1, row });
    assert_eq!(found.webhooks[&webhook_id(1)], stored, "the webhook");
    let row = MessageState::new(true, true, None);
    let stored = Some(Versioned { version: 1, row });
    assert_eq!(found.messages[&message_of(1)], stored, "the message");
    let row = MessageState::new(false, false, Some(MessageStatus::Delivered));
    let stored = Some(Versioned { version: 1, row });
    assert_eq!(found.messages[&status_of(1)], stored, "the status");

    assert_eq!(found.numbers[&number(1)], Some(tenant()), "the number");
    assert_eq!(
        found.bodies[&webhook_id(1)].as_deref(),
        Some(BODY),
        "the body"
    );
    assert_eq!(found.events[&event(1)], Some(webhook_id(1)), "the event");
    let row = progress(webhook_id(1), 1, EventState::Open);
    assert_eq!(found.progress[&event(1)], Some(row), "the progress");
    let key = phone(tenant(), &phone_number(1));
    assert_eq!(found.holders[&key], [ContactId(1)], "the holders of the id");
    let numbers = expect(store.numbers().await, "a list of the numbers");
    assert_eq!(numbers, [(number(1), tenant())], "the list of the numbers");

    let by_event = load(store, &load_query! { events: [event(1)] }).await;
    assert_eq!(
        by_event.webhooks, found.webhooks,
        "an event brings its webhook"
    );
    assert_eq!(
        by_event.progress, found.progress,
        "an event brings its progress"
    );
    let by_id = load(store, &load_query! { ids: [key] }).await;
    assert_eq!(by_id.contacts, found.contacts, "an id brings its contacts");
}

pub(super) async fn absent_rows_are_loaded(store: &dyn Store) {
    commit(store, &everything(1), "a commit of new rows").await;
    assert_absent(
        &load(store, &all_keys(2)).await,
        2,
        "other keys were committed",
    );

    let changes = Changes {
        webhooks: vec![add(webhook_id(2), webhook(1))],
        events: vec![EventChange::new(event(2), None, webhook_id(2))],
        ..Changes::default()
    };
    commit(store, &changes, "a commit of an event without progress").await;
    let found = load(store, &load_query! { events: [event(2)] }).await;
    assert_eq!(
        found.progress.get(&event(2)),
        Some(&None),
        "an event without progress"
    );
}

/// Checks that each row of [`everything`] is loaded as absent.
fn assert_absent(found: &Snapshot, n: i64, name: &str) {
    assert_eq!(
        found.numbers.get(&number(n)),
        Some(&None),
        "{name}: the number"
    );
    assert_eq!(
        found.webhooks.get(&webhook_id(n)),
        Some(&None),
        "{name}: the webhook"
    );
    assert_eq!(
        found.bodies.get(&webhook_id(n)),
        Some(&None),
        "{name}: the body"
    );
    assert_eq!(
        found.events.get(&event(n)),
        Some(&None),
        "{name}: the event"
    );
    assert_eq!(found.progress.get(&event(n)), None, "{name}: the progress");
    assert_eq!(
        found.messages.get(&message_of(n)),
        Some(&None),
        "{name}: the message"
    );
    assert_eq!(
        found.messages.get(&status_of(n)),
        Some(&None),
        "{name}: the status"
    );
    let key = phone(tenant(), &phone_number(n));
    assert_eq!(found.holders.get(&key), Some(&Vec::new()), "{name}: the id");
    assert_eq!(
        found.contacts.get(&ContactId(n)),
        Some(&None),
        "{name}: the contact"
    );
    assert_eq!(
        found.signups.get(&signup_of(n)),
        Some(&None),
        "{name}: the signup"
    );
    assert_eq!(
        found.campaigns.get(&campaign_of(n)),
        Some(&None),
        "{name}: the campaign"
    );
}

pub(super) async fn written_rows_conflict(store: &dyn Store) {
    commit(store, &everything(1), "a commit of new rows").await;
    for (name, case) in written_rows() {
        // Rows of each kind precede and follow the conflicting one.
        let (mut before, mut after) = (everything(2), everything(3));
        let mut changes = case;
        macro_rules! surround {
            ($($rows:ident),+) => { $(
                before.$rows.append(&mut changes.$rows);
                before.$rows.append(&mut after.$rows);
            )+ };
        }
        surround!(numbers, webhooks, events, progress, contacts, merges);
        surround!(messages, statuses, signups, campaigns);
        conflict(store, &before, name).await;
        for n in [2, 3] {
            assert_absent(&load(store, &all_keys(n)).await, n, name);
        }
    }
    let mut all = Snapshot::default();
    all.extend(load(store, &all_keys(1)).await);
    assert_eq!(
        all.webhooks[&webhook_id(1)]
            .as_ref()
            .map(|stored| stored.version),
        Some(1)
    );
    assert_eq!(
        all.contacts[&ContactId(1)]
            .as_ref()
            .map(|stored| stored.version),
        Some(1)
    );
}

/// Returns commits with wrong versions of the rows of [`everything`].
fn written_rows() -> Vec<Case> {
    let [there, absent] = [webhook_id(1), webhook_id(9)];
    let put_webhook = |id, version| {
        let row = webhook(0);
        changes! { webhooks: [WebhookChange::Update { id, version, row }] }
    };
    let delete = |id, version| changes! { webhooks: [WebhookChange::Delete { id, version }] };
    let event = |n, before| changes! { events: [EventChange::new(event(n), before, there)] };
    let contact = |n, version, id| {
        let row = contact(tenant(), &[(IdKind::Phone, &phone_number(id))]);
        changes! { contacts: [upsert(ContactId(n), version, row)] }
    };
    let merge = |n, version| {
        changes! { merges: [Merge::new(ContactId(n), version, ContactId(2))] }
    };
    let message = |key: MessageKey, version| {
        let row = unread(key.id.as_str(), 1);
        changes! { messages: [upsert(key, version, row)] }
    };
    let status = |key, version| {
        let row = NewStatus::new(MessageStatus::Read, NOW);
        changes! { statuses: [upsert(key, version, row)] }
    };
    let signup = |n, version| {
        let row = Signup::new("signup");
        changes! { signups: [upsert(signup_of(n), version, row)] }
    };
    let campaign = |n, version| {
        let row = campaign(1);
        changes! { campaigns: [upsert(campaign_of(n), version, row)] }
    };
    let add_webhook = changes! { webhooks: [add(there, webhook(0))] };
    let add_number = changes! { numbers: [(number(1), tenant())] };
    vec![
        ("a number that is there", add_number),
        ("a new webhook that is there", add_webhook),
        ("a webhook with another version", put_webhook(there, 2)),
        ("a webhook that is gone", put_webhook(absent, 1)),
        ("a deleted webhook with another version", delete(there, 2)),
        ("a deleted webhook that is gone", delete(absent, 1)),
        ("a new event that is there", event(1, None)),
        ("an event with another webhook", event(1, Some(absent))),
        ("an event that is gone", event(9, Some(there))),
        ("a new contact that is there", contact(1, None, 1)),
        ("a contact with another version", contact(1, Some(2), 1)),
        ("a contact that is gone", contact(9, Some(1), 9)),
        ("an id with another holder", contact(9, None, 1)),
        ("a merged contact with another version", merge(1, 2)),
        ("a merged contact that is gone", merge(9, 1)),
        ("a new message that is there", message(message_of(1), None)),
        (
            "a message with another version",
            message(message_of(1), Some(2)),
        ),
        ("a message that is gone", message(message_of(9), Some(1))),
        (
            "a new message whose status is there",
            message(status_of(1), None),
        ),
        ("a new status that is there", status(status_of(1), None)),
        (
            "a status with another version",
            status(message_of(1), Some(2)),
        ),
        ("a status that is gone", status(status_of(9), Some(1))),
        ("a new signup that is there", signup(1, None)),
        ("a signup with another version", signup(1, Some(2))),
        ("a signup that is gone", signup(9, Some(1))),
        ("a new campaign that is there", campaign(1, None)),
        ("a campaign with another version", campaign(1, Some(2))),
        ("a campaign that is gone", campaign(9, Some(1))),
    ]
}

pub(super) async fn read_rows_conflict(store: &dyn Store) {
    commit(store, &everything(1), "a commit of new rows").await;
    let id = |n| phone(tenant(), &phone_number(n));
    // A row, a current read, and an outdated one.
    let cases = [
        (
            "a webhook",
            ReadRow::Webhook(webhook_id(1), Some(1)),
            ReadRow::Webhook(webhook_id(1), Some(2)),
        ),
        (
            "a new webhook",
            ReadRow::Webhook(webhook_id(9), None),
            ReadRow::Webhook(webhook_id(1), None),
        ),
        (
            "an event",
            ReadRow::Event(event(1), Some(webhook_id(1))),
            ReadRow::Event(event(1), Some(webhook_id(9))),
        ),
        (
            "a new event",
            ReadRow::Event(event(9), None),
            ReadRow::Event(event(1), None),
        ),
        (
            "a contact",
            ReadRow::Contact(ContactId(1), Some(1)),
            ReadRow::Contact(ContactId(1), Some(2)),
        ),
        (
            "a new contact",
            ReadRow::Contact(ContactId(9), None),
            ReadRow::Contact(ContactId(9), Some(1)),
        ),
        (
            "an id",
            ReadRow::Holders(id(1), vec![ContactId(1)]),
            ReadRow::Holders(id(1), vec![ContactId(9)]),
        ),
        (
            "a new id",
            ReadRow::Holders(id(9), vec![]),
            ReadRow::Holders(id(1), vec![]),
        ),
        (
            "a message",
            ReadRow::Message(message_of(1), Some(1)),
            ReadRow::Message(message_of(1), Some(2)),
        ),
        (
            "a new message",
            ReadRow::Message(message_of(9), None),
            ReadRow::Message(status_of(1), None),
        ),
        (
            "a signup",
            ReadRow::Signup(signup_of(1), Some(1)),
            ReadRow::Signup(signup_of(1), Some(2)),
        ),
        (
            "a new signup",
            ReadRow::Signup(signup_of(9), None),
            ReadRow::Signup(signup_of(9), Some(1)),
        ),
        (
            "a campaign",
            ReadRow::Campaign(campaign_of(1), Some(1)),
            ReadRow::Campaign(campaign_of(1), Some(2)),
        ),
        (
            "a new campaign",
            ReadRow::Campaign(campaign_of(9), None),
            ReadRow::Campaign(campaign_of(9), Some(1)),
        ),
    ];
    for (n, (name, right, wrong)) in (10..).zip(cases) {
        let mut changes = everything(n);
        changes.reads = vec![right.clone(), wrong];
        conflict(
            store,
            &changes,
            &format!("{name} that was read has changed"),
        )
        .await;
        assert_absent(&load(store, &all_keys(n)).await, n, name);
        changes.reads = vec![right];
        commit(store, &changes, &format!("a commit that read {name}")).await;
    }
}

pub(super) async fn reads_are_checked_after_other_commits(store: &dyn Store) {
    commit(store, &everything(1), "a commit of new rows").await;
    let before = load(store, &all_keys(1)).await;
    let mut changes = everything(2);
    changes.revision = before.revision;
    changes.reads = vec![
        ReadRow::Webhook(webhook_id(1), Some(1)),
        ReadRow::Holders(phone(tenant(), &phone_number(1)), vec![ContactId(1)]),
    ];
    commit(store, &changes, "a commit at the moment of its snapshot").await;

    // A change of another row is no conflict.
    let mut changes = everything(3);
    changes.revision = before.revision;
    changes.reads = vec![ReadRow::Webhook(webhook_id(1), Some(1))];
    commit(store, &changes, "a commit whose rows have not changed").await;

    let close = WebhookChange::Update {
        id: webhook_id(1),
        version: 1,
        row: webhook(0),
    };
    let close = changes! { webhooks: [close] };
    commit(store, &close, "a change of the webhook").await;
    let mut changes = everything(4);
    changes.revision = before.revision;
    changes.reads = vec![ReadRow::Webhook(webhook_id(1), Some(1))];
    conflict(store, &changes, "a webhook that changed since the snapshot").await;
}

pub(super) async fn revisions_change(store: &dyn Store) {
    let mut last = load(store, &LoadQuery::default()).await.revision;
    if last.is_none() {
        return;
    }
    let subscriber = changes! { subscribers: [signup_of(1)] };
    let refusal = changes! { refusals: [campaign_of(1)] };
    let conversation = ConversationKey::new(ContactId(1), None);
    let read = changes! { read_conversations: [conversation] };
    let changes = [
        ("new rows", everything(1)),
        ("a count of subscribers", subscriber),
        ("a count of refusals", refusal),
        ("a conversation that was read", read),
    ];
    for (name, changes) in changes {
        commit(store, &changes, name).await;
        let revision = load(store, &LoadQuery::default()).await.revision;
        assert_ne!(revision, last, "the revision after {name}");
        last = revision;
    }
    let lease = long_lease(1);
    let leased = expect(
        store.lease_due(lease, LeaseQuery::first(9)).await,
        "a lease",
    );
    assert_eq!(leased.len(), 1, "the webhook is due");
    let revision = load(store, &LoadQuery::default()).await.revision;
    assert_ne!(revision, last, "the revision after a lease");
}

pub(super) async fn versions_grow(store: &dyn Store) {
    commit(store, &everything(1), "a commit of new rows").await;
    for version in 1..4 {
        let mut again = everything(1);
        again.numbers.clear();
        again.events.clear();
        let row = webhook(1);
        let change = WebhookChange::Update {
            id: webhook_id(1),
            version,
            row,
        };
        again.webhooks = vec![change];
        again.contacts[0].version = Some(version);
        again.messages[0].version = Some(version);
        again.statuses[0].version = Some(version);
        again.signups[0].version = Some(version);
        again.campaigns[0].version = Some(version);
        commit(store, &again, "a commit of rows with their versions").await;
        let found = load(store, &all_keys(1)).await;
        let versions = [
            found.webhooks[&webhook_id(1)]
                .as_ref()
                .map(|stored| stored.version),
            found.contacts[&ContactId(1)]
                .as_ref()
                .map(|stored| stored.version),
            found.messages[&message_of(1)]
                .as_ref()
                .map(|stored| stored.version),
            found.messages[&status_of(1)]
                .as_ref()
                .map(|stored| stored.version),
            found.signups[&signup_of(1)]
                .as_ref()
                .map(|stored| stored.version),
            found.campaigns[&campaign_of(1)]
                .as_ref()
                .map(|stored| stored.version),
        ];
        assert_eq!(
            versions,
            [Some(version + 1); 6],
            "the versions after a write"
        );
    }
}

pub(super) async fn durabilities_are_accepted(store: &dyn Store) {
    let durabilities = [Durability::Disk, Durability::Process, Durability::Disk];
    for (n, durability) in (1..).zip(durabilities) {
        expect(store.commit(&everything(n), durability).await, "a commit");
        let nothing = Changes::default();
        expect(
            store.commit(&nothing, durability).await,
            "a commit of nothing",
        );
    }
    let signups = expect(store.signups(&tenant()).await, "a list of signups");
    assert_eq!(signups.len(), 3, "all three commits were written");
}
