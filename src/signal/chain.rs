//! The text of an error of a receiver, with its sources.

use std::error::Error;
use std::fmt::{self, Display, Write};

use super::guard::quietly;
use super::report::{Cause, Failure};

/// The text of an error with its sources, in one line. A text or source that panics is
/// replaced, so that the remaining ones are written.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn Error + 'static));

impl Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(self.0))?;
        let mut error = self.0;
        loop {
            match quietly(|| error.source()) {
                Some(None) => return Ok(()),
                None => return f.write_str(": error whose source panicked"),
                Some(Some(source)) => {
                    write!(f, ": {}", text(source))?;
                    error = source;
                }
            }
        }
    }
}

/// Returns the text of an error. It is written into memory first: a panic within a
/// subscriber could cost the whole event.
fn text(error: &dyn Error) -> String {
    let text = || {
        let mut text = String::new();
        write!(text, "{error}").is_ok().then_some(text)
    };
    let text = quietly(text).flatten();
    text.unwrap_or_else(|| "error whose Display panicked".to_owned())
}

impl Failure {
    /// Returns the text of the cause: of the error with its sources, or of the panic.
    pub(crate) fn cause_text(&self) -> String {
        match self.cause() {
            Cause::Error(error) => Chain(&**error).to_string(),
            Cause::Panic(Some(message)) => format!("panicked: {message}"),
            cause => cause.to_string(),
        }
    }
}
