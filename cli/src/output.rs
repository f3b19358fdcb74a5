//! The standard output, as text or as JSON.

use std::io::{self, BufWriter, StdoutLock, Write};

use serde::Serialize;

use crate::args::Format;

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

    /// Prints the JSON of a value, or the text.
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
