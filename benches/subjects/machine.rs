//! The description of the machine.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

/// Returns the date, the CPU, its cores, the system, the compiler, these versions, and the load.
pub(crate) fn description(versions: &[String]) -> String {
    let cores = available_parallelism().map_or(0, usize::from);
    let date = output("date", "+%F").unwrap_or_else(|| "unknown date".to_owned());
    let mut parts = vec![
        date,
        cpu().unwrap_or_else(|| "unknown CPU".to_owned()),
        format!("{cores} cores"),
        system(),
        std::env::consts::ARCH.to_owned(),
        compiler().unwrap_or_else(|| "unknown rustc".to_owned()),
    ];
    parts.extend_from_slice(versions);
    let load = load().map_or_else(String::new, |load| {
        format!(" Load average before the run: {load}.")
    });
    format!("{}.{load}", parts.join(", "))
}

/// Returns the version of a package in a lockfile.
pub(crate) fn version<'t>(lockfile: &'t str, package: &str) -> Option<&'t str> {
    let line = format!("name = \"{package}\"\nversion = \"");
    let (_, rest) = lockfile.split_once(&line)?;
    Some(rest.split_once('"')?.0)
}

fn cpu() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let model = value(&info, "model name", ':')?;
    Some(model.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn system() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = value(&release, "PRETTY_NAME", '=').unwrap_or(std::env::consts::OS);
    name.trim_matches('"').to_owned()
}

/// Returns `rustc 1.95.0`, without the commit.
fn compiler() -> Option<String> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let text = output(&rustc, "-V")?;
    Some(text.split(" (").next()?.to_owned())
}

/// Returns the output of a program, if there is any.
fn output(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Returns the load of the last minute. Read it before the benchmark adds its own.
fn load() -> Option<String> {
    let loads = fs::read_to_string("/proc/loadavg").ok()?;
    Some(loads.split(' ').next()?.to_owned())
}

/// Returns the value of a `name: value` line.
fn value<'t>(text: &'t str, name: &str, separator: char) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(separator)?;
        (key.trim() == name).then_some(value.trim())
    })
}
