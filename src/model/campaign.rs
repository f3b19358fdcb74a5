//! Campaigns: one template to many people.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::text_enum::text_enum;

/// A template message that you send to an audience.
///
/// WhatsApp knows no campaigns; this is your own record, carried by
/// [`CAMPAIGN_COMPLETED`](crate::signals::CAMPAIGN_COMPLETED).
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::{Campaign, CampaignStatus};
///
/// let mut campaign = Campaign::new("Spring tune-up");
/// assert_eq!(campaign.status, CampaignStatus::Draft);
/// campaign.template = Some("spring_offer".into());
/// campaign.counts.total = 120;
/// assert_eq!(campaign.counts.sent, 0);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Campaign {
    /// Your name for it.
    pub name: String,
    /// The name of the template that it sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Whom it goes to, in your program's terms: a label, a list, a query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// How far it is.
    pub status: CampaignStatus,
    /// When it is to start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_at: Option<Timestamp>,
    /// When it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// How many messages are at which stage.
    #[serde(default)]
    pub counts: CampaignCounts,
}

/// The messages of a [`Campaign`], counted.
///
/// ```
/// use whatsapp_signals::model::CampaignCounts;
///
/// assert_eq!(CampaignCounts::default().total, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct CampaignCounts {
    /// All recipients.
    pub total: u64,
    /// Accepted by Meta.
    pub sent: u64,
    /// Arrived on a phone.
    pub delivered: u64,
    /// Seen.
    pub read: u64,
    /// Not delivered.
    pub failed: u64,
}

text_enum! {
    /// How far a campaign is.
    pub enum CampaignStatus {
        /// Being written.
        Draft = "draft",
        /// Waiting for its time.
        Scheduled = "scheduled",
        /// Sending.
        Running = "running",
        /// All sent.
        Completed = "completed",
        /// Given up.
        Failed = "failed",
        /// Held.
        Paused = "paused",
    }
}

impl Campaign {
    /// A draft.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Campaign, CampaignStatus};
    ///
    /// let campaign = Campaign::new("Winter storage");
    /// assert_eq!(campaign.name, "Winter storage");
    /// assert_eq!(campaign.status, CampaignStatus::Draft);
    /// ```
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            template: None,
            audience: None,
            status: CampaignStatus::Draft,
            scheduled_at: None,
            started_at: None,
            completed_at: None,
            counts: CampaignCounts::default(),
        }
    }
}
