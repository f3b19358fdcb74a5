//! The table of times, as Markdown.

use std::fmt::Write;

use crate::measure::Time;

/// The times of the crates, this one first.
pub(crate) struct Table {
    pub(crate) crates: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

/// The times for one body.
pub(crate) struct Row {
    pub(crate) body: String,
    pub(crate) bytes: usize,
    /// `None` where the crate rejects the body.
    pub(crate) cells: Vec<Option<Cell>>,
}

#[derive(Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) time: Time,
    /// The number of parsed items and of all items, if items are missing.
    pub(crate) partial: Option<(usize, usize)>,
}

impl Table {
    /// Writes the table. Each cell has the nanoseconds and the ratio to this crate.
    pub(crate) fn to_markdown(&self) -> String {
        let mut head = vec!["Body".to_owned(), "Bytes".to_owned()];
        head.extend(self.crates.iter().map(|name| format!("`{name}`")));
        head.push("this crate / fastest peer".to_owned());
        let rows = self.rows.iter().map(|row| {
            let mut line = vec![row.body.clone(), thousands(row.bytes)];
            let cells = row.cells.iter().enumerate();
            line.extend(cells.map(|(index, cell)| match cell {
                Some(cell) => cell.to_markdown(index == 0),
                None => "error".to_owned(),
            }));
            line.push(match row.beside_fastest_peer() {
                Some(ratio) => format!("**{ratio:.2}**"),
                None => "–".to_owned(),
            });
            line
        });
        markdown(&head, rows)
    }
}

impl Row {
    /// Returns the time of this crate divided by that of the fastest other crate that parses
    /// all items of the body.
    fn beside_fastest_peer(&self) -> Option<f64> {
        let peers = self.cells.iter().skip(1).flatten();
        let complete = peers.filter(|cell| cell.partial.is_none());
        let fastest = complete.map(|cell| cell.time.ratio).min_by(f64::total_cmp);
        fastest.map(f64::recip)
    }
}

impl Cell {
    fn to_markdown(self, is_first: bool) -> String {
        let mut text = whole(self.time.nanoseconds);
        if !is_first {
            let _ = write!(text, " ({:.2})", self.time.ratio);
        }
        if let Some((parsed, all)) = self.partial {
            let _ = write!(text, ", {parsed} of {all}");
        }
        text
    }
}

/// Writes a Markdown table with a left-aligned first column.
pub(crate) fn markdown(head: &[String], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut text = format!("| {} |\n| --- |", head.join(" | "));
    text.push_str(&" --: |".repeat(head.len() - 1));
    text.push('\n');
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

/// Writes a number without its fraction, and with commas between thousands.
pub(crate) fn whole(number: f64) -> String {
    with_commas(&format!("{number:.0}"))
}

fn thousands(number: usize) -> String {
    with_commas(&number.to_string())
}

fn with_commas(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
