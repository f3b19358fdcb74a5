//! Masks of personal data. Masked ids of two users or events usually differ, and do not identify the
//! user.

/// The length from which an id has a random end: longer than phone numbers and user ids.
const LONG: usize = 32;

/// The shown characters at the end of a long id.
const END: usize = 12;

/// Members of a key that are shown, since their values are ids of the business or words of Meta.
const SHOWN: [&str; 4] = ["number=", "waba=", "type=", "result="];

/// Masks the id of a user or a group: `1555…001`.
pub(crate) fn user(id: &str) -> String {
    match id.chars().count() {
        0 => String::new(),
        1..7 => "…".into(),
        7..10 => format!("…{}", last(id, 2)),
        _ => format!("{}…{}", first(id, 4), last(id, 3)),
    }
}

/// Masks a [`dedup_key`](whatsapp_signals::Event::dedup_key):
/// `message_received:wamid.…MTRBMDQ4RgA=:text:number=300200100500600`.
///
/// The signal, words such as the type of a message, and the ids of the business are shown. The part
/// after the signal counts as an id, even if it looks like a word. A wamid has the phone number in its
/// first half, so only its last 12 characters are shown.
pub(crate) fn key(key: &str) -> String {
    let mut masked = String::new();
    let mut rest = key;
    // A replay has the prefix `replay:`, the id of a webhook and a hash of the receivers' names.
    while let Some(replay) = rest.strip_prefix("replay:") {
        let mut parts = replay.splitn(3, ':');
        let (Some(of), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            break;
        };
        masked.extend(["replay:", of, ":", hash, ":"]);
        rest = key;
    }
    let mut parts = rest.split(':');
    masked.push_str(parts.next().unwrap_or_default());
    if let Some(id) = parts.next() {
        masked.push(':');
        masked.push_str(&wamid(id));
    }
    for part in parts {
        masked.push(':');
        masked.push_str(&key_part(part));
    }
    masked
}

/// Masks a [`partition_key`](whatsapp_signals::Event::partition_key), which is the number and the
/// user.
pub(crate) fn partition(key: &str) -> String {
    let (number, id) = key.split_once(':').unwrap_or((key, ""));
    format!("{number}:{}", user(id))
}

/// Masks a wamid or another id: `wamid.…RjQ2NUY3NQA=`.
pub(crate) fn wamid(id: &str) -> String {
    // `wamid.` and `wacid.`
    let prefix = id.find('.').map_or("", |end| &id[..=end]);
    if is_word(prefix.trim_end_matches('.')) {
        format!("{prefix}{}", key_id(&id[prefix.len()..]))
    } else {
        key_id(id)
    }
}

/// Masks a part of a key after its id: a word, or the name of a member and its value.
fn key_part(part: &str) -> String {
    if is_word(part) || SHOWN.iter().any(|name| part.starts_with(name)) {
        return part.to_owned();
    }
    match part.split_once('=') {
        Some((name, id)) if is_word(name) => format!("{name}={}", key_id(id)),
        _ => key_id(part),
    }
}

fn is_word(part: &str) -> bool {
    part.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

fn key_id(id: &str) -> String {
    match id.len() {
        LONG.. => format!("…{}", last(id, END)),
        _ => user(id),
    }
}

fn first(text: &str, chars: usize) -> &str {
    let end = text.char_indices().nth(chars).map(|(at, _)| at);
    &text[..end.unwrap_or(text.len())]
}

fn last(text: &str, chars: usize) -> &str {
    let mut from_end = text.char_indices().rev();
    let start = from_end.nth(chars - 1).map(|(at, _)| at);
    &text[start.unwrap_or(0)..]
}

#[cfg(test)]
mod tests {
    use super::{key, partition, user};

    #[test]
    fn a_user_keeps_its_first_four_and_last_three_characters() {
        assert_eq!(user("15550101001"), "1555…001");
        assert_eq!(user("US.70010020030040050060"), "US.7…060");
        assert_eq!(user("1555010"), "…10");
        assert_eq!(user("15550"), "…");
        assert_eq!(user("жжжжжжжжжжжж"), "жжжж…жжж");
        assert_eq!(user(""), "");
    }

    #[test]
    fn a_key_keeps_its_words_and_the_ids_of_the_business() {
        let wamid = "wamid.HBgLMTU1NTAxMDEwMDEVAgASGBQzQTZFNzJENkE4MEEwMTRBMDQ4RgA=";
        assert_eq!(
            key(&format!(
                "message_received:{wamid}:text:number=300200100500600"
            )),
            "message_received:wamid.…MTRBMDQ4RgA=:text:number=300200100500600"
        );
        assert_eq!(
            key("message_status_changed:wamid.HBgL:read:to=31970100202:waba=900800700600500"),
            "message_status_changed:wamid.…:read:to=3197…202:waba=900800700600500"
        );
        assert_eq!(
            key("message_status_changed:wamid.HBgL:type=payment:order=jy-invoice-4475"),
            "message_status_changed:wamid.…:type=payment:order=jy-i…475"
        );
        assert_eq!(
            key("user_preference:40d24d2b8e4383939cf15f940c6c595a"),
            "user_preference:…5f940c6c595a"
        );
    }

    #[test]
    fn an_id_of_letters_is_masked_and_a_word_after_it_is_not() {
        for (id, masked) in [
            ("message_sent:adaokafor", "message_sent:…or"),
            (
                "message_received:wamid.ADAOKAFOR:text",
                "message_received:wamid.…OR:text",
            ),
            ("call:AdaOkafor:connect", "call:…or:connect"),
            (
                "message_status_changed:wamid.A:read:to=bram:type=payment:order=winter_tyres",
                "message_status_changed:wamid.…:read:to=…:type=payment:order=wint…res",
            ),
            ("unreadable:", "unreadable:"),
            ("message_sent", "message_sent"),
            (
                "replay:1883339317556309181:00ff00ff00ff00ff:message_sent:adaokafor:waba=7",
                "replay:1883339317556309181:00ff00ff00ff00ff:message_sent:…or:waba=7",
            ),
        ] {
            assert_eq!(key(id), masked);
        }
    }

    #[test]
    fn a_partition_keeps_its_number() {
        assert_eq!(
            partition("300200100500600:15550101001"),
            "300200100500600:1555…001"
        );
        assert_eq!(partition("900800700600500:"), "900800700600500:");
    }
}
