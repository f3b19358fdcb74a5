//! What a store has of a webhook beside its body.

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

/// The number of a webhook in a store.
///
/// ```
/// use whatsapp_signals::store::WebhookId;
///
/// assert!(WebhookId(1) < WebhookId(2), "it came first");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WebhookId(pub i64);

/// A webhook that came: how much of it is left to do, and who does it.
///
/// Its body lies beside it, since it is never changed. [`Inbox`](super::Inbox) has more of an
/// example.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::Timestamp;
/// use whatsapp_signals::store::WebhookRecord;
///
/// let mut webhook = WebhookRecord::new(Timestamp::now(), 1, None);
/// webhook.open -= 1;
/// webhook.dead += 1;
/// assert!(!webhook.is_unsettled(), "its event is not tried any more");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct WebhookRecord {
    /// When it came.
    pub received_at: Timestamp,
    /// How many of its events are neither finished nor dead.
    pub open: u32,
    /// How many of its events are dead.
    pub dead: u32,
    /// Who works on it.
    pub lease: Option<Lease>,
}

/// The right to work on a webhook.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::Timestamp;
/// use whatsapp_signals::store::{Lease, WebhookRecord};
///
/// let lease = Lease::new(7, 1_785_000_060_000);
/// assert_eq!((lease.holder, lease.until), (7, 1_785_000_060_000));
///
/// let webhook = WebhookRecord::new(Timestamp::from_secs(1_785_000_000), 1, Some(lease));
/// assert_eq!(webhook.lease, Some(lease));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Lease {
    /// Who holds it: a random number.
    pub holder: i64,
    /// When it ends, in milliseconds since 1970.
    pub until: i64,
}

impl WebhookRecord {
    /// Whether something of it is open, or it was left behind with its lease.
    ///
    /// ```
    /// use whatsapp_signals::model::Timestamp;
    /// use whatsapp_signals::store::{Lease, WebhookRecord};
    ///
    /// assert!(WebhookRecord::new(Timestamp::now(), 1, None).is_unsettled());
    /// assert!(WebhookRecord::new(Timestamp::now(), 0, Some(Lease::new(7, 0))).is_unsettled());
    /// assert!(!WebhookRecord::new(Timestamp::now(), 0, None).is_unsettled());
    /// ```
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.open > 0 || self.lease.is_some()
    }

    /// A webhook with this many events to do.
    ///
    /// ```
    /// use whatsapp_signals::model::Timestamp;
    /// use whatsapp_signals::store::WebhookRecord;
    ///
    /// let webhook = WebhookRecord::new(Timestamp::now(), 3, None);
    /// assert_eq!((webhook.open, webhook.dead), (3, 0));
    /// ```
    #[must_use]
    pub fn new(received_at: Timestamp, open: u32, lease: Option<Lease>) -> Self {
        Self {
            received_at,
            open,
            dead: 0,
            lease,
        }
    }
}

impl Lease {
    /// A lease of this holder.
    #[must_use]
    pub fn new(holder: i64, until: i64) -> Self {
        Self { holder, until }
    }
}
