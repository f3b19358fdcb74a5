//! Retries of failed receivers.

use super::*;

#[test]
fn one_bad_event_leaves_its_neighbours_finished() {
    let _turn = turn();
    with_each_store(|engine| {
        let body = items("messages", &[ODD, GOOD]);
        fail("unrecognized", Fails::Error);
        let outcome = engine.process(&body).unwrap();
        assert_eq!(
            line(&outcome),
            "delivered 2 duplicates 0 unrecognized 1 failed 1"
        );
        let outcome = engine.process(&body).unwrap();
        assert_eq!(
            line(&outcome),
            "delivered 1 duplicates 1 unrecognized 1 failed 1"
        );
        repair();
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!(
            line(&outcome),
            "delivered 1 duplicates 0 unrecognized 1 failed 0"
        );
        assert_eq!(engine.process(&body).unwrap().duplicates(), 2);
    });
}

#[test]
fn a_retry_runs_the_failed_receivers_with_the_stored_contact() {
    let _turn = turn_alone();
    with_each_store(|engine| {
        fail("second", Fails::Error);
        assert!(engine.process(&messages(0..2)).unwrap().should_retry());
        assert_eq!(engine.retry_unfinished().unwrap().failed(), 2);
        repair();
        done();
        let user = whatsapp_signals::model::Identity::from_phone("15550101001").unwrap();
        records(&engine)
            .update_contact(&user, |c| c.labels.push("gravel".into()))
            .unwrap();
        let (sender, seen) = std::sync::mpsc::channel();
        let connection = MESSAGE_RECEIVED.connect(move |event: &MessageReceived| {
            let contact = event.contact.as_ref().unwrap();
            sender
                .send((contact.labels.clone(), contact.created_at))
                .unwrap();
        });
        let outcome = engine.retry_unfinished().unwrap();
        drop(connection);
        assert_eq!(
            line(&outcome),
            "delivered 2 duplicates 0 unrecognized 0 failed 0"
        );
        assert_eq!(
            done(),
            [with("second", "wamid.0"), with("second", "wamid.1")]
        );
        for (labels, created_at) in seen {
            assert_eq!(labels, ["gravel"]);
            assert!(created_at.is_some());
        }
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 0);
        assert_eq!(
            records(&engine).unread_count(&user).unwrap(),
            2,
            "written down once"
        );
    });
}

#[test]
fn many_unfinished_webhooks_are_all_retried_in_the_order_in_which_they_came() {
    let _turn = turn();
    with_each_store(|engine| {
        fail("first", Fails::Error);
        for number in 0..250 {
            assert!(
                engine
                    .process(&messages(number..number + 1))
                    .unwrap()
                    .should_retry()
            );
        }
        repair();
        done();
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 250);
        let expected: Vec<_> = (0..250)
            .map(|n| with("first", &format!("wamid.{n}")))
            .collect();
        assert_eq!(done(), expected);
    });
}

#[test]
fn a_webhook_that_cannot_be_read_keeps_no_other_from_its_retry() {
    let _turn = turn();
    with_each_steady_store(|engine| {
        let row = WebhookRow::new(WebhookKind::Body, Timestamp::now(), 1);
        rows::add_webhook(engine.store(), row, b"{", &[]);
        fail("second", Fails::Error);
        assert!(engine.process(&messages(0..1)).unwrap().should_retry());
        repair();
        done();
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!(outcome.dead_lettered(), 1, "and it is reported");
        assert_eq!(done(), [with("second", "wamid.0")]);
    });
}

#[test]
fn events_that_have_other_keys_by_now_are_run_under_those() {
    let _turn = turn();
    with_each_steady_store(|engine| {
        // Another version has stored a webhook with two open events, whose keys are unknown to
        // this version.
        let body = messages(0..2);
        let row = WebhookRow::new(WebhookKind::Body, Timestamp::now(), 2);
        rows::add_webhook(engine.store(), row, &body, &["old:0", "old:1"]);
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 2);
        assert_eq!(done().len(), 4);
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 0);
        assert_eq!(engine.webhooks(None, 9).unwrap(), []);
    });
}

/// A preference without a time that is repeated while its receivers have not succeeded.
#[test]
fn a_stop_that_comes_again_while_the_first_is_open_counts() {
    let _turn = turn();
    with_each_store(|engine| {
        let body = |preference: &str| {
            let item = format!(r#"{{"wa_id":"15550101001","value":"{preference}"}}"#);
            value(
                "user_preferences",
                &format!(r#""user_preferences":[{item}]"#),
            )
        };
        fail("preference", Fails::Error);
        assert!(engine.process(&body("stop")).unwrap().should_retry());
        repair();
        for preference in ["resume", "stop"] {
            assert_eq!(engine.process(&body(preference)).unwrap().delivered(), 1);
        }
        let user = whatsapp_signals::model::Identity::from_phone("15550101001").unwrap();
        assert!(records(&engine).contact(&user).unwrap().unwrap().opted_out);
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 0);
    });
}
