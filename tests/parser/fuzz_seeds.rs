//! Runs the checks of the fuzz targets, without a fuzzer, on the bodies that fuzzing has found and on
//! all sample bodies.

use crate::{checks, support, tape};
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

/// Seeds need not be UTF-8.
fn bodies() -> Vec<(String, Vec<u8>)> {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let mut seeds: Vec<_> = fs::read_dir(seeds)
        .unwrap()
        .map(|seed| seed.unwrap().path())
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "there are seeds");
    let seeds = seeds
        .into_iter()
        .map(|path| (path.display().to_string(), fs::read(path).unwrap()));
    let samples = support::all().into_iter();
    seeds
        .chain(samples.map(|(file, body)| (file, body.into_bytes())))
        .collect()
}

/// Checks all bodies, and says which ones fail.
fn check(check: fn(&[u8])) {
    let mut failed = bodies();
    failed.retain(|(_, body)| catch_unwind(|| check(body)).is_err());
    let failed: Vec<_> = failed.into_iter().map(|(file, _)| file).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn no_item_of_any_body_is_lost_and_parsing_again_gives_the_same() {
    check(checks::parse);
}

#[test]
fn events_survive_serialization_and_keys_survive_another_spelling_of_any_body() {
    check(checks::roundtrip);
}

#[test]
fn the_tape_of_any_body_agrees_with_serde_json() {
    check(|body| {
        if let Ok(text) = str::from_utf8(body) {
            tape::tape(text);
        }
    });
}
