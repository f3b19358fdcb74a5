//! Replays: the events of a stored webhook are delivered once more, to all or some receivers.
//!
//! A replay is a webhook of its own, with a copy of the body and its own keys. So the progress of
//! the first delivery stays, a body that Meta repeats matches the same events as before, and an
//! interrupted replay is retried as any webhook is.

use super::batch::Batch;
use super::records::Records;
use super::runtime::ready;
use super::stored_body::{Replay, split_replay};
use super::tenants::OwnerKey;
use super::{EngineCall, EngineError, EngineErrorKind, Outcome, WebhookEngine};
use crate::signal::ReceiverMode;
use crate::signals::is_receiver;
use crate::store::{LoadQuery, ReadyStore, Store, WebhookId, WebhookKind};

/// Replays, for sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Delivers the events of a stored webhook once more, to these receivers only. Returns `None`
    /// if no such webhook is stored.
    ///
    /// Use it for a receiver that succeeded with a wrong result, or that is new:
    /// [`log_webhooks`](Self::log_webhooks) keeps the webhooks, [`webhooks`](Self::webhooks) lists
    /// them. `only` has the names of receivers as [`DeadLetter::failed`](crate::DeadLetter::failed)
    /// does: uids or paths, with `any_event:` before that of a receiver of
    /// [`ANY_EVENT`](crate::signals::ANY_EVENT). All receivers are called if it is empty.
    ///
    /// - Messages, contacts and statuses are not written again. Receivers get the contact as it is
    ///   stored now.
    /// - The events have the same [`dedup_key`](crate::Event::dedup_key) as before: a receiver that
    ///   skips known keys also skips them in a replay.
    /// - A replay is stored with `only` before a receiver runs. If one fails or the program ends,
    ///   [`retry_unfinished`](Self::retry_unfinished) of any process continues the replay, and
    ///   calls no other receiver. The same call continues it, too, and is a new replay once all its
    ///   events are finished or dead.
    /// - The webhook itself stays unchanged: a replay of an unfinished webhook finishes none of its
    ///   events, and the receivers of both may run at the same time. An event of which a receiver
    ///   gives up in a replay is a [dead letter](Self::dead_letters) with its own key.
    ///
    /// # Errors
    ///
    /// [`UnknownReceiver`](EngineErrorKind::UnknownReceiver) if no signal of this crate has a
    /// receiver with a name of `only`, [`Parse`](EngineErrorKind::Parse) if the body is no webhook,
    /// or when the store fails. After an error of the store call
    /// [`retry_unfinished`](Self::retry_unfinished): the replay may be stored, or even finished,
    /// and then the same call would be a new replay.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// static ROWS: AtomicU32 = AtomicU32::new(0);
    /// static ANSWERS: AtomicU32 = AtomicU32::new(0);
    ///
    /// #[receiver(MESSAGE_RECEIVED, uid = "crm")]
    /// fn crm(_: &MessageReceived) {
    ///     ROWS.fetch_add(1, Ordering::Relaxed);
    /// }
    ///
    /// #[receiver(MESSAGE_RECEIVED, uid = "answer")]
    /// fn answer(_: &MessageReceived) {
    ///     ANSWERS.fetch_add(1, Ordering::Relaxed);
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = WebhookEngine::new(MemoryStore::new()).log_webhooks(true);
    /// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    ///
    /// // The CRM has lost its rows of today.
    /// for webhook in engine.webhooks(None, 100)? {
    ///     let outcome = engine.replay(webhook.id, &["crm"])?;
    ///     assert!(outcome.is_some_and(|outcome| !outcome.should_retry()));
    /// }
    /// assert_eq!(ROWS.load(Ordering::Relaxed), 2);
    /// assert_eq!(ANSWERS.load(Ordering::Relaxed), 1, "the user gets no second answer");
    /// # Ok(())
    /// # }
    /// ```
    pub fn replay(
        &self,
        webhook: WebhookId,
        only: &[&str],
    ) -> Result<Option<Outcome>, EngineError> {
        ready(self.call(ReceiverMode::Sync).replay(None, webhook, only))
    }

    /// Stores a replay of a webhook as [`replay`](Self::replay) does, and calls no receiver: for a
    /// program without receivers, such as a command-line tool. The program with the receivers
    /// delivers it by [`tend_async`](Self::tend_async) or
    /// [`retry_unfinished`](Self::retry_unfinished).
    ///
    /// The names in `only` are not checked. The replay ignores names that the program with the
    /// receivers does not have.
    ///
    /// # Errors
    ///
    /// As of [`replay`](Self::replay), but for unknown receivers.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{Context, WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED, uid = "crm")]
    /// fn crm(_: &MessageReceived) {}
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = MemoryStore::new();
    /// let engine = WebhookEngine::new(&store).log_webhooks(true);
    /// assert_eq!(engine.process(&std::fs::read("tests/payloads/text.json")?)?.delivered(), 1);
    ///
    /// // In another process.
    /// let tool = WebhookEngine::new(&store).context(Context::new().only_own_receivers());
    /// let webhook = tool.webhooks(None, 1)?.remove(0).id;
    /// let outcome = tool.accept_replay(webhook, &["crm"])?;
    /// assert!(outcome.is_some_and(|outcome| outcome.unfinished() == 1));
    ///
    /// assert_eq!(engine.retry_unfinished()?.delivered(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn accept_replay(
        &self,
        webhook: WebhookId,
        only: &[&str],
    ) -> Result<Option<Outcome>, EngineError> {
        let call = self.call(ReceiverMode::Sync).accepting();
        ready(call.replay(None, webhook, only))
    }
}

/// Replays.
impl<S: Store> WebhookEngine<S> {
    /// Replays a webhook as [`replay`](Self::replay) does, and awaits the store and async
    /// receivers.
    ///
    /// # Errors
    ///
    /// As of [`replay`](Self::replay).
    pub async fn replay_async(
        &self,
        webhook: WebhookId,
        only: &[&str],
    ) -> Result<Option<Outcome>, EngineError> {
        self.call(ReceiverMode::Async)
            .replay(None, webhook, only)
            .await
    }

    /// Stores a replay as [`accept_replay`](Self::accept_replay) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// As of [`accept_replay`](Self::accept_replay).
    pub async fn accept_replay_async(
        &self,
        webhook: WebhookId,
        only: &[&str],
    ) -> Result<Option<Outcome>, EngineError> {
        let call = self.call(ReceiverMode::Async).accepting();
        call.replay(None, webhook, only).await
    }
}

/// Replays of the events of a number or tenant, for sync callers.
impl<S: ReadyStore> Records<'_, S> {
    /// Delivers the events of a stored webhook that belong to these records once more, as
    /// [`WebhookEngine::replay`] does with all events. Returns `None` if no such webhook is stored,
    /// or none of its events belongs to the records.
    ///
    /// # Errors
    ///
    /// As of [`WebhookEngine::replay`].
    pub fn replay(
        &self,
        webhook: WebhookId,
        only: &[&str],
    ) -> Result<Option<Outcome>, EngineError> {
        let call = self.call(ReceiverMode::Sync);
        ready(call.replay(Some(&self.owner), webhook, only))
    }

    /// Stores a replay of the events that belong to these records, and calls no receiver: see
    /// [`replay`](Self::replay) and [`WebhookEngine::accept_replay`].
    ///
    /// # Errors
    ///
    /// As of [`WebhookEngine::accept_replay`].
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::testing;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new()).log_webhooks(true);
    /// let bikes = testing::text("Hi").waba("900800700600500");
    /// let boats = testing::text("Ahoy").waba("520400300200800").to_number("77", "15550100201");
    /// engine.process(&testing::batch([bikes, boats]).body())?;
    ///
    /// let webhook = engine.webhooks(None, 1)?.remove(0).id;
    /// let boats = engine.tenant("520400300200800");
    /// let outcome = boats.accept_replay(webhook, &["crm"])?.expect("the webhook is stored");
    /// assert_eq!(outcome.unfinished(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn accept_replay(
        &self,
        webhook: WebhookId,
        only: &[&str],
    ) -> Result<Option<Outcome>, EngineError> {
        let call = self.call(ReceiverMode::Sync).accepting();
        ready(call.replay(Some(&self.owner), webhook, only))
    }
}

/// Replays of the events of a number or tenant.
impl<S: Store> Records<'_, S> {
    /// Replays a webhook as [`replay`](Self::replay) does, and awaits the store and async
    /// receivers.
    ///
    /// # Errors
    ///
    /// As of [`replay`](Self::replay).
    pub async fn replay_async(
        &self,
        webhook: WebhookId,
        only: &[&str],
    ) -> Result<Option<Outcome>, EngineError> {
        let call = self.call(ReceiverMode::Async);
        call.replay(Some(&self.owner), webhook, only).await
    }

    /// Stores a replay as [`accept_replay`](Self::accept_replay) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// As of [`accept_replay`](Self::accept_replay).
    pub async fn accept_replay_async(
        &self,
        webhook: WebhookId,
        only: &[&str],
    ) -> Result<Option<Outcome>, EngineError> {
        let call = self.call(ReceiverMode::Async).accepting();
        call.replay(Some(&self.owner), webhook, only).await
    }
}

impl EngineCall<'_> {
    /// Replays the events of a stored webhook, all or those of an owner of records.
    async fn replay(
        self,
        records: Option<&OwnerKey>,
        id: WebhookId,
        only: &[&str],
    ) -> Result<Option<Outcome>, EngineError> {
        let context = &self.core.settings.context;
        let mut names = only.iter();
        if !self.accepts
            && let Some(name) = names.find(|name| !is_receiver(context, name))
        {
            let unknown = EngineErrorKind::UnknownReceiver((*name).into());
            return Err(EngineError(unknown));
        }
        let mut query = LoadQuery::default();
        query.webhooks.insert(id);
        query.bodies.insert(id);
        let mut loaded = self.access.load(&query).await?;
        let row = loaded.webhooks.remove(&id).flatten();
        let body = loaded.bodies.remove(&id).flatten();
        let (Some(row), Some(body)) = (row, body) else {
            return Ok(None);
        };
        // A replay of a whole webhook's replay is a replay of the webhook.
        let (of, kind, body) = match split_replay(row.row.kind, &body) {
            Some((replay, body)) => (replay.of, WebhookKind::Unreadable, body),
            None => (id, row.row.kind, &*body),
        };
        let replay = Replay::new(of, only);
        let parser = self.core.settings.parser;
        let (batch, _) = Batch::parse_stored(parser, kind, body)?;
        let left_out = self.events_of_others(records, &batch).await?;
        if left_out.len() == batch.events.len() && records.is_some() {
            return Ok(None);
        }
        let (batch, stored) = if left_out.is_empty() {
            let stored = replay.to_stored(body)?;
            (batch.replayed(replay), stored)
        } else {
            // The events by themselves, as the body also has events of others.
            let stored = batch.replayed(replay).without(&left_out)?;
            let (batch, _) = Batch::parse_stored(parser, WebhookKind::Replay, &stored)?;
            (batch, stored)
        };
        let outcome = self.process_batch(batch, WebhookKind::Replay, &stored);
        Ok(Some(outcome.await?))
    }

    /// Returns the indexes of the events that do not belong to an owner of records.
    async fn events_of_others(
        self,
        records: Option<&OwnerKey>,
        batch: &Batch,
    ) -> Result<Vec<usize>, EngineError> {
        let Some(of) = records else {
            return Ok(Vec::new());
        };
        let tenants = self.tenants().await?;
        let mut others = Vec::new();
        for (at, event) in batch.events.iter().enumerate() {
            if !tenants.owns(of, event)? {
                others.push(at);
            }
        }
        Ok(others)
    }
}
