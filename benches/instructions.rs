//! How many instructions this crate takes, counted by valgrind: the same number
//! in every run of one build, however busy the machine is.
//!
//! ```sh
//! cargo bench --bench instructions            # beside the table in README.md
//! cargo bench --bench instructions -- --save  # writes that table
//! ```
//!
//! It exits with 1 when something takes a twentieth more than the table says.
//! The numbers are those of one compiler and one C library, which the table names;
//! with others they are shown and not judged.
#![allow(missing_docs, reason = "a benchmark")]

#[allow(dead_code, reason = "nothing is measured beside a floor here")]
mod subjects;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

use subjects::Subject;

/// The table stands between these two lines.
const BEGIN: &str = "<!-- instructions -->";
const END: &str = "<!-- end of instructions -->";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [flag, name, times, ..] = &arguments[..]
        && flag == "--run"
    {
        run(name, times.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: there is no valgrind (apt-get install valgrind)");
        return ExitCode::SUCCESS;
    }
    let counted: Vec<_> = alone()
        .iter()
        .map(|subject| (count(subject), ours(subject).to_owned()))
        .collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/README.md");
    let readme = fs::read_to_string(&path).expect("a README");
    let (before, rest) = readme.split_once(BEGIN).expect("a table");
    let (table, after) = rest.split_once(END).expect("the table's end");
    if arguments.iter().any(|flag| flag == "--save") {
        let table = written(&counted);
        fs::write(path, format!("{before}{BEGIN}\n{table}{END}{after}"))
            .expect("it can be written");
        return ExitCode::SUCCESS;
    }
    judge(&counted, table)
}

/// What runs in one thread, each once.
fn alone() -> Vec<Subject> {
    let mut alone = subjects::all();
    let mut seen = HashSet::new();
    alone.retain(|subject| subject.meanwhile.is_none() && seen.insert(ours(subject).to_owned()));
    alone
}

/// What ours is called, without the floor.
fn ours(subject: &Subject) -> &str {
    subject.name.split(" / ").next().unwrap_or_default()
}

/// Does one of them so many times.
fn run(name: &str, times: u32) {
    let mut subjects = subjects::all().into_iter();
    let mut subject = subjects
        .find(|subject| ours(subject) == name)
        .expect("a name");
    (subject.ours)(times);
}

/// How many instructions one thing takes: what a second and third time add to a
/// first.
fn count(subject: &Subject) -> u64 {
    let [once, thrice] = [1, 3].map(|times: u32| {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(env::current_exe().expect("a program"))
            .args(["--run", ours(subject), &times.to_string()])
            .output()
            .expect("valgrind runs");
        let text = String::from_utf8_lossy(&output.stderr);
        let collected = text
            .lines()
            .find_map(|line| line.split_once("Collected : "));
        let (_, count) = collected.unwrap_or_else(|| panic!("no count: {text}"));
        count.trim().parse::<u64>().expect("a number")
    });
    (thrice - once) / 2 / u64::from(subject.per_round[0])
}

/// What the numbers depend on beside our code.
fn build() -> String {
    let first_line = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        text.unwrap_or_default().trim().to_owned()
    };
    let compiler = first_line("rustc", "--version");
    let library = first_line("getconf", "GNU_LIBC_VERSION");
    format!("{compiler}, {library}, {}", env::consts::ARCH)
}

fn written(counted: &[(u64, String)]) -> String {
    let rows = counted
        .iter()
        .map(|(count, name)| format!("| {name} | {count} |\n"));
    format!(
        "| {} | instructions |\n|---|---:|\n{}",
        build(),
        rows.collect::<String>()
    )
}

/// Prints all beside the table; fails when one takes too many.
fn judge(counted: &[(u64, String)], table: &str) -> ExitCode {
    let cells = |line: &str| -> Option<(String, String)> {
        let mut cells = line
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned());
        Some((cells.next()?, cells.next()?))
    };
    let saved: BTreeMap<_, _> = table.lines().filter_map(cells).collect();
    let is_same_build = saved.contains_key(&build());
    let mut code = ExitCode::SUCCESS;
    for (count, name) in counted {
        let before = saved.get(name).and_then(|count| count.parse::<u64>().ok());
        let verdict = match before {
            Some(before) if count * 20 <= before * 21 => "ok",
            _ if !is_same_build => "another compiler or C library",
            Some(_) => "OVER",
            None => "not in the table",
        };
        if matches!(verdict, "OVER" | "not in the table") {
            code = ExitCode::FAILURE;
        }
        let before = before.map_or_else(String::new, |count| count.to_string());
        println!("{name:<40} {count:>9} {before:>9} {verdict}");
    }
    code
}
