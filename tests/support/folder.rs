//! A folder that is deleted at the end of a test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

/// The parent of the folders: a file system in memory, if it has a gigabyte of room. There a commit
/// of SQLite does not wait for a disk, which halves the time of the tests.
static PARENT: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let output = Command::new("df").arg("-Pk").arg(memory).output();
    let output = output.map(|output| output.stdout).unwrap_or_default();
    let table = String::from_utf8_lossy(&output).into_owned();
    let available = table
        .lines()
        .nth(1)
        .and_then(|row| row.split_whitespace().nth(3));
    let available: u64 = available
        .and_then(|kib| kib.parse().ok())
        .unwrap_or_default();
    if env::var_os("TMPDIR").is_none() && memory.is_dir() && available >= 1 << 20 {
        memory.to_owned()
    } else {
        env::temp_dir()
    }
});

pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // Ordering: only the number itself matters.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("whatsapp-signals-test-{}-{number}", process::id());
        let path = PARENT.join(name);
        fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
