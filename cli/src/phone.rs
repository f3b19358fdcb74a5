//! Phone numbers of arguments.

use std::str::FromStr;

/// The digits of a phone number. ITU-T E.164 allows 15; the shortest ones have 5.
const DIGITS: std::ops::RangeInclusive<usize> = 5..=15;

/// A phone number with its country code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Phone(u64);

impl Phone {
    /// Returns the digits of the phone number that is `offset` greater.
    pub(crate) fn offset(self, offset: u64) -> String {
        self.0.saturating_add(offset).to_string()
    }
}

impl FromStr for Phone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_separator = |c: char| matches!(c, ' ' | '-' | '(' | ')');
        let digits: String = text.chars().filter(|c| !is_separator(*c)).collect();
        let digits = digits.strip_prefix('+').unwrap_or(&digits);
        let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
        let is_phone = is_number && DIGITS.contains(&digits.len()) && !digits.starts_with('0');
        match digits.parse() {
            Ok(number) if is_phone => Ok(Self(number)),
            _ => Err("expected a country code and a number, 5 to 15 digits".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Phone;

    #[test]
    fn a_phone_number_has_a_country_code_and_digits_only() {
        let digits = |text: &str| text.parse::<Phone>().map(|phone| phone.offset(0)).ok();
        assert_eq!(digits("+1 (555) 010-1001").as_deref(), Some("15550101001"));
        for wrong in [
            "",
            "+",
            "1555",
            "0031970100202",
            "Ada",
            "++15550101001",
            "1555010100112345",
        ] {
            assert_eq!(digits(wrong), None, "{wrong}");
        }
    }
}
