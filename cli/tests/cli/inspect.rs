//! `inspect`.

use std::fs;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{ROOT, payloads, run, run_with};

/// A line with personal data. The raw JSON may have half of a surrogate pair.
#[derive(Deserialize)]
struct Line {
    event: Map<String, Value>,
    raw: Box<RawValue>,
}

#[test]
fn a_table_shows_signals_masked_users_and_reasons() {
    let run = run(&[
        "inspect",
        "--table",
        "tests/payloads/text.json",
        "tests/payloads/batch-with-odd-items.json",
        "tests/payloads/status-group.json",
    ]);
    assert_eq!(run.code, 1, "there are unrecognized items");
    insta::assert_snapshot!(run.out);
}

#[test]
fn a_line_of_json_has_no_payload_without_show_personal() {
    let run = run(&["inspect", "tests/payloads/batch-with-odd-items.json"]);
    assert_eq!(run.code, 1);
    insta::assert_snapshot!(run.out);
}

#[test]
fn show_personal_adds_the_payload_the_raw_json_and_the_text() {
    let path = "tests/payloads/text.json";
    let line: Value =
        serde_json::from_str(&run(&["inspect", "--show-personal", path]).out).unwrap();
    assert_eq!(line["user"], "15550101001");
    assert_eq!(line["event"]["contact"]["name"], "Ada Okafor");
    let text = "Good morning! Is my gravel bike out of the stand yet?";
    assert_eq!(line["raw"]["text"]["body"], text);
    assert!(
        line["key"]
            .as_str()
            .unwrap()
            .starts_with("message_received:wamid.HBgL")
    );

    let table = run(&["inspect", "--show-personal", "--table", path]);
    assert_eq!(table.code, 0);
    assert!(
        table.out.contains(text) && table.out.contains("15550101001"),
        "{}",
        table.out
    );
}

#[test]
fn each_event_of_all_payloads_is_one_line() {
    let names = payloads();
    let mut args = vec!["inspect", "--show-personal", "--json"];
    args.extend(names.iter().map(String::as_str));
    let run = run(&args);
    let mut events = 0;
    for name in &names {
        let body = fs::read(format!("{ROOT}/{name}")).unwrap();
        events += whatsapp_signals::parse(&body).unwrap().events().len();
    }
    assert_eq!(run.out.lines().count(), events);
    for line in run.out.lines() {
        let line: Line = serde_json::from_str(line).unwrap();
        assert!(!line.event.is_empty() && !line.raw.get().is_empty());
    }
}

#[test]
fn a_bad_body_costs_no_other_one() {
    let args = [
        "inspect",
        "tests/payloads/text.json",
        "-",
        "tests/payloads/image.json",
    ];
    let bad = run_with(&args, "{\n", &[]);
    assert_eq!(bad.code, 1);
    let lines: Vec<_> = bad.out.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        lines[1],
        r#"{"file":"-","error":"unexpected end of the body at line 2 column 0"}"#
    );

    let missing = run(&["inspect", "no-such-file", "tests/payloads/text.json"]);
    assert_eq!(
        missing.code, 3,
        "a file that cannot be read outweighs a bad body"
    );
    assert!(
        missing
            .out
            .starts_with(r#"{"file":"no-such-file","error":"reading no-such-file failed: "#)
    );
    assert_eq!(missing.out.lines().count(), 2);
}

#[test]
fn the_standard_input_is_the_default() {
    let body = fs::read_to_string(format!("{ROOT}/tests/payloads/text.json")).unwrap();
    let run = run_with(&["inspect", "--table"], &body, &[]);
    assert_eq!(run.code, 0);
    assert!(
        run.out
            .ends_with("bodies 1 unreadable 0 events 1 unrecognized 0\n"),
        "{}",
        run.out
    );
}
