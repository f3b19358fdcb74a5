//! A server as a process of its own.

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
    /// The keys of the printed events, in their order.
    printed: Option<JoinHandle<Vec<String>>>,
}

/// How often the event with a key was printed.
pub type Printed = HashMap<String, usize>;

impl Server {
    /// Starts one whose output is read.
    pub fn start(binary: &str, database: &Path) -> Self {
        Self::start_command(command(binary, database))
    }

    /// The same, with settings of its own.
    pub fn start_command(command: Command) -> Self {
        let mut server = Self::start_stalled(command);
        server.read();
        server
    }

    /// Starts one whose output is read later. Its receivers block as soon as the pipe is full.
    pub fn start_stalled(command: Command) -> Self {
        let (server, errors) = Self::start_unread(command);
        thread::spawn(move || errors.lines().for_each(drop));
        server
    }

    /// Begins to read the output.
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

    /// Starts one whose output and errors nobody reads, so that its receivers
    /// fail.
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
            // It listens to nobody, and takes work from a queue.
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

    /// Waits until it has ended.
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

    /// Asks it to end, as a process manager does.
    pub fn stop(self) -> Printed {
        self.signal(Signal::TERM);
        let (status, printed) = self.wait();
        assert!(status.success(), "{status}");
        printed
    }

    /// The same, and returns the keys of the printed events in their order.
    pub fn stop_in_order(self) -> Vec<String> {
        self.signal(Signal::TERM);
        let (status, keys) = self.wait_for_keys();
        assert!(status.success(), "{status}");
        keys
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Only a test that has failed leaves it running.
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

/// The same, and webhooks are answered once they are stored.
pub fn background(binary: &str, database: &Path) -> Command {
    let mut command = command(binary, database);
    command.env("ANSWER", "stored");
    command
}

/// A thousand connections are more than many systems allow at first; the server
/// inherits what we may have.
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
