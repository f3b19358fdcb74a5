//! `#[receiver]`: its scopes, its functions, its options, and the order in which receivers run and
//! are listed.
//!
//! The payload is the list to which a receiver adds its name, so that tests share no state.

#[cfg(not(miri))] // starts processes
mod first_use;
mod from_macros;
mod in_lists;
mod in_one_line;
mod in_order;
mod in_scopes;
mod on_any_event;
mod on_one_or_more_signals;
mod signatures;
mod through_another_name;
mod under_conditions;
mod with_answers;
mod with_contexts;
mod with_filters;
mod with_limits;
mod with_outcomes;
mod with_uids;
mod with_unusual_names;
mod written_by_macros;

use std::cell::Cell;
use std::error::Error;
use std::io;
use std::rc::Rc;
use std::sync::Mutex;

use whatsapp_signals::{ConnectOptions, ReceiverInfo, Signal, receiver, receivers};

type Done = Result<(), Box<dyn Error>>;

/// The names of the called receivers.
#[derive(Debug, Default)]
struct Roll(Mutex<Vec<&'static str>>);

impl Roll {
    fn add(&self, name: &'static str) {
        self.0.lock().expect("no receiver panics").push(name);
    }
}

/// Returns the names of the receivers that a send calls.
fn called(signal: &Signal<Roll>) -> Vec<&'static str> {
    let roll = Roll::default();
    assert!(signal.send_robust(&roll).is_ok());
    roll.0.into_inner().expect("no receiver panics")
}

fn names(listed: &[ReceiverInfo]) -> Vec<&'static str> {
    let paths = listed.iter().map(ReceiverInfo::path);
    paths.filter_map(|path| path.rsplit("::").next()).collect()
}
