//! The pages show the bot and the summary of the campaign as they are here.

use std::process::Command;

const BOT: &str = include_str!("../src/bin/hi.rs");

#[test]
fn the_page_about_axum_shows_the_bot_that_is_tested() {
    let page = include_str!("../../../docs/axum.md");
    let (_, code) = BOT.split_once("\n\n").expect("a doc comment");
    assert!(page.contains(code), "it does not have:\n{code}");
}

/// Between the parts that the README shows stands `// …`.
#[test]
fn the_readme_shows_parts_of_the_bot_in_their_order() {
    let readme = include_str!("../../../README.md");
    let (_, code) = readme.split_once("```rust,ignore\n").expect("the bot");
    let (code, _) = code.split_once("```").expect("its end");
    let code = code.replace("    // …", "// …");
    let mut rest = BOT;
    for part in code.split("// …\n") {
        let (_, behind) = rest
            .split_once(part)
            .unwrap_or_else(|| panic!("not in it:\n{part}"));
        rest = behind;
    }
    assert_eq!(rest, "", "its end");
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
