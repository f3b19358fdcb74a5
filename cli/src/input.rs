//! Bodies from files and from the standard input.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

/// The name of the standard input.
pub(crate) const STDIN: &str = "-";

/// Reads a file, or the standard input if the path is `-`. The error names the path.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let read = if path.as_os_str() == STDIN {
        let mut body = Vec::new();
        io::stdin().lock().read_to_end(&mut body).map(|_| body)
    } else {
        fs::read(path)
    };
    read.map_err(|error| format!("reading {} failed: {error}", path.display()))
}
