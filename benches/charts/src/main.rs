//! Draws the charts of COMPARE.md and benches/README.md from saved numbers.
//!
//! ```sh
//! cargo run --manifest-path benches/charts/Cargo.toml             # draws all charts
//! cargo run --manifest-path benches/charts/Cargo.toml -- stored   # draws one
//! cargo run --manifest-path benches/charts/Cargo.toml -- --check  # compares all with the files
//! ```
//!
//! | Chart | Numbers | Saved by |
//! | --- | --- | --- |
//! | `peers.svg` | the table of COMPARE.md | `cargo run --release --manifest-path benches/peers/Cargo.toml -- --save` |
//! | `stored.svg` | `postgres.txt` | `cargo bench -p whatsapp-signals-postgres -- 5000 10000 100000 1000000 >benches/charts/postgres.txt` |
//! | `stores.svg` | `postgres.txt`, `nats.txt` | the same, and `cargo bench -p whatsapp-signals-nats >benches/charts/nats.txt` |
//!
//! A chart of the stores has its numbers as a table in the same page, between two marks, which this
//! program writes, too.
//!
//! The charts are drawn by plotters, the most used crate for charts, because it writes SVG without
//! a browser, a JavaScript runtime or fonts.

mod chart;
mod peers;
mod results;
mod stores;

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// A file of the repository, and its text.
struct Output {
    path: &'static str,
    text: String,
}

type Draw = fn() -> Result<Vec<Output>>;

const CHARTS: [(&str, Draw); 3] = [
    ("peers", peers::draw),
    ("stored", stores::draw_stored),
    ("stores", stores::draw_stores),
];

fn main() -> Result {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let is_check = arguments == ["--check"];
    let is_wanted = |name: &str| arguments.is_empty() || is_check || arguments == [name];
    let wanted: Vec<_> = CHARTS.iter().filter(|(name, _)| is_wanted(name)).collect();
    if wanted.is_empty() {
        return Err("expected --check or one of peers, stored, stores".into());
    }
    for (name, draw) in wanted {
        for Output { path, text } in draw().map_err(|error| format!("{name}: {error}"))? {
            if !is_check {
                fs::write(absolute(path), text)?;
            } else if read(path)? != text {
                let error = format!("{path} differs from the saved numbers: draw {name} again");
                return Err(error.into());
            }
        }
    }
    Ok(())
}

fn absolute(path: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    PathBuf::from(folder).join(path)
}

/// Returns the text of a file of the repository.
fn read(path: &str) -> Result<String> {
    fs::read_to_string(absolute(path)).map_err(|error| format!("{path}: {error}").into())
}

/// Returns a page with this text between the marks of a name.
fn fill(path: &'static str, name: &str, text: &str) -> Result<Output> {
    let page = read(path)?;
    let (begin, end) = (
        format!("<!-- {name} -->\n"),
        format!("<!-- end of {name} -->"),
    );
    let parts = page.split_once(&begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some(format!("{before}{begin}\n{text}\n{end}{after}"))
    });
    let text = parts.ok_or_else(|| format!("{path} has no marks of {name}"))?;
    Ok(Output { path, text })
}
