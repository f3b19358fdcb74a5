//! Exit codes and errors of the program.

use std::io;
use std::process::ExitCode;

use thiserror::Error;

/// The result of a command. Of several results, the greatest one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// The command succeeded.
    Done = 0,
    /// The command found a fault.
    Fault = 1,
    /// The arguments are invalid. The code is that of clap.
    Usage = 2,
    /// A file, the network, the store or the output failed.
    Failed = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error that ends the program.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// Arguments that clap cannot check.
    #[error("{0}")]
    Usage(String),
    /// An operation that failed, and its cause.
    #[error("{0}")]
    Failed(String),
    /// A row that the store does not have.
    #[error("{0}")]
    NotFound(String),
    /// The output cannot be written.
    #[error("the output failed: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    /// Prints the error to stderr and returns the exit code.
    pub(crate) fn report(&self) -> Exit {
        let exit = match self {
            // The reader closed the pipe, as in `inspect … | head`.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return Exit::Done,
            Self::NotFound(_) => Exit::Fault,
            Self::Usage(_) => Exit::Usage,
            Self::Failed(_) | Self::Output(_) => Exit::Failed,
        };
        eprintln!("error: {self}");
        exit
    }
}
