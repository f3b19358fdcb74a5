//! Async receivers of all events.

use whatsapp_signals::signals::{ANY_EVENT, MESSAGE_RECEIVED};
use whatsapp_signals::{Context as Values, WebhookEvent};

use super::*;

#[test]
fn those_before_are_awaited_before_the_typed_ones_start() {
    on_each_executor(|| async {
        let (log, context) = (Log::default(), Values::new().only_own_receivers());
        let first = ConnectOptions::new().order(-1);
        let before =
            context.connect_with(&ANY_EVENT, first, logs(&log, "before", "before", 3, None));
        before.unwrap();
        context.connect(&ANY_EVENT, logs(&log, "after", "after", 1, None));
        context.connect(&MESSAGE_RECEIVED, logs(&log, "slow", "slow", 2, None));
        context.connect(&MESSAGE_RECEIVED, logs(&log, "fast", "fast", 0, None));
        let webhook = parse(include_bytes!("../../payloads/text.json")).unwrap();
        let report = webhook.with(&context).dispatch_async().await;
        assert_eq!((report.called(), report.is_ok()), (4, true));
        let expected = [
            "before", "before", "slow", "fast", "fast", "slow", "after", "after",
        ];
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn a_dispatch_that_does_not_await_reports_them_as_failed() {
    let (log, context) = (Log::default(), Values::new().only_own_receivers());
    context.connect(
        &ANY_EVENT,
        logs::<WebhookEvent>(&log, "any", "any", 0, None),
    );
    let webhook = parse(include_bytes!("../../payloads/text.json")).unwrap();
    let report = webhook.with(&context).dispatch();
    let [failed] = report.failures() else {
        panic!("one failure: {report:?}");
    };
    assert!(matches!(failed.failure.cause(), Cause::NeedsAsend));
    assert_eq!(failed.failure.receiver().signal(), "any_event");
    assert!(log.take().is_empty());
}
