//! The same webhook bodies through this crate and four others, in one run.
//!
//! ```sh
//! cargo run --release --manifest-path benches/peers/Cargo.toml
//! ```
//!
//! Each crate reads a body in the way that its documentation shows: a function, or a
//! type for serde. `whatsapp-business-rs` reads an HTTP request only, and starts a task
//! for each event; "its frame" is about what these two take of its time. "scan" is
//! serde_json looking at the syntax and keeping nothing, `Value` is its own tree.
//!
//! All take turns on one body, in rounds of a quarter of a millisecond, so that what
//! else the machine does meets all of them. Shown are the medians of the rounds, in
//! nanoseconds a body, and the medians of their ratios to ours in the same round.
//! The tables are Markdown.
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
mod measure;
mod readers;
mod service;

use bodies::Body;
use readers::{Reader, Seen};

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [reader, body, times] = &arguments[..] {
        return only(reader, body, times.parse().expect("a number"));
    }
    speed();
    odd();
}

/// One reader, one body.
fn only(reader: &str, body: &str, times: u32) {
    let mut readers = readers::all().into_iter();
    let mut reader = readers.find(|one| one.name() == reader).expect("a reader");
    let mut bodies = bodies::even().into_iter();
    let body = bodies.find(|one| one.name == body).expect("a body");
    let seen = reader.see(&body).expect("it can be read");
    reader.read(&body, &seen, times);
}

/// How long each takes for each body.
fn speed() {
    println!("| Body | Bytes | {} |", names().join(" | "));
    println!("| --- | --: |{}", " --: |".repeat(names().len()));
    for body in bodies::even() {
        let mut readers = readers::all();
        let seen: Vec<_> = readers.iter_mut().map(|reader| reader.see(&body)).collect();
        let times = measure::medians(&mut readers, &seen, &body);
        let cells: Vec<_> = seen
            .iter()
            .zip(times)
            .map(|(seen, time)| cell(&body, seen.as_ref(), time))
            .collect();
        let (name, len) = (body.name, body.json.len());
        println!("| {name} | {len} | {} |", cells.join(" | "));
    }
}

/// The nanoseconds, the ratio to ours, and how much has come when it was not all.
fn cell(body: &Body, seen: Option<&Seen>, time: Option<(f64, f64)>) -> String {
    let (Some(seen), Some((nanoseconds, ratio))) = (seen, time) else {
        return "error".to_owned();
    };
    match seen.good {
        Some(good) if good < body.good => {
            format!("{nanoseconds:.0} ({ratio:.2}), {good} of {}", body.good)
        }
        _ => format!("{nanoseconds:.0} ({ratio:.2})"),
    }
}

/// What each gives of a text message that has an odd one beside it.
fn odd() {
    let names: Vec<_> = bodies::odd().iter().map(|body| body.name).collect();
    println!("\n| | {} |", names.join(" | "));
    println!("| --- |{}", " --- |".repeat(names.len()));
    for mut reader in readers::crates() {
        let cells = bodies::odd().into_iter().map(|body| {
            let seen = reader.see(&body);
            seen.map_or("error".to_owned(), |seen| told(&seen))
        });
        let cells: Vec<_> = cells.collect();
        println!("| {} | {} |", reader.name(), cells.join(" | "));
    }
}

/// Which of both messages there is, and what of the odd one.
fn told(seen: &Seen) -> String {
    let has = |part| seen.text.contains(part);
    let good = if has(bodies::GOOD) { "text" } else { "no text" };
    let parts = [
        ("id", bodies::ODD_ID),
        ("type", bodies::ODD_TYPE),
        ("content", bodies::ODD_CONTENT),
    ];
    let kept: Vec<_> = parts
        .into_iter()
        .filter_map(|(name, part)| has(part).then_some(name))
        .collect();
    match kept.as_slice() {
        [] => format!("{good}; odd: nothing"),
        kept => format!("{good}; odd: {}", kept.join(", ")),
    }
}

fn names() -> Vec<&'static str> {
    readers::all().iter().map(Reader::name).collect()
}
