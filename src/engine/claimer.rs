//! How a webhook is claimed: who is new, who came before, and who holds what.

use std::collections::{HashMap, HashSet};

use super::claim::{Batch, Claim, Held, Job};
use super::record::{Known, Recorder};
use super::{Settings, now_ms};
use crate::model::Timestamp;
use crate::store::{
    EventRecord, Lease, Progress, StoreError, Transaction, WebhookId, WebhookRecord,
};

/// Claims a body that came. What is new of it is written down with it.
pub(super) fn claim_body(
    tx: &mut dyn Transaction,
    settings: &Settings,
    lease: Lease,
    batch: &Batch,
    body: &[u8],
) -> Result<Claim, StoreError> {
    let mut claimer = Claimer::new(tx, settings, lease, batch, Home::Unstored(body));
    claimer.take()?;
    if settings.log_webhooks {
        claimer.home()?;
    }
    claimer.finish()
}

/// Claims what is unfinished of a body that is stored.
pub(super) fn claim_stored(
    tx: &mut dyn Transaction,
    settings: &Settings,
    lease: Lease,
    batch: &Batch,
    id: WebhookId,
) -> Result<Claim, StoreError> {
    let mut claimer = Claimer::new(tx, settings, lease, batch, Home::Stored(id));
    match claimer.hold(id, true)? {
        Holding::Held(_) => {
            claimer.take()?;
            claimer.add_missing(id)?;
            claimer.finish()
        }
        Holding::Over | Holding::Busy => Ok(claimer.claim),
    }
}

/// Makes a [`Claim`] within one transaction.
struct Claimer<'a> {
    tx: &'a mut dyn Transaction,
    settings: &'a Settings,
    lease: Lease,
    batch: &'a Batch,
    now: Timestamp,
    home: Home<'a>,
    recorder: Recorder,
    claim: Claim,
    /// The webhooks that were looked at.
    seen: HashMap<WebhookId, Holding>,
    /// The events of a stored webhook that are not known.
    missing: Vec<usize>,
}

/// The webhook that new events belong to.
#[derive(Clone, Copy)]
enum Home<'a> {
    /// It came, and is stored when something of it is new.
    Unstored(&'a [u8]),
    /// It came, and is stored by now.
    New(WebhookId),
    /// It was stored before. The events of others are not looked at.
    Stored(WebhookId),
}

/// Who holds a webhook.
#[derive(Clone, Copy)]
enum Holding {
    /// Nobody: nothing is left to do.
    Over,
    /// Somebody else.
    Busy,
    /// We do; this is its place among the held.
    Held(usize),
}

/// Where an event stands.
enum Standing {
    /// It was written down just now.
    New(EventRecord),
    Duplicate,
    Busy,
    /// It came before and is to be done, and we hold its webhook.
    Open(usize, EventRecord),
    /// It is of a stored webhook, and not known.
    Missing,
}

impl<'a> Claimer<'a> {
    fn new(
        tx: &'a mut dyn Transaction,
        settings: &'a Settings,
        lease: Lease,
        batch: &'a Batch,
        home: Home<'a>,
    ) -> Self {
        let now = Timestamp::now();
        Self {
            tx,
            settings,
            lease,
            batch,
            now,
            home,
            recorder: Recorder::new(now),
            claim: Claim::default(),
            seen: HashMap::new(),
            missing: Vec::new(),
        }
    }

    /// Looks at each event, and makes a job of what is to be done. Webhooks
    /// that brought one of them before are held from now on, if nobody else
    /// holds them.
    fn take(&mut self) -> Result<(), StoreError> {
        let batch = self.batch;
        let mut earlier = HashSet::with_capacity(batch.keys.len());
        for (at, (event, key)) in batch.events.iter().zip(&batch.keys).enumerate() {
            let standing = if earlier.insert(key.as_str()) {
                self.standing(key, batch.repeats(at))?
            } else {
                Standing::Duplicate
            };
            match standing {
                Standing::Duplicate => self.claim.duplicate += 1,
                Standing::Busy => self.claim.busy += 1,
                Standing::Missing => self.missing.push(at),
                Standing::New(record) => self.add_new(at, record)?,
                Standing::Open(held, record) => {
                    let known = self.recorder.recall(self.tx, event)?;
                    self.add_job(at, held, record, known);
                }
            }
        }
        Ok(())
    }

    /// Makes a job of an event that is new, which is when it is written down.
    fn add_new(&mut self, event: usize, record: EventRecord) -> Result<(), StoreError> {
        let known = self.recorder.record(self.tx, &self.batch.events[event])?;
        let held = self.held(record.webhook);
        self.add_job(event, held, record, known);
        Ok(())
    }

    fn add_job(&mut self, event: usize, held: usize, record: EventRecord, known: Known) {
        self.claim.jobs.push(Job {
            event,
            held,
            record,
            known,
        });
    }

    fn standing(&mut self, key: &str, repeats: bool) -> Result<Standing, StoreError> {
        // Most bodies are new as a whole: once one event was, the others are
        // added without a look. One that is not new need not be stored.
        if let Home::New(id) = self.home {
            let record = EventRecord::new(id, self.now);
            if self.tx.add_event(key, &record)? {
                return Ok(Standing::New(record));
            }
        }
        let Some(record) = self.tx.event(key)? else {
            return match self.home {
                Home::Stored(_) => Ok(Standing::Missing),
                Home::Unstored(_) | Home::New(_) => Ok(Standing::New(self.add_event(key)?)),
            };
        };
        if let Home::Stored(id) = self.home
            && record.webhook != id
        {
            return Ok(Standing::Duplicate);
        }
        let holding = match record.progress {
            Progress::Dead => Holding::Over,
            Progress::Finished => self.hold(record.webhook, false)?,
            Progress::Open => self.hold(record.webhook, true)?,
        };
        match (holding, record.progress) {
            (Holding::Busy, _) => Ok(Standing::Busy),
            (Holding::Held(held), Progress::Open) => Ok(Standing::Open(held, record)),
            _ if repeats && self.has_happened_again()? => self.anew(key, &record),
            _ => Ok(Standing::Duplicate),
        }
    }

    /// Adds an event that is not known.
    fn add_event(&mut self, key: &str) -> Result<EventRecord, StoreError> {
        let record = EventRecord::new(self.home()?, self.now);
        self.tx.add_event(key, &record)?;
        Ok(record)
    }

    /// Whether an event that has no name of its own and is known already has
    /// happened again. Its company tells: with what came before it has come
    /// before. When it is alone, nobody can say, and it is better told twice.
    fn has_happened_again(&mut self) -> Result<bool, StoreError> {
        let home = match self.home {
            Home::Stored(_) => return Ok(false),
            Home::Unstored(_) => None,
            Home::New(id) => Some(id),
        };
        let mut is_alone = true;
        for (at, key) in self.batch.keys.iter().enumerate() {
            if !self.batch.repeats(at) {
                is_alone = false;
                let known = self.tx.event(key)?;
                if known.is_none_or(|known| Some(known.webhook) == home) {
                    return Ok(true);
                }
            }
        }
        Ok(is_alone)
    }

    /// Takes an event that has happened again for a new one. When it was a dead
    /// letter, which says the same, it is none any more.
    fn anew(&mut self, key: &str, before: &EventRecord) -> Result<Standing, StoreError> {
        if before.progress == Progress::Dead
            && let Some(mut webhook) = self.tx.webhook(before.webhook)?
        {
            webhook.dead = webhook.dead.saturating_sub(1);
            self.settings
                .put_or_close(self.tx, before.webhook, &webhook)?;
        }
        let record = EventRecord::new(self.home()?, self.now);
        self.tx.put_event(key, &record)?;
        Ok(Standing::New(record))
    }

    /// Adds the unknown events of a stored webhook when the known ones are
    /// fewer than are open: another version of this crate has given them other
    /// keys. Else they are finished, and were forgotten since.
    fn add_missing(&mut self, id: WebhookId) -> Result<(), StoreError> {
        let webhook = self.tx.webhook(id)?;
        let open = webhook.map_or(0, |webhook| webhook.open as usize);
        if self.claim.jobs.len() >= open {
            return Ok(());
        }
        for at in std::mem::take(&mut self.missing) {
            let record = self.add_event(&self.batch.keys[at])?;
            self.add_new(at, record)?;
        }
        self.claim.jobs.sort_by_key(|job| job.event);
        Ok(())
    }

    /// The webhook that new events belong to; it is stored if it is not yet.
    fn home(&mut self) -> Result<WebhookId, StoreError> {
        match self.home {
            Home::New(id) | Home::Stored(id) => Ok(id),
            Home::Unstored(body) => {
                // Open until it is known how much is: an event of a webhook
                // with nothing open is over, and may make room for others.
                let webhook = WebhookRecord::new(self.now, 1, Some(self.lease));
                let id = self.tx.add_webhook(&webhook, body)?;
                self.home = Home::New(id);
                Ok(id)
            }
        }
    }

    /// The place of a webhook that new events belong to.
    fn held(&mut self, home: WebhookId) -> usize {
        let holding = self.seen.get(&home).copied();
        match holding.unwrap_or_else(|| self.add_held(home, false)) {
            Holding::Held(held) => held,
            Holding::Over | Holding::Busy => unreachable!("it was made or held just now"),
        }
    }

    /// Holds a webhook, unless it is over or somebody else's. When nothing of
    /// it is `wanted`, only one that was left behind with its lease: what is
    /// marked in it may not be on the disk yet, which the last mark sees to.
    fn hold(&mut self, id: WebhookId, wanted: bool) -> Result<Holding, StoreError> {
        if let Some(holding) = self.seen.get(&id) {
            return Ok(*holding);
        }
        let found = self.tx.webhook(id)?;
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
        self.tx.put_webhook(id, &webhook)?;
        let holding = self.add_held(id, is_suspect);
        if is_over {
            self.seen.insert(id, Holding::Over);
            return Ok(Holding::Over);
        }
        Ok(holding)
    }

    fn add_held(&mut self, id: WebhookId, is_suspect: bool) -> Holding {
        let holding = Holding::Held(self.claim.held.len());
        self.claim.held.push(Held {
            id,
            is_suspect,
            is_lost: false,
            marks: Vec::new(),
        });
        self.seen.insert(id, holding);
        holding
    }

    /// Writes down how much there is to do.
    fn finish(self) -> Result<Claim, StoreError> {
        let mut claim = self.claim;
        let (Home::New(id) | Home::Stored(id)) = self.home else {
            return Ok(claim);
        };
        let held = match self.seen.get(&id) {
            Some(Holding::Held(held)) => Some(*held),
            _ => None,
        };
        let open = claim.jobs.iter().filter(|job| Some(job.held) == held);
        let open = u32::try_from(open.count()).unwrap_or(u32::MAX);
        if let Some(mut webhook) = self.tx.webhook(id)? {
            webhook.open = open;
            webhook.lease = webhook.lease.filter(|_| held.is_some());
            self.tx.put_webhook(id, &webhook)?;
        }
        if matches!(self.home, Home::Stored(_)) {
            claim.duplicate = 0;
        }
        Ok(claim)
    }
}
