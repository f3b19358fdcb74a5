//! The whole public interface of each crate, as text. A change to it shows in a review as
//! a change of a file in `snapshots/`; `INSTA_UPDATE=always cargo test` writes them.

use std::collections::BTreeSet;
use std::path::Path;

use rustdoc_json::{Builder, Color};

/// All that a user of a crate can name, with the crate's own name left out: once each,
/// in order, without what every type has (`Send`) and what is derived. `None`, which is
/// said, with a toolchain whose JSON is not that which `public-api` reads.
fn public_api(package: &str, features: &[&str]) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let json = Builder::default()
        .manifest_path(root.join("Cargo.toml"))
        .package(package)
        .features(features)
        .target_dir(root.join("target/public-api"))
        // So that stable rustdoc writes JSON.
        .env("RUSTC_BOOTSTRAP", "1")
        .color(Color::Never)
        .quiet(true)
        .build()
        .expect("rustdoc succeeds");
    let api = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build();
    let api = api
        .inspect_err(|error| eprintln!("skipped: {package}: {error}"))
        .ok()?;
    let prefix = format!("{}::", package.replace('-', "_"));
    let lines: BTreeSet<String> = api
        .items()
        .map(|item| item.to_string().replace(&prefix, ""))
        .collect();
    Some(Vec::from_iter(lines).join("\n"))
}

#[test]
fn whatsapp_signals() {
    let features = ["sqlite", "tracing", "chrono", "jiff", "time"];
    if let Some(api) = public_api("whatsapp-signals", &features) {
        insta::assert_snapshot!("whatsapp-signals", api);
    }
}

#[test]
fn whatsapp_signals_postgres() {
    if let Some(api) = public_api("whatsapp-signals-postgres", &[]) {
        insta::assert_snapshot!("whatsapp-signals-postgres", api);
    }
}

#[test]
fn whatsapp_signals_nats() {
    if let Some(api) = public_api("whatsapp-signals-nats", &[]) {
        insta::assert_snapshot!("whatsapp-signals-nats", api);
    }
}
