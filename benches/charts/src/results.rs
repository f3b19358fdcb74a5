//! Tables: those that benches print, and Markdown.

use std::fmt::Write;

use crate::Result;

/// Returns the rows below the line with these names of columns, up to an empty line. At least two
/// spaces are between columns.
pub(crate) fn rows<'t, const N: usize>(
    text: &'t str,
    head: [&str; N],
) -> Result<Vec<[&'t str; N]>> {
    let columns = |line: &'t str| -> Vec<_> {
        let columns = line.split("  ").map(str::trim);
        columns.filter(|column| !column.is_empty()).collect()
    };
    let mut lines = text.lines().skip_while(|line| columns(line) != head);
    lines.next().ok_or("a table is missing")?;
    let rows = lines.take_while(|line| !line.is_empty());
    rows.map(|line| {
        let row = columns(line).try_into();
        row.map_err(|_| format!("expected {N} columns, found {line:?}").into())
    })
    .collect()
}

/// Returns a Markdown table of right-aligned columns.
pub(crate) fn markdown(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = format!(
        "| {} |\n|{}\n",
        head.join(" | "),
        " --: |".repeat(head.len())
    );
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

/// Returns a time with at least three digits.
pub(crate) fn micros(time: f64) -> String {
    match time {
        time if time < 99.95 => format!("{time:.1}"),
        time => thousands(&format!("{time:.0}")),
    }
}

/// Returns digits with commas between thousands.
pub(crate) fn thousands(digits: &str) -> String {
    match digits.len().checked_sub(3) {
        None | Some(0) => digits.to_owned(),
        Some(at) => format!("{},{}", thousands(&digits[..at]), &digits[at..]),
    }
}
