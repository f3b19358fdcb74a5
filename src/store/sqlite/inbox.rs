//! The inbox's rows.

use rusqlite::{Row, params};
use siphasher::sip128::SipHasher24;

use super::error::{failed, odd_row};
use super::{Rows, limit};
use crate::model::Timestamp;
use crate::store::{EventRecord, Inbox, Lease, Progress, StoreError, WebhookId, WebhookRecord};

impl Inbox for Rows<'_> {
    fn add_webhook(
        &mut self,
        webhook: &WebhookRecord,
        body: &[u8],
    ) -> Result<WebhookId, StoreError> {
        // No number: it is given a new one.
        self.write_webhook(
            "INSERT INTO webhook (id, received_at, open, dead, lease_holder, lease_until)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            None,
            webhook,
        )?;
        let id = self.0.last_insert_rowid();
        self.execute(
            "INSERT INTO body (webhook, body) VALUES (?1, ?2)",
            params![id, body],
        )?;
        Ok(WebhookId(id))
    }

    fn webhook(&mut self, id: WebhookId) -> Result<Option<WebhookRecord>, StoreError> {
        self.first(
            "SELECT received_at, open, dead, lease_holder, lease_until FROM webhook WHERE id = ?1",
            [id.0],
            read_webhook,
        )
    }

    fn body(&mut self, id: WebhookId) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT body FROM body WHERE webhook = ?1";
        self.first(sql, [id.0], |row| row.get(0))
    }

    fn put_webhook(&mut self, id: WebhookId, webhook: &WebhookRecord) -> Result<(), StoreError> {
        self.write_webhook(
            "UPDATE webhook SET received_at = ?2, open = ?3, dead = ?4, lease_holder = ?5,
                lease_until = ?6
            WHERE id = ?1",
            Some(id),
            webhook,
        )
    }

    fn delete_webhook(&mut self, id: WebhookId) -> Result<(), StoreError> {
        self.execute("DELETE FROM webhook WHERE id = ?1", [id.0])?;
        Ok(())
    }

    fn webhooks(
        &mut self,
        after: WebhookId,
        only_unsettled: bool,
        most: usize,
    ) -> Result<Vec<(WebhookId, WebhookRecord)>, StoreError> {
        // Two statements, so that the first one uses its index.
        let sql = if only_unsettled {
            "SELECT received_at, open, dead, lease_holder, lease_until, id FROM webhook
            WHERE (open > 0 OR lease_until IS NOT NULL) AND id > ?1 ORDER BY id LIMIT ?2"
        } else {
            "SELECT received_at, open, dead, lease_holder, lease_until, id FROM webhook
            WHERE id > ?1 ORDER BY id LIMIT ?2"
        };
        self.all(sql, [after.0, limit(most)], |row| {
            Ok((WebhookId(row.get(5)?), read_webhook(row)?))
        })
    }

    fn event(&mut self, key: &str) -> Result<Option<EventRecord>, StoreError> {
        let sql = "SELECT webhook, received_at, progress, attempts, done, failed
            FROM event WHERE fingerprint = ?1";
        self.first(sql, [fingerprint(key)], |row| Ok(read_event(row)))?
            .transpose()
    }

    fn add_event(&mut self, key: &str, event: &EventRecord) -> Result<bool, StoreError> {
        let added = self.write_event(
            "INSERT INTO event
                (fingerprint, webhook, received_at, progress, attempts, done, failed, dead_key)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (fingerprint) DO NOTHING",
            key,
            event,
        )?;
        Ok(added > 0)
    }

    fn put_event(&mut self, key: &str, event: &EventRecord) -> Result<(), StoreError> {
        self.write_event(
            "UPDATE event SET webhook = ?2, received_at = ?3, progress = ?4, attempts = ?5,
                done = ?6, failed = ?7, dead_key = ?8
            WHERE fingerprint = ?1",
            key,
            event,
        )?;
        Ok(())
    }

    fn dead_events(&mut self, most: usize) -> Result<Vec<(String, EventRecord)>, StoreError> {
        let sql = "SELECT webhook, received_at, progress, attempts, done, failed, dead_key
            FROM event WHERE progress = 2 ORDER BY id LIMIT ?1";
        let read = |row: &Row<'_>| Ok((row.get(6)?, read_event(row)));
        let dead = self.all(sql, [limit(most)], read)?.into_iter();
        dead.map(|(key, event)| Ok((key, event?))).collect()
    }

    fn prune(&mut self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        let before = before.as_secs();
        let mut pruned = 0;
        for sql in [
            "DELETE FROM event WHERE id IN (SELECT id FROM event
                WHERE received_at < ?1 AND (progress = 1 OR (progress = 0 AND NOT EXISTS
                    (SELECT 1 FROM webhook WHERE webhook.id = event.webhook AND open > 0)))
                LIMIT ?2)",
            "DELETE FROM webhook WHERE id IN (SELECT id FROM webhook
                WHERE received_at < ?1 AND open = 0 AND dead = 0 LIMIT ?2)",
            "DELETE FROM message WHERE id IN (SELECT id FROM message
                WHERE message IS NULL AND at < ?1 LIMIT ?2)",
        ] {
            pruned += self.execute(sql, [before, limit(most - pruned)])?;
        }
        Ok(pruned)
    }
}

impl Rows<'_> {
    fn write_webhook(
        &self,
        sql: &str,
        id: Option<WebhookId>,
        webhook: &WebhookRecord,
    ) -> Result<(), StoreError> {
        self.execute(
            sql,
            params![
                id.map(|id| id.0),
                webhook.received_at.as_secs(),
                webhook.open,
                webhook.dead,
                webhook.lease.map(|lease| lease.holder),
                webhook.lease.map(|lease| lease.until),
            ],
        )?;
        Ok(())
    }

    fn write_event(&self, sql: &str, key: &str, event: &EventRecord) -> Result<usize, StoreError> {
        self.execute(
            sql,
            params![
                fingerprint(key),
                event.webhook.0,
                event.received_at.as_secs(),
                number(event.progress),
                event.attempts,
                names(&event.done)?,
                names(&event.failed)?,
                (event.progress == Progress::Dead).then_some(key),
            ],
        )
    }
}

/// What an event is known by in the file: 128 bits of hash, of which the first
/// 32 are of where its key begins behind the signal's name. There a wamid has
/// the user, so that the events of one user lie together, on few pages.
fn fingerprint(key: &str) -> [u8; 16] {
    let (_, id) = key.split_once(':').unwrap_or(("", key));
    let id = id.as_bytes();
    let user = SipHasher24::new().hash(&id[..id.len().min(USER_OF_WAMID)]);
    let mut fingerprint = SipHasher24::new().hash(key.as_bytes()).as_bytes();
    fingerprint[..4].copy_from_slice(&user.as_bytes()[..4]);
    fingerprint
}

/// `wamid.`, and 15 bytes in Base64: four of header and the eleven digits of a
/// usual phone number.
const USER_OF_WAMID: usize = 26;

fn number(progress: Progress) -> i64 {
    match progress {
        Progress::Open => 0,
        Progress::Finished => 1,
        Progress::Dead => 2,
    }
}

fn read_webhook(row: &Row<'_>) -> rusqlite::Result<WebhookRecord> {
    let lease = (row.get(3)?, row.get(4)?);
    Ok(WebhookRecord {
        received_at: Timestamp::from_secs(row.get(0)?),
        open: row.get(1)?,
        dead: row.get(2)?,
        lease: match lease {
            (Some(holder), Some(until)) => Some(Lease { holder, until }),
            _ => None,
        },
    })
}

fn read_event(row: &Row<'_>) -> Result<EventRecord, StoreError> {
    let read = || {
        let progress: i64 = row.get(2)?;
        let done: Option<String> = row.get(4)?;
        let failed: Option<String> = row.get(5)?;
        let event = EventRecord {
            webhook: WebhookId(row.get(0)?),
            received_at: Timestamp::from_secs(row.get(1)?),
            progress: match progress {
                0 => Progress::Open,
                2 => Progress::Dead,
                _ => Progress::Finished,
            },
            attempts: row.get(3)?,
            done: Vec::new(),
            failed: Vec::new(),
        };
        Ok((event, done, failed))
    };
    let (mut event, done, fails) = read().map_err(failed)?;
    event.done = read_names(done)?;
    event.failed = read_names(fails)?;
    Ok(event)
}

/// Receivers as JSON; nearly always there are none.
fn names(names: &[String]) -> Result<Option<String>, StoreError> {
    if names.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(names)
        .map(Some)
        .map_err(|_| odd_row())
}

fn read_names(names: Option<String>) -> Result<Vec<String>, StoreError> {
    names.map_or_else(
        || Ok(Vec::new()),
        |names| serde_json::from_str(&names).map_err(|_| odd_row()),
    )
}
