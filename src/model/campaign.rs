//! Campaigns: one template for many recipients.

use serde::{Deserialize, Serialize};

use super::text_enum::text_enum;
use super::{CampaignId, MessageStatus, Timestamp};

/// A template message that you send to an audience.
///
/// WhatsApp has no campaigns: a campaign is your own record. An engine
/// [stores](crate::engine::Records::save_campaign) it, and
/// [`CAMPAIGN_COMPLETED`](crate::signals::CAMPAIGN_COMPLETED) carries it.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::{Campaign, CampaignStatus};
///
/// let mut campaign = Campaign::new("Spring tune-up").with_id("spring-2027");
/// assert_eq!(campaign.status, CampaignStatus::Draft);
/// campaign.template = Some("spring_offer".into());
/// campaign.counts.total = 120;
/// assert_eq!(campaign.counts.sent, 0);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Campaign {
    /// The id, which the messages of the campaign [name](crate::event::MessageSent::campaign).
    pub id: CampaignId,
    /// The display name.
    pub name: String,
    /// The name of the template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The audience in the terms of your program: a label, a list, a query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// The status.
    pub status: CampaignStatus,
    /// The planned start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_at: Option<Timestamp>,
    /// The start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// The counts of messages by stage.
    #[serde(default)]
    pub counts: CampaignCounts,
}

/// The counts of a [`Campaign`]'s messages. A [`CampaignTally`](crate::event::CampaignTally)
/// computes them.
///
/// | count | messages |
/// | --- | --- |
/// | `total` | to be sent |
/// | `sent` | that Meta accepted, so that they have a wamid, whatever became of them |
/// | `delivered` | of `sent`: that arrived at the user, those read included |
/// | `read` | of `delivered`: that the user has read or listened to |
/// | `failed` | that Meta refused, and those of `sent` that it could not deliver |
/// | `refused` | of `failed`: that Meta refused, so that they have no wamid |
///
/// ```
/// use whatsapp_signals::model::CampaignCounts;
///
/// let counts = CampaignCounts { total: 120, sent: 118, read: 59, ..CampaignCounts::default() };
/// assert_eq!(counts.read_rate(), Some(0.5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct CampaignCounts {
    /// To be sent.
    pub total: u64,
    /// Accepted by Meta.
    pub sent: u64,
    /// Arrived at the user.
    pub delivered: u64,
    /// Read by the user.
    pub read: u64,
    /// Refused, or not delivered.
    pub failed: u64,
    /// Refused.
    pub refused: u64,
}

impl CampaignCounts {
    /// Returns the share of the accepted messages that arrived, from 0 to 1; `None` without
    /// accepted messages.
    #[must_use]
    pub fn delivery_rate(&self) -> Option<f64> {
        rate(self.delivered, self.sent)
    }

    /// Returns the share of the accepted messages that were read, from 0 to 1; `None` without
    /// accepted messages. Users may disable read receipts.
    #[must_use]
    pub fn read_rate(&self) -> Option<f64> {
        rate(self.read, self.sent)
    }

    /// Returns the share of all messages that failed, from 0 to 1; `None` for a campaign without
    /// messages.
    #[must_use]
    pub fn failure_rate(&self) -> Option<f64> {
        rate(self.failed, self.total)
    }

    /// Returns whether Meta has accepted or refused all messages.
    pub(crate) fn are_answered(&self) -> bool {
        self.sent + self.refused >= self.total
    }

    /// Returns whether each accepted or refused message is read or failed.
    pub(crate) fn are_final(&self) -> bool {
        self.read + self.failed >= self.sent + self.refused
    }

    /// Adds accepted messages with a status to all counts except [`sent`](Self::sent).
    pub(crate) fn add(&mut self, status: &MessageStatus, messages: u64) {
        match status {
            MessageStatus::Failed => self.failed += messages,
            // A message must arrive before the user can delete it.
            MessageStatus::Delivered | MessageStatus::Deleted => self.delivered += messages,
            MessageStatus::Read | MessageStatus::Played => {
                self.delivered += messages;
                self.read += messages;
            }
            _ => {}
        }
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a rate of more than 2^52 messages"
)]
fn rate(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

text_enum! {
    /// The status of a campaign.
    pub enum CampaignStatus {
        /// The campaign is a draft.
        Draft = "draft",
        /// The campaign is scheduled.
        Scheduled = "scheduled",
        /// The campaign is being sent.
        Running = "running",
        /// All messages were sent.
        Completed = "completed",
        /// The campaign was canceled.
        Failed = "failed",
        /// The campaign is paused.
        Paused = "paused",
    }
}

impl Campaign {
    /// Returns a draft, whose id is its name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            id: CampaignId::from(name.as_str()),
            name,
            template: None,
            audience: None,
            status: CampaignStatus::Draft,
            scheduled_at: None,
            started_at: None,
            completed_at: None,
            counts: CampaignCounts::default(),
        }
    }

    /// Sets the id, which does not change with the name.
    #[must_use]
    pub fn with_id(self, id: impl Into<CampaignId>) -> Self {
        let id = id.into();
        Self { id, ..self }
    }
}
