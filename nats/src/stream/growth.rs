//! What a stream may become: more, and never less.

use std::collections::HashSet;
use std::time::Duration;

use async_nats::jetstream::stream::Config;

use super::error::StreamError;

/// What is there, as large as is wanted.
pub(super) fn grown(existing: &Config, wanted: &Config) -> Result<Config, StreamError> {
    for (what, is_so) in [
        ("storage", existing.storage == wanted.storage),
        ("retention policy", existing.retention == wanted.retention),
        ("discard policy", existing.discard == wanted.discard),
        ("subjects", share_subjects(existing, wanted)),
    ] {
        if !is_so {
            return Err(StreamError::Differs {
                stream: wanted.name.clone(),
                what,
            });
        }
    }
    // No limit is the greatest one.
    let count = |limit: i64| u64::try_from(limit).unwrap_or(UNLIMITED);
    let age = |age: Duration| {
        if age.is_zero() {
            UNLIMITED
        } else {
            millis(age)
        }
    };
    let window = |config: &Config| millis(config.duplicate_window);
    for (what, existing, wanted_now) in [
        (
            "partitions",
            existing.subjects.len() as u64,
            wanted.subjects.len() as u64,
        ),
        (
            "replicas",
            existing.num_replicas as u64,
            wanted.num_replicas as u64,
        ),
        (
            "duplicate window in milliseconds",
            window(existing),
            window(wanted),
        ),
        (
            "max age in milliseconds",
            age(existing.max_age),
            age(wanted.max_age),
        ),
        (
            "max bytes",
            count(existing.max_bytes),
            count(wanted.max_bytes),
        ),
        (
            "max messages",
            count(existing.max_messages),
            count(wanted.max_messages),
        ),
    ] {
        if wanted_now < existing {
            return Err(StreamError::Shrinks {
                stream: wanted.name.clone(),
                what,
                existing: limit(existing),
                wanted: limit(wanted_now),
            });
        }
    }
    Ok(Config {
        subjects: wanted.subjects.clone(),
        num_replicas: wanted.num_replicas,
        duplicate_window: wanted.duplicate_window,
        max_age: wanted.max_age,
        max_bytes: wanted.max_bytes,
        max_messages: wanted.max_messages,
        // What the owner of the server has set besides is the owner's.
        ..existing.clone()
    })
}

/// Whether one has all subjects of the other.
fn share_subjects(existing: &Config, wanted: &Config) -> bool {
    let existing: HashSet<_> = existing.subjects.iter().collect();
    let wanted: HashSet<_> = wanted.subjects.iter().collect();
    existing.is_subset(&wanted) || wanted.is_subset(&existing)
}

const UNLIMITED: u64 = u64::MAX;

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(UNLIMITED)
}

fn limit(limit: u64) -> Option<u64> {
    Some(limit).filter(|limit| *limit != UNLIMITED)
}
