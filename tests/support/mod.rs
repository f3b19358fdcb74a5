//! The bodies that several tests read.
#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod batch;
pub(crate) mod cut;
pub(crate) mod engines;
pub(crate) mod folder;
pub(crate) mod json;
pub(crate) mod malformed;
#[cfg(feature = "testing")]
pub(crate) mod messages;
pub(crate) mod object;
pub(crate) mod rows;
pub(crate) mod stores;
pub(crate) mod unsteady;
pub(crate) mod watched;

use std::fs;
use std::path::{Path, PathBuf};

use whatsapp_signals::event::WebhookEvent;
use whatsapp_signals::parse;

/// The events of a body.
#[track_caller]
pub(crate) fn events(body: &str) -> Vec<WebhookEvent> {
    parse(body.as_bytes()).expect("a webhook").into_events()
}

/// Returns the bodies of the repository, by file name.
pub(crate) fn payloads() -> Vec<(String, String)> {
    bodies(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payloads"))
}

/// Returns the bodies of the repository, and those of a collection beside the project if there is
/// one.
pub(crate) fn all() -> Vec<(String, String)> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let mut all = payloads();
    let mut folders: Vec<PathBuf> = fs::read_dir(&beside)
        .map(|found| found.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    folders.retain(|path| path.is_dir());
    folders.sort();
    for folder in folders {
        all.extend(bodies(&folder));
    }
    all
}

/// Returns a body from a public bug report, if the collection is beside the project.
pub(crate) fn case(name: &str) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases/2026-11");
    folder.is_dir().then(|| {
        let path = folder.join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    })
}

/// Returns the bodies of the repository of the kinds that once had a wrong result, by file name.
pub(crate) fn reported() -> Vec<(String, String)> {
    bodies(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payloads/reported"))
}

fn bodies(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a folder's entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} has bodies", folder.display());
    let read = |path: PathBuf| {
        let body = fs::read_to_string(&path).expect("a readable body");
        (
            path.file_name().expect("a name").display().to_string(),
            body,
        )
    };
    files.into_iter().map(read).collect()
}
