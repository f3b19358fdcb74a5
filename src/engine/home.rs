//! Where the events of a claim are at home.

use crate::model::Timestamp;
use crate::store::{Lease, StoreError, Transaction, WebhookId, WebhookRecord};

/// The webhook that new events belong to.
#[derive(Clone, Copy)]
pub(super) enum Home<'a> {
    /// It came, and is stored when something of it is new.
    Unstored(&'a [u8]),
    /// It came, and is stored by now.
    New(WebhookId),
    /// It was stored before. The events of others are not looked at.
    Stored(WebhookId),
}

impl Home<'_> {
    /// The webhook's id; it is stored if it is not yet.
    pub(super) fn store(
        &mut self,
        tx: &mut dyn Transaction,
        now: Timestamp,
        lease: Lease,
    ) -> Result<WebhookId, StoreError> {
        match *self {
            Self::New(id) | Self::Stored(id) => Ok(id),
            Self::Unstored(body) => {
                // Open until it is known how much is: an event of a webhook
                // with nothing open is over, and may make room for others.
                let webhook = WebhookRecord::new(now, 1, Some(lease));
                let id = tx.add_webhook(&webhook, body)?;
                *self = Self::New(id);
                Ok(id)
            }
        }
    }

    /// The webhook's id, when it is stored.
    pub(super) fn id(self) -> Option<WebhookId> {
        match self {
            Self::Unstored(_) => None,
            Self::New(id) | Self::Stored(id) => Some(id),
        }
    }
}
