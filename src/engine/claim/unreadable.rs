//! Bodies that cannot be read: each is a dead letter of its own.

use siphasher::sip128::SipHasher24;

use super::turns::end_turns_of;
use crate::engine::transaction::{Draft, FirstAttempt, Undecided, transact};
use crate::engine::{EngineCall, new_id};
use crate::model::Timestamp;
use crate::store::{
    Durability, EventChange, EventState, Fingerprint, ProgressRow, Snapshot, StoreError, WebhookId,
    WebhookKind, WebhookRow,
};

impl EngineCall<'_> {
    /// Stores an unreadable body as a dead letter, unless it is stored.
    pub(crate) async fn store_unreadable(self, body: &[u8]) -> Result<(), StoreError> {
        let key = unreadable_key(body);
        let event = Fingerprint::of(&key);
        let id = WebhookId(new_id());
        let known = Snapshot::default();
        let stored = transact(
            self.access,
            known,
            FirstAttempt::Optimistic,
            Durability::Disk,
            |draft| {
                let is_new = draft.event(event)?.is_none();
                if is_new {
                    let mut row = WebhookRow::new(WebhookKind::Unreadable, Timestamp::now(), 0);
                    row.dead = 1;
                    draft.add_webhook(id, row, body);
                    draft.put_event(EventChange::new(event, None, id));
                    draft.put_progress(event, letter(id, &key));
                }
                Ok(is_new)
            },
        );
        if stored.await? {
            self.report_dead_lettered(None, 0);
        }
        Ok(())
    }

    /// Turns a stored and leased body into a dead letter, and returns the lease. Returns `true` for
    /// a new letter.
    pub(crate) async fn store_leased_unreadable(
        self,
        id: WebhookId,
        body: &[u8],
    ) -> Result<bool, StoreError> {
        let key = unreadable_key(body);
        let event = Fingerprint::of(&key);
        let mut releases = false;
        let store = |draft: &mut Draft<'_, '_>| {
            let Some(mut row) = draft.webhook(id)? else {
                return Ok(false);
            };
            if row.lease.is_none_or(|lease| lease.holder != self.holder) {
                return Ok(false);
            }
            row.lease = None;
            if row.open == 0 && row.unclaimed == 0 {
                // All its events were finished, and only the lease was left.
                self.put_or_delete(draft, id, row)?;
                return Ok(false);
            }
            let known = draft.event(event)?;
            let progress = draft.progress(event)?;
            let is_dead = progress.is_some_and(|progress| progress.state == EventState::Dead);
            if let Some(other) = known.filter(|_| is_dead) {
                if other == id {
                    draft.put_webhook(id, row)?;
                    return Ok(false);
                }
                // The body came once more, and was stored as another webhook.
                if let Some(mut row) = draft.webhook(other)? {
                    row.dead = row.dead.saturating_sub(1);
                    self.put_or_delete(draft, other, row)?;
                }
            }
            // Its open events stay open for a later version of this crate, and hold back no other
            // events.
            releases |= end_turns_of(draft, self.holder, id, |_| true)?;
            row.dead += 1;
            row.kind = WebhookKind::Unreadable;
            draft.put_event(EventChange::new(event, known, id));
            draft.put_progress(event, letter(id, &key));
            draft.put_webhook(id, row)?;
            Ok(true)
        };
        let known = Snapshot::default();
        let is_new = transact(
            self.access,
            known,
            FirstAttempt::Loaded,
            Durability::Disk,
            store,
        )
        .await?;
        if releases {
            self.core.tending.add_work();
        }
        Ok(is_new)
    }

    /// Writes a webhook, or deletes it if it has no open and no dead event and is not logged.
    pub(crate) fn put_or_delete(
        self,
        draft: &mut Draft<'_, '_>,
        id: WebhookId,
        row: WebhookRow,
    ) -> Result<(), Undecided> {
        if self.core.settings.is_deletable(&row) && row.lease.is_none() {
            draft.delete_webhook(id)
        } else {
            draft.put_webhook(id, row)
        }
    }
}

/// Finishes the dead letter of a stored body that is readable now. Its open events are then claimed
/// as usual.
pub(crate) fn clear_unreadable(
    draft: &mut Draft<'_, '_>,
    id: WebhookId,
    event: Fingerprint,
    kind: WebhookKind,
) -> Result<(), Undecided> {
    let Some(mut row) = draft.webhook(id)? else {
        return Ok(());
    };
    if row.kind != WebhookKind::Unreadable {
        return Ok(());
    }
    row.kind = kind;
    if draft.event(event)? == Some(id)
        && let Some(mut letter) = draft.progress(event)?
        && letter.state == EventState::Dead
    {
        letter.state = EventState::Finished;
        row.dead = row.dead.saturating_sub(1);
        draft.put_progress(event, letter);
    }
    draft.put_webhook(id, row)
}

/// Returns the progress row of a dead letter.
fn letter(id: WebhookId, key: &str) -> ProgressRow {
    let mut letter = ProgressRow::new(id, key.to_owned());
    letter.state = EventState::Dead;
    letter
}

/// Returns the key of an unreadable body.
pub(crate) fn unreadable_key(body: &[u8]) -> String {
    let hash = SipHasher24::new().hash(body).as_u128();
    format!("{UNREADABLE}{hash:032x}")
}

/// The prefix of the keys of unreadable bodies. No signal has this name.
const UNREADABLE: &str = "unreadable:";

/// Returns whether a key is one of an unreadable body, without loading the body. A queue may give
/// an event any key, but none with this hash.
pub(crate) fn is_unreadable_key(key: &str) -> bool {
    let hash = key.strip_prefix(UNREADABLE);
    hash.is_some_and(|hash| hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
