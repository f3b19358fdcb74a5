//! The instructions of each operation, counted by valgrind: the same number in every run of a build,
//! however busy the machine is.
//!
//! ```sh
//! cargo bench --bench instructions            # compares with the table in README.md
//! cargo bench --bench instructions -- --save  # writes that table
//! ```
//!
//! The exit code is 1 if an operation exceeds the table by a twentieth. The table names its compiler
//! and C library; with others, the numbers are shown and not judged.
#![allow(missing_docs, reason = "a benchmark")]

#[allow(dead_code, reason = "the baselines are not measured here")]
mod subjects;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

use subjects::Subject;

/// The lines before and after the table.
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
    let counted: Vec<_> = single_threaded()
        .iter()
        .map(|subject| (count(subject), operation_name(subject).to_owned()))
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

/// Returns the subjects of one thread, each operation once.
fn single_threaded() -> Vec<Subject> {
    let mut single_threaded = subjects::all();
    let mut seen = HashSet::new();
    single_threaded.retain(|subject| {
        subject.meanwhile.is_none() && seen.insert(operation_name(subject).to_owned())
    });
    single_threaded
}

/// Returns the name of the operation without that of the baseline.
fn operation_name(subject: &Subject) -> &str {
    subject.name.split(" / ").next().unwrap_or_default()
}

/// Repeats an operation.
fn run(name: &str, times: u32) {
    let mut subjects = subjects::all().into_iter();
    let mut subject = subjects
        .find(|subject| operation_name(subject) == name)
        .expect("a name");
    (subject.operation)(times);
}

/// Returns the instructions of one item: the difference between three repetitions and one.
fn count(subject: &Subject) -> u64 {
    let [once, thrice] = [1, 3].map(|times: u32| {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(env::current_exe().expect("a program"))
            .args(["--run", operation_name(subject), &times.to_string()])
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

/// Returns the compiler, the C library and the architecture, on which the numbers depend.
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

/// Prints the counts beside the table, and fails if one exceeds it.
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
