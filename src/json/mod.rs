//! From a JSON text to Rust values.
//!
//! [`tape`] checks the syntax and indexes the text once; a [`Node`] is a value on the tape.
//! [`object`] declares Meta's objects, and [`lenient`] leaves out their malformed members that
//! an object can do without. [`scalar`] reads strings and numbers, [`any`] keeps JSON of free
//! shape, [`stored`] reads types with a form of their own, and [`path`] names a value for a
//! report.

pub(crate) mod any;
mod lenient;
#[allow(
    clippy::inline_always,
    reason = "names are compared with constants: calls for these take a tenth of a parse"
)]
mod node;
pub(crate) mod object;
mod path;
pub(crate) mod scalar;
pub(crate) mod stored;
#[allow(
    clippy::inline_always,
    reason = "each byte is looked at: calls for these take a tenth of a parse"
)]
mod tape;

pub(crate) use any::object_in_text;
pub(crate) use lenient::{Fault, Omissions, each_with_path, read_scalar};
pub(crate) use node::{Member, Node, only};
pub(crate) use path::{Excerpt, Path};
pub(crate) use tape::{MAX_LEN, with_tape};
