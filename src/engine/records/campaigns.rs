//! Campaigns and their completion.

use std::time::Duration;

use super::Records;
use crate::engine::batch::Batch;
use crate::engine::recorder::CampaignCompletion;
use crate::engine::runtime::ready;
use crate::engine::stored_body::QueuedEvent;
use crate::engine::tenants::OwnerKey;
use crate::engine::{EngineCall, EngineError, EngineErrorKind, Outcome, WebhookEngine};
use crate::event::CampaignCompleted;
use crate::model::{Campaign, CampaignCounts, CampaignId, CampaignStatus, Timestamp};
use crate::signal::ReceiverMode;
use crate::store::{
    CampaignKey, CampaignMessages, CampaignRow, ReadyStore, Store, StoreError, StoreErrorKind,
    WebhookKind,
};

/// The most concurrent changes of a campaign after which its completion fails.
const MAX_CHANGES: usize = 10;

/// Campaigns, for sync callers.
#[allow(clippy::missing_errors_doc, reason = "said once, at the type")]
impl<S: ReadyStore> Records<'_, S> {
    /// Adds or changes a campaign of the tenant. Returns whether the call has completed it.
    ///
    /// Only the total of its [counts](Campaign::counts) is stored. The others are counted from the
    /// messages of the campaign: see
    /// [`MessageSent::with_campaign`](crate::event::MessageSent::with_campaign).
    ///
    /// The commit that sets its status to `completed` also stores the event
    /// [`CAMPAIGN_COMPLETED`](crate::signals::CAMPAIGN_COMPLETED) with the counts of that time.
    /// This call delivers the event, and [`tend_async`](WebhookEngine::tend_async) or
    /// [`retry_unfinished`](WebhookEngine::retry_unfinished) call the receivers again that failed.
    /// [`WebhookEngine::complete_campaigns`] completes the campaigns that are over. Saving a
    /// completed campaign with another status reopens it, and its next completion is another event.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::{CampaignCompleted, MessageRefused, MessageSent};
    /// use whatsapp_signals::model::{Account, Campaign, CampaignStatus};
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::CAMPAIGN_COMPLETED};
    ///
    /// #[receiver(CAMPAIGN_COMPLETED)]
    /// fn report(event: &CampaignCompleted) {
    ///     assert_eq!((event.sent(), event.failed()), (1, 1));
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let account = Account::new("900800700600500").with_number("300200100500600", "15550100200");
    /// let shop = engine.account(&account);
    /// let mut campaign = Campaign::new("Spring tune-up").with_id("spring-2027");
    /// campaign.status = CampaignStatus::Running;
    /// campaign.counts.total = 2;
    /// shop.save_campaign(&campaign)?;
    ///
    /// // Meta's answers to the two requests.
    /// let request = r#"{"to": "15550101001", "type": "template", "template":
    ///     {"name": "spring_offer", "language": {"code": "en"}}}"#;
    /// let accepted = r#"{"contacts": [{"input": "15550101001", "wa_id": "15550101001"}], "messages":
    ///     [{"id": "wamid.HBgLMTU1NTAxMDEwMDEVAgARGBQzQTNGNEQ3NDM2NTIxRDQxNDhDMQA="}]}"#;
    /// for sent in MessageSent::from_graph(request, accepted)? {
    ///     let sent = sent.with_account(account.clone()).with_campaign("spring-2027");
    ///     assert!(!engine.process_sent(sent)?.should_retry());
    /// }
    /// let refused = r#"{"error": {"code": 131049, "fbtrace_id": "Az8or2yhqkZfEZ"}}"#;
    /// if let Some(refused) = MessageRefused::from_graph_error(request, refused)? {
    ///     let refused = refused.with_account(account.clone()).with_campaign("spring-2027");
    ///     assert!(!engine.process_refused(refused)?.should_retry());
    /// }
    ///
    /// // A webhook.
    /// engine.process(&std::fs::read("tests/payloads/status-read.json")?)?;
    /// let campaign = shop.campaign("spring-2027")?.unwrap();
    /// assert_eq!((campaign.counts.read, campaign.counts.failed), (1, 1));
    ///
    /// let mut campaign = campaign;
    /// campaign.status = CampaignStatus::Completed;
    /// assert!(shop.save_campaign(&campaign)?);
    /// assert!(!shop.save_campaign(&campaign)?, "it was completed before");
    /// # Ok(())
    /// # }
    /// ```
    pub fn save_campaign(&self, campaign: &Campaign) -> Result<bool, EngineError> {
        let call = self.engine.call(ReceiverMode::Sync);
        ready(call.save_campaign(&self.owner, campaign))
    }

    /// Returns the campaign with this id and its counts.
    ///
    /// Stored messages and refusals are counted. The counts of a completed campaign never fall
    /// below those at its completion, although messages are [pruned](WebhookEngine::prune_messages)
    /// and [erased](Self::erase).
    ///
    /// The example of [`save_campaign`](Self::save_campaign) has one.
    pub fn campaign(&self, id: impl Into<CampaignId>) -> Result<Option<Campaign>, StoreError> {
        let call = self.engine.call(ReceiverMode::Sync);
        ready(call.campaign(&self.owner, &id.into()))
    }

    /// Returns the campaigns of the tenant with their counts, sorted by id. The time grows with the
    /// number of their messages.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::model::Campaign;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let shop = engine.tenant("900800700600500");
    /// shop.save_campaign(&Campaign::new("Winter storage").with_id("2027-winter"))?;
    /// shop.save_campaign(&Campaign::new("Spring tune-up").with_id("2027-spring"))?;
    /// let names: Vec<_> = shop.campaigns()?.into_iter().map(|campaign| campaign.name).collect();
    /// assert_eq!(names, ["Spring tune-up", "Winter storage"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn campaigns(&self) -> Result<Vec<Campaign>, StoreError> {
        ready(self.engine.call(ReceiverMode::Sync).campaigns(&self.owner))
    }
}

/// Campaigns.
#[allow(clippy::missing_errors_doc, reason = "said once, at the type")]
impl<S: Store> Records<'_, S> {
    /// Adds or changes a campaign, as [`save_campaign`](Self::save_campaign) does, and awaits the
    /// store and async receivers.
    pub async fn save_campaign_async(&self, campaign: &Campaign) -> Result<bool, EngineError> {
        let call = self.engine.call(ReceiverMode::Async);
        call.save_campaign(&self.owner, campaign).await
    }

    /// Returns a campaign, as [`campaign`](Self::campaign) does, and awaits the store.
    pub async fn campaign_async(
        &self,
        id: impl Into<CampaignId>,
    ) -> Result<Option<Campaign>, StoreError> {
        let (call, id) = (self.engine.call(ReceiverMode::Async), id.into());
        call.campaign(&self.owner, &id).await
    }

    /// Returns campaigns, as [`campaigns`](Self::campaigns) does, and awaits the store.
    pub async fn campaigns_async(&self) -> Result<Vec<Campaign>, StoreError> {
        let call = self.engine.call(ReceiverMode::Async);
        call.campaigns(&self.owner).await
    }
}

/// The completion of campaigns, for sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Completes the campaigns of all tenants that are `running` and over, as
    /// [`save_campaign`](Records::save_campaign) does. Returns the outcome of their events, one per
    /// campaign. Call it regularly, from any process.
    ///
    /// A campaign is over
    ///
    /// - when Meta has answered for its [total](CampaignCounts::total), and each message is read or
    ///   failed; or
    /// - when its last message was sent longer ago than `after`, regardless of its total: users may
    ///   never read a message, and a message may be lost or erased.
    ///
    /// Receivers that fail are called again by [`tend_async`](Self::tend_async) or
    /// [`retry_unfinished`](Self::retry_unfinished).
    ///
    /// The time grows with the number of campaigns and of the messages of running ones.
    ///
    /// # Errors
    ///
    /// When the store fails.
    ///
    /// ```
    /// use std::time::Duration;
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::event::MessageRefused;
    /// use whatsapp_signals::model::{Account, Campaign, CampaignStatus};
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let account = Account::new("900800700600500").with_number("300200100500600", "15550100200");
    /// let shop = engine.account(&account);
    /// let mut campaign = Campaign::new("Spring tune-up");
    /// campaign.status = CampaignStatus::Running;
    /// campaign.counts.total = 1;
    /// shop.save_campaign(&campaign)?;
    ///
    /// let two_days = Duration::from_secs(2 * 24 * 60 * 60);
    /// assert_eq!(engine.complete_campaigns(two_days)?.delivered(), 0, "nothing is sent");
    /// let (request, response) = (r#"{"to": "15550101001"}"#, r#"{"error": {"code": 131049}}"#);
    /// if let Some(refused) = MessageRefused::from_graph_error(request, response)? {
    ///     let refused = refused.with_account(account.clone()).with_campaign(campaign.id.clone());
    ///     assert!(!engine.process_refused(refused)?.should_retry());
    /// }
    /// assert_eq!(engine.complete_campaigns(two_days)?.delivered(), 1);
    /// assert_eq!(shop.campaign(campaign.id)?.unwrap().status, CampaignStatus::Completed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn complete_campaigns(&self, after: Duration) -> Result<Outcome, EngineError> {
        ready(self.call(ReceiverMode::Sync).complete_campaigns(after))
    }
}

/// The completion of campaigns.
impl<S: Store> WebhookEngine<S> {
    /// Completes campaigns as [`complete_campaigns`](Self::complete_campaigns) does, and awaits the
    /// store and async receivers.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn complete_campaigns_async(&self, after: Duration) -> Result<Outcome, EngineError> {
        let call = self.call(ReceiverMode::Async);
        call.complete_campaigns(after).await
    }
}

/// Returns the campaign of a row, with its counts.
fn counted(row: CampaignRow, messages: &CampaignMessages) -> Campaign {
    let counts = row.counts(messages);
    Campaign {
        counts,
        ..row.campaign
    }
}

/// Returns whether a campaign with these messages is over.
fn is_over(counts: &CampaignCounts, messages: &CampaignMessages, after: Duration) -> bool {
    let is_settled = counts.total > 0 && counts.are_answered() && counts.are_final();
    is_settled
        || messages
            .last_at
            .is_some_and(|last| last.is_older_than(after))
}

impl EngineCall<'_> {
    async fn save_campaign(
        self,
        owner: &OwnerKey,
        campaign: &Campaign,
    ) -> Result<bool, EngineError> {
        for _ in 0..=MAX_CHANGES {
            let saved = self.decide(owner, |draft, owner| {
                let tenant = Self::ensure_tenant(draft, owner)?;
                let id = campaign.id.clone();
                let key = CampaignKey { tenant, id };
                let seen = draft.campaign(&key)?.cloned();
                let was_completed = seen.as_ref().is_some_and(CampaignRow::is_completed);
                if campaign.status == CampaignStatus::Completed && !was_completed {
                    return Ok(Some((key, seen)));
                }
                let mut row = CampaignRow::new(campaign.clone());
                row.completions = seen.as_ref().map_or(0, |seen| seen.completions);
                row.campaign.counts = CampaignCounts {
                    total: campaign.counts.total,
                    ..match &seen {
                        Some(seen) if row.is_completed() => seen.campaign.counts,
                        _ => CampaignCounts::default(),
                    }
                };
                draft.put_campaign(&key, row)?;
                Ok(None)
            });
            let Some((key, seen)) = saved.await? else {
                return Ok(false);
            };
            let messages = self.access.campaign_messages(std::slice::from_ref(&key));
            let messages = messages.await?.pop().unwrap_or_default();
            let completed = self.complete(key, seen, campaign.clone(), &messages);
            if completed.await?.is_some() {
                return Ok(true);
            }
        }
        let source = "the campaign was changed concurrently too often";
        Err(StoreError::new(StoreErrorKind::Locked, source).into())
    }

    /// Completes a campaign with these messages and the row `seen`, and delivers the event. Returns
    /// `None` if the row has changed.
    async fn complete(
        self,
        key: CampaignKey,
        seen: Option<CampaignRow>,
        mut campaign: Campaign,
        messages: &CampaignMessages,
    ) -> Result<Option<Outcome>, EngineError> {
        let refused = seen.as_ref().map_or(0, |seen| seen.refused);
        campaign.counts = messages.counts(campaign.counts.total, refused);
        campaign.status = CampaignStatus::Completed;
        campaign.completed_at.get_or_insert_with(Timestamp::now);
        // The key makes two programs that complete the campaign at once store one event.
        let (tenant, id) = (key.tenant.as_str(), key.id.as_str());
        let number = seen.as_ref().map_or(0, |seen| seen.completions) + 1;
        let name = format!("campaign_completed:{tenant}:{id}:{number}");
        let event = CampaignCompleted::new(campaign.clone()).into();
        let body = QueuedEvent::to_json(&name, &event)?;
        let completion = CampaignCompletion {
            key,
            seen,
            campaign,
        };
        let batch = Batch::single(name, event).completing(completion);
        let outcome = self.process_batch(batch, WebhookKind::QueuedEvent, &body);
        match outcome.await {
            // Another call may have stored the same event.
            Ok(outcome) => Ok((outcome.delivered() + outcome.held_back() > 0).then_some(outcome)),
            Err(error) => match error.kind() {
                EngineErrorKind::Store(error) if error.kind() == StoreErrorKind::Conflict => {
                    Ok(None)
                }
                _ => Err(error),
            },
        }
    }

    async fn complete_campaigns(self, after: Duration) -> Result<Outcome, EngineError> {
        let mut running = self.access.campaigns(None).await?;
        running.retain(|(_, row)| row.campaign.status == CampaignStatus::Running);
        let (keys, rows): (Vec<_>, Vec<_>) = running.into_iter().unzip();
        let messages = self.access.campaign_messages(&keys).await?;
        let mut outcome = Outcome::default();
        for ((key, row), messages) in keys.into_iter().zip(rows).zip(&messages) {
            if !is_over(&row.counts(messages), messages, after) {
                continue;
            }
            let campaign = row.campaign.clone();
            let completed = self.complete(key, Some(row), campaign, messages);
            if let Some(completed) = completed.await? {
                outcome += completed;
            }
        }
        Ok(outcome)
    }

    async fn campaign(
        self,
        owner: &OwnerKey,
        id: &CampaignId,
    ) -> Result<Option<Campaign>, StoreError> {
        let found = self.decide(owner, |draft, owner| {
            let Some(owner) = owner else { return Ok(None) };
            let (tenant, id) = (owner.tenant.clone(), id.clone());
            let key = CampaignKey { tenant, id };
            let row = draft.campaign(&key)?.cloned();
            Ok(row.map(|row| (key, row)))
        });
        let Some((key, row)) = found.await? else {
            return Ok(None);
        };
        let messages = self.access.campaign_messages(&[key]).await?;
        Ok(messages.first().map(|messages| counted(row, messages)))
    }

    async fn campaigns(self, owner: &OwnerKey) -> Result<Vec<Campaign>, StoreError> {
        let tenant = self.decide(
            owner,
            |_, owner| Ok(owner.map(|owner| owner.tenant.clone())),
        );
        let Some(tenant) = tenant.await? else {
            return Ok(Vec::new());
        };
        let (keys, rows): (Vec<_>, Vec<_>) = (self.access.campaigns(Some(&tenant)).await?)
            .into_iter()
            .unzip();
        let messages = self.access.campaign_messages(&keys).await?;
        let campaigns = rows.into_iter().zip(&messages);
        Ok(campaigns.map(|(row, of_it)| counted(row, of_it)).collect())
    }
}
