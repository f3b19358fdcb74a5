//! Leases that began while the clock of the store was ahead.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::leases::leave_unfinished;
use super::*;
use crate::support::engines::{engine_over, with_each_clock};

const YEARS: u64 = 3 * 365 * 24 * 60 * 60;

#[test]
fn a_lease_by_a_clock_that_is_ahead_ends_after_its_length() {
    take_runs();
    with_each_clock(|engine, ahead| {
        let engine = leave_unfinished(engine);
        ahead.store(YEARS, Relaxed);
        lease_to_absent_engine(&engine, Duration::from_secs(60));
        // Each look finds it taken, and only the first one shortens it.
        for seconds in [0, 0, 50] {
            ahead.store(seconds, Relaxed);
            let outcome = engine.process(&messages(0..2)).unwrap();
            assert_eq!((outcome.delivered(), outcome.unfinished()), (0, 2));
            assert_eq!(engine.retry_unfinished().unwrap().delivered(), 0);
        }
        ahead.store(61, Relaxed);
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!((outcome.delivered(), outcome.unfinished()), (2, 0));
        assert_each_ran_once(2);
    });
}

#[test]
fn a_living_holder_renews_a_lease_that_was_shortened() {
    take_runs();
    with_each_clock(|engine, ahead: Arc<AtomicU64>| {
        ahead.store(YEARS, Relaxed);
        let context = counting();
        let tries = Arc::new(Mutex::new(Vec::new()));
        for (order, uid, millis) in [(1, "first", 500), (2, "second", 600)] {
            let other = engine_over(Arc::clone(engine.store())).context(counting());
            let (ahead, tries) = (Arc::clone(&ahead), Arc::clone(&tries));
            let options = ConnectOptions::new().order(order).uid(uid);
            let connected =
                context.connect_with(&MESSAGE_RECEIVED, options, move |_: &MessageReceived| {
                    ahead.store(0, Relaxed);
                    // The first look shortens the lease to 900 ms from now.
                    for millis in [0, millis] {
                        thread::sleep(Duration::from_millis(millis));
                        let outcome = other.process(&messages(0..1)).unwrap();
                        tries
                            .lock()
                            .push((outcome.delivered(), outcome.unfinished()));
                    }
                });
            connected.unwrap();
        }
        let engine = engine.lease(Duration::from_millis(900)).context(context);
        let outcome = engine.process(&messages(0..1)).unwrap();
        assert_eq!((outcome.delivered(), outcome.unfinished()), (1, 0));
        assert_eq!(*tries.lock(), [(0, 1); 4]);
        assert_each_ran_once(1);
    });
}
