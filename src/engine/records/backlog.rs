//! The backlog of records.

use super::Records;
use crate::engine::backlog::{RecordsBacklog, age};
use crate::engine::batch::Batch;
use crate::engine::dead_letters::DeadLetterFilter;
use crate::engine::runtime::ready;
use crate::engine::tenants::{NumberTenants, OwnerKey};
use crate::engine::{EngineCall, EngineError, now_ms};
use crate::signal::ReceiverMode;
use crate::store::{
    Fingerprint, LoadQuery, NumberKey, ReadyStore, Store, StoreError, WebhookId, WebhookQuery,
    WebhookRow,
};

/// The number of webhooks whose bodies are loaded at once.
const WEBHOOKS: usize = 20;

/// The number of dead letters that are loaded at once.
const LETTERS: usize = 100;

/// The backlog of records, for sync callers.
impl<S: ReadyStore> Records<'_, S> {
    /// Returns the numbers of open events and dead letters of these records. The time grows with
    /// the numbers of open and dead events of all tenants, whose bodies are parsed. The numbers are
    /// not of one moment, as other calls run meanwhile.
    ///
    /// # Errors
    ///
    /// As of [`WebhookEngine::backlog`](crate::WebhookEngine::backlog).
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new()).tended(true);
    /// let outcome = engine.accept(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert_eq!(outcome.unfinished(), 1);
    /// assert_eq!(engine.tenant("900800700600500").backlog()?.open, 1);
    /// assert_eq!(engine.tenant("900800700600501").backlog()?.open, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn backlog(&self) -> Result<RecordsBacklog, EngineError> {
        ready(self.call(ReceiverMode::Sync).backlog_of(&self.owner))
    }
}

/// The backlog of records.
impl<S: Store> Records<'_, S> {
    /// Returns the backlog as [`backlog`](Self::backlog) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// As of [`WebhookEngine::backlog`](crate::WebhookEngine::backlog).
    pub async fn backlog_async(&self) -> Result<RecordsBacklog, EngineError> {
        self.call(ReceiverMode::Async).backlog_of(&self.owner).await
    }
}

impl EngineCall<'_> {
    async fn backlog_of(self, owner: &OwnerKey) -> Result<RecordsBacklog, EngineError> {
        self.write_kept_updates().await?;
        let tenants = self.tenants().await?;
        let (mut open, mut oldest) = (0, None);
        let mut query = WebhookQuery::first(WEBHOOKS).only_unsettled().with_bodies();
        loop {
            let page = self.access.webhooks(&query).await?;
            let Some((last, ..)) = page.last() else { break };
            query = query.after(Some(*last));
            for (id, row, body) in page {
                let body = body.unwrap_or_default();
                let of_webhook = self.count_open(owner, &tenants, id, &row, &body).await?;
                if of_webhook > 0 {
                    oldest = oldest.into_iter().chain([row.received_at]).min();
                }
                open += of_webhook;
            }
        }
        Ok(RecordsBacklog {
            open,
            dead: self.count_dead(owner).await?,
            oldest: oldest.map(|oldest| age(oldest, now_ms())),
        })
    }

    /// Returns the number of open events of records in a webhook.
    async fn count_open(
        self,
        owner: &OwnerKey,
        tenants: &NumberTenants<'_>,
        id: WebhookId,
        row: &WebhookRow,
        body: &[u8],
    ) -> Result<u64, StoreError> {
        // The open events of an unreadable body belong to no known owner.
        let batch = Batch::parse_stored(self.core.settings.parser, row.kind, body);
        let Some((batch, _)) = batch.ok().filter(|_| row.open > 0 || row.unclaimed > 0) else {
            return Ok(0);
        };
        let mut query = LoadQuery::default();
        for &at in batch.distinct() {
            if tenants.owns(owner, &batch.events[at])? {
                query.events.insert(batch.fingerprint(at));
            }
        }
        if query.events.is_empty() {
            return Ok(0);
        }
        let loaded = self.access.load(&query).await?;
        let is_open = |event: &&Fingerprint| match loaded.events.get(event).copied().flatten() {
            // A crash has ended the claim before the event's row was written.
            None => row.unclaimed > 0,
            Some(webhook) => webhook == id && loaded.is_open(event),
        };
        Ok(query.events.iter().filter(is_open).count() as u64)
    }

    /// Returns the number of dead events of records.
    async fn count_dead(self, owner: &OwnerKey) -> Result<u64, EngineError> {
        let filter = DeadLetterFilter::new().limit(LETTERS);
        let mut filter = match owner {
            OwnerKey::Tenant(tenant) => filter.tenant(tenant.as_str()),
            OwnerKey::Number(number) => filter.number(number.as_str()),
            OwnerKey::Account(account) => filter.number(NumberKey::of(account).as_str()),
        };
        let mut dead = 0;
        loop {
            let page = self.find_dead_letters(&filter).await?;
            let Some((last, _)) = page.last() else {
                return Ok(dead);
            };
            filter = filter.after(*last);
            dead += page.len() as u64;
        }
    }
}
