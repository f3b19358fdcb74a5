//! The rows of campaigns.

use serde::{Deserialize, Serialize};

use super::row::Tenant;
use crate::model::{
    Campaign, CampaignCounts, CampaignId, CampaignStatus, MessageStatus, Timestamp,
};

/// The key of a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CampaignKey {
    /// The tenant.
    pub tenant: Tenant,
    /// Your id.
    pub id: CampaignId,
}

/// A campaign's row.
///
/// A store may keep the row as JSON, with the number of refusals in a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CampaignRow {
    /// The campaign. Its counts are those at its completion; until then all but the total are 0.
    pub campaign: Campaign,
    /// The number of messages that Meta refused.
    #[serde(skip)]
    pub refused: u64,
    /// The number of completions.
    pub completions: u32,
}

/// The stored messages of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CampaignMessages {
    /// The numbers of messages by status, in any order.
    pub by_status: Vec<(Option<MessageStatus>, u64)>,
    /// The time at which the last message was sent.
    pub last_at: Option<Timestamp>,
}

impl CampaignRow {
    /// Creates the row of a campaign without completions and refusals.
    #[must_use]
    pub fn new(campaign: Campaign) -> Self {
        Self {
            campaign,
            refused: 0,
            completions: 0,
        }
    }

    /// Returns true if the campaign is completed.
    pub(crate) fn is_completed(&self) -> bool {
        self.campaign.status == CampaignStatus::Completed
    }

    /// Computes the counts from the stored messages.
    ///
    /// Messages may have been pruned or erased since, so the counts of a completed campaign are at
    /// least those at its completion.
    pub(crate) fn counts(&self, messages: &CampaignMessages) -> CampaignCounts {
        let kept = self.campaign.counts;
        let now = messages.counts(kept.total, self.refused);
        if !self.is_completed() {
            return now;
        }
        CampaignCounts {
            sent: now.sent.max(kept.sent),
            delivered: now.delivered.max(kept.delivered),
            read: now.read.max(kept.read),
            failed: now.failed.max(kept.failed),
            ..now
        }
    }
}

impl CampaignMessages {
    /// Creates the summary of the messages of a campaign.
    #[must_use]
    pub fn new(by_status: Vec<(Option<MessageStatus>, u64)>, last_at: Option<Timestamp>) -> Self {
        Self { by_status, last_at }
    }

    /// Computes the counts of a campaign with this total and this number of refusals.
    pub(crate) fn counts(&self, total: u64, refused: u64) -> CampaignCounts {
        let mut counts = CampaignCounts {
            total,
            failed: refused,
            refused,
            ..CampaignCounts::default()
        };
        for (status, count) in &self.by_status {
            counts.sent += count;
            if let Some(status) = status {
                counts.add(status, *count);
            }
        }
        counts
    }
}
