//! The filter of dead letters.

use std::time::Duration;

use clap::Args;
use whatsapp_signals::DeadLetter;
use whatsapp_signals::engine::DeadLetterFilter;

use crate::database::Database;
use crate::exit::Error;
use crate::time;

/// The conditions that dead letters satisfy.
#[derive(Args)]
pub(crate) struct Filter {
    /// Events that this receiver failed at, by uid or path
    #[arg(long)]
    receiver: Option<String>,
    /// Events of this signal, such as `message_received`
    #[arg(long)]
    signal: Option<String>,
    /// Events of your number with this `phone_number_id`
    #[arg(long, value_name = "ID")]
    number: Option<String>,
    /// Events that came longer ago, such as 30s, 15min, 2h or 7d
    #[arg(long, value_name = "AGE", value_parser = time::age)]
    older_than: Option<Duration>,
    /// Events that came later, such as 30s, 15min, 2h or 7d ago
    #[arg(long, value_name = "AGE", value_parser = time::age)]
    newer_than: Option<Duration>,
    /// The most dead letters, those that came first (default of `list`: 50)
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl Filter {
    /// The default limit of a list.
    pub(crate) const LIST: usize = 50;

    /// Returns whether it has no condition. A limit is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.receiver.is_none()
            && self.signal.is_none()
            && self.number.is_none()
            && self.older_than.is_none()
            && self.newer_than.is_none()
    }

    /// Returns the filter of the library, which changes dead letters.
    pub(crate) fn to_library(&self) -> DeadLetterFilter {
        let mut filter = DeadLetterFilter::new();
        if let Some(receiver) = &self.receiver {
            filter = filter.receiver(receiver);
        }
        if let Some(signal) = &self.signal {
            filter = filter.name(signal);
        }
        if let Some(number) = &self.number {
            filter = filter.number(number.as_str());
        }
        if let Some(age) = self.older_than {
            filter = filter.received_before(time::ago(age));
        }
        if let Some(age) = self.newer_than {
            filter = filter.received_since(time::ago(age));
        }
        if let Some(limit) = self.limit {
            filter = filter.limit(limit);
        }
        filter
    }

    /// Returns the dead letters. The library lists them without a filter, so that all are loaded
    /// if there is a condition.
    pub(crate) fn letters(
        &self,
        database: &Database,
        default_limit: Option<usize>,
    ) -> Result<Vec<DeadLetter>, Error> {
        let limit = self.limit.or(default_limit).unwrap_or(usize::MAX);
        let loaded = if self.is_empty() { limit } else { usize::MAX };
        let mut letters = database.run(database.engine.dead_letters_async(loaded))?;
        let filter = self.to_library();
        letters.retain(|letter| filter.takes(letter));
        letters.truncate(limit);
        Ok(letters)
    }
}
