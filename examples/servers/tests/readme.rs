//! The library's README shows the handlers as they are here.

/// The part of a text between two others.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let text = &text[text.find(from).expect(from)..];
    &text[..text.find(to).expect(to)]
}

#[test]
fn the_readme_shows_the_handlers_that_are_tested() {
    let readme = include_str!("../../../README.md");
    let both = include_str!("../src/lib.rs");
    let axum = include_str!("../src/bin/axum.rs");
    for shown in [
        between(both, "impl App {\n", "\n    /// Runs what a crash"),
        between(
            both,
            "/// Who failed, and what",
            "\n/// Until the program is asked",
        ),
        between(axum, "/// Meta registers", "\n#[tokio::main]"),
    ] {
        assert!(readme.contains(shown), "it does not have:\n{shown}");
    }
}
