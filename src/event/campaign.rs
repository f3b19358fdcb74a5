//! Completed campaigns, and the tally of a running campaign.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::key::hash_of;
use super::{Event, EventMeta, MessageRefused, MessageSent, MessageStatusChanged};
use crate::model::{
    Account, Campaign, CampaignCounts, CampaignId, CampaignStatus, MessageId, MessageStatus,
    Timestamp,
};

/// The completion of a campaign.
///
/// Your code sends this event, or an engine that [keeps](crate::engine::Records::save_campaign) the
/// campaign. The numbers are those of [`campaign.counts`](crate::model::CampaignCounts), whose
/// table defines each count.
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::CampaignCompleted;
/// use whatsapp_signals::model::{Campaign, CampaignCounts};
/// use whatsapp_signals::{receiver, signals::CAMPAIGN_COMPLETED};
///
/// #[receiver(CAMPAIGN_COMPLETED)]
/// fn report(event: &CampaignCompleted) {
///     assert_eq!((event.sent(), event.failed()), (118, 2));
/// }
///
/// # fn main() -> Result<(), whatsapp_signals::Failure> {
/// let mut campaign = Campaign::new("Spring tune-up");
/// campaign.counts = CampaignCounts { total: 120, sent: 118, failed: 2, ..CampaignCounts::default() };
/// let report = CAMPAIGN_COMPLETED.send(&CampaignCompleted::new(campaign))?;
/// assert_eq!(report.called(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CampaignCompleted {
    /// The campaign, with its counts.
    pub campaign: Campaign,
}

impl CampaignCompleted {
    /// Returns the event for a campaign with its counts.
    #[must_use]
    pub fn new(campaign: Campaign) -> Self {
        Self { campaign }
    }

    /// Returns the event for a campaign with the counts of a tally. Sets the status to `completed`,
    /// and a missing time of completion to the current time.
    #[must_use]
    pub fn of(mut campaign: Campaign, tally: &CampaignTally) -> Self {
        campaign.counts = tally.counts();
        campaign.status = CampaignStatus::Completed;
        campaign.completed_at.get_or_insert_with(Timestamp::now);
        Self { campaign }
    }

    /// Returns the number of messages that Meta accepted.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.campaign.counts.sent
    }

    /// Returns the number of messages that Meta refused or could not deliver.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.campaign.counts.failed
    }
}

impl EventMeta for CampaignCompleted {
    fn key(&self) -> String {
        hash_of(self)
    }

    fn account(&self) -> Option<&Account> {
        None
    }
}

/// The counts of a campaign's messages by their statuses.
///
/// A tally moves forward only: repeated events, and statuses behind the counted status of a
/// message, change nothing. The statuses of payments, and a failure for one member of a group, do
/// not count for the message, as in the [engine](crate::WebhookEngine). [`CampaignCounts`] defines
/// each number.
///
/// A status belongs to the campaign by its wamid, or by the prefix of the text that the message was
/// [sent with](Self::with_callback_data). With such a text, statuses may precede
/// [`add_sent`](Self::add_sent), and another program than the sender may count them.
///
/// A tally serializes with wamids, which contain phone numbers. [`merge`](Self::merge) unites the
/// tallies of several workers.
///
/// # Examples
///
/// ```standalone_crate
/// use std::sync::{Arc, Mutex};
/// use std::time::Duration;
/// use whatsapp_signals::event::{
///     CampaignCompleted, CampaignTally, MessageSent, MessageStatusChanged,
/// };
/// use whatsapp_signals::model::Campaign;
/// use whatsapp_signals::{Context, parse, receiver, signals::MESSAGE_STATUS_CHANGED};
///
/// #[receiver(MESSAGE_STATUS_CHANGED)]
/// fn count(event: &MessageStatusChanged, tally: &Arc<Mutex<CampaignTally>>) {
///     tally.lock().unwrap().add_status(event);
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let campaign = Campaign::new("Spring tune-up");
/// let tally = Arc::new(Mutex::new(CampaignTally::new(&campaign, 1)));
/// let context = Context::new().with(tally.clone());
///
/// // When Meta has answered a request:
/// let request = r#"{"to": "15550101001", "type": "template", "template":
///     {"name": "spring_offer", "language": {"code": "en"}}}"#;
/// let response = r#"{"contacts": [{"input": "15550101001", "wa_id": "15550101001"}], "messages":
///     [{"id": "wamid.HBgLMTU1NTAxMDEwMDEVAgARGBQzQTNGNEQ3NDM2NTIxRDQxNDhDMQA="}]}"#;
/// for sent in MessageSent::from_graph(request, response)? {
///     tally.lock().unwrap().add_sent(&sent);
/// }
/// let day = Duration::from_secs(24 * 60 * 60);
/// assert!(!tally.lock().unwrap().is_settled(day));
///
/// // When a webhook comes:
/// let body = std::fs::read("tests/payloads/status-read.json")?;
/// assert!(parse(&body)?.with(&context).dispatch().is_ok());
///
/// let tally = tally.lock().unwrap();
/// assert!(tally.is_settled(day), "the only message is read");
/// assert_eq!(tally.read_rate(), Some(1.0));
/// let completed = CampaignCompleted::of(campaign, &tally); // for `CAMPAIGN_COMPLETED`
/// assert_eq!((completed.sent(), completed.failed()), (1, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CampaignTally {
    campaign: CampaignId,
    total: u64,
    /// The prefix of the texts that the messages are sent with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    callback_data: Option<Box<str>>,
    /// The accepted messages, each with its latest status.
    messages: BTreeMap<MessageId, Option<MessageStatus>>,
    /// The keys of the refusals.
    refused: BTreeSet<Box<str>>,
    /// The time of the newest event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<Timestamp>,
}

impl CampaignTally {
    /// Returns the tally of a campaign without sent messages, with the number of messages to send.
    #[must_use]
    pub fn new(campaign: &Campaign, total: u64) -> Self {
        Self {
            campaign: campaign.id.clone(),
            total,
            callback_data: None,
            messages: BTreeMap::new(),
            refused: BTreeSet::new(),
            newest: None,
        }
    }

    /// Sets the prefix of the `biz_opaque_callback_data` that all messages of the campaign, and no
    /// others, are sent with. Statuses contain that text.
    ///
    /// ```
    /// use whatsapp_signals::event::CampaignTally;
    /// use whatsapp_signals::model::Campaign;
    ///
    /// let tally = CampaignTally::new(&Campaign::new("Spring tune-up"), 200);
    /// let tally = tally.with_callback_data("spring-2027:"); // "spring-2027:customer-4471", …
    /// assert_eq!(tally.counts().total, 200);
    /// ```
    #[must_use]
    pub fn with_callback_data(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.callback_data = Some(prefix.into());
        self
    }

    /// Adds a message that Meta accepted. Returns `false` if it was added before, or
    /// [names](MessageSent::campaign) another campaign.
    ///
    /// ```
    /// use whatsapp_signals::event::{CampaignTally, MessageSent};
    /// use whatsapp_signals::model::Campaign;
    ///
    /// let mut tally = CampaignTally::new(&Campaign::new("Spring tune-up"), 1);
    /// let request = r#"{"to": "15550101001", "text": {"body": "Hello"}}"#;
    /// let sent = MessageSent::from_graph(request, r#"{"messages": [{"id": "wamid.A"}]}"#)?;
    /// assert!(tally.add_sent(&sent[0]));
    /// assert!(!tally.add_sent(&sent[0]), "a repetition");
    /// # Ok::<(), whatsapp_signals::event::GraphJsonError>(())
    /// ```
    pub fn add_sent(&mut self, event: &MessageSent) -> bool {
        let message = &event.message;
        if self.messages.contains_key(&message.id) || self.is_other(event.campaign.as_ref()) {
            return false;
        }
        self.messages.insert(message.id.clone(), None);
        self.newest = self.newest.max(message.timestamp);
        true
    }

    /// Adds a message that Meta refused, and that your code does not send again. Returns `false` if
    /// it was added before, or [names](MessageRefused::campaign) another campaign.
    ///
    /// ```
    /// use whatsapp_signals::event::{CampaignTally, MessageRefused};
    /// use whatsapp_signals::model::Campaign;
    ///
    /// let mut tally = CampaignTally::new(&Campaign::new("Spring tune-up"), 4);
    /// let request = r#"{"to": "15550101001", "text": {"body": "Hello"}}"#;
    /// let response = r#"{"error": {"code": 131026, "fbtrace_id": "Az8or"}}"#;
    /// if let Some(refused) = MessageRefused::from_graph_error(request, response)? {
    ///     assert!(tally.add_refused(&refused));
    /// }
    /// assert_eq!(tally.failure_rate(), Some(0.25));
    /// # Ok::<(), whatsapp_signals::event::GraphJsonError>(())
    /// ```
    pub fn add_refused(&mut self, event: &MessageRefused) -> bool {
        if self.is_other(event.campaign.as_ref()) {
            return false;
        }
        let is_new = self.refused.insert(event.dedup_key().into());
        if is_new {
            self.newest = self.newest.max(event.timestamp);
        }
        is_new
    }

    /// Adds a status. Returns `false` if the message is not part of the campaign, or the status
    /// changes nothing.
    ///
    /// ```
    /// use whatsapp_signals::event::{CampaignTally, WebhookEvent};
    /// use whatsapp_signals::model::Campaign;
    ///
    /// let campaign = Campaign::new("Spring tune-up");
    /// let mut tally = CampaignTally::new(&campaign, 1).with_callback_data("job=4473;");
    /// let body = std::fs::read("tests/payloads/status-callback-data.json")?;
    /// for event in whatsapp_signals::parse(&body)?.into_events() {
    ///     let WebhookEvent::MessageStatusChanged(event) = event else { continue };
    ///     assert!(tally.add_status(&event));
    ///     assert!(!tally.add_status(&event), "a repetition");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_status(&mut self, event: &MessageStatusChanged) -> bool {
        let update = &event.update;
        // A message must arrive before the user can delete it, so it keeps its count.
        if !update.is_of_message() || update.status == MessageStatus::Deleted {
            return false;
        }
        if !self.messages.contains_key(&update.id) && !self.has_callback_data(event) {
            return false;
        }
        let status = self.messages.entry(update.id.clone()).or_default();
        let is_news = update.status.is_news_after(status.as_ref());
        if is_news {
            *status = Some(update.status.clone());
            self.newest = self.newest.max(update.timestamp);
        }
        is_news
    }

    fn is_other(&self, campaign: Option<&CampaignId>) -> bool {
        campaign.is_some_and(|campaign| *campaign != self.campaign)
    }

    fn has_callback_data(&self, event: &MessageStatusChanged) -> bool {
        let data = event.update.biz_opaque_callback_data.as_deref();
        let prefix = self.callback_data.as_deref();
        matches!((data, prefix), (Some(data), Some(prefix)) if data.starts_with(prefix))
    }

    /// Merges another tally of the same campaign, such as that of another worker or an older copy.
    /// A message in both counts once. Returns `false`, and merges nothing, if the other tally is of
    /// another campaign.
    ///
    /// ```
    /// use whatsapp_signals::event::{CampaignTally, MessageSent};
    /// use whatsapp_signals::model::{Campaign, Content, Identity, Message};
    ///
    /// let campaign = Campaign::new("Spring tune-up");
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let sent = |id| MessageSent::new(Message::outbound(id, ada.clone(), Content::text("Hello")).build());
    ///
    /// let (mut first, mut second) = (CampaignTally::new(&campaign, 2), CampaignTally::new(&campaign, 2));
    /// first.add_sent(&sent("wamid.A"));
    /// second.add_sent(&sent("wamid.A"));
    /// second.add_sent(&sent("wamid.B"));
    /// assert!(first.merge(second));
    /// assert_eq!(first.counts().sent, 2);
    /// ```
    pub fn merge(&mut self, other: Self) -> bool {
        if other.campaign != self.campaign {
            return false;
        }
        for (id, next) in other.messages {
            let status = self.messages.entry(id).or_default();
            if let Some(next) = next
                && next.is_news_after(status.as_ref())
            {
                *status = Some(next);
            }
        }
        self.refused.extend(other.refused);
        self.total = self.total.max(other.total);
        self.newest = self.newest.max(other.newest);
        self.callback_data = self.callback_data.take().or(other.callback_data);
        true
    }

    /// Returns the counts, in time proportional to the number of messages.
    #[must_use]
    pub fn counts(&self) -> CampaignCounts {
        let count = |messages: usize| u64::try_from(messages).unwrap_or(u64::MAX);
        let mut counts = CampaignCounts {
            total: self.total,
            sent: count(self.messages.len()),
            failed: count(self.refused.len()),
            refused: count(self.refused.len()),
            ..CampaignCounts::default()
        };
        for status in self.messages.values().flatten() {
            counts.add(status, 1);
        }
        counts
    }

    /// Returns whether the campaign is over: Meta accepted or refused all messages, and each of
    /// them is read or failed, or the newest event is older than `after` by the system clock. An
    /// event without a time does not count as the newest.
    #[must_use]
    pub fn is_settled(&self, after: Duration) -> bool {
        let counts = self.counts();
        let is_old = || {
            self.newest
                .is_some_and(|newest| newest.is_older_than(after))
        };
        counts.are_answered() && (counts.are_final() || is_old())
    }

    /// Returns the share of the accepted messages that arrived, from 0 to 1; `None` without
    /// accepted messages.
    #[must_use]
    pub fn delivery_rate(&self) -> Option<f64> {
        self.counts().delivery_rate()
    }

    /// Returns the share of the accepted messages that were read, from 0 to 1; `None` without
    /// accepted messages. Users may disable read receipts. The example of [`CampaignTally`] has a
    /// rate.
    #[must_use]
    pub fn read_rate(&self) -> Option<f64> {
        self.counts().read_rate()
    }

    /// Returns the share of all messages that failed, from 0 to 1; `None` for a campaign without
    /// messages. [`add_refused`](Self::add_refused) has an example.
    #[must_use]
    pub fn failure_rate(&self) -> Option<f64> {
        self.counts().failure_rate()
    }
}

/// Leaves out the wamids, which contain phone numbers.
impl fmt::Debug for CampaignTally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CampaignTally")
            .field("campaign", &self.campaign)
            .field("counts", &self.counts())
            .field("newest", &self.newest)
            .finish_non_exhaustive()
    }
}
