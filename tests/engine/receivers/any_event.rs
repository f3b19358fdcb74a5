//! Receivers of all events, and what an engine stores of them.

use whatsapp_signals::WebhookEvent;
use whatsapp_signals::signals::ANY_EVENT;

use super::*;

/// The calls of a test's receivers, and the names of those that fail.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<(Vec<&'static str>, Vec<&'static str>)>>);

impl Book {
    fn call(&self, name: &'static str) -> Result<(), &'static str> {
        let mut book = self.0.lock();
        book.0.push(name);
        if book.1.contains(&name) {
            Err("not yet")
        } else {
            Ok(())
        }
    }

    fn fail(&self, names: &[&'static str]) {
        self.0.lock().1 = names.to_vec();
    }

    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().0)
    }
}

/// Connects a receiver of all events, with a uid if there is one.
fn connect_any(
    context: &Context,
    book: &Book,
    order: i32,
    uid: Option<&'static str>,
    name: &'static str,
) {
    let options = ConnectOptions::new().order(order);
    let options = match uid {
        Some(uid) => options.uid(uid),
        None => options,
    };
    let book = book.clone();
    let receiver = move |_: &WebhookEvent| book.call(name);
    context.connect_with(&ANY_EVENT, options, receiver).unwrap();
}

fn connect_typed(context: &Context, book: &Book, uid: &'static str, name: &'static str) {
    let (book, options) = (book.clone(), ConnectOptions::new().uid(uid));
    let receiver = move |_: &MessageReceived| book.call(name);
    let connected = context.connect_with(&MESSAGE_RECEIVED, options, receiver);
    connected.unwrap();
}

fn with_context(engine: &Engine) -> (Engine, Context) {
    let context = Context::new().only_own_receivers();
    let engine = engine_over(Arc::clone(engine.store())).context(context.clone());
    (engine, context)
}

#[test]
fn a_retry_calls_only_the_one_that_failed() {
    with_each_store(|engine| {
        let (engine, context) = with_context(&engine);
        let book = Book::default();
        connect_any(&context, &book, -1, None, "before");
        connect_any(&context, &book, 0, None, "after");
        connect_typed(&context, &book, "typed", "typed");
        for (number, fails) in ["before", "typed", "after"].into_iter().enumerate() {
            book.fail(&[fails]);
            let body = messages(number..number + 1);
            let outcome = engine.process(&body).unwrap();
            assert_eq!((outcome.failed(), outcome.unfinished()), (1, 1));
            assert_eq!(book.take(), ["before", "typed", "after"]);
            let outcome = engine.process(&body).unwrap();
            assert_eq!((outcome.delivered(), outcome.failed()), (1, 1));
            assert_eq!(book.take(), [fails]);
            book.fail(&[]);
            let outcome = engine.retry_unfinished().unwrap();
            let text = "delivered 1 duplicates 0 unrecognized 0 failed 0";
            assert_eq!(line(&outcome), text);
            assert_eq!(book.take(), [fails]);
            assert_eq!(engine.process(&body).unwrap().duplicates(), 1);
        }
    });
}

#[test]
fn equal_uids_and_paths_have_records_of_their_own() {
    with_each_steady_store(|engine| {
        let (engine, context) = with_context(&engine);
        let book = Book::default();
        connect_any(&context, &book, -1, None, "first");
        connect_any(&context, &book, 0, Some("crm"), "any crm");
        // The same closure, and so the same path, in the other part.
        connect_any(&context, &book, 1, None, "second");
        connect_typed(&context, &book, "crm", "crm");
        book.fail(&["any crm"]);
        assert_eq!(engine.process(&messages(0..1)).unwrap().failed(), 1);
        assert_eq!(book.take(), ["first", "crm", "any crm", "second"]);
        let key = "message_received:wamid.0:text:number=300";
        let stored = rows::progress(engine.store(), key).unwrap();
        let receivers = |state| rows::receivers(&stored, state);
        let path = concat!("any_event:", module_path!(), "::connect_any::{{closure}}");
        let succeeded = receivers(ReceiverState::Succeeded);
        assert_eq!(succeeded, [path, "crm", &format!("{path}#2")]);
        assert_eq!(receivers(ReceiverState::Failed), ["any_event:crm"]);

        book.fail(&["crm"]);
        assert_eq!(engine.retry_unfinished().unwrap().failed(), 0);
        assert_eq!(book.take(), ["any crm"], "the typed one had succeeded");

        // The other way round.
        book.fail(&["crm"]);
        assert_eq!(engine.process(&messages(1..2)).unwrap().failed(), 1);
        book.take();
        book.fail(&["any crm"]);
        assert_eq!(engine.retry_unfinished().unwrap().failed(), 0);
        assert_eq!(book.take(), ["crm"]);
    });
}

#[test]
fn an_event_without_typed_receivers_is_counted_and_stays_open_for_those_of_all_events() {
    with_each_store(|engine| {
        let (engine, context) = with_context(&engine);
        let engine = engine.max_attempts(3);
        let book = Book::default();
        connect_any(&context, &book, -1, None, "good");
        connect_any(&context, &book, 0, Some("bad"), "bad");
        book.fail(&["bad"]);
        let text = "delivered 1 duplicates 0 unrecognized 0 failed 1 without receivers 1";
        assert_eq!(line(&engine.process(&messages(0..1)).unwrap()), text);
        assert_eq!(book.take(), ["good", "bad"]);
        assert_eq!(line(&engine.retry_unfinished().unwrap()), text);
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!(
            (outcome.dead_lettered(), outcome.without_receivers()),
            (1, 1)
        );
        assert_eq!(book.take(), ["bad", "bad"]);

        let letter = engine.dead_letters(9).unwrap().remove(0);
        assert_eq!(letter.failed, ["any_event:bad"]);
        book.fail(&[]);
        assert!(engine.requeue(&letter.key).unwrap());
        assert_eq!(engine.retry_unfinished().unwrap().unfinished(), 0);
        assert_eq!(book.take(), ["bad"]);
    });
}

#[test]
fn typed_receivers_that_have_succeeded_count_as_receivers() {
    with_each_store(|engine| {
        let (engine, context) = with_context(&engine);
        let book = Book::default();
        connect_any(&context, &book, 0, None, "any");
        connect_typed(&context, &book, "typed", "typed");
        book.fail(&["any"]);
        assert_eq!(
            engine.process(&messages(0..1)).unwrap().without_receivers(),
            0
        );
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!((outcome.failed(), outcome.without_receivers()), (1, 0));
        let outcome = pollster::block_on(engine.retry_unfinished_async()).unwrap();
        assert_eq!((outcome.failed(), outcome.without_receivers()), (1, 0));
        assert_eq!(book.take(), ["typed", "any", "any", "any"]);
    });
}

#[test]
fn an_event_from_a_queue_reaches_them_and_a_sent_message_does_not() {
    use whatsapp_signals::event::MessageSent;
    use whatsapp_signals::model::{Content, Identity, Message};

    with_each_store(|engine| {
        let (engine, context) = with_context(&engine);
        let book = Book::default();
        connect_any(&context, &book, 0, None, "any");
        let webhook = whatsapp_signals::parse(&messages(0..1)).unwrap();
        let key = webhook.dedup_keys().remove(0);
        let event = webhook.into_events().remove(0);
        book.fail(&["any"]);
        assert!(
            engine
                .process_event(&key, event.clone())
                .unwrap()
                .should_retry()
        );
        book.fail(&[]);
        assert_eq!(engine.process_event(&key, event).unwrap().failed(), 0);
        assert_eq!(book.take(), ["any", "any"]);

        let ada = Identity::from_phone("15550101001").unwrap();
        let message = Message::outbound("wamid.SENT", ada, Content::text("Hi")).build();
        let sent = MessageSent::new(message).with_account(account());
        assert_eq!(engine.process_sent(sent).unwrap().without_receivers(), 1);
        assert_eq!(book.take(), ["any"], "an event of the program");
    });
}
