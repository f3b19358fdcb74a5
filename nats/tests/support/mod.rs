//! A real server for the tests, and webhooks for it.
#![allow(dead_code, reason = "each test uses a part of it")]

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

/// A server of its own, with its own folder, on a port that was free.
pub(crate) struct Server {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Server {
    /// Starts one. `None` on a machine that has no server, where the test is
    /// skipped.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with("")
    }

    /// Starts one with these lines in its configuration.
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

    /// Kills it, as a power failure of the program would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, with what it had.
    pub(crate) fn start_again(&mut self) {
        let (child, _) = spawn(self.folder.path(), self.port.into()).unwrap();
        self.child = child;
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) async fn client(&self) -> Client {
        // Comes back soon when the server does.
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

    /// How many bytes of memory it has; 0 where that cannot be seen.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kib.unwrap_or_default() * 1024
    }

    /// How many messages a stream has.
    pub(crate) async fn count(&self, stream: &str) -> u64 {
        let mut stream = self.jetstream().await.get_stream(stream).await.unwrap();
        stream.info().await.unwrap().state.messages
    }

    /// Whether nothing is left to do in any partition of a stream.
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

/// Starts the program, and waits until it takes connections. Gives its port.
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
    let mut said = String::new();
    for line in &mut lines {
        let line = line.unwrap();
        said.push_str(&line);
        said.push('\n');
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
    // What it says further must not fill the pipe.
    thread::spawn(move || lines.for_each(drop));
    let port = found.unwrap_or_else(|| panic!("the server did not start:\n{said}"));
    Some((child, port))
}

/// Says that a test was skipped; by other means than those that the test harness
/// hides. Fails where the server must be there.
fn skip(program: &str) {
    assert!(
        env::var_os("NATS_SERVER_REQUIRED").is_none(),
        "{program} is not there"
    );
    let test = thread::current().name().unwrap_or_default().to_owned();
    let _ = writeln!(
        io::stderr(),
        "skipped: {test} needs {program} (apt-get install nats-server)"
    );
}

/// The body of a webhook with these messages: a user, a wamid and a text each.
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

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("a minute has passed, and still not: {what}");
}
