//! The maintenance of a store: retries of unfinished events, the deletion of old rows, and rounds
//! of both.

mod prune;
mod retry;
mod tend;

pub use prune::RETENTION;
pub use tend::Tended;

pub(crate) use tend::Tending;
