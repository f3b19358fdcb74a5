//! The README of the library shows the bot as it is here, and that of the servers shows the summary
//! of the campaign.

use std::process::Command;

#[test]
fn the_readme_shows_the_bot_that_is_tested() {
    let readme = include_str!("../../../README.md");
    let bot = include_str!("../src/bin/hi.rs");
    let (_, code) = bot.split_once("\n\n").expect("a doc comment");
    assert!(readme.contains(code), "it does not have:\n{code}");
}

#[test]
fn a_campaign_ends_with_the_counts_of_the_readme() {
    let mut campaign = Command::new(env!("CARGO_BIN_EXE_campaign"));
    let output = campaign.env_remove("DATABASE").output().unwrap();
    let [summary, errors] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{errors}");
    assert_eq!(errors, "", "bars are for terminals");
    let readme = include_str!("../README.md");
    assert!(
        readme.contains(&format!("```text\n{summary}```\n")),
        "it does not have:\n{summary}"
    );
}
