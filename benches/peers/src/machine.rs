//! Describes where the times were measured.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

/// The versions that this benchmark is built with.
const LOCKFILE: &str = include_str!("../Cargo.lock");

/// Returns the CPU, its cores, the system, the compiler and the load, as a sentence.
pub(crate) fn description() -> String {
    let cores = available_parallelism().map_or(0, usize::from);
    let parts = [
        cpu().unwrap_or_else(|| "unknown CPU".to_owned()),
        format!("{cores} cores"),
        system(),
        std::env::consts::ARCH.to_owned(),
        compiler().unwrap_or_else(|| "unknown rustc".to_owned()),
        format!("serde_json {}", version("serde_json").unwrap_or("unknown")),
    ];
    let load = load().map_or_else(String::new, |load| {
        format!(" Load average before the run: {load}.")
    });
    format!("{}.{load}", parts.join(", "))
}

/// Returns the locked version of a package.
pub(crate) fn version(package: &str) -> Option<&'static str> {
    let line = format!("name = \"{package}\"\nversion = \"");
    let (_, rest) = LOCKFILE.split_once(&line)?;
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
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-V").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.split(" (").next()?.trim().to_owned()).filter(|text| !text.is_empty())
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
