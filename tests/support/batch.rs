//! Bodies of one change, and items to put into them.

/// A message.
pub(crate) const GOOD: &str = r#"{"id":"wamid.A","from":"1","type":"text","text":{"body":"Hi"}}"#;

/// A message of an unknown type.
pub(crate) const ODD: &str = r#"{"id":"wamid.X","from":"1","type":"hologram"}"#;

/// An error beside the items: it has neither an id nor a time.
pub(crate) const ERRORS: &str = r#""errors":[{"code":130429,"title":"Rate limit hit"}]"#;

/// A body of the field `messages` with these items in one list.
pub(crate) fn items(list: &str, items: &[impl AsRef<str>]) -> Vec<u8> {
    let items: Vec<_> = items.iter().map(AsRef::as_ref).collect();
    value("messages", &format!(r#""{list}":[{}]"#, items.join(",")))
}

/// A body of one field whose value has these members.
pub(crate) fn value(field: &str, members: &str) -> Vec<u8> {
    let metadata = r#""metadata":{"display_phone_number":"15550100200","phone_number_id":"300"}"#;
    body(
        field,
        &format!(r#"{{"messaging_product":"whatsapp",{metadata},{members}}}"#),
    )
    .into_bytes()
}

/// A body of one field with this value.
pub(crate) fn body(field: &str, value: &str) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"900","changes":[{{"field":"{field}",
            "value":{value}}}]}}]}}"#
    )
}
