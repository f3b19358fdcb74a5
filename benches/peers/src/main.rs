//! The same webhook bodies through this crate and four others, in one run.
//!
//! ```sh
//! cargo run --release --manifest-path benches/peers/Cargo.toml            # prints the tables
//! cargo run --release --manifest-path benches/peers/Cargo.toml -- --save  # and saves them
//! ```
//!
//! `--save` writes the tables and the machine into COMPARE.md, from which `benches/charts` draws.
//!
//! Each crate reads a body in the way that its documentation shows: a function, or a
//! type for serde. `whatsapp-business-rs` reads an HTTP request only, and starts a task
//! for each event; "frame" is about what these two take of its time. "scan" is serde_json
//! looking at the syntax and keeping nothing, "Value" is its own tree. Both tables are
//! Markdown.
//!
//! All take turns on one body, in rounds of a quarter of a millisecond each, so that other
//! load on the machine affects all of them. The tables show the medians of the rounds, in
//! nanoseconds a body, and the medians of their ratios to this crate in the same round.
//!
//! For a profiler: with the names of a crate and of a body behind `--`, and a number,
//! that crate reads that body so many times, and nothing else is done.
//!
//! ```sh
//! cargo build --release --manifest-path benches/peers/Cargo.toml
//! valgrind --tool=callgrind benches/peers/target/release/whatsapp-signals-peers whatsapp "100 texts" 8
//! ```

mod bodies;
#[path = "../../subjects/clock.rs"]
mod clock;
#[path = "../../subjects/machine.rs"]
mod machine;
mod measure;
mod peers;
mod reader;
mod service;
mod table;

use std::fs;

use bodies::Body;
use clock::ROUNDS;
use measure::Time;
use reader::Seen;
use table::{Cell, Row, Table, markdown, whole};

/// The page with the tables, between two marks.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../COMPARE.md");
const BEGIN: &str = "<!-- times -->";
const END: &str = "<!-- end of times -->";
/// The versions that this benchmark is built with.
const LOCKFILE: &str = include_str!("../Cargo.lock");

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let save = match arguments[..] {
        [] => false,
        ["--save"] => true,
        [reader, body, times] => return only(reader, body, times.parse().expect("a number")),
        _ => panic!("expected --save, or a crate, a body and a number"),
    };
    let serde_json = version("serde_json").unwrap_or("unknown");
    let machine = machine::description(&[format!("serde_json {serde_json}")]);
    let (table, references) = speed();
    let times = times(&table, &references, &machine);
    print!("{times}");
    print_rare();
    if save {
        write_page(&times);
    }
}

/// Runs one reader with one body.
fn only(reader: &str, body: &str, times: u32) {
    let mut readers = peers::all().into_iter();
    let mut reader = readers.find(|one| one.name() == reader).expect("a reader");
    let mut bodies = bodies::measured().into_iter();
    let body = bodies.find(|one| one.name == body).expect("a body");
    let seen = reader.see(&body).expect("it can be read");
    reader.read(&body, &seen, times);
}

/// The times of `serde_json` and of the frame of a service for a body.
struct Reference {
    body: &'static str,
    times: Vec<Option<Time>>,
}

/// Measures each reader with each body.
fn speed() -> (Table, Vec<Reference>) {
    let crates: Vec<_> = peers::crates()
        .iter()
        .map(|one| one.name().to_owned())
        .collect();
    let (mut rows, mut references) = (Vec::new(), Vec::new());
    for body in bodies::measured() {
        eprintln!("{} …", body.name);
        let mut readers = peers::all();
        let seen: Vec<_> = readers.iter_mut().map(|reader| reader.see(&body)).collect();
        let times = measure::medians(&mut readers, &seen, &body);
        let cells = seen.iter().zip(&times).take(crates.len());
        rows.push(Row {
            body: body.name.to_owned(),
            bytes: body.json.len(),
            cells: cells
                .map(|(seen, time)| cell(&body, seen.as_ref(), *time))
                .collect(),
        });
        references.push(Reference {
            body: body.name,
            times: times[crates.len()..].to_vec(),
        });
    }
    (Table { crates, rows }, references)
}

fn cell(body: &Body, seen: Option<&Seen>, time: Option<Time>) -> Option<Cell> {
    let (seen, time) = (seen?, time?);
    let documented = seen.documented.filter(|count| *count < body.documented);
    Some(Cell {
        time,
        partial: documented.map(|count| (count, body.documented)),
    })
}

/// Writes the tables as they stand in COMPARE.md.
fn times(table: &Table, references: &[Reference], machine: &str) -> String {
    let peers: Vec<_> = table
        .crates
        .iter()
        .map(|name| format!("`{name}` {}", version(name).unwrap_or("of this repository")))
        .collect();
    let head = [
        "Body",
        "syntax only (`IgnoredAny`)",
        "a tree (`Value`)",
        "request and tasks of `whatsapp-business-rs`",
    ];
    let rows = references.iter().map(|row| {
        let mut line = vec![row.body.to_owned()];
        line.extend(row.times.iter().map(|time| match time {
            Some(time) => format!("{} ({:.2})", whole(time.nanoseconds), time.ratio),
            None => "error".to_owned(),
        }));
        line
    });
    let references = markdown(&head.map(str::to_owned), rows);
    let conditions = format!(
        "Medians of {ROUNDS} rounds, with a turn of each crate in each round. {}. {machine}",
        peers.join(", "),
    );
    format!(
        "\n{}\n{}\n\nFor scale, what serde_json and an HTTP frame take for these bodies:\n\n{references}\n",
        table.to_markdown(),
        textwrap::fill(&conditions, 88),
    )
}

/// Replaces the tables of the page.
fn write_page(times: &str) {
    let page = fs::read_to_string(PAGE).expect("COMPARE.md");
    let (before, rest) = page.split_once(BEGIN).expect("the begin mark");
    let (_, after) = rest.split_once(END).expect("the end mark");
    let page = format!("{before}{BEGIN}\n{times}{END}{after}");
    fs::write(PAGE, page).expect("COMPARE.md is writable");
}

fn version(package: &str) -> Option<&'static str> {
    machine::version(LOCKFILE, package)
}

/// Prints the values that each crate returns for a body with a text and a message of a rare format.
fn print_rare() {
    let names: Vec<_> = bodies::rare().iter().map(|body| body.name).collect();
    println!("\n| | {} |", names.join(" | "));
    println!("| --- |{}", " --- |".repeat(names.len()));
    for mut reader in peers::crates() {
        let cells = bodies::rare().into_iter().map(|body| {
            let seen = reader.see(&body);
            seen.map_or("error".to_owned(), |seen| describe(&seen))
        });
        let cells: Vec<_> = cells.collect();
        println!("| {} | {} |", reader.name(), cells.join(" | "));
    }
}

/// Returns which of both messages were read, and the parts of the rare one.
fn describe(seen: &Seen) -> String {
    let has = |part| seen.text.contains(part);
    let text = if has(bodies::DOCUMENTED_TEXT) {
        "text"
    } else {
        "no text"
    };
    let parts = [
        ("id", bodies::RARE_ID),
        ("type", bodies::RARE_TYPE),
        ("content", bodies::RARE_CONTENT),
    ];
    let kept: Vec<_> = parts
        .into_iter()
        .filter_map(|(name, part)| has(part).then_some(name))
        .collect();
    match kept.as_slice() {
        [] => format!("{text}; other: nothing"),
        kept => format!("{text}; other: {}", kept.join(", ")),
    }
}
