//! Threads that connect, disconnect, mute and send at the same time, in every order in
//! which they can, with every value that a relaxed load may give.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../src/signal/dynamic.rs"]
#[allow(dead_code, reason = "a signal uses the rest")]
mod dynamic;
mod support {
    pub(super) mod loom_sync;
}

use dynamic::DynamicReceivers;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use support::loom_sync as sync;
use sync::Arc;

/// The static list, for which the overlay knows no list of its own.
const STATICS: &[u32] = &[0];

type Listed = Vec<u32>;

/// As `Signal` does them, with numbers in place of receivers.
trait Signal {
    fn connect(&self, receiver: u32) -> Result<(), ()>;
    fn disconnect(&self, receiver: u32) -> bool;
    fn send(&self) -> Listed;
}

impl Signal for DynamicReceivers<Listed> {
    fn connect(&self, receiver: u32) -> Result<(), ()> {
        self.change(|listed, _| {
            let mut listed = listed.map_or(STATICS, Vec::as_slice).to_vec();
            if listed.contains(&receiver) {
                return Err(());
            }
            listed.push(receiver);
            Ok((Some(listed), ()))
        })
    }

    fn disconnect(&self, receiver: u32) -> bool {
        let changed = self.change(|listed, _| {
            let listed = listed.map_or(STATICS, Vec::as_slice);
            let mut stay = listed.to_vec();
            stay.retain(|other| *other != receiver);
            if stay.len() == listed.len() {
                return Err(());
            }
            Ok(((stay != STATICS).then_some(stay), ()))
        });
        changed.is_ok()
    }

    fn send(&self) -> Listed {
        if !self.is_active() {
            return STATICS.to_vec();
        }
        if self.is_muted() {
            return Vec::new();
        }
        self.read(|listed| listed.map_or(STATICS, Vec::as_slice).to_vec())
    }
}

/// Runs a scene in every order of its threads, on a signal of its own each time.
fn in_every_order(scene: impl Fn(Arc<DynamicReceivers<Listed>>) + Send + Sync + 'static) {
    loom::model(move || scene(Arc::new(DynamicReceivers::new())));
}

fn spawn<R: 'static>(
    signal: &Arc<DynamicReceivers<Listed>>,
    work: impl FnOnce(&DynamicReceivers<Listed>) -> R + 'static,
) -> thread::JoinHandle<R> {
    let signal = Arc::clone(signal);
    thread::spawn(move || work(&signal))
}

#[test]
fn no_concurrent_connection_is_lost() {
    in_every_order(|signal| {
        let other = spawn(&signal, |signal| signal.connect(1));
        signal.connect(2).unwrap();
        other.join().unwrap().unwrap();
        let mut called = signal.send();
        called.sort_unstable();
        assert_eq!(called, [0, 1, 2]);
    });
}

#[test]
fn of_threads_that_connect_the_same_one_wins() {
    in_every_order(|signal| {
        let other = spawn(&signal, |signal| signal.connect(1).is_ok());
        let won = signal.connect(1).is_ok();
        assert!(won ^ other.join().unwrap());
        assert_eq!(signal.send(), [0, 1]);
    });
}

#[test]
fn a_list_that_is_given_up_while_another_thread_connects_is_not_lost() {
    in_every_order(|signal| {
        signal.connect(1).unwrap();
        let other = spawn(&signal, |signal| signal.connect(2).unwrap());
        assert!(signal.disconnect(1));
        other.join().unwrap();
        assert_eq!(signal.send(), [0, 2]);
        assert!(signal.disconnect(2));
        assert!(!signal.is_active(), "back on the fast path");
    });
}

#[test]
fn of_concurrent_disconnects_one_succeeds() {
    in_every_order(|signal| {
        signal.connect(1).unwrap();
        let other = spawn(&signal, |signal| signal.disconnect(1));
        assert!(signal.disconnect(1) ^ other.join().unwrap());
        assert_eq!(signal.send(), [0]);
    });
}

#[test]
fn a_send_calls_the_unchanged_receivers_during_changes() {
    in_every_order(|signal| {
        signal.connect(1).unwrap();
        let other = spawn(&signal, |signal| {
            signal.connect(2).unwrap();
            signal.disconnect(2)
        });
        let called = signal.send();
        assert!(called == [0, 1] || called == [0, 1, 2], "{called:?}");
        assert!(other.join().unwrap());
    });
}

#[test]
fn a_send_after_a_visible_connection_calls_it() {
    in_every_order(|signal| {
        let published = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&published);
        let other = spawn(&signal, move |signal| {
            signal.connect(1).unwrap();
            flag.store(true, Ordering::Release);
        });
        if published.load(Ordering::Acquire) {
            assert_eq!(signal.send(), [0, 1]);
        }
        other.join().unwrap();
    });
}

#[test]
fn a_muted_signal_calls_no_receiver_during_changes() {
    in_every_order(|signal| {
        signal.mute();
        let other = spawn(&signal, |signal| {
            signal.mute();
            signal.connect(1).unwrap();
            signal.unmute();
        });
        assert_eq!(signal.send(), []);
        other.join().unwrap();
        assert_eq!(signal.send(), []);
        signal.unmute();
        assert_eq!(signal.send(), [0, 1]);
    });
}

#[test]
fn mutes_that_end_leave_the_fast_path_open() {
    in_every_order(|signal| {
        let other = spawn(&signal, |signal| {
            signal.mute();
            signal.unmute();
        });
        signal.mute();
        signal.unmute();
        other.join().unwrap();
        assert!(!signal.is_active() && !signal.is_muted());
    });
}

/// Sends as a thread does that keeps its list, without a look at the shared one while the
/// state says that the list is the same.
fn send_kept(signal: &DynamicReceivers<Listed>, kept: &mut Option<Arc<Listed>>) -> Listed {
    let state = signal.state();
    let is_current = |list: &Arc<Listed>| Arc::as_ptr(list).addr() == state;
    if !kept.as_ref().is_some_and(is_current) {
        *kept = signal.list();
    }
    kept.as_deref().map_or(STATICS, Vec::as_slice).to_vec()
}

#[test]
fn a_kept_list_is_used_no_longer_than_another_is_unknown() {
    in_every_order(|signal| {
        signal.connect(1).unwrap();
        let mut kept = None;
        assert_eq!(send_kept(&signal, &mut kept), [0, 1]);
        let is_replaced = Arc::new(AtomicBool::new(false));
        let replaces = Arc::clone(&is_replaced);
        let other = spawn(&signal, move |signal| {
            signal.connect(2).unwrap();
            replaces.store(true, Ordering::Release);
            assert!(signal.disconnect(1));
        });
        let is_known = is_replaced.load(Ordering::Acquire);
        let called = send_kept(&signal, &mut kept);
        assert!(called == [0, 1, 2] || called == [0, 2] || (called == [0, 1] && !is_known));
        other.join().unwrap();
        assert_eq!(send_kept(&signal, &mut kept), [0, 2]);
    });
}
