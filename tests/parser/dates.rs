//! `Timestamp` and the types of date libraries: there and back, over the whole
//! range of each.
#![cfg(all(feature = "chrono", feature = "jiff", feature = "time"))]

use std::fmt::Debug;

use proptest::prelude::*;
use whatsapp_signals::model::{Timestamp, TimestampRangeError};

type Chrono = chrono::DateTime<chrono::Utc>;

fn try_into<D>(secs: i64) -> Result<D, TimestampRangeError>
where
    D: TryFrom<Timestamp, Error = TimestampRangeError>,
{
    D::try_from(Timestamp::from_secs(secs))
}

/// Every second from the first to the last comes back; beyond them is an error.
fn there_and_back<D>(first: D, last: D, library: &str)
where
    D: TryFrom<Timestamp, Error = TimestampRangeError> + Into<Timestamp> + Copy + Debug,
{
    let (first, last) = (first.into().as_secs(), last.into().as_secs());
    assert!(
        first < -60_000_000_000 && last > 250_000_000_000,
        "ten thousand years"
    );
    let same = |secs: i64| {
        let date: D = try_into(secs).unwrap();
        assert_eq!(date.into(), Timestamp::from_secs(secs), "{date:?}");
    };
    for secs in [first, first + 1, -1, 0, 1, 1_785_000_000, last - 1, last] {
        same(secs);
    }
    proptest!(|(secs in first..=last)| same(secs));
    proptest!(|(secs in any::<i64>())| {
        prop_assert_eq!(try_into::<D>(secs).is_ok(), (first..=last).contains(&secs));
    });
    for secs in [i64::MIN, first - 1, last + 1, i64::MAX] {
        let error = try_into::<D>(secs).unwrap_err();
        let text = format!("the time lies outside what {library} can express");
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn all_that_chrono_can_express_comes_back() {
    there_and_back(Chrono::MIN_UTC, Chrono::MAX_UTC, "chrono");
}

#[test]
fn all_that_jiff_can_express_comes_back() {
    there_and_back(jiff::Timestamp::MIN, jiff::Timestamp::MAX, "jiff");
}

#[test]
fn all_that_time_can_express_comes_back() {
    let (first, last) = (time::Date::MIN, time::Date::MAX);
    let last = last.with_hms(23, 59, 59).unwrap().assume_utc();
    there_and_back(first.midnight().assume_utc(), last, "time");
}

#[test]
fn the_libraries_agree_on_dates_and_on_parts_of_a_second() {
    let at = Timestamp::from_secs(1_785_000_000);
    let chrono = Chrono::try_from(at).unwrap().to_string();
    let jiff = jiff::Timestamp::try_from(at).unwrap().to_string();
    let time = time::OffsetDateTime::try_from(at).unwrap().to_string();
    assert_eq!(chrono, "2026-07-25 17:20:00 UTC");
    assert_eq!(jiff, "2026-07-25T17:20:00Z");
    assert_eq!(time, "2026-07-25 17:20:00.0 +00:00:00");

    for (millis, secs) in [(-1500, -2), (-1000, -1), (-500, -1), (500, 0), (1500, 1)] {
        let at = Timestamp::from_secs(secs);
        let nanos = i128::from(millis) * 1_000_000;
        let time = time::OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap();
        assert_eq!(
            Timestamp::from(Chrono::from_timestamp_millis(millis).unwrap()),
            at
        );
        assert_eq!(
            Timestamp::from(jiff::Timestamp::from_millisecond(millis).unwrap()),
            at
        );
        assert_eq!(Timestamp::from(time), at);
    }
}
