//! Events without receivers, and receivers that are added later.

use super::*;

#[test]
fn an_event_without_receivers_is_counted_and_finished() {
    let _turn = turn_alone();
    let preferences = |times: std::ops::Range<u32>| {
        let item = |time| format!(r#"{{"wa_id":"1","value":"stop","timestamp":{time}}}"#);
        let items: Vec<_> = times.map(item).collect();
        let items = items.join(",");
        value(
            "user_preferences",
            &format!(r#""user_preferences":[{items}]"#),
        )
    };
    // A muted signal is silent in the whole program, and only the tests here have receivers
    // of this one.
    with_each_store(|engine| {
        let silence = USER_PREFERENCE.mute();
        let outcome = engine.process(&preferences(1..3)).unwrap();
        assert_eq!((outcome.delivered(), outcome.without_receivers()), (2, 2));
        drop(silence);
        let mut outcome = engine.process(&preferences(1..4)).unwrap();
        assert_eq!((outcome.duplicates(), outcome.without_receivers()), (2, 0));
        let silence = USER_PREFERENCE.mute();
        outcome += engine.process(&preferences(4..5)).unwrap();
        drop(silence);
        assert_eq!(outcome.without_receivers(), 1);
        assert_eq!(done(), [with("preference", "stop")], "the third");
    });
}

#[test]
fn a_receiver_that_is_added_later_gets_only_unfinished_events() {
    let _turn = turn_alone();
    with_each_store(|engine| {
        assert_eq!(engine.process(&messages(0..1)).unwrap().delivered(), 1);
        fail("second", Fails::Error);
        assert_eq!(engine.process(&messages(1..2)).unwrap().failed(), 1);
        repair();
        let (sender, seen) = std::sync::mpsc::channel();
        let connection = MESSAGE_RECEIVED.connect(move |event: &MessageReceived| {
            sender.send(event.message.id.to_string()).unwrap();
        });
        assert_eq!(engine.process(&messages(0..2)).unwrap().delivered(), 1);
        drop(connection);
        assert_eq!(seen.iter().collect::<Vec<_>>(), ["wamid.1"]);
    });
}

#[test]
fn receivers_with_one_path_are_distinct() {
    let _turn = turn_alone();
    with_each_store(|engine| {
        let connect = |name: &'static str| {
            MESSAGE_RECEIVED
                .connect(move |event: &MessageReceived| act(name, event.message.id.as_str()))
        };
        let connections = ["a", "b", "c"].map(connect);
        fail("b", Fails::Error);
        assert_eq!(engine.process(&messages(0..1)).unwrap().failed(), 1);
        assert_eq!(done().len(), 4);
        repair();
        assert_eq!(engine.process(&messages(0..1)).unwrap().failed(), 0);
        assert_eq!(done(), [with("b", "wamid.0")]);
        drop(connections);
    });
}

#[test]
fn a_slow_receiver_is_marked_as_soon_as_it_returns() {
    let _turn = turn_alone();
    with_each_steady_store(|engine| {
        let slow = MESSAGE_RECEIVED.connect_with(
            ConnectOptions::new().order(7).uid("slow"),
            |_: &MessageReceived| std::thread::sleep(Duration::from_millis(15)),
        );
        // The one behind it looks into the store.
        let (sender, marked) = std::sync::mpsc::channel();
        let store = Arc::clone(engine.store());
        let looks = move |event: &MessageReceived| {
            sender
                .send(rows::progress(&store, &event.dedup_key()))
                .unwrap();
        };
        let last = ConnectOptions::new().order(8);
        let looks = MESSAGE_RECEIVED.connect_with(last, looks);
        assert_eq!(engine.process(&messages(0..1)).unwrap().failed(), 0);
        drop((slow, looks));
        let progress = marked.recv().unwrap().unwrap();
        let names = rows::receivers(&progress, ReceiverState::Succeeded);
        let expected = [
            concat!(env!("CARGO_CRATE_NAME"), "::receivers::first"),
            "second",
            concat!(env!("CARGO_CRATE_NAME"), "::receivers::never"),
            "slow",
        ];
        assert_eq!(names, expected);
    });
}
