//! The table of DESIGN.md that says what each event is known by, held against the code.

use std::collections::{BTreeSet, HashMap};
use std::fs;

use proptest::prelude::*;
use serde_json::Value;
use whatsapp_signals::event::WebhookEvent;
use whatsapp_signals::store::MemoryStore;
use whatsapp_signals::{WebhookEngine, parse, signals};

use super::support;

/// The members of an item that its key holds.
enum KnownBy {
    Everything,
    Members(Vec<Member>),
}

/// A member that counts, perhaps on a condition.
struct Member {
    path: String,
    /// Only if this member is there.
    of: Option<String>,
    /// Only if none of these is there.
    without: Vec<String>,
    /// Not if this member has one of these values.
    unless: Option<(String, Vec<String>)>,
}

struct Row {
    signals: Vec<String>,
    known_by: KnownBy,
    /// The members without which it may recur; `None` when it never does.
    recurs_without: Option<Vec<String>>,
}

/// The texts between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn rows() -> Vec<Row> {
    let design = concat!(env!("CARGO_MANIFEST_DIR"), "/DESIGN.md");
    let design = fs::read_to_string(design).unwrap();
    let (_, table) = design.split_once("<!-- keys -->\n").unwrap();
    let rows = table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .skip(2);
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [signals, known_by, recurs, why] = cells[..] else {
            panic!("four cells: {row}")
        };
        assert!(!why.is_empty(), "{row}");
        Row {
            signals: quoted(signals),
            known_by: match known_by {
                "everything" => KnownBy::Everything,
                members => KnownBy::Members(members.split(", ").map(member).collect()),
            },
            recurs_without: (recurs != "never").then(|| quoted(recurs)),
        }
    })
    .collect()
}

fn member(cell: &str) -> Member {
    let (rest, without) = cell.split_once("without ").unwrap_or((cell, ""));
    let (rest, unless) = rest.split_once(" unless ").unwrap_or((rest, ""));
    let mut names = quoted(rest).into_iter();
    let mut unless = quoted(unless).into_iter();
    Member {
        path: names.next().unwrap(),
        of: names.next(),
        without: quoted(without),
        unless: unless.next().map(|member| (member, unless.collect())),
    }
}

fn row<'r>(rows: &'r [Row], signal: &str) -> &'r Row {
    let is_it = |row: &&Row| row.signals.iter().any(|name| name == signal);
    rows.iter()
        .find(is_it)
        .unwrap_or_else(|| panic!("{signal} is in no row"))
}

fn at<'v>(item: &'v Value, path: &str) -> Option<&'v Value> {
    let found = item.pointer(&format!("/{}", path.replace('.', "/")))?;
    (!found.is_null()).then_some(found)
}

impl KnownBy {
    /// Returns true if the key of an item contains the value at a path of the item.
    fn holds(&self, item: &Value, path: &str) -> bool {
        // Meta signs it again for each repetition.
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        let medium = at(item, parent).filter(|_| name == "url");
        if medium.is_some_and(|medium| at(medium, "id").is_some()) {
            return false;
        }
        let members = match self {
            Self::Everything => return true,
            Self::Members(members) => members,
        };
        members.iter().any(|member| {
            let is_it = path == member.path || path.starts_with(&format!("{}.", member.path));
            let has = |path: &String| at(item, path).is_some();
            let is_excepted = member.unless.as_ref().is_some_and(|(path, values)| {
                let value = at(item, path).and_then(Value::as_str);
                value.is_some_and(|value| values.iter().any(|known| known == value))
            });
            let is_missing = !member.without.iter().any(has);
            is_it && !is_excepted && is_missing && member.of.iter().all(has)
        })
    }
}

/// The paths of all scalars, and their texts; an element of a list has its index.
fn leaves(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                leaves(&below(name), member, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(&below(&index.to_string()), item, found);
            }
        }
        Value::Null => {}
        // `1` and `"1"` are one id.
        scalar => found.push((path.to_owned(), scalar.to_string().replace('"', ""))),
    }
}

/// The same item with another value at a path.
fn changed(item: &Value, path: &str) -> Value {
    let mut item = item.clone();
    let leaf = item
        .pointer_mut(&format!("/{}", path.replace('.', "/")))
        .unwrap();
    *leaf = match leaf {
        Value::String(text) => Value::String(format!("{text}7")),
        Value::Number(number) => (number.as_f64().unwrap() + 1.0).into(),
        Value::Bool(bool) => Value::Bool(!*bool),
        other => panic!("{other}"),
    };
    item
}

fn events(body: &str) -> Vec<WebhookEvent> {
    parse(body.as_bytes()).unwrap().into_events()
}

/// Calls `check` with each event of the bodies whose item is a JSON object that stands in its
/// body once, the item, and a function that returns the event for another item in its place.
fn for_each_item(
    mut check: impl FnMut(&str, &WebhookEvent, &Value, &dyn Fn(&Value) -> Option<WebhookEvent>),
) {
    for (file, body) in support::payloads().into_iter().chain(support::reported()) {
        let Ok(webhook) = parse(body.as_bytes()) else {
            continue; // an entry alone
        };
        for (index, event) in webhook.iter().enumerate() {
            let raw = event.raw().as_str();
            let Ok(item) = serde_json::from_str::<Value>(raw) else {
                continue; // half a character
            };
            if !item.is_object() || body.matches(raw).count() != 1 {
                continue;
            }
            let read = |item: &Value| {
                let found = events(&body.replace(raw, &item.to_string()));
                let is_same = |found: &WebhookEvent| found.name() == event.name();
                found.into_iter().nth(index).filter(is_same)
            };
            check(&file, event, &item, &read);
        }
    }
}

#[test]
fn the_table_has_every_signal_once() {
    let listed: Vec<_> = rows().into_iter().flat_map(|row| row.signals).collect();
    let all: BTreeSet<_> = signals::ALL
        .iter()
        .map(|signal| signal.name().to_owned())
        .filter(|name| name != "any_event")
        .collect();
    assert_eq!(listed.len(), all.len());
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), all);
}

#[test]
fn a_key_has_exactly_the_members_of_the_table() {
    let rows = rows();
    let (mut holds, mut ignores) = (0, 0);
    for_each_item(|file, event, item, read| {
        assert_eq!(read(item).unwrap().dedup_key(), event.dedup_key(), "{file}");
        let row = row(&rows, event.name());
        let mut paths = Vec::new();
        leaves("", item, &mut paths);
        for (path, _) in paths {
            let item = changed(item, &path);
            // The change may make another event of it.
            let Some(other) = read(&item) else {
                continue;
            };
            let is_held = row.known_by.holds(&item, &path);
            let context = format!("{}: {path} in {file}", event.name());
            assert_eq!(other.dedup_key() != event.dedup_key(), is_held, "{context}");
            holds += usize::from(is_held);
            ignores += usize::from(!is_held);
        }
    });
    assert!(holds > 500 && ignores > 500, "{holds} and {ignores}");
}

#[test]
fn an_event_may_recur_without_the_members_that_the_table_says() {
    let rows = rows();
    let mut recurring = BTreeSet::new();
    for_each_item(|file, event, item, read| {
        let context = format!("{} in {file}", event.name());
        let Some(members) = &row(&rows, event.name()).recurs_without else {
            return assert!(!event.repeats(), "{context}");
        };
        let has = |path: &str| {
            at(item, path).is_some_and(|value| *value != 0 && *value != "0" && *value != "")
        };
        let has_time = event.raw().body().contains(r#""time": "#);
        let has_any = has_time || members.iter().any(|path| has(path));
        assert_eq!(event.repeats(), !has_any, "{context}");
        let mut without = item.clone();
        for path in members.iter().filter(|path| has(path)) {
            let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
            let parent = match parent {
                "" => &mut without,
                parent => &mut without[parent],
            };
            // 0 is no time; nothing else would be left of a numbered chunk.
            if name.contains("time") {
                parent[name] = 0.into();
            } else {
                parent.as_object_mut().unwrap().remove(name);
            }
        }
        if let Some(without) = read(&without).filter(|_| !has_time) {
            assert!(without.repeats(), "{context}");
            recurring.insert(event.name());
        }
    });
    assert!(recurring.len() > 10, "{recurring:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    /// Two items of one body have one key only if all that the key holds is equal.
    #[test]
    fn different_items_of_one_body_have_different_keys(
        body in support::malformed::malformed_bodies(&support::all())
    ) {
        let rows = rows();
        let Ok(webhook) = parse(body.as_bytes()) else { return Ok(()) };
        let mut known = HashMap::new();
        for event in &webhook {
            let Ok(item) = serde_json::from_str::<Value>(event.raw().as_str()) else { continue };
            let mut paths = Vec::new();
            leaves("", &item, &mut paths);
            let known_by = &row(&rows, event.name()).known_by;
            paths.retain(|(path, _)| known_by.holds(&item, path));
            let held: BTreeSet<_> = paths.into_iter().collect();
            let before = known.entry(event.dedup_key()).or_insert_with(|| held.clone());
            prop_assert_eq!(&*before, &held, "{}", event.dedup_key());
        }
    }

    #[test]
    fn a_repeated_body_gives_only_recurring_events_again(
        body in support::malformed::malformed_bodies(&support::all())
    ) {
        let Ok(webhook) = parse(body.as_bytes()) else { return Ok(()) };
        let may_recur = webhook.iter().filter(|event| event.repeats()).count();
        let engine = WebhookEngine::new(MemoryStore::new());
        let _ = engine.process(body.as_bytes()).unwrap();
        let again = engine.process(body.as_bytes()).unwrap();
        prop_assert!(again.delivered() <= may_recur);
        // With others that have an id or a time, they are repeated like these.
        let is_alone = may_recur == webhook.events().len();
        prop_assert!(is_alone || again.delivered() == 0);
    }
}
