//! Threads in which receivers may block.

use std::io;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// Threads of our own. Those of the program's runtime are few, and receivers that wait
/// for one of them, as for a file, would wait for each other.
pub(super) struct Threads(Option<Runtime>);

impl Threads {
    /// At most so many, which are started when they are needed.
    pub(super) fn new(most: usize) -> io::Result<Self> {
        let mut builder = Builder::new_current_thread();
        builder.max_blocking_threads(most);
        builder.thread_name("whatsapp-worker");
        builder.build().map(|runtime| Self(Some(runtime)))
    }

    /// Does something that may block. `None` when it panicked.
    pub(super) async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Option<R> {
        let begun: Option<JoinHandle<R>> = self.0.as_ref().map(|all| all.spawn_blocking(work));
        begun?.await.ok()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // It may be dropped in a task, where a runtime must not be waited for.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
