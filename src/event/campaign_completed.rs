use serde::{Deserialize, Serialize};

use super::Keys;
use super::hash::hash_of;
use crate::model::{Account, Campaign};

/// A campaign of yours has run to its end.
///
/// Your code fires this one: campaigns are your own.
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::CampaignCompleted;
/// use whatsapp_signals::model::Campaign;
/// use whatsapp_signals::{receiver, signals::CAMPAIGN_COMPLETED};
///
/// #[receiver(CAMPAIGN_COMPLETED)]
/// fn report(event: &CampaignCompleted) {
///     assert_eq!((event.sent, event.failed), (118, 2));
/// }
///
/// # fn main() -> Result<(), whatsapp_signals::Failure> {
/// let done = CampaignCompleted::new(Campaign::new("Spring tune-up"), 118, 2);
/// let report = CAMPAIGN_COMPLETED.send(&done)?;
/// assert_eq!(report.called(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CampaignCompleted {
    /// The campaign.
    pub campaign: Campaign,
    /// How many messages Meta accepted.
    pub sent: u64,
    /// How many it did not.
    pub failed: u64,
}

impl CampaignCompleted {
    /// The event for this campaign.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::CampaignCompleted;
    /// use whatsapp_signals::model::Campaign;
    ///
    /// let done = CampaignCompleted::new(Campaign::new("Winter storage"), 40, 1);
    /// assert_eq!((done.campaign.name.as_str(), done.sent, done.failed), ("Winter storage", 40, 1));
    /// ```
    #[must_use]
    pub fn new(campaign: Campaign, sent: u64, failed: u64) -> Self {
        Self {
            campaign,
            sent,
            failed,
        }
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
