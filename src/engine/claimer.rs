//! How a webhook is claimed: who is new, who came before, and who holds what.

use std::collections::HashSet;

use super::Settings;
use super::claim::{Batch, Claim, Job};
use super::holdings::{Holding, Holdings};
use super::home::Home;
use super::record::{Known, Recorder};
use crate::model::Timestamp;
use crate::store::{EventRecord, Lease, Progress, StoreError, Transaction, WebhookId};

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
        claimer.store_home()?;
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
    let Holding::Held(_) = claimer.holdings.hold(claimer.tx, id, true)? else {
        return Ok(claimer.into_claim());
    };
    claimer.take()?;
    claimer.add_missing(id)?;
    claimer.finish()
}

/// Makes a [`Claim`] within one transaction.
struct Claimer<'a> {
    tx: &'a mut dyn Transaction,
    settings: &'a Settings,
    batch: &'a Batch,
    now: Timestamp,
    home: Home<'a>,
    recorder: Recorder,
    claim: Claim,
    holdings: Holdings,
    /// The events of a stored webhook that are not known.
    missing: Vec<usize>,
    /// Whether the events that have neither an id nor a time have happened again.
    has_happened_again: Option<bool>,
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
            batch,
            now,
            home,
            recorder: Recorder::new(now),
            claim: Claim::default(),
            holdings: Holdings::new(lease),
            missing: Vec::new(),
            has_happened_again: None,
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
                    // It happened again before its receivers have succeeded: they run once
                    // for both, and the records have the later one.
                    let is_news = batch.repeats(at) && self.has_happened_again()?;
                    let known = if is_news {
                        self.recorder.record_again(self.tx, event)?
                    } else {
                        self.recorder.recall(self.tx, event)?
                    };
                    self.add_job(at, held, record, known);
                }
            }
        }
        Ok(())
    }

    /// Makes a job of an event that is new, which is when it is written down.
    fn add_new(&mut self, event: usize, record: EventRecord) -> Result<(), StoreError> {
        let known = self.recorder.record(self.tx, &self.batch.events[event])?;
        let held = self.holdings.own(record.webhook);
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
            Progress::Finished => self.holdings.hold(self.tx, record.webhook, false)?,
            Progress::Open => self.holdings.hold(self.tx, record.webhook, true)?,
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
        let record = EventRecord::new(self.store_home()?, self.now);
        self.tx.add_event(key, &record)?;
        Ok(record)
    }

    /// Whether an event that has neither an id nor a time and is known already has happened
    /// again. With others that are all known it is repeated. Alone it may be either, and
    /// running its receivers twice does less harm than not running them.
    fn has_happened_again(&mut self) -> Result<bool, StoreError> {
        if matches!(self.home, Home::Stored(_)) {
            return Ok(false);
        }
        if let Some(known) = self.has_happened_again {
            return Ok(known);
        }
        let home = self.home.id();
        let mut is_alone = true;
        let mut has_new = false;
        for (at, key) in self.batch.keys.iter().enumerate() {
            if !self.batch.repeats(at) {
                is_alone = false;
                let known = self.tx.event(key)?;
                has_new = known.is_none_or(|known| Some(known.webhook) == home);
                if has_new {
                    break;
                }
            }
        }
        // The same for all events of the body: what is new of it stays new.
        Ok(*self.has_happened_again.insert(is_alone || has_new))
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
        let record = EventRecord::new(self.store_home()?, self.now);
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

    /// Stores the webhook that new events belong to, if it is not yet.
    fn store_home(&mut self) -> Result<WebhookId, StoreError> {
        self.home.store(self.tx, self.now, self.holdings.lease())
    }

    /// Writes down how much there is to do.
    fn finish(mut self) -> Result<Claim, StoreError> {
        let Some(id) = self.home.id() else {
            return Ok(self.into_claim());
        };
        let held = self.holdings.find(id);
        let open = self.claim.jobs.iter().filter(|job| Some(job.held) == held);
        let open = u32::try_from(open.count()).unwrap_or(u32::MAX);
        if let Some(mut webhook) = self.tx.webhook(id)? {
            webhook.open = open;
            webhook.lease = webhook.lease.filter(|_| held.is_some());
            self.tx.put_webhook(id, &webhook)?;
        }
        if matches!(self.home, Home::Stored(_)) {
            self.claim.duplicate = 0;
        }
        Ok(self.into_claim())
    }

    fn into_claim(self) -> Claim {
        Claim {
            held: self.holdings.into_held(),
            ..self.claim
        }
    }
}
