//! The retention of webhooks.

use std::thread;

use super::*;
use whatsapp_signals::engine::RETENTION;

/// Runs a test with an engine over each store, whose context has the receivers of the program, and
/// is changed by no other test: these tests wait for seconds.
fn with_each_store(test: impl Fn(Engine)) {
    clear_desk();
    engines::with_each_store(|engine| {
        let context = Context::new().only_own_receivers();
        let order = ConnectOptions::new().order(1);
        context
            .connect_with(&MESSAGE_RECEIVED, order, first)
            .unwrap();
        let order = ConnectOptions::new().order(2).uid("second");
        context
            .connect_with(&MESSAGE_RECEIVED, order, second)
            .unwrap();
        context.connect(&META_ERROR, error);
        context.connect(&UNRECOGNIZED, unrecognized);
        test(engine.context(context));
    });
}

/// Waits until rows of this second are `seconds` old: the time of a row is in whole seconds.
fn wait_until_older_than(seconds: i64) {
    let end = Timestamp::now().as_secs() + seconds + 1;
    while Timestamp::now().as_secs() < end {
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn finished_webhooks_are_kept_for_as_long_as_the_log_is_wanted() {
    with_each_store(|engine| {
        let engine = engine.log_webhooks(true);
        let body = messages(0..2);
        for _ in 0..2 {
            assert!(!engine.process(&body).unwrap().should_retry());
        }
        let logged = engine.webhooks(None, 9).unwrap();
        assert_eq!(logged.len(), 2, "a repeated webhook is logged again");
        assert!(
            logged
                .iter()
                .all(|webhook| webhook.body == body && webhook.open == 0)
        );
        let later = engine.webhooks(Some(logged[0].id), 9).unwrap();
        assert_eq!(later, logged[1..]);
        assert!(!format!("{logged:?}").contains("wamid"), "no personal data");
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 0);

        // Meta repeats a webhook for up to 7 days.
        assert!(RETENTION > Duration::from_secs(7 * 24 * 60 * 60));
        assert_eq!(engine.prune(RETENTION).unwrap(), 0);
        assert_eq!(engine.process(&body).unwrap().duplicates(), 2);
    });
}

#[test]
fn a_retry_skips_events_that_were_finished_and_pruned_meanwhile() {
    for attempts in [1, 20] {
        with_each_store(|engine| {
            let engine = engine.max_attempts(attempts);
            fail("unrecognized", Fails::Error);
            let body = items("messages", &[GOOD, ODD]);
            assert_eq!(engine.process(&body).unwrap().failed(), 1);
            wait_until_older_than(0);
            assert_eq!(engine.prune(Duration::ZERO).unwrap(), 1);
            repair();
            done();
            for letter in engine.dead_letters(9).unwrap() {
                assert!(engine.requeue(&letter.key).unwrap());
            }
            assert_eq!(engine.retry_unfinished().unwrap().delivered(), 1);
            assert_eq!(done().len(), 1, "only the unrecognized event");
        });
    }
}

#[test]
fn an_error_that_recurs_keeps_nothing_else_from_being_pruned() {
    with_each_store(|engine| {
        let error = value("messages", ERRORS);
        assert_eq!(engine.process(&error).unwrap().delivered(), 1);
        assert_eq!(engine.process(&messages(0..9)).unwrap().delivered(), 9);
        wait_until_older_than(1);
        assert_eq!(engine.process(&error).unwrap().delivered(), 1);
        assert_eq!(engine.prune(Duration::from_secs(1)).unwrap(), 9);
    });
}

#[test]
fn pruning_deletes_finished_webhooks_and_keeps_the_others() {
    with_each_store(|engine| {
        assert_eq!(engine.process(&messages(0..1)).unwrap().delivered(), 1);
        fail("second", Fails::Error);
        assert_eq!(engine.process(&messages(1..2)).unwrap().failed(), 1);
        repair();
        wait_until_older_than(0);
        assert_eq!(engine.prune(Duration::from_secs(0)).unwrap(), 1);
        done();
        assert_eq!(engine.process(&messages(0..2)).unwrap().delivered(), 2);
        let again = [
            with("first", "wamid.0"),
            with("second", "wamid.0"),
            with("second", "wamid.1"),
        ];
        assert_eq!(done(), again);
        let user = whatsapp_signals::model::Identity::from_phone("15550101001").unwrap();
        assert_eq!(
            records(&engine).conversation(&user, None, 9).unwrap().len(),
            2
        );
        assert_eq!(records(&engine).unread_count(&user).unwrap(), 2);
    });
}
