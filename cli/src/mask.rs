//! Masks of personal data. Masked ids of two users or of two events differ, and do not name the user.

/// The length from which an id has a random end: longer than phone numbers and user ids.
const LONG: usize = 32;

/// The shown characters at the end of a long id.
const END: usize = 12;

/// Names of business ids in a key, which are shown.
const BUSINESS: [&str; 2] = ["number=", "waba="];

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
/// The signal, words such as the type of a message, and the ids of the business are shown. A wamid
/// has the phone number in its first half, so its last 12 characters are shown.
pub(crate) fn key(key: &str) -> String {
    let mut parts = key.split(':');
    let mut masked = parts.next().unwrap_or_default().to_owned();
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

/// Masks a wamid: `wamid.…RjQ2NUY3NQA=`.
pub(crate) fn wamid(id: &str) -> String {
    key_part(id)
}

fn key_part(part: &str) -> String {
    let is_word = |part: &str| part.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
    if is_word(part) || BUSINESS.iter().any(|name| part.starts_with(name)) {
        return part.to_owned();
    }
    // `wamid.` and `wacid.`, or the name of a member as in `to=`.
    let prefix = part.find(['.', '=']).map_or("", |end| &part[..=end]);
    let id = &part[prefix.len()..];
    if !is_word(prefix.trim_end_matches(['.', '='])) {
        key_id(part)
    } else if prefix.ends_with('=') && prefix != "to=" && is_word(id) {
        part.to_owned()
    } else {
        format!("{prefix}{}", key_id(id))
    }
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
    fn a_partition_keeps_its_number() {
        assert_eq!(
            partition("300200100500600:15550101001"),
            "300200100500600:1555…001"
        );
        assert_eq!(partition("900800700600500:"), "900800700600500:");
    }
}
