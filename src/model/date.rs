//! Conversions between [`Timestamp`] and the types of date libraries.

#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
use super::Timestamp;

/// The error of a [`Timestamp`] outside the range of the date library. Meta sends none, but a body
/// may contain one.
///
/// # Examples
///
#[cfg_attr(feature = "jiff", doc = "```")]
#[cfg_attr(not(feature = "jiff"), doc = "```ignore")]
/// use whatsapp_signals::model::Timestamp;
///
/// let sent = Timestamp::from_secs(1_785_000_000);
/// let date = jiff::Timestamp::try_from(sent)?;
/// assert_eq!(date.to_string(), "2026-07-25T17:20:00Z");
/// assert_eq!(Timestamp::from(date), sent);
///
/// assert!(jiff::Timestamp::try_from(Timestamp::from_secs(i64::MAX)).is_err());
/// # Ok::<(), whatsapp_signals::model::TimestampRangeError>(())
/// ```
#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the time lies outside what {library} can express")]
pub struct TimestampRangeError {
    library: &'static str,
}

/// A row for each library: its feature, its type, the seconds of a time,
/// rounded down, and the time of seconds.
macro_rules! conversions {
    ($($feature:literal: $date:ty, |$of:ident| $secs:expr, |$from:ident| $at:expr;)+) => { $(
        /// Returns the time in whole seconds, rounded towards the past.
        #[cfg(feature = $feature)]
        impl From<$date> for Timestamp {
            fn from($of: $date) -> Self {
                Self::from_secs($secs)
            }
        }

        #[cfg(feature = $feature)]
        impl TryFrom<Timestamp> for $date {
            type Error = TimestampRangeError;

            fn try_from(time: Timestamp) -> Result<Self, TimestampRangeError> {
                let $from = time.as_secs();
                $at.ok_or(TimestampRangeError { library: $feature })
            }
        }
    )+ };
}

conversions! {
    "chrono": chrono::DateTime<chrono::Utc>,
        |date| date.timestamp(),
        |secs| chrono::DateTime::from_timestamp(secs, 0);
    "jiff": jiff::Timestamp,
        |date| date.as_second() - i64::from(date.subsec_nanosecond() < 0),
        |secs| jiff::Timestamp::from_second(secs).ok();
    "time": time::OffsetDateTime,
        |date| date.unix_timestamp(),
        |secs| time::OffsetDateTime::from_unix_timestamp(secs).ok();
}
