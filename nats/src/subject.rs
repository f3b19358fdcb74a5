//! Subject, partition and message id of an event.

use siphasher::{sip::SipHasher24, sip128};
use whatsapp_signals::WebhookEvent;

/// Returns the subject of an event: `<prefix>.<phone_number_id>.p<partition>`.
pub(crate) fn event_subject(event: &WebhookEvent, prefix: &str, partitions: u16) -> String {
    let account = event.account();
    let number = account.phone_number_id.as_ref().map(AsRef::as_ref);
    let number = number.or(account.waba_id.as_ref().map(AsRef::as_ref));
    let number = number.filter(|number| is_token(number)).unwrap_or("none");
    let partition = partition(&event.partition_key(), partitions);
    format!("{prefix}.{number}.p{partition}")
}

/// Returns the partition of a key.
///
/// The hash must be the same on every machine and in every version, because events in a stream
/// were published by other processes.
fn partition(key: &str, partitions: u16) -> u16 {
    let hash = SipHasher24::new().hash(key.as_bytes()) % u64::from(partitions);
    u16::try_from(hash).unwrap_or_default()
}

/// Returns true if a text is a valid token of a subject.
///
/// Meta's ids are digits, but a body may hold any text in their place.
pub(crate) fn is_token(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&text.len()) && text.bytes().all(is_plain)
}

/// Returns the `Nats-Msg-Id` of an event with this key: the key, or its hash if it is too long for
/// a header or has characters that a header cannot hold.
pub(crate) fn message_id(key: &str) -> String {
    let fits = key.len() <= 512 && key.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        key.to_owned()
    } else {
        hash_id(key.as_bytes())
    }
}

/// Returns an id that is the hash of these bytes.
pub(crate) fn hash_id(bytes: &[u8]) -> String {
    let hash = sip128::SipHasher24::new().hash(bytes);
    format!("sip:{:032x}", hash.as_u128())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partition_of_a_key_never_changes() {
        // Computed by another implementation of SipHash-2-4. With other values, new events would
        // overtake those that are in a stream already.
        for (key, of_8, of_3) in [
            ("", 7, 2),
            ("106540352242922:15550101001", 5, 1),
            ("106540352242922:US.7001", 2, 2),
            ("106540352242922:", 3, 2),
        ] {
            assert_eq!(
                (partition(key, 8), partition(key, 3)),
                (of_8, of_3),
                "{key}"
            );
        }
    }

    #[test]
    fn keys_are_spread_evenly() {
        let mut counts = [0; 8];
        for user in 0..8000 {
            counts[usize::from(partition(&format!("106540352242922:1555{user:07}"), 8))] += 1;
        }
        assert!(
            counts.iter().all(|count| (850..1150).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn a_single_partition_takes_every_key() {
        assert_eq!(partition("anything", 1), 0);
    }

    #[test]
    fn only_plain_ids_are_tokens() {
        assert!(is_token("106540352242922") && is_token("WA_2-b"));
        let long = "1".repeat(65);
        for text in ["", "1.2", "*", ">", "1 2", "é", &long] {
            assert!(!is_token(text), "{text}");
        }
    }

    #[test]
    fn a_message_id_fits_into_a_header() {
        let key = "message_received:wamid.HBgLMTU1:text";
        assert_eq!(message_id(key), key);
        let long = "x".repeat(513);
        for key in ["two\r\nlines", "a b", "ümlaut", &long] {
            let id = message_id(key);
            assert!(id.starts_with("sip:") && id.len() == 36, "{id}");
        }
        assert_ne!(message_id("a\nb"), message_id("a\rb"));
    }
}
