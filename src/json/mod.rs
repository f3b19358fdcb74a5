//! From a JSON text to Rust values.
//!
//! [`tape`] checks the syntax and indexes the text once; a [`Node`] is a value on the tape.
//! [`lenient`] reads nodes through serde, and leaves out malformed members that an object can
//! do without. [`object`] declares Meta's objects, [`scalar`] reads strings and numbers, and
//! [`any`] keeps JSON of free shape.

pub(crate) mod any;
mod lenient;
mod node;
pub(crate) mod object;
mod path;
pub(crate) mod scalar;
mod tape;

pub(crate) use any::object_in_text;
pub(crate) use lenient::{Fault, Omissions, each_with_path, read_scalar};
pub(crate) use node::{Member, Node, only};
pub(crate) use path::{Excerpt, Path};
pub(crate) use tape::{MAX_LEN, with_tape};
