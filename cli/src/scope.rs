//! The tenant or the number that a command is restricted to.

use std::sync::Arc;

use clap::Args;
use whatsapp_signals::engine::Records;
use whatsapp_signals::store::Store;

use crate::database::Database;
use crate::exit::Error;

/// A tenant or a number.
#[derive(Args, Default)]
pub(crate) struct Scope {
    /// Only data of this tenant, by default the id of a WhatsApp Business Account
    #[arg(long, value_name = "ID", conflicts_with = "number")]
    pub(crate) tenant: Option<String>,
    /// Only data of your number with this `phone_number_id`
    #[arg(long, value_name = "ID")]
    pub(crate) number: Option<String>,
}

impl Scope {
    /// Returns whether it is the whole store.
    pub(crate) fn is_empty(&self) -> bool {
        self.tenant.is_none() && self.number.is_none()
    }

    /// Returns the records of the tenant or the number, or `None` of the whole store.
    pub(crate) fn records<'d>(
        &self,
        database: &'d Database,
    ) -> Result<Option<Records<'d, Arc<dyn Store>>>, Error> {
        let engine = &database.engine;
        if let Some(tenant) = &self.tenant {
            return Ok(Some(engine.tenant(tenant.as_str())));
        }
        let Some(number) = &self.number else {
            return Ok(None);
        };
        let numbers = database.run(engine.numbers_async())?;
        if numbers.iter().any(|(known, _)| known.as_str() == number) {
            return Ok(Some(engine.number(number.as_str())));
        }
        let text = format!("expected a number that has received an event, found {number}");
        Err(Error::Missing(text))
    }
}
