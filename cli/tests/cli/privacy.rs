//! No personal data without `--show-personal`.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::{ROOT, SECRET, payloads, run, run_with};

/// Members whose values are ids of the business, enumerations, times or links of Meta's.
const IMPERSONAL: [&str; 12] = [
    "field",
    "type",
    "object",
    "messaging_product",
    "phone_number_id",
    "status",
    "event",
    "action",
    "timestamp",
    "origin",
    "category",
    "language",
];

/// Ids of the business: of its accounts and its numbers.
const BUSINESS: [&str; 4] = [
    "900800700600500",
    "520400300200800",
    "300200100500600",
    "300200100500601",
];

/// Adds the texts and numbers of a JSON value that may name a user or be their words.
fn add_personal(json: &Value, name: &str, found: &mut BTreeSet<String>) {
    match json {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, json)| add_personal(json, name, found)),
        Value::Array(elements) => elements
            .iter()
            .for_each(|json| add_personal(json, name, found)),
        Value::String(text) if !IMPERSONAL.contains(&name) => {
            let is_business = BUSINESS.contains(&text.as_str());
            // Shorter ones are emojis, codes and languages.
            if text.chars().count() > 6 && !is_business {
                found.insert(text.clone());
            }
        }
        _ => {}
    }
}

#[test]
fn masked_output_has_no_text_and_no_id_of_any_payload() {
    let mut checked = 0;
    for path in payloads() {
        let body = fs::read_to_string(format!("{ROOT}/{path}")).unwrap();
        let mut personal = BTreeSet::new();
        // Half of a surrogate pair, which serde_json refuses.
        let json = serde_json::from_str(&body)
            .or_else(|_| serde_json::from_str(&body.replace("\\ud83d", "")))
            .unwrap();
        add_personal(&json, "", &mut personal);
        for args in [&["inspect"][..], &["inspect", "--table"]] {
            // By the standard input, as names of files are words of the payloads.
            let out = run_with(args, &body, &[]).out;
            for text in &personal {
                assert!(!out.contains(text.as_str()), "{path}: {text:?} is in {out}");
            }
            checked += personal.len();
        }
    }
    assert!(checked > 1000, "{checked}");
}

#[test]
fn errors_and_help_do_not_print_the_secret() {
    let secret = "hush-4711";
    let variables = [("META_APP_SECRET", secret), ("META_VERIFY_TOKEN", secret)];
    let runs = [
        run_with(&["send", "text", "--help"], "", &variables),
        run_with(&["challenge", "--help"], "", &variables),
        run_with(&["sign"], "", &variables),
        run_with(
            &["verify", "-", "--signature", "sha256=7f"],
            "{}",
            &variables,
        ),
        run_with(
            &["challenge", "--query", "hub.mode=subscribe"],
            "",
            &variables,
        ),
        run(&["sign", "no-such-file", "--secret", secret]),
    ];
    for run in runs {
        let printed = run.out + &run.errors;
        assert!(
            !printed.is_empty() && !printed.contains(secret),
            "{printed}"
        );
        assert!(!printed.contains(SECRET), "{printed}");
    }
}
