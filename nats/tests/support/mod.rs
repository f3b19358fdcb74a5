//! A NATS server for the tests, and webhooks to publish.
#![allow(dead_code, reason = "each test uses a part of the module")]

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use futures_util::StreamExt;
use tempfile::TempDir;
use whatsapp_signals::testing;
use whatsapp_signals_nats::async_nats::{Client, ConnectOptions, jetstream};
use whatsapp_signals_nats::{EventStream, StreamConfig, ensure_stream};

/// A server with a temporary folder, on a free port.
pub(crate) struct Server {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Server {
    /// Starts a server. Returns `None` on a machine without the program, where the test is
    /// skipped.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with("")
    }

    /// Starts a server with these lines in its configuration.
    pub(crate) fn start_with(settings: &str) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("server.conf"), settings).unwrap();
        let (child, port) = spawn(folder.path(), -1)?;
        Some(Self {
            child,
            port,
            folder,
        })
    }

    /// Kills the process, without a chance to write anything.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts the server again with its folder and port.
    pub(crate) fn restart(&mut self) {
        let (child, _) = spawn(self.folder.path(), self.port.into()).unwrap();
        self.child = child;
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) async fn client(&self) -> Client {
        // Reconnects soon after a restart of the server.
        let options = ConnectOptions::new()
            .reconnect_delay_callback(|_| Duration::from_millis(50))
            .max_reconnects(None);
        options.connect(self.url()).await.unwrap()
    }

    pub(crate) async fn jetstream(&self) -> jetstream::Context {
        jetstream::new(self.client().await)
    }

    pub(crate) async fn stream(&self, config: StreamConfig) -> EventStream {
        ensure_stream(&self.jetstream().await, config)
            .await
            .unwrap()
    }

    /// Returns the resident memory in bytes; 0 where `/proc` does not exist.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kib.unwrap_or_default() * 1024
    }

    /// Returns the number of messages of a stream.
    pub(crate) async fn count(&self, stream: &str) -> u64 {
        let mut stream = self.jetstream().await.get_stream(stream).await.unwrap();
        stream.info().await.unwrap().state.messages
    }

    /// Returns true if no partition of a stream has pending or unacknowledged events.
    pub(crate) async fn is_idle(&self, stream: &str) -> bool {
        let stream = self.jetstream().await.get_stream(stream).await.unwrap();
        let mut names = stream.consumer_names();
        let mut count = 0;
        while let Some(name) = names.next().await {
            let info = stream.consumer_info(name.unwrap()).await.unwrap();
            if info.num_pending > 0 || info.num_ack_pending > 0 {
                return false;
            }
            count += 1;
        }
        count > 0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the program, waits until it accepts connections, and returns its port.
fn spawn(folder: &Path, port: i32) -> Option<(Child, u16)> {
    let program = env::var("NATS_SERVER")
        .ok()
        .filter(|program| !program.is_empty());
    let program = program.unwrap_or_else(|| "nats-server".into());
    let mut command = Command::new(&program);
    command
        .args([
            "--addr",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--config",
        ])
        .arg(folder.join("server.conf"))
        .args(["--jetstream", "--store_dir"])
        .arg(folder.join("data"))
        .stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            skip(&program);
            return None;
        }
        Err(error) => panic!("{program}: {error}"),
    };
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut found = None;
    let mut log = String::new();
    for line in &mut lines {
        let line = line.unwrap();
        log.push_str(&line);
        log.push('\n');
        if let Some((_, address)) = line.split_once("client connections on ") {
            found = address
                .rsplit(':')
                .next()
                .and_then(|port| port.parse().ok());
        }
        if line.ends_with("Server is ready") {
            break;
        }
    }
    // A full pipe would block the server.
    thread::spawn(move || lines.for_each(drop));
    let port = found.unwrap_or_else(|| panic!("the server did not start:\n{log}"));
    Some((child, port))
}

/// Writes to stderr that a test is skipped, past the capture of the test harness. Panics if the
/// server is required.
fn skip(program: &str) {
    assert!(
        env::var_os("NATS_SERVER_REQUIRED").is_none(),
        "{program} is not installed"
    );
    let test = thread::current().name().unwrap_or_default().to_owned();
    let _ = writeln!(
        io::stderr(),
        "skipped: {test} needs {program} (apt-get install nats-server)"
    );
}

/// Returns the body of a webhook with these messages: a user, a wamid and a text each.
pub(crate) fn body<'a>(messages: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> String {
    let messages = messages.into_iter().map(|(user, wamid, text)| {
        let message = testing::text(text).from(user).without_contact();
        message
            .id(wamid)
            .to_number("106540352242922", "15550783881")
    });
    String::from_utf8(testing::batch(messages).body()).unwrap()
}

pub(crate) fn webhook(body: &str) -> whatsapp_signals::Webhook {
    whatsapp_signals::parse(body.as_bytes()).unwrap()
}

/// Waits until a condition holds, up to a minute.
pub(crate) async fn until(condition: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not within a minute: {condition}");
}
