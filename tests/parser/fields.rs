//! The table of signals, compared with the samples, with `docs/signals.md` and with Meta's
//! documentation.

use crate::support;
use std::collections::BTreeSet;
use std::fs;
use std::mem::size_of;
use std::path::Path;

use whatsapp_signals::event::WebhookEvent;
use whatsapp_signals::parse;
use whatsapp_signals::signals::{ALL, FIELDS};

const PAGE: &str = include_str!("../../docs/signals.md");

/// The names of the signals that webhooks fire.
fn of_webhooks() -> BTreeSet<&'static str> {
    let all = ALL.iter().map(|signal| signal.name());
    let others = [
        "message_sent",
        "message_refused",
        "campaign_completed",
        "any_event",
    ];
    all.filter(|name| !others.contains(name)).collect()
}

#[test]
fn every_signal_of_a_webhook_is_fired_by_a_sample_of_ours() {
    let mut delivered = BTreeSet::new();
    for (_, body) in support::payloads() {
        let webhook = parse(body.as_bytes()).unwrap();
        delivered.extend(webhook.iter().map(WebhookEvent::name));
    }
    assert_eq!(delivered, of_webhooks());
}

#[test]
fn every_signal_of_a_webhook_names_its_fields_and_every_field_a_signal() {
    let mut named: BTreeSet<_> = FIELDS.iter().map(|(_, signal)| *signal).collect();
    named.insert("unrecognized");
    assert_eq!(named, of_webhooks());
}

/// Returns the pairs of the page's table, whose cells have fields and their
/// signals: ``| … | `a`, `b`: `A`, `B`; `c`: `C` |``.
fn page_pairs() -> Vec<(String, String)> {
    let names = |list: &str| {
        let names = list.split(", ");
        names
            .map(|name| name.trim_matches('`').to_owned())
            .collect::<Vec<_>>()
    };
    let rows = PAGE.lines();
    let cells = rows.filter_map(|row| {
        row.strip_prefix("| ")?
            .strip_suffix(" |")?
            .split_once(" | ")
    });
    let mut pairs = Vec::new();
    for group in cells.flat_map(|(_, cell)| cell.split("; ")) {
        let Some((fields, signals)) = group.split_once("`: `") else {
            continue; // the head of the table
        };
        for field in names(fields) {
            let signals = names(signals).into_iter();
            pairs.extend(signals.map(|signal| (field.clone(), signal.to_lowercase())));
        }
    }
    pairs.sort();
    pairs
}

#[test]
fn the_page_lists_every_field_with_its_signals() {
    let pairs = FIELDS.iter();
    let mut pairs: Vec<_> = pairs
        .map(|(field, signal)| ((*field).to_owned(), (*signal).to_owned()))
        .collect();
    pairs.sort();
    assert_eq!(page_pairs(), pairs);
}

#[test]
fn the_page_lists_every_message_type() {
    let mut types = BTreeSet::new();
    for (_, body) in support::all() {
        for event in parse(body.as_bytes()).unwrap() {
            match event {
                WebhookEvent::MessageReceived(event) => types.insert(event.message.message_type()),
                WebhookEvent::HistoryMessage(event) => types.insert(event.message.message_type()),
                _ => false,
            };
        }
    }
    assert!(types.len() >= 18, "{types:?}");
    for kind in types {
        assert!(PAGE.contains(&format!("`{kind}`")), "{kind}");
    }
}

/// Fields that are in the collection and that Meta never documented.
const UNDOCUMENTED: &[&str] = &["in_app_signup", "business_status_update"];

/// The bodies of a collection that lies beside the project on some machines,
/// with the tier of each: `official` ones are Meta's own.
#[test]
fn all_that_meta_documents_is_recognized() {
    let collection = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let Ok(manifest) = fs::read_to_string(collection.join("MANIFEST.tsv")) else {
        return; // the snapshot has the samples of the repository
    };
    let mut official = 0;
    for row in manifest.lines().skip(1) {
        let columns: Vec<_> = row.split('\t').collect();
        let (path, field, tier) = (columns[0], columns[2], columns[4]);
        let is_known = FIELDS.iter().any(|(known, _)| *known == field);
        assert!(is_known, "{field} has no signal");
        if !tier.starts_with("official") {
            continue;
        }
        official += 1;
        assert!(
            !UNDOCUMENTED.contains(&field),
            "{field} is documented after all"
        );
        let body = fs::read(collection.join(path)).unwrap();
        for event in parse(&body).unwrap() {
            if let WebhookEvent::Unrecognized(malformed) = event {
                panic!("{path}: {}: {}", malformed.path, malformed.reason);
            }
        }
    }
    assert!(official > 150, "{official}");
}

/// Events are moved about in lists; one rare field must not make all of them
/// larger. The id by which a body knows the user is in all of them.
#[test]
fn the_rare_events_are_no_larger_than_a_message() {
    assert!(
        size_of::<WebhookEvent>() <= 432,
        "{}",
        size_of::<WebhookEvent>()
    );
}
