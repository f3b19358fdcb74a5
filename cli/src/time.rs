//! Times and ages.

use std::time::Duration;

use whatsapp_signals::model::Timestamp;

/// Formats a time as a date, such as `2026-07-25T17:20:00Z`.
pub(crate) fn date(time: Timestamp) -> String {
    let date = jiff::Timestamp::try_from(time);
    date.map_or_else(|_| time.as_secs().to_string(), |date| date.to_string())
}

/// Parses an age, such as `30s`, `15min`, `2h` or `7d`.
pub(crate) fn parse_age(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "s" => Some(1),
        "min" => Some(60),
        "h" => Some(60 * 60),
        "d" => Some(24 * 60 * 60),
        _ => None,
    };
    let seconds = unit.and_then(|unit| number.parse::<u64>().ok()?.checked_mul(unit));
    let age = seconds.map(Duration::from_secs);
    age.ok_or_else(|| "expected a number with a unit, as in 30s, 15min, 2h or 7d".into())
}

/// Returns the time this long ago.
pub(crate) fn ago(age: Duration) -> Timestamp {
    let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_secs(Timestamp::now().as_secs().saturating_sub(age))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use whatsapp_signals::model::Timestamp;

    use super::{date, parse_age};

    #[test]
    fn an_age_has_a_unit() {
        assert_eq!(parse_age("15min"), Ok(Duration::from_secs(900)));
        assert_eq!(parse_age("7d"), Ok(Duration::from_secs(604_800)));
        for wrong in [
            "",
            "7",
            "d",
            "-7d",
            "7 d",
            "7w",
            "99999999999999999999d",
            "9999999999999999999h",
        ] {
            assert!(parse_age(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_beyond_all_dates_is_a_number() {
        assert_eq!(
            date(Timestamp::from_secs(1_785_000_000)),
            "2026-07-25T17:20:00Z"
        );
        assert_eq!(date(Timestamp::from_secs(i64::MAX)), i64::MAX.to_string());
    }
}
