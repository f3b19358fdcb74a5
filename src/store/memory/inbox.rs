//! The inbox's rows.

use std::ops::Bound;
use std::sync::Arc;

use super::table::{Ordered, Table, Undo};
use super::{Tables, full};
use crate::model::Timestamp;
use crate::store::{EventRecord, Inbox, Progress, StoreError, WebhookId, WebhookRecord};

#[derive(Debug, Default)]
pub(super) struct InboxTables {
    last_webhook: i64,
    last_event: u64,
    webhooks: Ordered<WebhookId, Stored>,
    events: Table<Arc<str>, Numbered>,
    /// The events in the order in which they came.
    by_age: Ordered<u64, Arc<str>>,
    dead: Ordered<u64, Arc<str>>,
}

#[derive(Clone, Debug)]
struct Stored {
    webhook: WebhookRecord,
    body: Arc<[u8]>,
}

#[derive(Clone, Debug)]
struct Numbered {
    number: u64,
    event: EventRecord,
}

impl InboxTables {
    /// All of them.
    pub(super) fn tables(&mut self) -> [&mut dyn Undo; 4] {
        [
            &mut self.webhooks,
            &mut self.events,
            &mut self.by_age,
            &mut self.dead,
        ]
    }

    /// Whether nothing is left to do for an event.
    fn is_over(&self, event: &EventRecord) -> bool {
        match event.progress {
            Progress::Finished => true,
            Progress::Dead => false,
            Progress::Open => {
                let stored = self.webhooks.get(&event.webhook);
                stored.is_none_or(|stored| stored.webhook.open == 0)
            }
        }
    }

    /// The events that may go, those that came first before the others.
    fn over(&self) -> impl Iterator<Item = (u64, &Arc<str>, &EventRecord)> {
        self.by_age.iter().filter_map(|(number, key)| {
            let event = &self.events.get(key)?.event;
            self.is_over(event).then_some((*number, key, event))
        })
    }

    fn insert_event(&mut self, number: u64, key: Arc<str>, event: &EventRecord) {
        if event.progress == Progress::Dead {
            self.dead.insert(number, Arc::clone(&key));
        } else {
            self.dead.remove(&number);
        }
        let event = event.clone();
        self.events.insert(key, Numbered { number, event });
    }

    fn remove_event(&mut self, number: u64, key: &Arc<str>) {
        self.events.remove(key);
        self.by_age.remove(&number);
    }

    fn make_room_for_event(&mut self, bound: usize) -> Result<(), StoreError> {
        if self.events.len() < bound {
            return Ok(());
        }
        let (number, key, _) = self.over().next().ok_or_else(full)?;
        let key = Arc::clone(key);
        self.remove_event(number, &key);
        Ok(())
    }

    fn make_room_for_webhook(&mut self, bound: usize) -> Result<(), StoreError> {
        if self.webhooks.len() < bound {
            return Ok(());
        }
        let closed = |stored: &Stored| stored.webhook.open + stored.webhook.dead == 0;
        let closed = self.webhooks.iter().find(|(_, stored)| closed(stored));
        let id = *closed.ok_or_else(full)?.0;
        self.webhooks.remove(&id);
        Ok(())
    }
}

impl Inbox for Tables {
    fn add_webhook(
        &mut self,
        webhook: &WebhookRecord,
        body: &[u8],
    ) -> Result<WebhookId, StoreError> {
        self.inbox.make_room_for_webhook(self.bound)?;
        self.inbox.last_webhook += 1;
        let id = WebhookId(self.inbox.last_webhook);
        let stored = Stored {
            webhook: webhook.clone(),
            body: body.into(),
        };
        self.inbox.webhooks.insert(id, stored);
        Ok(id)
    }

    fn webhook(&mut self, id: WebhookId) -> Result<Option<WebhookRecord>, StoreError> {
        let stored = self.inbox.webhooks.get(&id);
        Ok(stored.map(|stored| stored.webhook.clone()))
    }

    fn body(&mut self, id: WebhookId) -> Result<Option<Vec<u8>>, StoreError> {
        let stored = self.inbox.webhooks.get(&id);
        Ok(stored.map(|stored| stored.body.to_vec()))
    }

    fn put_webhook(&mut self, id: WebhookId, webhook: &WebhookRecord) -> Result<(), StoreError> {
        if let Some(stored) = self.inbox.webhooks.get(&id) {
            let stored = Stored {
                webhook: webhook.clone(),
                body: Arc::clone(&stored.body),
            };
            self.inbox.webhooks.insert(id, stored);
        }
        Ok(())
    }

    fn delete_webhook(&mut self, id: WebhookId) -> Result<(), StoreError> {
        self.inbox.webhooks.remove(&id);
        Ok(())
    }

    fn webhooks(
        &mut self,
        after: WebhookId,
        only_unsettled: bool,
        limit: usize,
    ) -> Result<Vec<(WebhookId, WebhookRecord)>, StoreError> {
        let later = (Bound::Excluded(after), Bound::Unbounded);
        let rows = self.inbox.webhooks.range(later);
        let wanted = rows.filter(|(_, stored)| !only_unsettled || stored.webhook.is_unsettled());
        let record = |(id, stored): (&WebhookId, &Stored)| (*id, stored.webhook.clone());
        Ok(wanted.take(limit).map(record).collect())
    }

    fn event(&mut self, key: &str) -> Result<Option<EventRecord>, StoreError> {
        let found = self.inbox.events.get(key);
        Ok(found.map(|found| found.event.clone()))
    }

    fn add_event(&mut self, key: &str, event: &EventRecord) -> Result<bool, StoreError> {
        let inbox = &mut self.inbox;
        if inbox.events.get(key).is_some() {
            return Ok(false);
        }
        inbox.make_room_for_event(self.bound)?;
        inbox.last_event += 1;
        let (number, key) = (inbox.last_event, Arc::from(key));
        inbox.by_age.insert(number, Arc::clone(&key));
        inbox.insert_event(number, key, event);
        Ok(true)
    }

    fn put_event(&mut self, key: &str, event: &EventRecord) -> Result<(), StoreError> {
        let inbox = &mut self.inbox;
        let Some(Numbered { number, .. }) = inbox.events.get(key) else {
            return Ok(());
        };
        let number = *number;
        inbox.insert_event(number, Arc::from(key), event);
        Ok(())
    }

    fn dead_events(&mut self, limit: usize) -> Result<Vec<(String, EventRecord)>, StoreError> {
        let dead = self.inbox.dead.iter().take(limit);
        let record = |(_, key): (&u64, &Arc<str>)| {
            let event = &self.inbox.events.get(key)?.event;
            Some((key.to_string(), event.clone()))
        };
        Ok(dead.filter_map(record).collect())
    }

    fn prune(&mut self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let inbox = &mut self.inbox;
        let old = inbox
            .over()
            .filter(|(_, _, event)| event.received_at < before);
        let old: Vec<_> = old
            .map(|(number, key, _)| (number, Arc::clone(key)))
            .take(limit)
            .collect();
        for (number, key) in &old {
            inbox.remove_event(*number, key);
        }
        let is_old = |stored: &Stored| {
            let webhook = &stored.webhook;
            webhook.received_at < before && webhook.open + webhook.dead == 0
        };
        let closed = inbox.webhooks.iter().filter(|(_, stored)| is_old(stored));
        let closed: Vec<_> = closed.map(|(id, _)| *id).take(limit - old.len()).collect();
        for id in &closed {
            inbox.webhooks.remove(id);
        }
        let pruned = old.len() + closed.len();
        Ok(pruned + self.records.messages.prune(before, limit - pruned))
    }
}
