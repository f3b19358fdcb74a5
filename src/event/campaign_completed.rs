use serde::{Deserialize, Serialize};

use super::hash::hash_of;
use super::{CampaignTally, Keys};
use crate::model::{Account, Campaign, CampaignStatus, Timestamp};

/// A campaign of yours has run to its end.
///
/// Your code fires this one, as campaigns are your own; or an engine that
/// [keeps](crate::engine::Records::save_campaign) the campaign. Its numbers are those of
/// [`campaign.counts`](crate::model::CampaignCounts), whose table says what each counts.
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
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::CampaignCompleted;
    /// use whatsapp_signals::model::Campaign;
    ///
    /// let mut campaign = Campaign::new("Winter storage");
    /// campaign.counts.sent = 40;
    /// let completed = CampaignCompleted::new(campaign);
    /// assert_eq!((completed.campaign.name.as_str(), completed.sent()), ("Winter storage", 40));
    /// ```
    #[must_use]
    pub fn new(campaign: Campaign) -> Self {
        Self { campaign }
    }

    /// Returns the event for a campaign with the counts of a tally. Its status is `completed`, and
    /// it was completed now, unless it has a time already.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::{CampaignCompleted, CampaignTally};
    /// use whatsapp_signals::model::{Campaign, CampaignStatus};
    ///
    /// let campaign = Campaign::new("Winter storage");
    /// let tally = CampaignTally::new(&campaign, 0);
    /// let completed = CampaignCompleted::of(campaign, &tally);
    /// assert_eq!(completed.campaign.status, CampaignStatus::Completed);
    /// ```
    #[must_use]
    pub fn of(mut campaign: Campaign, tally: &CampaignTally) -> Self {
        campaign.counts = tally.counts();
        campaign.status = CampaignStatus::Completed;
        campaign.completed_at.get_or_insert_with(Timestamp::now);
        Self { campaign }
    }

    /// Returns the number of messages that Meta accepted.
    ///
    /// ```
    /// use whatsapp_signals::event::CampaignCompleted;
    /// use whatsapp_signals::model::Campaign;
    ///
    /// let mut campaign = Campaign::new("Winter storage");
    /// campaign.counts.sent = 40;
    /// assert_eq!(CampaignCompleted::new(campaign).sent(), 40);
    /// ```
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.campaign.counts.sent
    }

    /// Returns the number of messages that Meta refused or could not deliver.
    ///
    /// ```
    /// use whatsapp_signals::event::CampaignCompleted;
    /// use whatsapp_signals::model::Campaign;
    ///
    /// let mut campaign = Campaign::new("Winter storage");
    /// campaign.counts.failed = 1;
    /// assert_eq!(CampaignCompleted::new(campaign).failed(), 1);
    /// ```
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.campaign.counts.failed
    }
}

impl Keys for CampaignCompleted {
    fn key(&self) -> String {
        hash_of(self)
    }

    fn account(&self) -> Option<&Account> {
        None
    }
}
