//! What of a webhook is to be done, and that it is we who do it.

use std::collections::{HashMap, HashSet};

use super::Settings;
use super::record::{Known, Recorder};
use crate::event::WebhookEvent;
use crate::model::Timestamp;
use crate::store::{
    EventRecord, Lease, Progress, StoreError, Transaction, WebhookId, WebhookRecord,
};

/// The events of a webhook, with their keys.
pub(super) struct Batch {
    pub(super) events: Vec<WebhookEvent>,
    pub(super) keys: Vec<String>,
}

impl Batch {
    pub(super) fn new(events: Vec<WebhookEvent>) -> Self {
        let keys = events.iter().map(WebhookEvent::dedup_key).collect();
        Self { events, keys }
    }
}

/// What was claimed: from now on until the lease ends, nobody else does it.
#[derive(Default)]
pub(super) struct Claim {
    pub(super) jobs: Vec<Job>,
    pub(super) held: Vec<Held>,
    /// What the records know about the event of each job.
    pub(super) known: Vec<Known>,
    pub(super) duplicate: usize,
    /// How many events somebody else works on.
    pub(super) busy: usize,
}

/// An event that is to be delivered.
pub(super) struct Job {
    /// Its place in the batch.
    pub(super) event: usize,
    /// Its webhook's place in [`Claim::held`].
    pub(super) held: usize,
    pub(super) record: EventRecord,
}

/// A webhook that we hold.
pub(super) struct Held {
    pub(super) id: WebhookId,
    /// Whoever held it last did not come to an end: one of its events may be
    /// what ended the program, so each counts as an attempt before it is tried.
    pub(super) is_suspect: bool,
    /// The lease has ended, and somebody else has taken it up.
    pub(super) is_lost: bool,
    /// What its events have come to and is yet to be written down.
    pub(super) marks: Vec<Mark>,
}

/// What an event has come to.
pub(super) struct Mark {
    /// Its place in the batch.
    pub(super) event: usize,
    pub(super) record: EventRecord,
}

/// Claims a body that came. What is new of it is written down with it.
pub(super) fn claim_body(
    tx: &mut dyn Transaction,
    settings: &Settings,
    lease: Lease,
    batch: &Batch,
    body: &[u8],
) -> Result<Claim, StoreError> {
    let mut claimer = Claimer::new(tx, lease, Home::Unstored(body));
    claimer.take(batch)?;
    if settings.log_webhooks {
        claimer.home()?;
    }
    claimer.finish()
}

/// Claims what is unfinished of a body that is stored.
pub(super) fn claim_stored(
    tx: &mut dyn Transaction,
    lease: Lease,
    batch: &Batch,
    id: WebhookId,
) -> Result<Claim, StoreError> {
    let mut claimer = Claimer::new(tx, lease, Home::Stored(id));
    if let Holding::Held(_) = claimer.hold(id)? {
        claimer.take(batch)?;
        claimer.finish()
    } else {
        Ok(Claim::default())
    }
}

/// Makes a [`Claim`] within one transaction.
struct Claimer<'a> {
    tx: &'a mut dyn Transaction,
    lease: Lease,
    now: Timestamp,
    home: Home<'a>,
    recorder: Recorder,
    claim: Claim,
    /// The webhooks that were looked at.
    seen: HashMap<WebhookId, Holding>,
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
}

impl<'a> Claimer<'a> {
    fn new(tx: &'a mut dyn Transaction, lease: Lease, home: Home<'a>) -> Self {
        let now = Timestamp::now();
        Self {
            tx,
            lease,
            now,
            home,
            recorder: Recorder::new(now),
            claim: Claim::default(),
            seen: HashMap::new(),
        }
    }

    /// Looks at each event, and makes a job of what is to be done. Webhooks
    /// that brought one of them before are held from now on, if nobody else
    /// holds them.
    fn take(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let mut earlier = HashSet::with_capacity(batch.keys.len());
        for (at, (event, key)) in batch.events.iter().zip(&batch.keys).enumerate() {
            let standing = if earlier.insert(key.as_str()) {
                self.standing(key, event.repeats())?
            } else {
                Standing::Duplicate
            };
            let (known, held, record) = match standing {
                Standing::Duplicate => {
                    self.claim.duplicate += 1;
                    continue;
                }
                Standing::Busy => {
                    self.claim.busy += 1;
                    continue;
                }
                Standing::New(record) => {
                    let known = self.recorder.record(self.tx, event)?;
                    (known, self.held(record.webhook), record)
                }
                Standing::Open(held, record) => {
                    (self.recorder.recall(self.tx, event)?, held, record)
                }
            };
            self.claim.known.push(known);
            self.claim.jobs.push(Job {
                event: at,
                held,
                record,
            });
        }
        Ok(())
    }

    fn standing(&mut self, key: &str, repeats: bool) -> Result<Standing, StoreError> {
        let known = match self.home {
            // Most bodies are new as a whole; one that is not need not be
            // stored.
            Home::Unstored(_) => self.tx.event(key)?,
            Home::New(id) | Home::Stored(id) => {
                let record = EventRecord::new(id, self.now);
                if self.tx.add_event(key, &record)? {
                    return Ok(Standing::New(record));
                }
                self.tx.event(key)?
            }
        };
        let Some(record) = known else {
            let id = self.home()?;
            let record = EventRecord::new(id, self.now);
            self.tx.add_event(key, &record)?;
            return Ok(Standing::New(record));
        };
        let only = match self.home {
            Home::Stored(id) => Some(id),
            Home::Unstored(_) | Home::New(_) => None,
        };
        let holding = match record.progress {
            Progress::Dead => return Ok(Standing::Duplicate),
            _ if only.is_some_and(|only| only != record.webhook) => {
                return Ok(Standing::Duplicate);
            }
            Progress::Finished => Holding::Over,
            Progress::Open => self.hold(record.webhook)?,
        };
        match holding {
            Holding::Held(held) => Ok(Standing::Open(held, record)),
            Holding::Busy => Ok(Standing::Busy),
            // What has no name of its own has happened again.
            Holding::Over if repeats && only.is_none() => {
                let id = self.home()?;
                let record = EventRecord::new(id, self.now);
                self.tx.put_event(key, &record)?;
                Ok(Standing::New(record))
            }
            Holding::Over => Ok(Standing::Duplicate),
        }
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

    /// Holds a webhook, unless it is over or somebody else's.
    fn hold(&mut self, id: WebhookId) -> Result<Holding, StoreError> {
        if let Some(holding) = self.seen.get(&id) {
            return Ok(*holding);
        }
        let holding = match self.tx.webhook(id)? {
            Some(mut webhook) if webhook.open > 0 => match webhook.lease {
                Some(other) if other.until > super::now_ms() => Holding::Busy,
                ended => {
                    webhook.lease = Some(self.lease);
                    self.tx.put_webhook(id, &webhook)?;
                    return Ok(self.add_held(id, ended.is_some()));
                }
            },
            _ => Holding::Over,
        };
        self.seen.insert(id, holding);
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
        // Of a stored webhook this is what is left; another version of this
        // crate may have given other keys to its events.
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
