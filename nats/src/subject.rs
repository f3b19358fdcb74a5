//! Which subject an event goes to.

use siphasher::sip::SipHasher24;
use whatsapp_signals::WebhookEvent;

/// The partition of what has this key: the same on every machine and in every
/// version, since what waits in a stream was put there by another process.
pub(crate) fn partition_of(key: &str, partitions: u16) -> u16 {
    let hash = SipHasher24::new().hash(key.as_bytes()) % u64::from(partitions);
    u16::try_from(hash).unwrap_or_default()
}

/// `wa.<phone_number_id>.p<N>`.
pub(crate) fn subject_of(event: &WebhookEvent, prefix: &str, partitions: u16) -> String {
    let account = event.account();
    let number = account.phone_number_id.as_ref().map(AsRef::as_ref);
    let number = number.or(account.waba_id.as_ref().map(AsRef::as_ref));
    let number = number.filter(|number| is_token(number)).unwrap_or("none");
    let partition = partition_of(&event.partition_key(), partitions);
    format!("{prefix}.{number}.p{partition}")
}

/// Whether a text may be one part of a subject: Meta's ids are digits, and what
/// claims to be one may be anything.
pub(crate) fn is_token(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&text.len()) && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_same_partition_for_ever() {
        // Computed by another implementation of SipHash-2-4. Were they to change, what
        // waits in a stream would be overtaken.
        for (key, of_8, of_3) in [
            ("", 7, 2),
            ("106540352242922:15550101001", 5, 1),
            ("106540352242922:US.7001", 2, 2),
            ("106540352242922:", 3, 2),
        ] {
            assert_eq!(
                (partition_of(key, 8), partition_of(key, 3)),
                (of_8, of_3),
                "{key}"
            );
        }
    }

    #[test]
    fn keys_are_spread_evenly() {
        let mut counts = [0; 8];
        for user in 0..8000 {
            counts[usize::from(partition_of(&format!("106540352242922:1555{user:07}"), 8))] += 1;
        }
        assert!(
            counts.iter().all(|count| (850..1150).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn one_partition_has_all() {
        assert_eq!(partition_of("anything", 1), 0);
    }

    #[test]
    fn only_plain_ids_are_part_of_a_subject() {
        assert!(is_token("106540352242922") && is_token("WA_2-b"));
        let long = "1".repeat(65);
        for odd in ["", "1.2", "*", ">", "1 2", "é", &long] {
            assert!(!is_token(odd), "{odd}");
        }
    }
}
