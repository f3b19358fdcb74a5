//! The interface of a reader of bodies, and the reader that is a function.

use std::hint::black_box;

use crate::bodies::Body;

/// Reads bodies.
pub(crate) struct Reader {
    name: &'static str,
    work: Box<dyn Work>,
}

/// The result of reading a body.
pub(crate) struct Seen {
    /// The number of messages and statuses with their contents; `None` for a baseline, which reads
    /// none.
    pub(crate) documented: Option<usize>,
    /// All values, as text.
    pub(crate) text: String,
}

/// The implementation of a reader.
pub(crate) trait Work {
    /// Reads a valid body repeatedly.
    fn read(&mut self, json: &'static [u8], seen: &Seen, times: u32);

    /// Reads a body once. Returns `None` if it is rejected.
    fn see(&mut self, json: &'static [u8]) -> Option<Seen>;
}

impl Reader {
    pub(crate) fn new(name: &'static str, work: impl Work + 'static) -> Self {
        Self {
            name,
            work: Box::new(work),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn read(&mut self, body: &Body, seen: &Seen, times: u32) {
        self.work.read(body.json, seen, times);
    }

    pub(crate) fn see(&mut self, body: &Body) -> Option<Seen> {
        self.work.see(body.json)
    }
}

/// A function that parses a body.
pub(crate) struct Function<R, S> {
    read: R,
    see: S,
}

pub(crate) fn function<T, R, S>(read: R, see: S) -> Function<R, S>
where
    R: Fn(&[u8]) -> Option<T>,
    S: Fn(&T) -> Seen,
{
    Function { read, see }
}

impl<T, R, S> Work for Function<R, S>
where
    R: Fn(&[u8]) -> Option<T>,
    S: Fn(&T) -> Seen,
{
    fn read(&mut self, json: &'static [u8], _seen: &Seen, times: u32) {
        for _ in 0..times {
            let _ = black_box((self.read)(black_box(json)));
        }
    }

    fn see(&mut self, json: &'static [u8]) -> Option<Seen> {
        (self.read)(json).as_ref().map(&self.see)
    }
}
