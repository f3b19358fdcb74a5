//! The parsed bodies.

use std::path::Path;

/// Returns every webhook of `tests/payloads`.
pub(super) fn payloads() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payloads");
    let files = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).expect("a body"))
        .collect()
}

/// Returns a webhook with `count` messages of this text, each with its contact, as compact as Meta
/// writes it.
pub(super) fn texts(count: usize, text: &str) -> Vec<u8> {
    let contacts = list(count, |n| {
        format!(r#"{{"profile":{{"name":"Rider {n}"}},"wa_id":"1555010{n:04}"}}"#)
    });
    let messages = list(count, |n| {
        format!(
            r#"{{"from":"1555010{n:04}","id":"wamid.HBgLMTU1NTAxMDEwMDEVAgASGBQzQT{n:08}","timestamp":"1785000042","text":{{"body":"{text}"}},"type":"text"}}"#
        )
    });
    webhook(&format!(
        r#""contacts":[{contacts}],"messages":[{messages}]"#
    ))
}

/// Returns a webhook with `count` statuses.
pub(super) fn statuses(count: usize) -> Vec<u8> {
    let statuses = list(count, |n| {
        format!(
            r#"{{"id":"wamid.HBgLMTU1NTAxMDEwMDEVAgASGBQzQT{n:08}","status":"delivered","timestamp":"1785000042","recipient_id":"1555010{n:04}","conversation":{{"id":"ab12cd34ef56","origin":{{"type":"service"}}}},"pricing":{{"billable":true,"pricing_model":"PMP","category":"service"}}}}"#
        )
    });
    webhook(&format!(r#""statuses":[{statuses}]"#))
}

fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(",")
}

fn webhook(lists: &str) -> Vec<u8> {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"900800700600500","changes":[{{"value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550100200","phone_number_id":"300200100500600"}},{lists}}},"field":"messages"}}]}}]}}"#
    )
    .into_bytes()
}
