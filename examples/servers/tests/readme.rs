//! The library's README shows the bot as it is here.

#[test]
fn the_readme_shows_the_bot_that_is_tested() {
    let readme = include_str!("../../../README.md");
    let bot = include_str!("../src/bin/hi.rs");
    let (_, code) = bot.split_once("\n\n").expect("a doc comment");
    assert!(readme.contains(code), "it does not have:\n{code}");
}
