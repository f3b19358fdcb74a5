//! The tenants of events that are stored.

use std::collections::HashMap;

use super::records::Of;
use super::{Call, Core};
use crate::event::WebhookEvent;
use crate::model::Account;
use crate::store::{NumberKey, StoreError, Tenant};

/// The tenants of all stored numbers, and the function for accounts without one.
pub(super) struct Tenants<'e> {
    core: &'e Core,
    numbers: HashMap<NumberKey, Tenant>,
}

impl Tenants<'_> {
    /// Returns the stored tenant of a number.
    pub(super) fn of_number(&self, number: &NumberKey) -> Option<&Tenant> {
        self.numbers.get(number)
    }

    /// Returns whether an account belongs to a tenant.
    pub(super) fn is_of(&self, account: &Account, tenant: &Tenant) -> Result<bool, StoreError> {
        match self.of_number(&NumberKey::of(account)) {
            Some(stored) => Ok(stored == tenant),
            None => Ok(self.core.places().tenant_of(account)? == *tenant),
        }
    }

    /// Returns whether an event belongs to records.
    pub(super) fn has(&self, of: &Of, event: &WebhookEvent) -> Result<bool, StoreError> {
        let account = event.account();
        match of {
            Of::Tenant(tenant) => self.is_of(account, tenant),
            Of::Number(number) => Ok(NumberKey::of(account) == *number),
            Of::Account(of) => Ok(NumberKey::of(account) == NumberKey::of(of)),
        }
    }
}

impl<'e> Call<'e> {
    /// Loads the tenants of all numbers.
    pub(super) async fn tenants(self) -> Result<Tenants<'e>, StoreError> {
        let numbers = self.access.numbers().await?.into_iter().collect();
        let core = self.core;
        Ok(Tenants { core, numbers })
    }
}
