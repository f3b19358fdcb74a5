//! Whose the webhooks are that a claim has to do with.

use std::collections::HashMap;

use super::claim::Held;
use super::now_ms;
use crate::store::{Lease, StoreError, Transaction, WebhookId};

/// Who holds a webhook.
#[derive(Clone, Copy)]
pub(super) enum Holding {
    /// Nobody: nothing is left to do.
    Over,
    /// Somebody else.
    Busy,
    /// We do; this is its place among the held.
    Held(usize),
}

/// The webhooks that a claim has looked at, each once, and those that it holds.
pub(super) struct Holdings {
    lease: Lease,
    seen: HashMap<WebhookId, Holding>,
    held: Vec<Held>,
}

impl Holdings {
    pub(super) fn new(lease: Lease) -> Self {
        Self {
            lease,
            seen: HashMap::new(),
            held: Vec::new(),
        }
    }

    /// What the claim holds webhooks with.
    pub(super) fn lease(&self) -> Lease {
        self.lease
    }

    /// Holds a webhook, unless it is over or somebody else's. When nothing of
    /// it is `wanted`, only one that was left behind with its lease: what is
    /// marked in it may not be on the disk yet, which the last mark sees to.
    pub(super) fn hold(
        &mut self,
        tx: &mut dyn Transaction,
        id: WebhookId,
        wanted: bool,
    ) -> Result<Holding, StoreError> {
        if let Some(holding) = self.seen.get(&id) {
            return Ok(*holding);
        }
        let found = tx.webhook(id)?;
        let is_over = found.as_ref().is_none_or(|webhook| webhook.open == 0);
        let leased = found.filter(|webhook| webhook.lease.is_some() || (wanted && !is_over));
        let Some(mut webhook) = leased else {
            if is_over {
                self.seen.insert(id, Holding::Over);
            }
            return Ok(Holding::Over);
        };
        if webhook.lease.is_some_and(|lease| lease.until > now_ms()) {
            self.seen.insert(id, Holding::Busy);
            return Ok(Holding::Busy);
        }
        let is_suspect = webhook.lease.is_some();
        webhook.lease = Some(self.lease);
        tx.put_webhook(id, &webhook)?;
        let held = self.add(id, is_suspect);
        if is_over {
            self.seen.insert(id, Holding::Over);
            return Ok(Holding::Over);
        }
        Ok(Holding::Held(held))
    }

    /// The place of a webhook that was stored just now, or is held.
    pub(super) fn own(&mut self, id: WebhookId) -> usize {
        match self.seen.get(&id) {
            None => self.add(id, false),
            Some(Holding::Held(held)) => *held,
            Some(Holding::Over | Holding::Busy) => unreachable!("it was made or held just now"),
        }
    }

    /// The place of a webhook, when it is held.
    pub(super) fn find(&self, id: WebhookId) -> Option<usize> {
        match self.seen.get(&id)? {
            Holding::Held(held) => Some(*held),
            Holding::Over | Holding::Busy => None,
        }
    }

    pub(super) fn into_held(self) -> Vec<Held> {
        self.held
    }

    fn add(&mut self, id: WebhookId, is_suspect: bool) -> usize {
        let held = self.held.len();
        self.held.push(Held {
            id,
            is_suspect,
            is_lost: false,
            marks: Vec::new(),
        });
        self.seen.insert(id, Holding::Held(held));
        held
    }
}
