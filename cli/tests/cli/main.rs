//! Runs the program as a script does, and compares its output and its exit codes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;
mod help;
mod inspect;
#[cfg(feature = "nats")]
#[path = "../../../nats/tests/support/mod.rs"]
mod nats_server;
#[cfg(feature = "postgres")]
#[allow(dead_code, reason = "these tests use a part of it")]
#[path = "../../../postgres/tests/support/server.rs"]
mod postgres_server;
mod privacy;
#[cfg(feature = "nats")]
mod queue;
mod send;
mod server;
mod signing;
mod store;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The folder of the repository, in which the program runs.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

const SECRET: &str = "app secret";

/// Returns the paths of all payloads, in order.
fn payloads() -> Vec<String> {
    let entries = std::fs::read_dir(format!("{ROOT}/tests/payloads")).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.into_string().expect("UTF-8"));
    let is_body = |path: &String| Path::new(path).extension() == Some("json".as_ref());
    let paths = names.map(|name| format!("tests/payloads/{name}"));
    let mut paths: Vec<_> = paths.filter(is_body).collect();
    paths.sort();
    paths
}

/// The result of one run.
#[derive(Debug)]
struct Run {
    code: i32,
    out: String,
    errors: String,
}

/// Runs the program with these arguments and the app secret.
fn run(args: &[&str]) -> Run {
    run_with(args, "", &[("META_APP_SECRET", SECRET)])
}

/// Runs the program with arguments, a standard input and variables.
fn run_with(args: &[&str], stdin: &str, variables: &[(&str, &str)]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whatsapp-signals"));
    command
        .args(args)
        .current_dir(ROOT)
        .env_remove("META_APP_SECRET")
        .env_remove("META_VERIFY_TOKEN")
        .env_remove("DATABASE")
        .env_remove("COLUMNS")
        // A proxy must not get the webhooks.
        .env("http_proxy", "http://192.0.2.1:9")
        .env("HTTP_PROXY", "http://192.0.2.1:9")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    // A program that reads nothing closes the pipe.
    let _ = input.write_all(stdin.as_bytes());
    drop(input);
    let output = child.wait_with_output().expect("the program ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Run {
        code: output.status.code().expect("an exit code"),
        out: text(output.stdout),
        errors: text(output.stderr),
    }
}
