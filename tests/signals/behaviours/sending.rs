//! The deliveries and the report of a send.

use super::*;

#[test]
fn t03_t13_both_sends_deliver_the_event_to_a_connected_receiver_until_it_is_disconnected() -> Done {
    let signal = Signal::new("tick");
    let log = Log::new();
    let connection = signal.connect(log.numbers());

    let reports = [signal.send(&1)?, signal.send_robust(&2)];
    assert_eq!(log.take(), [1, 2]);
    for report in reports {
        assert_eq!((report.called(), report.succeeded()), (1, 1));
        assert!(report.is_ok());
    }

    assert!(connection.disconnect());
    assert!(signal.receivers().is_empty());
    assert_eq!(signal.send(&3)?.called(), 0);
    assert!(log.take().is_empty());
    Ok(())
}

#[test]
fn t04_t14_a_send_without_receivers_reports_nothing() -> Done {
    let signal: Signal<u32> = Signal::new("tick");
    for report in [signal.send(&1)?, signal.send_robust(&1)] {
        assert_eq!((report.called(), report.filtered()), (0, 0));
        assert_eq!(report.succeeded(), 0);
        assert!(report.has_no_receivers() && report.is_ok());
        assert!(report.into_failures().is_empty());
    }
    Ok(())
}

#[test]
fn t05_t15_without_a_filter_every_event_is_received() -> Done {
    let signal = Signal::new("tick");
    let log = Log::new();
    let _connection = signal.connect(log.numbers());
    for n in 0..3 {
        assert_eq!(signal.send(&n)?.called(), 1);
        assert_eq!(signal.send_robust(&n).called(), 1);
    }
    assert_eq!(log.take(), [0, 0, 1, 1, 2, 2]);
    Ok(())
}

#[test]
fn t24_functions_closures_and_structs_with_state_are_receivers() -> Done {
    static HEARD: AtomicUsize = AtomicUsize::new(0);
    fn function(n: &u32) {
        HEARD.fetch_add(*n as usize, Ordering::Relaxed);
    }

    struct Sum(Arc<AtomicUsize>);
    impl Receiver<u32> for Sum {
        fn receive(&self, event: &u32) -> Result<(), BoxError> {
            self.0.fetch_add(*event as usize, Ordering::Relaxed);
            Ok(())
        }
    }

    let signal = Signal::new("tick");
    let (total, log) = (Arc::default(), Log::new());
    let _function = signal.connect(function);
    let _closure = signal.connect(log.numbers());
    let _struct = signal.connect(Sum(Arc::clone(&total)));

    assert_eq!(signal.send(&3)?.called() + signal.send(&4)?.called(), 6);
    assert_eq!(HEARD.load(Ordering::Relaxed), 7);
    assert_eq!(log.take(), [3, 4]);
    assert_eq!(total.load(Ordering::Relaxed), 7);
    Ok(())
}

#[test]
fn a_report_counts_the_called_the_filtered_and_the_failed() {
    let signal = Signal::new("tick");
    let _ok = [signal.connect(|_: &u32| {}), signal.connect(|_: &u32| {})];
    let _bad = signal.connect(|_: &u32| Err("no"));
    let _deaf = [1, 2, 3].map(|n| signal.connect_with(only(n), |_: &u32| {}).ok());

    let report = signal.send_robust(&9);
    assert_eq!((report.called(), report.filtered()), (3, 3));
    assert_eq!((report.succeeded(), report.failures().len()), (2, 1));
    assert!(!report.is_ok() && !report.has_no_receivers());
}

#[test]
fn an_event_that_every_filter_declined_has_receivers() -> Done {
    let signal = Signal::new("tick");
    let _deaf = signal.connect_with(only(1), |_: &u32| {})?;
    for report in [signal.send(&2)?, signal.send_robust(&2)] {
        assert_eq!((report.called(), report.filtered()), (0, 1));
        assert!(report.is_ok() && !report.has_no_receivers());
    }
    Ok(())
}

#[test]
fn the_payload_is_borrowed_so_every_receiver_sees_the_same_one() -> Done {
    let signal: Signal<String> = Signal::new("line");
    let log = Log::new();
    let _receivers = [(); 2].map(|()| {
        let log = log.clone();
        signal.connect(move |line: &String| log.write(line.as_ptr() as usize))
    });
    let line = "hello".to_owned();
    signal.send(&line)?;
    assert_eq!(log.take(), [line.as_ptr() as usize; 2]);
    Ok(())
}
