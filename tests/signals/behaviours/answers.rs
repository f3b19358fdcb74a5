//! Receivers that return a value, as Django's do.

use super::*;

/// A value without `Default`, `Clone` or `Debug`.
struct Price(u32);

fn prices(report: Report<Price>) -> Vec<(&'static str, u32)> {
    let answers = report.into_responses().into_iter();
    let answers = answers.map(|(receiver, price)| (receiver.uid().map(str::len), price.0));
    answers
        .map(|(uid, price)| (["-", "a", "bb", "ccc"][uid.unwrap_or(0)], price))
        .collect()
}

fn named(uid: &'static str, order: i32) -> ConnectOptions<u32> {
    ConnectOptions::new().uid(uid).order(order)
}

#[test]
fn answers_come_with_their_receivers_in_order() -> Done {
    let signal: Signal<u32, Price> = Signal::with_responses("priced");
    let _second = signal.connect_with(named("bb", 2), |n: &u32| Price(n + 2))?;
    let _first = signal.connect_with(named("a", 1), |n: &u32| match n {
        0 => Err("none"),
        n => Ok(Price(n + 1)),
    })?;
    let filtered = named("ccc", 3).filter(|n| *n > 5);
    let _third = signal.connect_with(filtered, |_: &u32| Price(0))?;

    assert_eq!(prices(signal.send(&1)?), [("a", 2), ("bb", 3)]);
    assert_eq!(
        prices(signal.send_robust(&6)),
        [("a", 7), ("bb", 8), ("ccc", 0)]
    );
    let report = signal.send_robust(&0);
    assert_eq!(
        (report.called(), report.succeeded(), report.filtered()),
        (2, 1, 1)
    );
    assert!(!report.is_ok() && report.failures()[0].receiver().uid() == Some("a"));
    assert_eq!(prices(report), [("bb", 2)]);
    assert!(signal.send(&0).is_err());
    Ok(())
}

#[test]
fn async_answers_come_last_and_in_the_order_of_their_receivers() -> Done {
    async fn slow(n: &u32) -> Price {
        let mut polls = 0;
        std::future::poll_fn(|cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            if polls > 3 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        Price(*n)
    }

    let signal: Signal<u32, Price> = Signal::with_responses("priced");
    let _slow = signal.connect_with(named("a", 1), slow)?;
    let _quick = signal.connect_with(named("bb", 2), async |n: &u32| {
        Ok::<_, Failure>(Price(n + 1))
    })?;
    let _sync = signal.connect_with(named("ccc", 3), |n: &u32| Price(n + 2))?;
    let expected = [("ccc", 3), ("a", 1), ("bb", 2)];
    assert_eq!(prices(pollster::block_on(signal.asend(&1))?), expected);
    assert_eq!(
        prices(pollster::block_on(signal.asend_robust(&1))),
        expected
    );
    Ok(())
}

#[test]
fn a_signal_without_answers_reports_none() -> Done {
    let signal = Signal::new("tick");
    let _connection = signal.connect(|_: &u32| {});
    let report = signal.send(&1)?;
    assert_eq!((report.succeeded(), report.responses().len()), (1, 0));
    Ok(())
}
