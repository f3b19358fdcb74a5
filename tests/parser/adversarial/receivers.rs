//! Receivers that fail, panic or block, and events without receivers.

use super::*;

static TICK: Signal<u32> = Signal::new("tick");

/// Connects to the first tick only.
fn connect(order: i32, uid: &'static str, receiver: impl Receiver<u32>) -> Connection<'static> {
    let options = ConnectOptions::new().order(order).uid(uid);
    let options = options.filter(|tick: &u32| *tick == 1);
    TICK.connect_with(options, receiver).unwrap()
}

#[test]
fn row_36_failures_name_their_receivers_and_stop_no_other() {
    static RECEIVED: Mutex<Vec<u32>> = Mutex::new(Vec::new());
    let _panics = connect(1, "panics", |tick: &u32| assert_ne!(*tick, 1));
    let _fails = connect(2, "fails", |_: &u32| Err("the till is empty"));
    let _slow = connect(3, "slow", |_: &u32| {
        let (done, is_done) = mpsc::channel();
        thread::spawn(move || {
            drop(TICK.connect(|_: &u32| {}));
            done.send(TICK.send_robust(&2).called())
        });
        // A lock of this thread would block the other one: the time limit makes that a failure.
        let called = is_done.recv_timeout(Duration::from_secs(60));
        called.map(|called| assert_eq!(called, 1))
    });
    let _enters = connect(4, "enters again", |_: &u32| {
        TICK.send(&3).map(|report| assert_eq!(report.called(), 1))
    });
    let leaves = connect(5, "leaves", |_: &u32| assert!(TICK.disconnect("leaves")));
    let last = ConnectOptions::new().order(6);
    let receive = |tick: &u32| RECEIVED.lock().unwrap().push(*tick);
    let _last = TICK.connect_with(last, receive).unwrap();

    let report = TICK.send_robust(&1);
    let failed = report.failures().iter();
    let failed = failed.map(|failed| failed.receiver().uid().unwrap());
    assert_eq!(failed.collect::<Vec<_>>(), ["panics", "fails"]);
    assert_eq!(*RECEIVED.lock().unwrap(), [2, 3, 1]);
    assert_eq!((report.called(), report.filtered()), (6, 0));
    assert!(!leaves.is_connected());
    let report = TICK.send_robust(&4);
    assert_eq!((report.called(), report.filtered()), (1, 4));
}

#[test]
fn row_37_an_event_without_receivers_is_counted_as_such() {
    let body = value(r#""in_app_signup":{"wa_id":"1555","signup_id":"spring"}"#);
    assert_eq!(names(&events(&body)), ["user_subscribed"]);
    let context = Context::new().only_own_receivers();
    assert!(!USER_SUBSCRIBED.with(&context).has_receivers());
    let webhook = parse(body.as_bytes()).unwrap();
    let report = webhook.with(&context).dispatch();
    assert_eq!((report.called(), report.without_receivers()), (0, 1));

    let tick: Signal<u32> = Signal::new("tick");
    assert!(tick.send(&1).unwrap().has_no_receivers());
    let picky = ConnectOptions::new().filter(|tick: &u32| *tick > 1);
    let _picky = tick.connect_with(picky, |_: &u32| {}).unwrap();
    assert!(!tick.send(&1).unwrap().has_no_receivers());
}
