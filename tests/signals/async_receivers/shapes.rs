//! The kinds of async receivers.

use super::*;

async fn is_even(n: &u32) -> Result<(), String> {
    turn().await;
    if n.is_multiple_of(2) {
        Ok(())
    } else {
        Err(format!("{n} is odd"))
    }
}

struct AtLeast(u32);

impl AsyncReceiver<u32> for AtLeast {
    async fn receive(&self, n: &u32) -> Result<(), BoxError> {
        turn().await;
        if *n < self.0 {
            Err("too few".into())
        } else {
            Ok(())
        }
    }
}

#[test]
fn functions_closures_and_structs_connect_alike() {
    on_each_executor(|| async {
        let signal = Signal::new("tick");
        let _function = signal.connect(is_even);
        let _closure = signal.connect(async |n: &u32| {
            turn().await;
            if *n > 8 { Err("too many") } else { Ok(()) }
        });
        let limit = 5;
        let _returns_a_block = signal.connect(move |n: &u32| {
            let n = *n;
            async move { if n == limit { Err("five") } else { Ok(()) } }
        });
        let _struct = signal.connect(AtLeast(2));
        let _sync = signal.connect(|n: &u32| if *n == 4 { Err("four") } else { Ok(()) });
        let mut received = Vec::new();
        for n in [1, 2, 4, 5, 10] {
            received.push(said(&signal.asend_robust(&n).await));
        }
        assert_eq!(received[0], ["1 is odd", "too few"]);
        assert_eq!(received[1], [""; 0]);
        assert_eq!(received[2], ["four"]);
        assert_eq!(received[3], ["5 is odd", "five"]);
        assert_eq!(received[4], ["too many"]);
        let kinds: Vec<_> = signal
            .receivers()
            .iter()
            .map(ReceiverInfo::is_async)
            .collect();
        assert_eq!(kinds, [true, true, true, true, false]);
    });
}

struct Borrowed<'a>(&'a str);

static BORROWED: Signal<Borrowed<'static>> = Signal::new("borrowed");

#[receiver(BORROWED)]
async fn elides(event: &Borrowed<'_>) -> Result<(), String> {
    turn().await;
    Err(event.0.to_owned())
}

#[test]
fn the_lifetime_of_a_payload_may_be_elided() {
    let report = pollster::block_on(BORROWED.asend_robust(&Borrowed("it")));
    assert_eq!(said(&report), ["it"]);
}

static PAID: Signal<u32> = Signal::new("paid");
static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[receiver(PAID, order = 2, uid = "thank", filter = |cents| *cents > 100)]
async fn thank(cents: &u32) -> Result<(), String> {
    turn().await;
    LOG.lock().push(format!("thank {cents}"));
    if *cents == 500 {
        Err("no".to_owned())
    } else {
        Ok(())
    }
}

#[receiver(PAID, order = 1)]
async fn note(cents: &u32) {
    LOG.lock().push(format!("note {cents}"));
    turn().await;
}

#[receiver(PAID, order = 3)]
fn count(cents: &u32) {
    LOG.lock().push(format!("count {cents}"));
}

#[test]
fn async_functions_are_registered_with_the_attribute() {
    let report = pollster::block_on(PAID.asend_robust(&500));
    assert_eq!((report.called(), said(&report)), (3, vec!["no".into()]));
    assert_eq!(report.failures()[0].receiver().uid(), Some("thank"));
    assert_eq!(
        std::mem::take(&mut *LOG.lock()),
        ["count 500", "note 500", "thank 500"]
    );
    assert_eq!(pollster::block_on(PAID.asend(&5)).unwrap().filtered(), 1);
    let kinds = PAID.receivers();
    let kinds: Vec<_> = kinds
        .iter()
        .map(|info| (info.order(), info.is_async()))
        .collect();
    assert_eq!(kinds, [(1, true), (2, true), (3, false)]);
    // The function stays what it was.
    assert_eq!(pollster::block_on(thank(&500)), Err("no".to_owned()));
}

#[receiver(MESSAGE_ECHO)]
async fn read(event: &MessageEcho) -> Result<(), String> {
    turn().await;
    Err(event.message.body().to_owned())
}

#[test]
fn webhooks_and_events_wait_too() {
    on_each_executor(|| async {
        let webhook = parse(include_bytes!("../../payloads/message-echo.json")).unwrap();
        let report = webhook.dispatch_async().await;
        assert_eq!((report.called(), report.failures().len()), (1, 1));
        let event = &webhook.events()[0];
        assert_eq!(event.dispatch_async().await.failures().len(), 1);
        let whatsapp_signals::WebhookEvent::MessageEcho(event) = event else {
            panic!("{event:?}");
        };
        assert!(MESSAGE_ECHO.asend(event).await.is_err());
        assert_eq!(MESSAGE_ECHO.asend_robust(event).await.called(), 1);
        assert_eq!(said(&MESSAGE_ECHO.send_robust(event)), ["needs asend"]);
    });
}

#[test]
fn a_closure_owns_a_state_that_each_call_clones() {
    on_each_executor(|| async {
        let signal = Signal::new("tick");
        let state = (Log::default(), String::from("ticked"));
        let log = state.0.clone();
        let _connection = signal.connect(with_state(
            state,
            async |(log, name): (Log, String), n: &u32| {
                turn().await;
                log.add(if *n > 1 { "more" } else { "one" });
                if *n > 1 { Err(name) } else { Ok(()) }
            },
        ));
        assert!(signal.asend(&1).await.is_ok());
        assert_eq!(said(&signal.asend_robust(&2).await), ["ticked"]);
        assert_eq!(log.take(), ["one", "more"]);
        assert!(signal.receivers()[0].is_async());
    });
}
