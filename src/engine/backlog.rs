//! The backlog: how much is to be done.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::access::ready;
use super::dead_letter::stored_batch;
use super::records::Of;
use super::tenants::Tenants;
use super::{Call, DeadLetterFilter, EngineError, Records, WebhookEngine, now_ms};
use crate::model::Timestamp;
use crate::signal::ReceiverMode;
use crate::store::{
    BacklogRow, Fingerprint, LoadQuery, NumberKey, ReadyStore, Store, StoreError, WebhookId,
    WebhookQuery, WebhookRow,
};

/// The numbers of stored events that are to be done, and of those that failed: for a health check.
///
/// It holds numbers only, and no personal data. `Display` is one line for a log; as JSON,
/// [`oldest`](Self::oldest) is `oldest_seconds`, a whole number or `null`.
///
/// [`WebhookEngine::backlog`] returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Backlog {
    /// The events that are neither finished nor dead: those that are [`due`](Self::due), those
    /// that are [`leased`](Self::leased), and those that are due later.
    pub open: u64,
    /// The open events that [`tend`](WebhookEngine::tend) would take now.
    pub due: u64,
    /// The open events that an engine works on, or that wait until the lease of one that was
    /// killed ends.
    pub leased: u64,
    /// The open events that wait for an earlier event of their user, as of their webhook's last
    /// delivery, by an engine that delivers [in order](WebhookEngine::in_order).
    pub held_back: u64,
    /// The [dead letters](WebhookEngine::dead_letters).
    pub dead: u64,
    /// The stored bodies with dead letters that could not be read. Each is one dead letter, beside
    /// those of its events.
    pub unreadable: u64,
    /// The age of the oldest webhook with open events, by the clock of the store.
    #[serde(rename = "oldest_seconds", serialize_with = "as_seconds")]
    pub oldest: Option<Duration>,
}

#[allow(clippy::ref_option, reason = "serde calls it so")]
fn as_seconds<S: Serializer>(age: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    age.map(|age| age.as_secs()).serialize(serializer)
}

/// Returns the age of a webhook at a time in milliseconds since 1970; zero if that clock is behind.
fn age(received_at: Timestamp, now: i64) -> Duration {
    let age = now.saturating_sub(received_at.as_secs().saturating_mul(1000));
    Duration::from_millis(age.try_into().unwrap_or(0))
}

impl From<BacklogRow> for Backlog {
    fn from(row: BacklogRow) -> Self {
        Self {
            open: row.open,
            due: row.due,
            leased: row.leased,
            held_back: row.held_back,
            dead: row.dead,
            unreadable: row.unreadable,
            oldest: row.oldest.map(|oldest| age(oldest, row.now)),
        }
    }
}

impl fmt::Display for Backlog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            open,
            due,
            leased,
            held_back,
            dead,
            unreadable,
            oldest,
        } = self;
        write!(
            f,
            "open {open} due {due} leased {leased} held back {held_back} dead {dead} \
            unreadable {unreadable}"
        )?;
        match oldest {
            Some(age) => write!(f, " oldest {} s", age.as_secs()),
            None => Ok(()),
        }
    }
}

/// The events of a tenant or a number that are to be done, and its dead letters.
/// [`Records::backlog`] returns it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RecordsBacklog {
    /// The events that are neither finished nor dead.
    pub open: u64,
    /// The dead letters that are events.
    pub dead: u64,
    /// The age of the oldest webhook with open events, by the clock of this program.
    #[serde(rename = "oldest_seconds", serialize_with = "as_seconds")]
    pub oldest: Option<Duration>,
}

impl fmt::Display for RecordsBacklog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { open, dead, oldest } = self;
        write!(f, "open {open} dead {dead}")?;
        match oldest {
            Some(age) => write!(f, " oldest {} s", age.as_secs()),
            None => Ok(()),
        }
    }
}

/// The backlog of records, for sync callers.
impl<S: ReadyStore> Records<'_, S> {
    /// Returns the numbers of events of these records that are to be done, and of their dead
    /// letters. The time that it takes grows with the numbers of open and dead events of all
    /// tenants, whose bodies are read. Other calls run meanwhile, so it is not as of one moment.
    ///
    /// # Errors
    ///
    /// As of [`WebhookEngine::backlog`].
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
        ready(self.call(ReceiverMode::Sync).backlog_of(&self.of))
    }
}

/// The backlog of records.
impl<S: Store> Records<'_, S> {
    /// Returns the backlog as [`backlog`](Self::backlog) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// As of [`WebhookEngine::backlog`].
    pub async fn backlog_async(&self) -> Result<RecordsBacklog, EngineError> {
        self.call(ReceiverMode::Async).backlog_of(&self.of).await
    }
}

/// The webhooks whose bodies are read in one step.
const WEBHOOKS: usize = 20;

/// The dead letters that are read in one step.
const LETTERS: usize = 100;

impl Call<'_> {
    async fn backlog_of(self, of: &Of) -> Result<RecordsBacklog, EngineError> {
        self.write_kept_marks().await?;
        let tenants = self.tenants().await?;
        let (mut open, mut oldest) = (0, None);
        let mut query = WebhookQuery::first(WEBHOOKS).only_unsettled().with_bodies();
        loop {
            let page = self.access.webhooks(&query).await?;
            let Some((last, ..)) = page.last() else { break };
            query = query.after(Some(*last));
            for (id, row, body) in page {
                let body = body.unwrap_or_default();
                let of_webhook = self.count_open(of, &tenants, id, &row, &body).await?;
                if of_webhook > 0 {
                    oldest = oldest.into_iter().chain([row.received_at]).min();
                }
                open += of_webhook;
            }
        }
        Ok(RecordsBacklog {
            open,
            dead: self.count_dead(of).await?,
            oldest: oldest.map(|oldest| age(oldest, now_ms())),
        })
    }

    /// Returns the number of open events of records in a webhook.
    async fn count_open(
        self,
        of: &Of,
        tenants: &Tenants<'_>,
        id: WebhookId,
        row: &WebhookRow,
        body: &[u8],
    ) -> Result<u64, StoreError> {
        // The open events of a body that cannot be read belong to nothing that is known.
        let batch = stored_batch(self.core.settings.parser, row.kind, body);
        let Some((batch, _)) = batch.ok().filter(|_| row.open > 0 || row.unclaimed > 0) else {
            return Ok(0);
        };
        let mut wanted = LoadQuery::default();
        for &at in batch.distinct() {
            if tenants.has(of, &batch.events[at])? {
                wanted.events.insert(batch.fingerprint(at));
            }
        }
        if wanted.events.is_empty() {
            return Ok(0);
        }
        let loaded = self.access.load(&wanted).await?;
        let is_open = |event: &&Fingerprint| match loaded.events.get(event).copied().flatten() {
            // A crash has ended the claim before its row was written.
            None => row.unclaimed > 0,
            Some(webhook) => webhook == id && loaded.is_open(event),
        };
        Ok(wanted.events.iter().filter(is_open).count() as u64)
    }

    /// Returns the number of dead events of records.
    async fn count_dead(self, of: &Of) -> Result<u64, EngineError> {
        let filter = DeadLetterFilter::new().limit(LETTERS);
        let mut filter = match of {
            Of::Tenant(tenant) => filter.tenant(tenant.as_str()),
            Of::Number(number) => filter.number(number.as_str()),
            Of::Account(account) => filter.number(NumberKey::of(account).as_str()),
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

/// The backlog, for sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Returns the numbers of stored events that are to be done, and of dead letters, as of one
    /// moment. The time that it takes depends on these numbers, and not on the size of the store.
    ///
    /// # Errors
    ///
    /// When the store fails, also to take progress that an earlier call could not write: answer a
    /// health check with 503.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn forward(_: &MessageReceived) -> Result<(), &'static str> {
    ///     Err("the other side is down")
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// assert!(engine.process(&std::fs::read("tests/payloads/text.json")?)?.should_retry());
    ///
    /// let backlog = engine.backlog()?;
    /// assert_eq!((backlog.open, backlog.dead), (1, 0));
    /// assert_eq!((backlog.due, backlog.leased), (0, 0), "it is tried in five seconds");
    /// let age = backlog.oldest.expect("an open event").as_secs();
    /// let json = format!(
    ///     r#"{{"open":1,"due":0,"leased":0,"held_back":0,"dead":0,"unreadable":0,"oldest_seconds":{age}}}"#
    /// );
    /// assert_eq!(serde_json::to_string(&backlog)?, json);
    /// # Ok(())
    /// # }
    /// ```
    pub fn backlog(&self) -> Result<Backlog, EngineError> {
        ready(self.call(ReceiverMode::Sync).backlog())
    }
}

/// The backlog.
impl<S: Store> WebhookEngine<S> {
    /// Returns the backlog as [`backlog`](Self::backlog) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// As of [`backlog`](Self::backlog).
    pub async fn backlog_async(&self) -> Result<Backlog, EngineError> {
        self.call(ReceiverMode::Async).backlog().await
    }
}

impl Call<'_> {
    async fn backlog(self) -> Result<Backlog, EngineError> {
        self.write_kept_marks().await?;
        let row = self.access.backlog().await?;
        self.report_backlog(&row);
        Ok(row.into())
    }
}
