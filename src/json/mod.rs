//! The way from a JSON text to typed values.
//!
//! In the order of the data:
//!
//! - [`tape`] checks the syntax of a text and indexes its values, once.
//! - [`node`] has the values of a tape: kinds, texts, members, elements.
//! - [`lenient`] reads typed values from nodes, and leaves out malformed optional members.
//! - [`object`] declares Meta's objects by their members, which [`scalar`] and [`any`] read:
//!   strings and numbers, and untyped JSON.
//! - [`stored`] declares types that also have a serialized form other than Meta's.
//! - [`path`] has the path of a value, for reports.
//!
//! To *read* is to make a typed value of a node or of a serde deserializer.

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
pub(crate) use lenient::{Omissions, each_with_path, read_scalar};
pub(crate) use node::{Fault, Member, Node, only, with_tape};
pub(crate) use path::{Excerpt, Path};
pub(crate) use tape::MAX_LEN;
