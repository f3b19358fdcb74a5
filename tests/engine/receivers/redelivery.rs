//! Repeated webhooks and errors.

use super::*;

#[test]
fn a_webhook_that_comes_again_runs_nothing() {
    let _turn = turn();
    with_each_store(|engine| {
        let body = messages(0..3);
        let outcome = engine.process(&body).unwrap();
        assert_eq!(
            line(&outcome),
            "delivered 3 duplicates 0 unrecognized 0 failed 0"
        );
        assert_eq!(done().len(), 6);
        for _ in 0..2 {
            let outcome = engine.process(&body).unwrap();
            assert_eq!(
                line(&outcome),
                "delivered 0 duplicates 3 unrecognized 0 failed 0"
            );
            assert!(!outcome.should_retry());
            assert_eq!(done(), []);
        }
        assert_eq!(engine.webhooks(None, 9).unwrap(), [], "nothing is left");
        assert_eq!(
            line(&engine.retry_unfinished().unwrap()),
            "delivered 0 duplicates 0 unrecognized 0 failed 0"
        );
    });
}

#[test]
fn events_repeated_in_another_body_are_duplicates_one_by_one() {
    let _turn = turn();
    with_each_store(|engine| {
        assert_eq!(engine.process(&messages(0..2)).unwrap().delivered(), 2);
        let outcome = engine.process(&messages(1..4)).unwrap();
        assert_eq!(
            line(&outcome),
            "delivered 2 duplicates 1 unrecognized 0 failed 0"
        );
        assert_eq!(engine.process(&messages(0..4)).unwrap().duplicates(), 4);
        assert_eq!(done().len(), 8);
    });
}

#[test]
fn an_item_that_is_twice_in_one_body_runs_once() {
    let _turn = turn();
    with_each_store(|engine| {
        let outcome = engine.process(&items("messages", &[GOOD, GOOD])).unwrap();
        assert_eq!(
            line(&outcome),
            "delivered 1 duplicates 1 unrecognized 0 failed 0"
        );
        assert_eq!(
            done(),
            [with("first", "wamid.A"), with("second", "wamid.A")]
        );
    });
}

#[test]
fn a_redelivery_runs_only_the_receivers_that_have_not_succeeded() {
    let _turn = turn();
    for fails in [Fails::Error, Fails::Panic] {
        for (bad, good) in [("first", "second"), ("second", "first")] {
            with_each_store(|engine| {
                fail(bad, fails);
                let body = messages(0..2);
                let outcome = engine.process(&body).unwrap();
                assert_eq!(
                    line(&outcome),
                    "delivered 2 duplicates 0 unrecognized 0 failed 2"
                );
                assert_eq!((outcome.unfinished(), outcome.should_retry()), (2, true));
                assert_eq!(
                    (outcome.failures()[1].event, outcome.without_receivers()),
                    (1, 0)
                );
                assert_eq!(done(), [with(good, "wamid.0"), with(good, "wamid.1")]);

                // It fails again, and the other one is left alone.
                assert_eq!(engine.process(&body).unwrap().failed(), 2);
                assert_eq!(done(), []);

                repair();
                let outcome = engine.process(&body).unwrap();
                assert_eq!(outcome.without_receivers(), 0);
                assert_eq!(
                    line(&outcome),
                    "delivered 2 duplicates 0 unrecognized 0 failed 0"
                );
                assert_eq!(done(), [with(bad, "wamid.0"), with(bad, "wamid.1")]);
                assert_eq!(engine.process(&body).unwrap().duplicates(), 2);
                assert_eq!(done(), []);
            });
        }
    }
}

#[test]
fn an_error_without_a_name_that_happens_again_is_another_one() {
    let _turn = turn();
    with_each_store(|engine| {
        let body = value("messages", ERRORS);
        for _ in 0..3 {
            let outcome = engine.process(&body).unwrap();
            assert_eq!(
                line(&outcome),
                "delivered 1 duplicates 0 unrecognized 0 failed 0"
            );
        }
        fail("error", Fails::Error);
        assert!(engine.process(&body).unwrap().should_retry());
        repair();
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 1);
    });
}

#[test]
fn an_error_beside_duplicates_is_a_duplicate() {
    let _turn = turn();
    with_each_store(|engine| {
        let message = |id| {
            format!(
                r#""messages":[{{"id":"wamid.{id}","from":"1","type":"text","text":{{"body":"Hi"}}}}]"#
            )
        };
        let body = |id| value("messages", &format!("{},{ERRORS}", message(id)));
        fail("second", Fails::Error);
        for _ in 0..3 {
            assert!(engine.process(&body("A")).unwrap().should_retry());
        }
        repair();
        assert_eq!(engine.process(&body("A")).unwrap().delivered(), 1);
        let repeated = done().iter().filter(|(name, _)| *name == "error").count();
        assert_eq!(repeated, 1);
        assert_eq!(
            engine.process(&body("B")).unwrap().delivered(),
            2,
            "in new company"
        );
        done();
    });
}

#[test]
fn an_error_that_happens_again_takes_the_place_of_its_dead_letter() {
    let _turn = turn();
    with_each_store(|engine| {
        let engine = engine.max_attempts(1);
        let body = value("messages", ERRORS);
        fail("error", Fails::Error);
        assert_eq!(engine.process(&body).unwrap().dead_lettered(), 1);
        repair();
        assert_eq!(engine.process(&body).unwrap().delivered(), 1);
        assert_eq!(engine.dead_letters(9).unwrap(), []);
        assert_eq!(engine.webhooks(None, 9).unwrap(), []);
    });
}
