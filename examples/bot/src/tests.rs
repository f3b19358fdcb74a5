//! Twelve tests that run in parallel, each with fakes of its own.

use super::*;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use whatsapp_signals::{WebhookEngine, event::WebhookEvent, parse, store::MemoryStore};

const IMAGE: &[u8] = include_bytes!("../../../tests/payloads/image.json");
const MIXED: &[u8] = include_bytes!("../../../tests/payloads/batch-with-odd-items.json");
const STATUS: &[u8] = include_bytes!("../../../tests/payloads/status-failed.json");
const TEXT: &[u8] = include_bytes!("../../../tests/payloads/text.json");

/// A channel as the fake, which refuses texts while it is full.
impl Graph for SyncSender<String> {
    fn send<'a>(&'a self, _to: &'a Identity, text: &'a str) -> Sending<'a> {
        Box::pin(async { Ok(self.try_send(text.to_owned())?) })
    }
}

/// Returns the context of a bot that can send so many texts, and these texts.
fn bot(limit: usize) -> (Context, Receiver<String>) {
    let (graph, texts) = sync_channel(limit);
    (context(Arc::new(graph), Bikes::new()), texts)
}

fn text() -> MessageReceived {
    match parse(TEXT).unwrap().into_events().remove(0) {
        WebhookEvent::MessageReceived(event) => event,
        event => panic!("{event:?}"),
    }
}

#[tokio::test]
async fn an_owner_gets_the_state_of_the_bike() {
    let (graph, texts) = sync_channel(1);
    let bikes = Bikes::from([("15550101001", "tandem")]);
    answer(&text(), &bikes, &graph).await.unwrap();
    assert_eq!(texts.try_recv().unwrap(), "Your tandem is ready");
}

#[tokio::test]
async fn another_user_gets_the_opening_hours() {
    let (graph, texts) = sync_channel(1);
    answer(&text(), &Bikes::new(), &graph).await.unwrap();
    assert_eq!(texts.try_recv().unwrap(), "We open at 9");
}

#[tokio::test]
async fn a_refused_answer_is_an_error() {
    let (graph, _texts) = sync_channel(0);
    assert!(answer(&text(), &Bikes::new(), &graph).await.is_err());
}

#[tokio::test]
async fn a_text_gets_an_answer() {
    let (context, texts) = bot(1);
    let report = parse(TEXT).unwrap().with(&context).dispatch_async().await;
    assert_eq!((report.called(), texts.try_iter().count()), (1, 1));
}

#[tokio::test]
async fn an_image_gets_no_answer() {
    let report = parse(IMAGE).unwrap().with(&bot(0).0).dispatch_async().await;
    assert_eq!(report.called(), 0);
}

#[tokio::test]
async fn each_text_among_malformed_items_gets_an_answer() {
    let (context, texts) = bot(3);
    let report = parse(MIXED).unwrap().with(&context).dispatch_async().await;
    assert_eq!((report.called(), texts.try_iter().count()), (3, 3));
}

#[test]
fn unreached_users_are_collected() {
    let context = bot(0).0;
    assert!(parse(STATUS).unwrap().with(&context).dispatch().is_ok());
    let users = context.get::<Unreached>().unwrap().lock().unwrap();
    assert_eq!(users[0].phone(), Some("31970100202"));
}

#[test]
fn a_missing_value_is_found_at_start_up() {
    let error = WebhookEngine::new(MemoryStore::new()).check().unwrap_err();
    assert!(error.to_string().contains("needs alloc::sync::Arc<dyn bot"));
}

#[tokio::test]
async fn a_repeated_webhook_gets_one_answer() {
    let (context, texts) = bot(2);
    let engine = WebhookEngine::new(MemoryStore::new()).context(context);
    assert_eq!(engine.process_async(TEXT).await.unwrap().fired(), 1);
    assert_eq!(engine.process_async(TEXT).await.unwrap().duplicate(), 1);
    assert_eq!(texts.try_iter().count(), 1);
}

#[tokio::test]
async fn refused_answers_are_sent_again() {
    let (context, texts) = bot(2);
    let engine = WebhookEngine::new(MemoryStore::new()).context(context);
    for expected in [(503, 2), (200, 1)] {
        let status = engine.process_async(MIXED).await.unwrap().http_status();
        assert_eq!((status, texts.try_iter().count()), expected);
    }
}

#[test]
fn a_receiver_of_the_test_takes_the_place_of_the_others() {
    let (context, (sender, ids)) = (Context::new().only_own_receivers(), channel());
    context.connect(&MESSAGE_RECEIVED, move |event: &MessageReceived| {
        sender.send(event.message.id.clone())
    });
    assert_eq!(parse(TEXT).unwrap().with(&context).dispatch().called(), 1);
    assert_eq!(ids.try_recv().unwrap(), text().message.id);
}

#[test]
fn a_test_can_leave_the_answer_out() {
    let context = bot(0).0.without_receiver("answer");
    assert_eq!(parse(TEXT).unwrap().with(&context).dispatch().called(), 0);
}
