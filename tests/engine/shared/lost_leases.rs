//! Engines that continue after another engine has taken their lease.

use super::*;

#[test]
fn an_engine_that_lost_its_lease_stops_and_both_successes_are_stored() {
    with_each_steady_store(|engine| {
        let thief = engine_over(Arc::clone(engine.store())).context(counting());
        let slow = ConnectOptions::new().order(1).uid("slow");
        let context = counting();
        let stolen = Mutex::new(false);
        let (sender, results) = channel::<Outcome>();
        // During the first event another engine takes the webhook over, as after the end of the
        // lease, and delivers all of it.
        let steals = context.connect_with(&MESSAGE_RECEIVED, slow, move |_: &MessageReceived| {
            if !std::mem::replace(&mut *stolen.lock(), true) {
                lease_to_absent_engine(&thief, Duration::ZERO);
                sender
                    .send(thief.process(&messages(0..3)).unwrap())
                    .unwrap();
            }
            thread::sleep(Duration::from_millis(11)); // so that it is marked
        });
        steals.unwrap();
        let engine = engine.context(context);
        let outcome = engine.process(&messages(0..3)).unwrap();
        let other = results.recv().unwrap();
        assert_eq!((other.delivered(), other.should_retry()), (3, false));
        assert_eq!(outcome.delivered(), 1, "it stopped");
        assert!(outcome.should_retry());
        assert_eq!(engine.process(&messages(0..3)).unwrap().duplicates(), 3);
        let runs = take_runs();
        assert_eq!((runs["wamid.1"], runs["wamid.2"]), (1, 1));
    });
}

/// Stops those who come, in the order in which they come, until they are let
/// go.
struct Gate {
    enter: Sender<()>,
    leave: Mutex<std::vec::IntoIter<Receiver<()>>>,
}

impl Gate {
    /// Returns a gate for two, the channel of their arrivals, and the senders that let them pass.
    fn for_two() -> (Arc<Self>, Receiver<()>, [Sender<()>; 2]) {
        let (enter, entered) = channel();
        let ((first, wait_first), (second, wait_second)) = (channel(), channel());
        let leave = Mutex::new(vec![wait_first, wait_second].into_iter());
        (Arc::new(Self { enter, leave }), entered, [first, second])
    }

    fn pass(&self) {
        let waits = self.leave.lock().next();
        if let Some(waits) = waits {
            self.enter.send(()).unwrap();
            let _ = waits.recv();
        }
    }
}

const LEASE: Duration = Duration::from_millis(40);

#[test]
fn a_late_engine_does_not_close_a_webhook_that_another_has_leased() {
    with_each_store(|engine| {
        let engine = engine.lease(LEASE);
        let (gate, entered, [first, second]) = Gate::for_two();
        let is_down = Arc::new(Mutex::new(true));
        let seen = Arc::clone(&is_down);
        let context = counting();
        let receiver = context.connect_with(
            &MESSAGE_RECEIVED,
            ConnectOptions::new().order(1).uid("r"),
            move |event: &MessageReceived| {
                if event.message.id == "wamid.1" {
                    gate.pass();
                } else if *seen.lock() {
                    return Err("not yet");
                }
                Ok(())
            },
        );
        receiver.unwrap();
        let engine = engine.context(context);
        // Both fail at message 0 and are stopped in message 1: the late one
        // first, and once its lease has ended the one that takes over.
        thread::scope(|scope| {
            let late = scope.spawn(|| engine.process(&messages(0..2)).unwrap());
            entered.recv().unwrap();
            thread::sleep(LEASE * 2);
            let other = scope.spawn(|| engine.process(&messages(0..2)).unwrap());
            entered.recv().unwrap();
            first.send(()).unwrap();
            assert!(late.join().unwrap().should_retry());
            second.send(()).unwrap();
            assert!(other.join().unwrap().should_retry());
        });
        *is_down.lock() = false;
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!(
            (outcome.delivered(), outcome.unfinished()),
            (1, 0),
            "it is not lost"
        );
        assert_eq!(engine.process(&messages(0..2)).unwrap().duplicates(), 2);
    });
}

#[test]
fn a_late_engine_makes_no_dead_letter_of_a_finished_event() {
    with_each_store(|engine| {
        let engine = engine.lease(LEASE).log_webhooks(true).max_attempts(1);
        let (gate, entered, [first, second]) = Gate::for_two();
        drop(second); // no other call is stopped
        let context = counting();
        let receiver = context.connect_with(
            &MESSAGE_RECEIVED,
            ConnectOptions::new().order(1).uid("r"),
            move |event: &MessageReceived| {
                let is_late = gate.leave.lock().len() == 2;
                if event.message.id == "wamid.0" && is_late {
                    gate.pass();
                    return Err("too late");
                }
                Ok(())
            },
        );
        receiver.unwrap();
        let engine = engine.context(context);
        thread::scope(|scope| {
            let late = scope.spawn(|| engine.process(&messages(0..3)).unwrap());
            entered.recv().unwrap();
            thread::sleep(LEASE * 2);
            let other = engine.process(&messages(0..3)).unwrap();
            assert_eq!((other.delivered(), other.should_retry()), (3, false));
            first.send(()).unwrap();
            let late = late.join().unwrap();
            assert_eq!((late.failed(), late.dead_lettered()), (1, 0));
            assert!(late.should_retry());
        });
        assert_eq!(engine.dead_letters(9).unwrap(), []);
        assert_eq!(engine.process(&messages(0..3)).unwrap().duplicates(), 3);
    });
}

#[test]
fn a_late_engine_does_not_change_events_of_another_webhook() {
    let message = r#""messages":[{"id":"wamid.M","from":"1","type":"text","text":{"body":"Hi"}}]"#;
    with_each_store(|engine| {
        let engine = engine.lease(LEASE);
        let (gate, entered, [first, second]) = Gate::for_two();
        drop(second);
        let is_down = Arc::new(Mutex::new(true));
        let down = Arc::clone(&is_down);
        let context = counting();
        let fails = context.connect_with(
            &MESSAGE_RECEIVED,
            ConnectOptions::new().uid("m"),
            move |event: &MessageReceived| {
                let is_down = event.message.id == "wamid.M" && *down.lock();
                (!is_down).then_some(()).ok_or("not yet")
            },
        );
        // The late call is stopped and succeeds, the next one succeeds, the third one fails, and
        // later ones succeed.
        let (sender, calls) = channel();
        let count = Mutex::new(0);
        let stops = context.connect_with(
            &META_ERROR,
            ConnectOptions::new().uid("e"),
            move |_: &FieldEvent<MetaError>| {
                let call = {
                    let mut count = count.lock();
                    *count += 1;
                    *count
                };
                sender.send(call).unwrap();
                if call == 1 {
                    gate.pass();
                }
                (call != 3).then_some(()).ok_or("not yet")
            },
        );
        assert!(fails.is_ok() && stops.is_ok());
        let engine = engine.context(context);
        thread::scope(|scope| {
            let both = value("messages", &format!("{message},{ERRORS}"));
            let engine = &engine;
            let late = scope.spawn(move || engine.process(&both).unwrap());
            entered.recv().unwrap();
            thread::sleep(LEASE * 2);
            // Another engine finishes the error, which happens again and is unfinished then.
            assert!(engine.retry_unfinished().unwrap().should_retry());
            let again = engine.process(&value("messages", ERRORS)).unwrap();
            assert_eq!((again.delivered(), again.failed()), (1, 1));
            first.send(()).unwrap();
            assert!(late.join().unwrap().should_retry());
        });
        *is_down.lock() = false;
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!((outcome.delivered(), outcome.unfinished()), (2, 0));
        assert_eq!(
            calls.try_iter().last(),
            Some(4),
            "the second error was delivered"
        );
    });
}
