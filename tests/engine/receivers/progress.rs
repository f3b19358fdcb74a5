//! The progress of each receiver with an event.

use super::*;
use whatsapp_signals::{BoxError, Retry};

#[test]
fn each_receiver_gives_up_alone_and_a_requeue_calls_only_those_that_did() {
    with_each_store(|engine| {
        let context = Context::new().only_own_receivers();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let is_mended = Arc::new(Mutex::new(false));
        let mut order = 0;
        let mut connect = |uid: &'static str, attempts: Option<u32>, failures: usize| {
            order += 1;
            let options = ConnectOptions::new().order(order).uid(uid);
            let options = match attempts {
                Some(attempts) => options.attempts(attempts),
                None => options,
            };
            let (calls, is_mended) = (Arc::clone(&calls), Arc::clone(&is_mended));
            let failures = Mutex::new(0..failures);
            let receiver = move |_: &MessageReceived| -> Result<(), BoxError> {
                calls.lock().push(uid);
                if failures.lock().next().is_none() || *is_mended.lock() {
                    Ok(())
                } else if uid == "never" {
                    Err(Retry::never("malformed").into())
                } else {
                    Err("not yet".into())
                }
            };
            context
                .connect_with(&MESSAGE_RECEIVED, options, receiver)
                .unwrap();
        };
        connect("never", None, 9);
        connect("own", Some(2), 9);
        connect("common", None, 9);
        connect("good", None, 0);
        connect("late", None, 1);
        let take_calls = || std::mem::take(&mut *calls.lock());
        let engine = engine.context(context).max_attempts(3);

        let outcome = engine.process(&messages(0..1)).unwrap();
        assert_eq!((outcome.failed(), outcome.dead_lettered()), (4, 0));
        let all = ["never", "own", "common", "good", "late"];
        assert_eq!(take_calls(), all);
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!((outcome.failed(), outcome.dead_lettered()), (2, 0));
        assert_eq!(take_calls(), ["own", "common", "late"]);
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!((outcome.failed(), outcome.dead_lettered()), (1, 1));
        assert_eq!(take_calls(), ["common"]);

        let letter = engine.dead_letters(9).unwrap().remove(0);
        assert_eq!(letter.failed, ["never", "own", "common"]);
        assert_eq!(letter.attempts, 3);
        *is_mended.lock() = true;
        assert!(engine.requeue(&letter.key).unwrap());
        assert_eq!(engine.retry_unfinished().unwrap().unfinished(), 0);
        assert_eq!(take_calls(), ["never", "own", "common"]);
        assert_eq!(engine.process(&messages(0..1)).unwrap().duplicates(), 1);
    });
}
