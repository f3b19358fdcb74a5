//! Events without attempts left.

use super::*;

#[test]
fn after_the_last_attempt_an_event_is_a_dead_letter_to_requeue_or_discard() {
    let _turn = turn();
    let test = |engine: Engine| {
        let engine = engine.max_attempts(3);
        fail("second", Fails::Error);
        let body = messages(0..2);
        for attempt in 1..=3 {
            let outcome = engine.process(&body).unwrap();
            assert_eq!((outcome.failed(), outcome.should_retry()), (2, attempt < 3));
            assert_eq!(outcome.dead_lettered(), if attempt == 3 { 2 } else { 0 });
        }
        assert_eq!(engine.process(&body).unwrap().duplicates(), 2, "no retry");
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 0);

        let letters = engine.dead_letters(9).unwrap();
        let keys: Vec<_> = letters.iter().map(|letter| letter.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "message_received:wamid.0:text:number=300",
                "message_received:wamid.1:text:number=300"
            ]
        );
        assert_eq!(letters[0].failed, ["second"]);
        assert_eq!(letters[0].attempts, 3);
        let event = letters[0].event.as_ref().unwrap();
        assert_eq!(event.dedup_key(), letters[0].key);
        assert!(
            !format!("{letters:?}").contains("wamid"),
            "no personal data"
        );
        assert_eq!(engine.dead_letters(1).unwrap().len(), 1);

        // Both are requeued; one of them is finished, one dies again.
        assert!(engine.requeue(keys[0]).unwrap());
        assert!(
            !engine.requeue(keys[0]).unwrap(),
            "it is no dead letter now"
        );
        assert!(!engine.requeue("nonsense").unwrap());
        repair();
        done();
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 1);
        assert_eq!(done(), [with("second", "wamid.0")], "`first` had succeeded");
        assert!(!engine.discard(keys[0]).unwrap(), "it is finished");

        assert!(engine.discard(keys[1]).unwrap());
        assert_eq!(engine.dead_letters(9).unwrap(), []);
        assert_eq!(engine.process(&body).unwrap().duplicates(), 2);
        assert_eq!(engine.webhooks(None, 9).unwrap(), [], "nothing is left");
    };
    with_each_store(test);
}

#[test]
fn a_requeued_letter_does_not_bring_back_its_neighbours() {
    let _turn = turn();
    with_each_store(|engine| {
        let engine = engine.max_attempts(2);
        let item = |id| {
            format!(r#"{{"id":"wamid.{id}","from":"1","type":"text","text":{{"body":"Hi"}}}}"#)
        };
        let body = items("messages", &[&item(0), ODD, &item(1)]);
        fail("unrecognized", Fails::Error);
        for _ in 0..2 {
            assert_eq!(engine.process(&body).unwrap().failed(), 1);
        }
        done();
        let letters = engine.dead_letters(9).unwrap();
        assert!(engine.requeue(&letters[0].key).unwrap());
        repair();
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!(
            line(&outcome),
            "delivered 1 duplicates 0 unrecognized 1 failed 0"
        );
        assert_eq!(done().len(), 1);
    });
}

#[test]
fn nor_those_that_were_finished_after_it_had_died() {
    let _turn = turn();
    with_each_store(|engine| {
        let engine = engine.max_attempts(2);
        fail("unrecognized", Fails::Error);
        fail("second", Fails::Error);
        assert_eq!(
            engine
                .process(&items("messages", &[GOOD, ODD]))
                .unwrap()
                .failed(),
            2
        );
        assert_eq!(
            engine
                .process(&items("messages", &[ODD]))
                .unwrap()
                .dead_lettered(),
            1
        );
        repair();
        assert_eq!(
            engine
                .process(&items("messages", &[GOOD]))
                .unwrap()
                .delivered(),
            1
        );
        done();
        let letters = engine.dead_letters(9).unwrap();
        assert!(engine.requeue(&letters[0].key).unwrap());
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 1);
        assert_eq!(done().len(), 1, "only the unrecognized event");
    });
}
