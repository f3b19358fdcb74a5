//! The signal of all events: before and after the receivers of an event's own signal.

use whatsapp_signals::event::{CampaignCompleted, MessageReceived, WebhookEvent};
use whatsapp_signals::model::Campaign;
use whatsapp_signals::signals::{ANY_EVENT, CAMPAIGN_COMPLETED, MESSAGE_RECEIVED};
use whatsapp_signals::{Context, Webhook, parse};

use super::*;

fn text() -> Webhook {
    parse(include_bytes!("../../payloads/text.json")).expect("a webhook")
}

fn connect_any(context: &Context, order: i32, receiver: impl Receiver<WebhookEvent>) {
    let options = ConnectOptions::new().order(order);
    let connected = context.connect_with(&ANY_EVENT, options, receiver);
    connected.expect("no uid");
}

fn connect_typed(context: &Context, order: i32, receiver: impl Receiver<MessageReceived>) {
    let options = ConnectOptions::new().order(order);
    let connected = context.connect_with(&MESSAGE_RECEIVED, options, receiver);
    connected.expect("no uid");
}

/// A receiver of any payload that writes its name.
fn writes<T>(log: &Log, name: &'static str) -> impl Fn(&T) + Send + Sync + use<T> {
    let log = log.clone();
    move |_: &T| log.write(name)
}

/// The reports of the first event, one of each kind of dispatch, made one by one.
fn reports<'a>(webhook: &'a Webhook, context: &'a Context) -> impl Iterator<Item = Report> + 'a {
    let event = webhook.events()[0].with(context);
    [false, true].into_iter().map(move |is_async| {
        if is_async {
            pollster::block_on(event.dispatch_async())
        } else {
            event.dispatch()
        }
    })
}

#[test]
fn negative_orders_run_before_the_typed_receivers_and_the_others_after_them() {
    let (log, context) = (Log::new(), Context::new().only_own_receivers());
    for (order, name) in [(0, "any 0"), (3, "any 3"), (-1, "any -1"), (-7, "any -7")] {
        connect_any(&context, order, writes(&log, name));
    }
    for (order, name) in [(9, "typed 9"), (-9, "typed -9")] {
        connect_typed(&context, order, writes(&log, name));
    }
    let all = ["any -7", "any -1", "typed -9", "typed 9", "any 0", "any 3"];
    let webhook = text();
    for report in reports(&webhook, &context) {
        assert_eq!((report.called(), report.has_no_receivers()), (6, false));
        assert_eq!(log.take(), all);
    }
    let webhook = webhook.with(&context);
    let report = webhook.dispatch();
    assert_eq!((report.events(), report.called()), (1, 6));
    assert_eq!(log.take(), all);
    let report = pollster::block_on(webhook.dispatch_async());
    assert_eq!((report.events(), report.called()), (1, 6));
    assert_eq!(log.take(), all);
}

#[test]
fn a_failure_is_collected_in_the_order_of_the_receivers_and_stops_none() {
    let context = Context::new().only_own_receivers();
    let log = Log::new();
    connect_any(&context, -1, |_: &WebhookEvent| Err("before"));
    connect_typed(&context, 0, |_: &MessageReceived| Err("typed"));
    connect_any(&context, 0, |event: &WebhookEvent| {
        assert!(event.name().is_empty(), "after");
    });
    connect_any(&context, 1, writes(&log, "last"));
    let webhook = text();
    for report in reports(&webhook, &context) {
        let failed = report.failures().iter().map(|failure| {
            let error = failure.error().map(ToString::to_string);
            let panic = failure.panic_message().map(str::to_owned);
            (failure.receiver().signal(), error.or(panic).expect("text"))
        });
        let failed: Vec<_> = failed.collect();
        let expected = [
            ("any_event", "before".to_owned()),
            ("message_received", "typed".to_owned()),
            ("any_event", "after".to_owned()),
        ];
        assert_eq!(failed, expected);
        assert_eq!((report.called(), report.succeeded()), (4, 1));
        assert_eq!(log.take(), ["last"]);
    }
    let report = webhook.with(&context).dispatch();
    assert!(report.failures().iter().all(|failed| failed.event == 0));
    assert_eq!(report.failures().len(), 3);
}

#[test]
fn only_typed_receivers_count_as_receivers_of_an_event() {
    let context = Context::new().only_own_receivers();
    connect_any(&context, -1, |_: &WebhookEvent| Err("before"));
    connect_any(&context, 0, |_: &WebhookEvent| {});
    let webhook = text();
    for report in reports(&webhook, &context) {
        assert_eq!((report.called(), report.has_no_receivers()), (2, true));
        assert!(!report.is_ok());
    }
    assert_eq!(webhook.with(&context).dispatch().without_receivers(), 1);

    let declines = ConnectOptions::new().filter(|_: &MessageReceived| false);
    let connected = context.connect_with(&MESSAGE_RECEIVED, declines, |_: &MessageReceived| {});
    connected.expect("no uid");
    for report in reports(&webhook, &context) {
        assert_eq!((report.filtered(), report.has_no_receivers()), (1, false));
    }
}

#[test]
fn filters_apply() {
    let (log, context) = (Log::new(), Context::new().only_own_receivers());
    let flows = ConnectOptions::new().filter(|event: &WebhookEvent| {
        matches!(event, WebhookEvent::FlowCompleted(_)) // and not its message
    });
    let connected = context.connect_with(&ANY_EVENT, flows, writes(&log, "flow"));
    connected.expect("no uid");
    let webhook = parse(include_bytes!("../../payloads/flow-reply.json")).expect("a webhook");
    let report = webhook.with(&context).dispatch();
    assert_eq!((report.called(), report.filtered()), (1, 1));
    assert_eq!(log.take(), ["flow"]);
}

#[test]
fn the_send_of_another_signal_does_not_reach_it() {
    let (log, context) = (Log::new(), Context::new().only_own_receivers());
    connect_any(&context, 0, writes(&log, "any"));
    let WebhookEvent::MessageReceived(event) = text().into_events().remove(0) else {
        panic!("a message");
    };
    let sent = MESSAGE_RECEIVED.with(&context);
    let completed = CampaignCompleted::new(Campaign::new("Spring"));
    let reports = [
        sent.send(&event),
        Ok(sent.send_robust(&event)),
        pollster::block_on(sent.asend(&event)),
        Ok(pollster::block_on(sent.asend_robust(&event))),
        CAMPAIGN_COMPLETED.with(&context).send(&completed),
    ];
    for report in reports {
        assert!(report.is_ok_and(|report| report.called() == 0));
    }
    assert!(
        CAMPAIGN_COMPLETED
            .send_robust(&completed)
            .has_no_receivers()
    );
    assert!(log.take().is_empty());
    // Its own send has an event like any other.
    let event = WebhookEvent::from(event);
    let report = ANY_EVENT.with(&context).send(&event);
    assert!(report.is_ok_and(|report| report.called() == 1 && !report.has_no_receivers()));
}
