//! The tenants of accounts and numbers.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::transaction::{Draft, Undecided};
use super::{Core, EngineCall};
use crate::event::WebhookEvent;
use crate::model::Account;
use crate::panic_guard::catch_panic;
use crate::store::{NumberKey, StoreError, StoreErrorKind, Tenant};

/// The number and the tenant that an event belongs to.
#[derive(Clone, Debug)]
pub(super) struct ResolvedAccount {
    pub(super) number: NumberKey,
    pub(super) tenant: Tenant,
}

/// The program's function that returns the tenant of an account.
pub(super) type TenantOf = Arc<dyn Fn(&Account) -> Tenant + Send + Sync>;

/// A cache of the stored tenants of numbers, which never change.
pub(super) type TenantCache = Mutex<HashMap<NumberKey, Tenant>>;

/// The resolution of accounts to their numbers and tenants. A number belongs to the tenant under
/// which it came first.
pub(super) struct TenantResolver<'e> {
    tenant_of: Option<&'e TenantOf>,
    stored: &'e TenantCache,
    /// The tenants that are in the store once the decision is committed.
    added: Vec<(NumberKey, Tenant)>,
    /// The last account, which the events of a webhook mostly share.
    last: Option<(*const Account, ResolvedAccount)>,
}

impl<'e> TenantResolver<'e> {
    pub(super) fn new(tenant_of: Option<&'e TenantOf>, stored: &'e TenantCache) -> Self {
        Self {
            tenant_of,
            stored,
            added: Vec::new(),
            last: None,
        }
    }

    /// Returns the number and tenant of an account. Those of a new number are stored.
    pub(super) fn resolve(
        &mut self,
        draft: &mut Draft<'_, '_>,
        account: &'e Account,
    ) -> Result<ResolvedAccount, Undecided> {
        if let Some((last, resolved)) = &self.last
            && std::ptr::eq(*last, account)
        {
            return Ok(resolved.clone());
        }
        let number = NumberKey::of(account);
        let stored = self.stored.lock().get(&number).cloned();
        let tenant = match stored {
            Some(tenant) => tenant,
            None => self.add(draft, &number, account)?,
        };
        let resolved = ResolvedAccount { number, tenant };
        self.last = Some((account, resolved.clone()));
        Ok(resolved)
    }

    fn add(
        &mut self,
        draft: &mut Draft<'_, '_>,
        number: &NumberKey,
        account: &Account,
    ) -> Result<Tenant, Undecided> {
        let tenant = if let Some(tenant) = draft.tenant(number)? {
            tenant
        } else {
            let tenant = self.tenant_of(account)?;
            draft.add_number(number.clone(), tenant.clone());
            tenant
        };
        self.added.push((number.clone(), tenant.clone()));
        Ok(tenant)
    }

    /// Returns the tenant of an account whose number has no stored one.
    pub(super) fn tenant_of(&self, account: &Account) -> Result<Tenant, StoreError> {
        let Some(tenant_of) = self.tenant_of else {
            let waba = account.waba_id.as_ref().map_or("", AsRef::as_ref);
            return Ok(Tenant::new(waba));
        };
        catch_panic(|| tenant_of(account)).ok_or_else(|| {
            let source = "the function of tenants panicked";
            StoreError::new(StoreErrorKind::NoTenant, source)
        })
    }

    /// Returns the tenants that are in the store once the decision is committed.
    pub(super) fn into_added(self) -> Vec<(NumberKey, Tenant)> {
        self.added
    }
}

/// The owner of records, as a caller names it.
#[derive(Clone)]
pub(super) enum OwnerKey {
    Number(NumberKey),
    Tenant(Tenant),
    Account(Arc<Account>),
}

/// The tenants of all stored numbers, and the rule for accounts without a stored number.
pub(super) struct NumberTenants<'e> {
    core: &'e Core,
    numbers: HashMap<NumberKey, Tenant>,
}

impl NumberTenants<'_> {
    /// Returns the stored tenant of a number.
    pub(super) fn of_number(&self, number: &NumberKey) -> Option<&Tenant> {
        self.numbers.get(number)
    }

    /// Returns whether an account belongs to a tenant.
    pub(super) fn belongs_to(
        &self,
        account: &Account,
        tenant: &Tenant,
    ) -> Result<bool, StoreError> {
        match self.of_number(&NumberKey::of(account)) {
            Some(stored) => Ok(stored == tenant),
            None => Ok(self.core.tenant_resolver().tenant_of(account)? == *tenant),
        }
    }

    /// Returns whether an event belongs to an owner of records.
    pub(super) fn owns(&self, owner: &OwnerKey, event: &WebhookEvent) -> Result<bool, StoreError> {
        let account = event.account();
        match owner {
            OwnerKey::Tenant(tenant) => self.belongs_to(account, tenant),
            OwnerKey::Number(number) => Ok(NumberKey::of(account) == *number),
            OwnerKey::Account(of) => Ok(NumberKey::of(account) == NumberKey::of(of)),
        }
    }
}

impl<'e> EngineCall<'e> {
    /// Loads the tenants of all numbers.
    pub(super) async fn tenants(self) -> Result<NumberTenants<'e>, StoreError> {
        let numbers = self.access.numbers().await?.into_iter().collect();
        let core = self.core;
        Ok(NumberTenants { core, numbers })
    }
}
