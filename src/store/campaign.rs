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
/// A store may keep it as JSON, with the number of refusals beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CampaignRow {
    /// The campaign. Its counts are those of its completion; before it all but the total are 0.
    pub campaign: Campaign,
    /// The number of messages that Meta refused.
    #[serde(skip)]
    pub refused: u64,
    /// The number of times that it was completed.
    pub completions: u32,
}

/// The stored messages of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CampaignMessages {
    /// The numbers of messages by status, in any order.
    pub by_status: Vec<(Option<MessageStatus>, u64)>,
    /// When the last of them was sent.
    pub last_at: Option<Timestamp>,
}

impl CampaignRow {
    /// Returns the row of a campaign that was never completed, without refusals.
    #[must_use]
    pub fn new(campaign: Campaign) -> Self {
        Self {
            campaign,
            refused: 0,
            completions: 0,
        }
    }

    /// Returns whether the campaign is completed.
    pub(crate) fn is_completed(&self) -> bool {
        self.campaign.status == CampaignStatus::Completed
    }

    /// Returns the counts, given the messages that are stored.
    ///
    /// Messages are pruned and erased. Of a completed campaign no count is less than at its
    /// completion.
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
    /// Returns the messages of a campaign.
    #[must_use]
    pub fn new(by_status: Vec<(Option<MessageStatus>, u64)>, last_at: Option<Timestamp>) -> Self {
        Self { by_status, last_at }
    }

    /// Returns their counts in a campaign with this total and this number of refusals.
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
