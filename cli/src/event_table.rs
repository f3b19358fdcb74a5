//! The events of bodies as a table.

use std::io;

use whatsapp_signals::WebhookEvent;

use crate::event_line::{self, EventLine};
use crate::output::Output;
use crate::table::Table;

/// A table with a row for each event.
pub(crate) struct EventTable {
    table: Table,
    has_files: bool,
    shows_personal: bool,
}

impl EventTable {
    pub(crate) fn new(has_files: bool, shows_personal: bool) -> Self {
        let mut header = vec!["signal", "user", "key", "reason"];
        if has_files {
            header.insert(0, "file");
        }
        if shows_personal {
            header.push("text");
        }
        Self {
            table: Table::new(&header),
            has_files,
            shows_personal,
        }
    }

    pub(crate) fn add(&mut self, file: &str, line: EventLine<'_>, event: &WebhookEvent) {
        let reason = match (line.reason, line.path) {
            (Some(reason), Some(path)) => format!("{reason} at {path}"),
            _ => String::new(),
        };
        let signal = line.signal.to_owned();
        let mut cells = vec![signal, line.user, line.key, reason];
        if self.shows_personal {
            cells.push(event_line::text(event).to_owned());
        }
        self.push(file, cells);
    }

    pub(crate) fn add_error(&mut self, file: &str, error: &str) {
        let signal = "(unreadable)".to_owned();
        let cells = vec![signal, String::new(), String::new(), error.to_owned()];
        self.push(file, cells);
    }

    fn push(&mut self, file: &str, mut cells: Vec<String>) {
        if self.has_files {
            cells.insert(0, file.to_owned());
        }
        self.table.push(cells);
    }

    pub(crate) fn print(&mut self, output: &mut Output) -> io::Result<()> {
        self.table.print(output)
    }
}
