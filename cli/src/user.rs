//! The user whose data is read, and the part of the store that it is read of.

use std::sync::Arc;

use clap::Args;
use whatsapp_signals::engine::Records;
use whatsapp_signals::model::Identity;
use whatsapp_signals::store::Store;

use crate::database::Database;
use crate::exit::Error;
use crate::scope::Scope;

/// A user of a tenant or a number.
#[derive(Args)]
pub(crate) struct UserArgs {
    /// Phone number of the user, or the id that begins with a country code and a dot
    #[arg(value_parser = identity)]
    pub(crate) user: Identity,
    #[command(flatten)]
    scope: Scope,
}

impl UserArgs {
    /// Returns the records of the number or of the tenant. Without an argument it is the only
    /// tenant of the store.
    pub(crate) fn records<'d>(
        &self,
        database: &'d Database,
    ) -> Result<Records<'d, Arc<dyn Store>>, Error> {
        if let Some(records) = self.scope.records(database)? {
            return Ok(records);
        }
        let engine = &database.engine;
        let numbers = database.run(engine.numbers_async())?;
        let mut tenants: Vec<_> = numbers.iter().map(|(_, tenant)| tenant.as_str()).collect();
        tenants.sort_unstable();
        tenants.dedup();
        if let [tenant] = tenants[..] {
            return Ok(engine.tenant(tenant));
        }
        let found = tenants.len();
        let text = format!("expected --tenant or --number, found {found} tenants");
        Err(Error::Usage(text))
    }
}

fn identity(text: &str) -> Result<Identity, String> {
    // `US.7001`: a phone number has no dot.
    let identity = if text.contains('.') {
        Identity::from_user_id(text)
    } else {
        Identity::from_phone(text)
    };
    identity.ok_or_else(|| "expected a phone number or a user id such as US.7001".into())
}
