//! Each member of the bodies, malformed: only the member is lost, or only its item.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Pointers to all parts of an item.
fn pointers(at: String, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                pointers(format!("{at}/{name}"), member, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(format!("{at}/{index}"), item, found);
            }
        }
        _ => {}
    }
    if !at.is_empty() {
        found.push(at);
    }
}

/// A pointer as the path of a report has it.
fn path(pointer: &str) -> String {
    let steps = pointer.split('/').skip(1);
    let path = steps.map(|step| match step.parse::<usize>() {
        Ok(index) => format!("[{index}]"),
        Err(_) => format!(".{step}"),
    });
    path.collect()
}

/// The text without the indexes of lists.
fn without_indexes(path: &str) -> String {
    path.replace(|c: char| c.is_ascii_digit(), "")
}

/// For each signal the members that cost the item when they are malformed; any other costs
/// itself or a part around it, which is reported, and the event arrives without it.
#[test]
fn a_malformed_member_costs_itself_or_an_item_that_needs_it() {
    let mut needed: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut costs_itself = 0;
    for (file, body) in support::payloads() {
        let all = parse(body.as_bytes()).unwrap();
        for event in &all {
            let raw = event.raw().as_str();
            let Ok(item) = serde_json::from_str::<Value>(raw) else {
                continue; // half a character
            };
            let is_own = matches!(
                event,
                WebhookEvent::Unrecognized(_) | WebhookEvent::FlowCompleted(_)
            );
            if is_own || body.matches(raw).count() != 1 {
                continue;
            }
            let mut found = Vec::new();
            pointers(String::new(), &item, &mut found);
            for pointer in found {
                let mut item = item.clone();
                *item.pointer_mut(&pointer).unwrap() = json!([[{"a": 1}]]);
                let found = events(&body.replace(raw, &item.to_string()));
                let malformed = path(&pointer);
                let is_report = |event: &&WebhookEvent| match event {
                    // Of it, or of a part around it that needs it.
                    WebhookEvent::Unrecognized(report) => {
                        let is_part = |end: usize| report.path.ends_with(&malformed[..end]);
                        malformed.len() > 1 && (1..=malformed.len()).any(is_part)
                    }
                    _ => false,
                };
                let count = |events: &[WebhookEvent]| {
                    let same = events.iter().filter(|other| other.name() == event.name());
                    same.count()
                };
                let is_typed = count(&found) == count(all.events());
                if is_typed {
                    // A list of anything is read as it is, and so is an unknown member.
                    costs_itself += found.iter().filter(is_report).count();
                } else {
                    let path = without_indexes(&malformed);
                    needed.entry(event.name()).or_default().insert(path);
                }
                assert!(!found.is_empty(), "{file}: {pointer}");
            }
        }
    }
    assert!(costs_itself > 500, "{costs_itself}");
    let lines = needed.iter().map(|(signal, paths)| {
        let paths: Vec<_> = paths.iter().map(String::as_str).collect();
        format!("{signal}: {}", paths.join(" "))
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}
