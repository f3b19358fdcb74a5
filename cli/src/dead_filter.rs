//! The filter of dead letters.

use std::time::Duration;

use clap::Args;
use whatsapp_signals::DeadLetter;
use whatsapp_signals::engine::DeadLetterFilter;
use whatsapp_signals::store::{DeadPlace, WebhookId};

use crate::database::Database;
use crate::exit::Error;
use crate::scope::Scope;
use crate::time;

/// The most dead letters that are in memory.
const PAGE: usize = 100;

/// The conditions that dead letters satisfy.
#[derive(Args, Default)]
pub(crate) struct Filter {
    /// Events that this receiver failed at, by uid or path
    #[arg(long)]
    pub(crate) receiver: Option<String>,
    /// Events of this signal, such as `message_received`
    #[arg(long)]
    pub(crate) signal: Option<String>,
    #[command(flatten)]
    pub(crate) scope: Scope,
    /// Events that came longer ago, such as 30s, 15min, 2h or 7d; of a queue, that died then
    #[arg(long, value_name = "AGE", value_parser = time::age)]
    pub(crate) older_than: Option<Duration>,
    /// Events that came later, such as 30s, 15min, 2h or 7d ago; of a queue, that died then
    #[arg(long, value_name = "AGE", value_parser = time::age)]
    pub(crate) newer_than: Option<Duration>,
    /// The most dead letters, those that came first (default of `list`: 50)
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Begins behind the dead letter at this place, which `list` prints
    #[arg(long, value_name = "PLACE")]
    pub(crate) after: Option<String>,
}

impl Filter {
    /// The default limit of a list.
    pub(crate) const LIST: usize = 50;

    /// Returns whether it has no condition. A limit and a place are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.receiver.is_none()
            && self.signal.is_none()
            && self.scope.is_empty()
            && self.older_than.is_none()
            && self.newer_than.is_none()
    }

    /// Returns the filter of the library for a database, which has to know the number.
    pub(crate) fn to_library(&self, database: &Database) -> Result<DeadLetterFilter, Error> {
        self.scope.records(database)?;
        let mut filter = DeadLetterFilter::new();
        if let Some(receiver) = &self.receiver {
            filter = filter.receiver(receiver);
        }
        if let Some(signal) = &self.signal {
            filter = filter.name(signal);
        }
        if let Some(tenant) = &self.scope.tenant {
            filter = filter.tenant(tenant.as_str());
        }
        if let Some(number) = &self.scope.number {
            filter = filter.number(number.as_str());
        }
        if let Some(age) = self.older_than {
            filter = filter.received_before(time::ago(age));
        }
        if let Some(age) = self.newer_than {
            filter = filter.received_since(time::ago(age));
        }
        if let Some(after) = &self.after {
            filter = filter.after(parse(after)?);
        }
        if let Some(limit) = self.limit {
            filter = filter.limit(limit);
        }
        Ok(filter)
    }

    /// Calls a function with each dead letter and its place, up to the limit or the default one.
    /// One page of letters is in memory.
    pub(crate) fn for_each(
        &self,
        database: &Database,
        default_limit: Option<usize>,
        mut f: impl FnMut(DeadPlace, DeadLetter) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut left = self.limit.or(default_limit).unwrap_or(usize::MAX);
        let mut filter = self.to_library(database)?;
        while left > 0 {
            filter = filter.limit(left.min(PAGE));
            let page = database.run(database.engine.find_dead_letters_async(&filter))?;
            let Some((last, _)) = page.last() else { break };
            filter = filter.after(*last);
            left -= page.len();
            for (place, letter) in page {
                f(place, letter)?;
            }
        }
        Ok(())
    }
}

/// Returns a place as text, such as `1883339317560824505:1`.
pub(crate) fn place_text(place: DeadPlace) -> String {
    format!("{}:{}", place.webhook.0, place.number)
}

fn parse(place: &str) -> Result<DeadPlace, Error> {
    let parsed = place.split_once(':').and_then(|(webhook, number)| {
        Some(DeadPlace {
            webhook: WebhookId(webhook.parse().ok()?),
            number: number.parse().ok()?,
        })
    });
    parsed.ok_or_else(|| {
        let text = "expected a place of `dead list`, such as 1883339317560824505:1, found";
        Error::Usage(format!("{text} {place}"))
    })
}
