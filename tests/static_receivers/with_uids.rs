//! Static receivers with a uid: of two with one uid the first by order, file
//! and line runs, and a uid can be disconnected and taken over at run time.
//!
//! Each test has a signal of its own, since a static receiver that is
//! disconnected does not come back.

use std::error::Error;
use std::sync::Mutex;

use whatsapp_signals::store::MemoryStore;
use whatsapp_signals::{
    CheckError, ConnectOptions, Context, Problem, ReceiverInfo, Signal, WebhookEngine, check,
    receiver, receivers,
};

type Done = Result<(), Box<dyn Error>>;

/// The payload: the names of the called receivers.
#[derive(Default)]
struct Log(Mutex<Vec<&'static str>>);

impl Log {
    fn add(&self, name: &'static str) {
        self.0.lock().expect("no receiver panics").push(name);
    }

    /// The names since the last time.
    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().expect("no receiver panics"))
    }
}

fn name(info: &ReceiverInfo) -> &'static str {
    info.path().rsplit("::").next().unwrap_or_default()
}

/// Name and whether shadowed, as the program-wide list has them.
fn listed(signal: &str) -> Vec<(&'static str, bool)> {
    let all = receivers();
    let here = all.iter().filter(|info| info.signal() == signal);
    here.map(|info| (name(info), info.is_shadowed())).collect()
}

mod by_line {
    use super::*;

    static SIGNAL: Signal<Log> = Signal::new("by_line");

    #[receiver(SIGNAL, uid = "one")]
    fn first(log: &Log) {
        log.add("first");
    }

    #[receiver(SIGNAL, uid = "one")]
    fn second(log: &Log) {
        log.add("second");
    }

    #[receiver(SIGNAL, uid = "other")]
    fn third(log: &Log) {
        log.add("third");
    }

    #[test]
    fn t11_t12_of_two_with_one_uid_the_first_line_runs_and_the_other_is_shadowed() -> Done {
        let log = Log::default();
        assert_eq!(SIGNAL.send(&log)?.called(), 2);
        assert_eq!(log.take(), ["first", "third"]);

        let all = [("first", false), ("second", true), ("third", false)];
        assert_eq!(listed("by_line"), all);
        let own = SIGNAL.receivers();
        assert_eq!(own.iter().map(name).collect::<Vec<_>>(), ["first", "third"]);
        assert!(own.iter().all(|info| !info.is_shadowed()));
        Ok(())
    }
}

mod by_order {
    use super::*;

    static SIGNAL: Signal<Log> = Signal::new("by_order");

    #[receiver(SIGNAL, uid = "one")]
    fn written_first(log: &Log) {
        log.add("written first");
    }

    #[receiver(SIGNAL, uid = "one", order = -1)]
    fn ordered_first(log: &Log) {
        log.add("ordered first");
    }

    #[test]
    fn t12_of_two_with_one_uid_the_lower_order_runs() -> Done {
        let log = Log::default();
        assert_eq!(SIGNAL.send(&log)?.called(), 1);
        assert_eq!(log.take(), ["ordered first"]);
        let all = [("ordered_first", false), ("written_first", true)];
        assert_eq!(listed("by_order"), all);
        Ok(())
    }
}

mod two_signals {
    use super::*;

    // One name on purpose: a signal is its address.
    static LEFT: Signal<Log> = Signal::new("twin");
    static RIGHT: Signal<Log> = Signal::new("twin");

    #[receiver(LEFT, uid = "one")]
    fn left(log: &Log) {
        log.add("left");
    }

    #[receiver(RIGHT, uid = "one")]
    fn right(log: &Log) {
        log.add("right");
    }

    #[test]
    fn one_uid_on_two_signals_shadows_nothing_even_when_they_share_a_name() -> Done {
        let log = Log::default();
        LEFT.send(&log)?;
        RIGHT.send(&log)?;
        assert_eq!(log.take(), ["left", "right"]);
        let mut all = listed("twin");
        all.sort_unstable();
        assert_eq!(all, [("left", false), ("right", false)]);
        Ok(())
    }
}

mod disconnected {
    use super::*;

    static SIGNAL: Signal<Log> = Signal::new("disconnected");

    #[receiver(SIGNAL, uid = "it")]
    fn goes(log: &Log) {
        log.add("goes");
    }

    #[receiver(SIGNAL, uid = "it")]
    fn shadowed(log: &Log) {
        log.add("shadowed");
    }

    #[receiver(SIGNAL)]
    fn stays(log: &Log) {
        log.add("stays");
    }

    #[test]
    fn t12_t18_t31_a_static_uid_is_taken_until_it_is_disconnected_once() -> Done {
        let log = Log::default();
        let own = |log: &Log| log.add("own");
        let it = || ConnectOptions::new().uid("it");

        let taken = SIGNAL.connect_with(it(), own).unwrap_err();
        assert_eq!(name(taken.connected().unwrap()), "goes");
        assert!(taken.to_string().contains(concat!(file!(), ":")));

        assert!(SIGNAL.disconnect("it"));
        assert!(!SIGNAL.disconnect("it"));
        SIGNAL.send(&log)?;
        // The shadowed one does not step in: the uid is what was disconnected.
        assert_eq!(log.take(), ["stays"]);

        let connection = SIGNAL.connect_with(it(), own)?;
        SIGNAL.send(&log)?;
        assert_eq!(log.take(), ["stays", "own"]);
        // As many as there were at first, but not the same.
        drop(SIGNAL.connect(|_: &Log| {}));
        SIGNAL.send(&log)?;
        assert_eq!(log.take(), ["stays", "own"]);
        drop(connection);
        SIGNAL.send(&log)?;
        assert_eq!(log.take(), ["stays"]);

        // A disconnected static receiver stays listed.
        let all = [("goes", false), ("shadowed", true), ("stays", false)];
        assert_eq!(listed("disconnected"), all);
        Ok(())
    }
}

mod emptied {
    use super::*;

    static SIGNAL: Signal<Log> = Signal::new("emptied");

    #[receiver(SIGNAL, uid = "only")]
    fn only(_: &Log) {}

    #[test]
    fn t19_a_signal_without_its_last_static_receiver_has_none() -> Done {
        assert!(SIGNAL.has_receivers());
        assert!(SIGNAL.disconnect("only"));
        assert!(!SIGNAL.has_receivers() && SIGNAL.receivers().is_empty());
        assert!(SIGNAL.send(&Log::default())?.has_no_receivers());
        drop(SIGNAL.connect(|_: &Log| {}));
        assert!(SIGNAL.send(&Log::default())?.has_no_receivers());
        Ok(())
    }
}

mod during_a_send {
    use super::*;

    static SIGNAL: Signal<Log> = Signal::new("during_a_send");

    #[receiver(SIGNAL, uid = "a")]
    fn a(log: &Log) {
        log.add("a");
        assert!(SIGNAL.disconnect("a") && SIGNAL.disconnect("b"));
    }

    #[receiver(SIGNAL, uid = "b")]
    fn b(log: &Log) {
        log.add("b");
    }

    #[test]
    fn t29_t82_static_receivers_that_are_disconnected_during_a_send_still_run_in_it() -> Done {
        let log = Log::default();
        assert_eq!(SIGNAL.send(&log)?.called(), 2);
        assert!(SIGNAL.send(&log)?.has_no_receivers());
        assert_eq!(log.take(), ["a", "b"]);
        Ok(())
    }
}

#[test]
fn a_check_lists_shadowed_receivers_and_names_that_are_not_linked() {
    let first = concat!(module_path!(), "::by_line::first");
    // No test disconnects the receiver with this uid.
    let linked = ["in_order.early", "static_receivers", module_path!(), first];
    let context = linked
        .into_iter()
        .fold(Context::new(), Context::expect_receiver);
    let context = context
        .expect_receiver("static_receiver")
        .expect_receiver("handlers");
    let error = check(&context).unwrap_err();
    let mut shadowed = Vec::new();
    let mut not_linked = Vec::new();
    for problem in error.problems() {
        match problem {
            Problem::Shadowed(receiver) => shadowed.push(receiver.clone()),
            Problem::NotLinked(name) => not_linked.push(&**name),
            // Of those that take values.
            Problem::MissingContext { .. } => {}
            other => panic!("{other}"),
        }
    }
    let all = receivers().into_iter().filter(ReceiverInfo::is_shadowed);
    assert_eq!(shadowed, all.collect::<Vec<_>>());
    assert!(shadowed.iter().any(|receiver| name(receiver) == "second"));
    assert_eq!(not_linked, ["static_receiver", "handlers"]);
}

#[test]
fn a_check_finds_the_receivers_of_a_context_and_of_all_static_signals() {
    static WITHOUT_STATICS: Signal<u32> = Signal::new("without_statics");
    let expected = Context::new()
        .expect_receiver("own")
        .expect_receiver(concat!(module_path!(), "::by_line::first"));
    let not_linked = |context: &Context| {
        let engine = WebhookEngine::new(MemoryStore::new()).context(context.clone());
        [check(context), engine.check()].map(|checked| {
            let error = checked.err();
            let problems = error.iter().flat_map(CheckError::problems).cloned();
            let problems = problems.filter(|problem| matches!(problem, Problem::NotLinked(_)));
            problems
                .map(|problem| problem.to_string())
                .collect::<Vec<_>>()
        })
    };
    for problems in not_linked(&expected) {
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("own is not linked"), "{problems:?}");
    }
    expected
        .connect_with(
            &WITHOUT_STATICS,
            ConnectOptions::new().uid("own"),
            |_: &u32| {},
        )
        .unwrap();
    assert!(not_linked(&expected).iter().all(Vec::is_empty));
}
