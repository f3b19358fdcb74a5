//! A server process.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::Once;
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use serde_json::Value;

pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub const OLD_SECRET: &str = "fedcba9876543210fedcba9876543210";
pub const VERIFY_TOKEN: &str = "a token & more";

pub struct Server {
    child: Child,
    url: String,
    /// The keys of the printed events, in order.
    printed: Option<JoinHandle<Vec<String>>>,
}

/// Returns the number of lines with a key.
pub type Printed = HashMap<String, usize>;

impl Server {
    /// Starts a server and reads its output.
    pub fn start(binary: &str, database: &Path) -> Self {
        Self::start_command(command(binary, database))
    }

    /// Starts a server with these settings and reads its output.
    pub fn start_command(command: Command) -> Self {
        let mut server = Self::start_stalled(command);
        server.read();
        server
    }

    /// Starts a server whose output is read later. Its receivers block when the pipe is full.
    pub fn start_stalled(command: Command) -> Self {
        let (server, errors) = Self::start_unread(command);
        thread::spawn(move || errors.lines().for_each(drop));
        server
    }

    /// Starts to read the output.
    pub fn read(&mut self) {
        let out = self.child.stdout.take().unwrap();
        self.printed = Some(thread::spawn(move || {
            let keys = BufReader::new(out).lines().map(|line| {
                let line = line.unwrap();
                let event: Value = serde_json::from_str(&line).expect("a line of JSON");
                assert!(event["signal"].is_string() && event["event"].is_object());
                event["key"].as_str().unwrap().to_owned()
            });
            keys.collect()
        }));
    }

    /// Starts a server whose stdout and stderr are closed, so that its receivers fail.
    pub fn start_mute(command: Command) -> Self {
        let (mut server, _) = Self::start_unread(command);
        drop(server.child.stdout.take());
        server
    }

    fn start_unread(mut command: Command) -> (Self, BufReader<ChildStderr>) {
        raise_limit_of_files();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        errors.read_line(&mut line).unwrap();
        let url = match line.trim_end() {
            // A worker has no port.
            "working" => "",
            line => line.strip_prefix("listening on ").expect(line),
        };
        let url = url.to_owned();
        let printed = None;
        (
            Self {
                child,
                url,
                printed,
            },
            errors,
        )
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// Waits for the end of the process.
    pub fn wait(self) -> (ExitStatus, Printed) {
        let (status, keys) = self.wait_for_keys();
        let mut printed = Printed::new();
        for key in keys {
            *printed.entry(key).or_default() += 1;
        }
        (status, printed)
    }

    fn wait_for_keys(mut self) -> (ExitStatus, Vec<String>) {
        let status = self.child.wait().unwrap();
        let printed = self.printed.take();
        let keys = printed.map(|printed| printed.join().unwrap());
        (status, keys.unwrap_or_default())
    }

    /// Sends SIGTERM, as a process manager does.
    pub fn stop(self) -> Printed {
        self.signal(Signal::TERM);
        let (status, printed) = self.wait();
        assert!(status.success(), "{status}");
        printed
    }

    /// Sends SIGTERM, and returns the keys of the printed events in order.
    pub fn stop_in_order(self) -> Vec<String> {
        self.signal(Signal::TERM);
        let (status, keys) = self.wait_for_keys();
        assert!(status.success(), "{status}");
        keys
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process of a failed test.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn command(binary: &str, database: &Path) -> Command {
    let mut command = Command::new(binary);
    command
        .env("DATABASE", database)
        .env("META_APP_SECRET", format!("{SECRET}, {OLD_SECRET}"))
        .env("META_VERIFY_TOKEN", VERIFY_TOKEN)
        .env("PORT", "0")
        .env_remove("HOST");
    command
}

/// The settings of a server that answers when a webhook is stored.
pub fn background(binary: &str, database: &Path) -> Command {
    let mut command = command(binary, database);
    command.env("ANSWER", "stored");
    command
}

/// Raises the limit of open files, which the server inherits: many systems allow fewer than a
/// thousand connections by default.
fn raise_limit_of_files() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: limit.maximum,
            ..limit
        };
        setrlimit(Resource::Nofile, raised).unwrap();
    });
}
