//! Instances of the engine over a store in memory.
//!
//! An unoptimized build takes an instance of a generic function from the crate that has one. Without
//! these instances, each test program and each doc test with such an engine would compile some 10,000
//! functions, which takes more than a second.

use crate::engine::WebhookEngine;
use crate::store::MemoryStore;

#[used]
static ENGINE: fn(&WebhookEngine<MemoryStore>) = |engine| {
    drop(engine.process(b""));
    drop(engine.retry_unfinished());
    drop(engine.dead_letters(1));
    drop(engine.requeue(""));
    instantiate(&engine.process_async(b""));
    instantiate(&engine.retry_unfinished_async());
};

/// Instantiates the code that polls a future.
fn instantiate<T>(_: &dyn Future<Output = T>) {}
