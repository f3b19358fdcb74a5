//! Standard input and output: bodies, lines of JSON or text, and tables.

use std::fs;
use std::io::{self, BufWriter, Read, StdoutLock, Write};
use std::path::Path;

use clap::Args;
use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, ContentArrangement, Table as Grid};
use console::Term;
use serde::Serialize;

/// The name of the standard input.
pub(crate) const STDIN: &str = "-";

/// Reads a file, or the standard input if the path is `-`. The error names the path.
pub(crate) fn read_body(path: &Path) -> Result<Vec<u8>, String> {
    let read = if path.as_os_str() == STDIN {
        let mut body = Vec::new();
        io::stdin().lock().read_to_end(&mut body).map(|_| body)
    } else {
        fs::read(path)
    };
    read.map_err(|error| format!("reading {} failed: {error}", path.display()))
}

/// The format of results.
#[derive(Args, Clone, Copy)]
pub(crate) struct Format {
    /// Prints JSON, one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Prints personal data: users, keys, texts and raw JSON
    #[arg(long, global = true)]
    pub(crate) show_personal: bool,
}

/// The standard output and its format.
pub(crate) struct Output {
    out: BufWriter<StdoutLock<'static>>,
    format: Format,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        let out = BufWriter::new(io::stdout().lock());
        Self { out, format }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format.json
    }

    pub(crate) fn shows_personal(&self) -> bool {
        self.format.show_personal
    }

    /// Prints a value as one line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        self.out.write_all(b"\n")
    }

    /// Prints a line of text.
    pub(crate) fn text(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{line}")
    }

    /// Prints a value as JSON, or a line of text.
    pub(crate) fn either(&mut self, value: &impl Serialize, line: &str) -> io::Result<()> {
        if self.format.json {
            self.json(value)
        } else {
            self.text(line)
        }
    }

    /// Writes the buffered output.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The padding of a cell.
const PADDING: usize = 2;

/// The minimum width of a wrapped column, with its padding.
const MIN_WIDTH: usize = 6;

/// A table without borders.
pub(crate) struct Table {
    grid: Grid,
    columns: usize,
}

impl Table {
    /// Creates a table with a header and no rows.
    pub(crate) fn new(header: &[&str]) -> Self {
        let mut grid = Grid::new();
        grid.load_preset(NOTHING)
            .set_header(header.iter().map(|name| name.to_uppercase()));
        let columns = header.len();
        Self { grid, columns }
    }

    /// Adds a row. Missing cells are empty.
    pub(crate) fn push(&mut self, mut cells: Vec<String>) {
        cells.resize(self.columns, String::new());
        self.grid.add_row(cells.iter().map(|cell| printable(cell)));
    }

    /// Prints the table without trailing spaces. Cells are wrapped to the width of the terminal; in a
    /// pipe, each row is one line.
    pub(crate) fn print(&mut self, output: &mut Output) -> io::Result<()> {
        let arrangement = match width() {
            Some(width) => {
                self.grid.set_width(width);
                self.keep_unwrapped(width);
                ContentArrangement::Dynamic
            }
            None => ContentArrangement::Disabled,
        };
        self.grid.set_content_arrangement(arrangement);
        for line in self.grid.lines() {
            output.text(line.strip_prefix(' ').unwrap_or(&line).trim_end())?;
        }
        Ok(())
    }
}

impl Table {
    /// Keeps the first columns unwrapped, such as ids and dates, as far as the width allows the minimum
    /// for the other columns.
    fn keep_unwrapped(&mut self, width: u16) {
        let widths = self.grid.column_max_content_widths();
        let (mut used, mut following) = (0, self.columns);
        for (column, content) in self.grid.column_iter_mut().zip(widths) {
            following -= 1;
            let whole = usize::from(content) + PADDING;
            if following > 0 && used + whole + following * MIN_WIDTH <= usize::from(width) {
                used += whole;
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
    }
}

/// Returns the width of the terminal: the variable `COLUMNS`, or that of stdout.
fn width() -> Option<u16> {
    let columns = std::env::var("COLUMNS").ok();
    let columns = columns.and_then(|columns| columns.parse().ok());
    columns.or_else(|| Term::stdout().size_checked().map(|(_, columns)| columns))
}

/// Escapes control characters, so that a text of a user cannot control the terminal or break a line.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("red\u{1b}[31m\nGrüße"), "red\\u{1b}[31m\\nGrüße");
    }
}
