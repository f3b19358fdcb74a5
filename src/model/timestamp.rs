//! Timestamps, and their conversions into types of date libraries.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize};

use crate::json::object::{Lenient, MemberValue};
use crate::json::{Fault, scalar};

/// A point in time, in whole seconds since 1970-01-01 00:00 UTC.
///
/// Meta writes a time as a string in one webhook and as a number in another; both are parsed. It
/// serializes as a number. With the feature `jiff`, `time` or `chrono` it converts from and, with
/// `TryFrom`, into the library's type.
///
/// Some webhooks give milliseconds. A number beyond ±10¹¹ (in seconds the year
/// 5138) is therefore divided by 1,000, rounded down, until it is within; this
/// also covers microseconds and nanoseconds. The rule holds for [`FromStr`] and
/// [`Deserialize`]; [`from_secs`](Self::from_secs) takes its number as seconds.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::Timestamp;
///
/// let sent: Timestamp = serde_json::from_str(r#""1749416383""#)?;
/// assert_eq!(sent.as_secs(), 1_749_416_383);
/// assert_eq!(serde_json::to_string(&sent)?, "1749416383");
///
/// let in_milliseconds: Timestamp = serde_json::from_str("1749416383123")?;
/// assert_eq!(in_milliseconds, sent);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Returns the time this many seconds after (or before) 1970. Even large numbers are seconds
    /// here, not milliseconds.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs)
    }

    /// Returns the current time of the system clock.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        // A clock before 1970 was never set.
        Self(since.map_or(0, |since| since.as_secs().try_into().unwrap_or(i64::MAX)))
    }

    /// Returns whether the time is longer ago than a duration, by the system clock.
    pub(crate) fn is_older_than(self, age: Duration) -> bool {
        let elapsed = Self::now().as_secs().saturating_sub(self.as_secs());
        u64::try_from(elapsed).is_ok_and(|elapsed| elapsed > age.as_secs())
    }

    /// Returns the seconds since 1970.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0
    }

    /// Returns the time for the standard library; `None` outside the platform's range.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use whatsapp_signals::model::Timestamp;
    ///
    /// let then = Timestamp::from_secs(60).to_system_time();
    /// assert_eq!(then, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(60)));
    /// ```
    #[must_use]
    pub fn to_system_time(self) -> Option<SystemTime> {
        let distance = Duration::from_secs(self.0.unsigned_abs());
        if self.0 >= 0 {
            SystemTime::UNIX_EPOCH.checked_add(distance)
        } else {
            SystemTime::UNIX_EPOCH.checked_sub(distance)
        }
    }
}

/// Converts a number of seconds, milliseconds, microseconds or nanoseconds to
/// seconds. A result is never converted again, so stored times stay the same.
#[inline]
const fn to_secs(mut number: i64) -> i64 {
    const MAX_SECS: u64 = 100_000_000_000;
    while number.unsigned_abs() > MAX_SECS {
        number = number.div_euclid(1000);
    }
    number
}

impl FromStr for Timestamp {
    type Err = std::num::ParseIntError;

    #[inline]
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(to_secs).map(Self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        scalar::parsed(deserializer)
    }
}

impl MemberValue for Timestamp {
    #[inline]
    fn read_node(json: Lenient<'_, '_>) -> Result<Option<Self>, Fault> {
        match json.plain_text() {
            Some(text) => Ok(text.parse().ok()),
            None => scalar::lossy(json, |text| text.parse().ok()),
        }
    }
}

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
