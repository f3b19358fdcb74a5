//! What the server knows a message by.

use siphasher::sip128::SipHasher24;

/// The `Nats-Msg-Id` of what has this key. A header has one line and not too much of
/// it, so a key that does not fit stands there as its hash.
pub(crate) fn message_id(key: &str) -> String {
    let fits = key.len() <= 512 && key.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        key.to_owned()
    } else {
        hashed(key.as_bytes())
    }
}

/// What stands for something that has no key.
pub(crate) fn hashed(bytes: &[u8]) -> String {
    format!("sip:{:032x}", SipHasher24::new().hash(bytes).as_u128())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_a_message_fits_into_a_header() {
        let key = "message_received:wamid.HBgLMTU1:text";
        assert_eq!(message_id(key), key);
        let long = "x".repeat(513);
        for odd in ["two\r\nlines", "a b", "ümlaut", &long] {
            let id = message_id(odd);
            assert!(id.starts_with("sip:") && id.len() == 36, "{id}");
        }
        assert_ne!(message_id("a\nb"), message_id("a\rb"));
    }
}
