//! The script `run` starts each example, and the README has a row for each.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use whatsapp_signals::SignatureVerifier;

const TEXT: &[u8] = include_bytes!("../../../tests/payloads/text.json");

/// The lines that a server prints of the webhook.
const EVENT: &str = r#""signal":"message_received""#;

/// A script, with temporary folders of its own.
struct Script {
    child: Child,
    folder: TempDir,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Script {
    fn start(name: &str) -> Self {
        let folder = TempDir::new().unwrap();
        // Postgres has its data there, as another user.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let programs = Path::new(env!("CARGO_BIN_EXE_axum")).parent().unwrap();
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/run"));
        for variable in [
            "DATABASE",
            "META_APP_SECRET",
            "META_ACCESS_TOKEN",
            "NATS_URL",
            "HOST",
        ] {
            command.env_remove(variable);
        }
        let command = command.arg(name).env("BIN", programs).env("PORT", "0");
        let command = command.env("TMPDIR", folder.path()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            folder,
            lines,
        }
    }

    /// Returns the first line with this text, or `None` at the end of the output.
    fn line(&mut self, text: &str) -> Option<String> {
        let mut lines = self.lines.by_ref().map(Result::unwrap);
        lines.find(|line| line.contains(text) || is_skip(line))
    }

    /// Ends the script, and checks that nothing remains. A script in the background ignores Ctrl-C.
    fn stop(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
        let files: Vec<_> = fs::read_dir(self.folder.path()).unwrap().collect();
        assert!(files.is_empty(), "{files:?}");
    }
}

/// Ends the servers of a failed test.
impl Drop for Script {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
            _ = self.child.wait();
        }
    }
}

/// Returns true if the script ended because this machine lacks a server.
fn is_skip(line: &str) -> bool {
    let is_optional = |variable| std::env::var_os(variable).is_none();
    line.starts_with("there is no ")
        && is_optional("NATS_SERVER_REQUIRED")
        && is_optional("POSTGRES_REQUIRED")
}

#[tokio::test]
async fn the_script_starts_each_example_with_all_that_it_needs() {
    for (name, printed) in [
        ("axum", EVENT),
        ("actix", EVENT),
        ("hi", r#""text":{"body":"hi"}"#),
        ("lambda", EVENT),
        ("tender", EVENT),
        ("web", EVENT),
    ] {
        let mut script = Script::start(name);
        let line = script.line("whatsapp-signals send text").expect(name);
        if is_skip(&line) {
            eprintln!("skipped {name}: {line}");
            continue;
        }
        let (command, url) = line.split_once(" --url ").expect(name);
        let secret = "    META_APP_SECRET=secret whatsapp-signals send text 'Is my bike ready?'";
        assert_eq!(command, secret, "{name}");

        let signature = SignatureVerifier::new("secret").unwrap().sign(TEXT);
        let request = Client::new().post(url).body(TEXT);
        let request = request.header("x-hub-signature-256", signature);
        let status = request.send().await.unwrap().status();
        assert_eq!(status, 200, "{name}");
        assert!(script.line(printed).is_some(), "{name}");
        script.stop();
    }
}

#[test]
fn the_script_runs_the_campaign_to_its_end() {
    let mut script = Script::start("campaign");
    assert!(script.line("Spring tune-up: 200 contacts").is_some());
    assert!(script.line("failed     10").is_some());
    assert!(script.child.wait().unwrap().success());
}

#[test]
fn an_unknown_name_is_answered_with_all_names() {
    let mut script = Script::start("nginx");
    let usage = script.line("usage: ").unwrap();
    let names = usage.rsplit(' ').next().unwrap().split('|');
    let names: BTreeSet<_> = names.map(|name| format!("./run {name}")).collect();
    assert_eq!(names, column(1));
    assert_eq!(script.child.wait().unwrap().code(), Some(2));
}

#[test]
fn the_readme_has_a_row_for_each_program() {
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin")).unwrap();
    let names = files.map(|file| file.unwrap().path().file_stem().unwrap().to_owned());
    let names: BTreeSet<_> = names.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(names, column(0));
}

/// Returns the code in a column of the README's table of programs.
fn column(number: usize) -> BTreeSet<String> {
    let rows = include_str!("../README.md").lines();
    let rows = rows.skip_while(|line| !line.starts_with("| Program |"));
    let rows = rows.take_while(|line| line.starts_with('|')).skip(2);
    let cells = rows.filter_map(|row| row.split('|').nth(number + 1));
    let code = cells.map(|cell| cell.trim().trim_matches('`').to_owned());
    code.filter(|code| !code.is_empty()).collect()
}
