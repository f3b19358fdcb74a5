//! Receivers that fail and panic at random, and write what they do to a log.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::panic;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use whatsapp_signals::event::{MessageReceived, MessageStatusChanged};
use whatsapp_signals::signals::{MESSAGE_RECEIVED, MESSAGE_STATUS_CHANGED};
use whatsapp_signals::{BoxError, Context, Event};

use super::programs::{micros, one_in, random};

/// Other programs wait for the commit of a large body: some 100 ms in a debug build, and longer
/// on a busy machine. A lease that ends in this time would repeat runs without a kill.
pub(crate) const LEASE: Duration = Duration::from_secs(1);

static LOG: OnceLock<File> = OnceLock::new();

pub(crate) fn open_log(folder: &Path, number: u64) {
    let log = folder.join(format!("log-{number}"));
    let log = OpenOptions::new().create(true).append(true).open(log);
    LOG.set(log.unwrap()).unwrap();
}

/// Writes one line, by one write, to the log of this program.
pub(crate) fn write_log(line: &str) {
    let line = format!("{} {line}\n", micros());
    LOG.get().unwrap().write_all(line.as_bytes()).unwrap();
}

pub(crate) const MESSAGE_RECEIVERS: [&str; 5] =
    ["steady", "failing", "slow", "waiting", "forwarding"];

/// Returns a context with the receivers of the programs that share a file.
pub(crate) fn sharing_receivers() -> Context {
    fn steady(event: &MessageReceived) -> Result<(), BoxError> {
        run("steady", event)
    }
    fn failing(event: &MessageReceived) -> Result<(), BoxError> {
        run("failing", event)
    }
    fn slow(event: &MessageReceived) -> Result<(), BoxError> {
        run("slow", event)
    }
    fn status(event: &MessageStatusChanged) -> Result<(), BoxError> {
        run("status", event)
    }
    async fn waiting(event: &MessageReceived) -> Result<(), BoxError> {
        run_async("waiting", event).await
    }
    async fn forwarding(event: &MessageReceived) -> Result<(), BoxError> {
        run_async("forwarding", event).await
    }
    let context = Context::new().only_own_receivers();
    // Each is known by its path.
    context.connect(&MESSAGE_RECEIVED, steady);
    context.connect(&MESSAGE_RECEIVED, failing);
    context.connect(&MESSAGE_RECEIVED, slow);
    context.connect(&MESSAGE_RECEIVED, waiting);
    context.connect(&MESSAGE_RECEIVED, forwarding);
    context.connect(&MESSAGE_STATUS_CHANGED, status);
    context
}

fn run(receiver: &str, event: &impl Event) -> Result<(), BoxError> {
    let key = event.dedup_key();
    write_log(&format!("began {receiver} {key}"));
    if receiver == "slow" && one_in(16) {
        thread::sleep(random(LEASE / 20));
    }
    end(receiver, &key)
}

async fn run_async(receiver: &str, event: &MessageReceived) -> Result<(), BoxError> {
    let key = event.dedup_key();
    write_log(&format!("began {receiver} {key}"));
    let longest = if one_in(16) { LEASE / 20 } else { LEASE / 1000 };
    tokio::time::sleep(random(longest)).await;
    end(receiver, &key)
}

/// Ends a run: some of them fail, and some panic.
fn end(receiver: &str, key: &str) -> Result<(), BoxError> {
    if receiver != "steady" && one_in(16) {
        write_log(&format!("failed {receiver} {key}"));
        if one_in(2) {
            panic::resume_unwind(Box::new("on purpose")); // without a message
        }
        return Err("on purpose".into());
    }
    write_log(&format!("succeeded {receiver} {key}"));
    Ok(())
}
