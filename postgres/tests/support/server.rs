//! A real server for the tests, and stores in it.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use whatsapp_signals_postgres::deadpool_postgres::tokio_postgres::{Config, NoTls};
use whatsapp_signals_postgres::deadpool_postgres::{Manager, Pool};
use whatsapp_signals_postgres::{PostgresOptions, PostgresStore};

/// Runs a server until the input ends, as it does when the test program does in any way. A line of
/// the input with the name of a signal ends the server, and starts it again. With the port of a
/// primary server, the server is a standby. The folder has the user that the server runs as.
const SCRIPT: &str = r#"
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
if [ -z "$4" ]; then
    "$1/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --no-locale --no-sync
else
    "$1/pg_basebackup" -D "$folder/data" -R -h 127.0.0.1 -p "$4" -U postgres -c fast --no-sync
fi >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
start() {
    "$1/postgres" -D "$folder/data" -p "$2" -c listen_addresses=127.0.0.1 \
        -c unix_socket_directories="$folder" -c max_connections=200 -c wal_writer_delay=10s $3 \
        >>"$folder/log" 2>&1 &
    server=$!
    n=0
    until "$1/pg_isready" -q -h 127.0.0.1 -p "$2"; do
        n=$((n + 1))
        if [ "$n" -gt 200 ] || ! kill -0 "$server"; then cat "$folder/log" >&2; exit 1; fi
        sleep 0.1
    done
    echo ready
}
start "$@"
while read -r signal; do
    kill -"$signal" "$server"
    wait "$server"
    start "$@"
done
kill -QUIT "$server"
wait "$server"
"#;

/// A server with a folder of its own, on a port that was free.
pub(crate) struct Server {
    port: u16,
    /// The server ends when they are closed.
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    child: Child,
}

impl Server {
    /// Returns the server of this test program, or `None` on a machine without one, where the test
    /// is skipped.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        let start = || Self::start_with("-c fsync=off");
        SERVER.get_or_init(start).as_ref()
    }

    /// Starts a server with these options.
    pub(crate) fn start_with(options: &str) -> Option<Self> {
        let Some(folder) = find_programs() else {
            let is_required = env::var_os("POSTGRES_REQUIRED").is_some_and(|value| value == "1");
            assert!(
                !is_required,
                "there is no Postgres server: apt-get install postgresql"
            );
            eprintln!("skipped: there is no Postgres server (apt-get install postgresql)");
            return None;
        };
        Some(start(&folder, options, None))
    }

    /// Starts a standby with these options, to which this server streams its log.
    pub(crate) fn start_standby(&self, options: &str) -> Self {
        let folder = find_programs().expect("this server runs");
        start(&folder, options, Some(self.port))
    }

    /// Ends the server as by a crash, and returns when it has ended.
    pub(crate) fn end(self) {
        let Self {
            pipes, mut child, ..
        } = self;
        drop(pipes);
        child.wait().unwrap();
    }

    /// Ends the server by a signal: `INT` closes its connections, and after `QUIT` it recovers as
    /// from a crash. Waits until it is ready again.
    pub(crate) fn restart(&self, signal: &str) {
        let mut pipes = self.pipes.lock();
        writeln!(pipes.0, "{signal}").unwrap();
        let mut line = String::new();
        pipes.1.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready");
    }

    /// Returns the URL of the database.
    pub(crate) fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// Returns the URL of the database for a user.
    pub(crate) fn url_of(&self, user: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/postgres", self.port)
    }

    /// Returns the port of the server.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the URL of the database on the server at another port or on this server: the first
    /// one that writes.
    pub(crate) fn url_after(&self, other: u16) -> String {
        let port = self.port;
        format!(
            "postgres://postgres@127.0.0.1:{other},127.0.0.1:{port}/postgres\
            ?target_session_attrs=read-write"
        )
    }

    /// Returns a pool of an administrator.
    pub(crate) fn pool(&self) -> Pool {
        Self::pool_of(&self.url())
    }

    /// Returns a pool of connections by a URL.
    pub(crate) fn pool_of(url: &str) -> Pool {
        let config: Config = url.parse().unwrap();
        Pool::builder(Manager::new(config, NoTls)).build().unwrap()
    }

    /// Returns the options of a store in a schema of its own.
    pub(crate) fn options() -> PostgresOptions {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        // With a character that must be quoted.
        PostgresOptions::new().schema(format!("Test \"{n}\" $$'\\"))
    }

    /// Returns an empty store.
    pub(crate) async fn store(&self) -> PostgresStore {
        self.open(Self::options()).await
    }

    /// Returns a store with its tables.
    pub(crate) async fn open(&self, options: PostgresOptions) -> PostgresStore {
        let store = options.connect(&self.url()).await.unwrap();
        store.migrate().await.unwrap();
        store
    }
}

fn start(folder: &Path, options: &str, primary: Option<u16>) -> Server {
    // Another program may take the port before the server does.
    let started = (0..3).find_map(|_| spawn(folder, options, primary));
    started.expect("the server starts")
}

fn spawn(folder: &Path, options: &str, primary: Option<u16>) -> Option<Server> {
    let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    let port = port.unwrap().port();
    // `initdb` and `postgres` refuse to run as root.
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    let mut child = command
        .args(["-c", SCRIPT, "sh"])
        .arg(folder)
        .arg(port.to_string())
        .arg(options)
        .args(primary.map(|port| port.to_string()))
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input = child.stdin.take().unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    if line.trim() != "ready" {
        let _ = output.read_to_string(&mut line);
        let _ = child.wait();
        return None;
    }
    Some(Server {
        port,
        pipes: Mutex::new((input, output)),
        child,
    })
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

/// Returns the folder of the server's programs: `POSTGRES_BIN`, that of a package, or one of
/// `PATH`.
fn find_programs() -> Option<PathBuf> {
    let set = env::var_os("POSTGRES_BIN").map(PathBuf::from);
    let packages = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut packages: Vec<_> = packages
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    packages.sort();
    let path = env::var_os("PATH").unwrap_or_default();
    let path: Vec<_> = env::split_paths(&path).collect();
    let mut folders = set
        .into_iter()
        .chain(packages.into_iter().rev())
        .chain(path);
    folders.find(|folder| {
        let programs = ["initdb", "postgres", "pg_isready", "pg_basebackup"];
        programs.iter().all(|program| folder.join(program).exists())
    })
}

/// Waits until a condition holds.
pub(crate) async fn until(name: &str, condition: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < Duration::from_secs(60), "{name}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
