//! Twelve tests that run in parallel, each with fakes of its own.

use super::*;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use whatsapp_signals::testing::{self, Batch, text};
use whatsapp_signals::{WebhookEngine, store::MemoryStore};

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

/// Returns three texts, and an item of a type that is unknown.
fn batch() -> Batch {
    let unknown = text("Hi").set("/type", "hologram").unrecognized();
    testing::batch(["Hi", "Ready?", "Hello?"].map(text)).and(unknown)
}

#[tokio::test]
async fn an_owner_gets_the_state_of_the_bike() {
    let (graph, texts) = sync_channel(1);
    let bikes = Bikes::from([("15550101001", "tandem")]);
    answer(&text("Hi").event(), &bikes, &graph).await.unwrap();
    assert_eq!(texts.try_recv().unwrap(), "Your tandem is ready");
}

#[tokio::test]
async fn another_user_gets_the_opening_hours() {
    let (graph, texts) = sync_channel(1);
    let event = text("Hi").event();
    answer(&event, &Bikes::new(), &graph).await.unwrap();
    assert_eq!(texts.try_recv().unwrap(), "We open at 9");
}

#[tokio::test]
async fn a_refused_answer_is_an_error() {
    let (graph, _texts) = sync_channel(0);
    let event = text("Hi").event();
    assert!(answer(&event, &Bikes::new(), &graph).await.is_err());
}

#[tokio::test]
async fn a_text_gets_an_answer() {
    let (context, texts) = bot(1);
    let report = text("Hi").webhook().with(&context).dispatch_async().await;
    assert_eq!((report.called(), texts.try_iter().count()), (1, 1));
}

#[tokio::test]
async fn an_image_gets_no_answer() {
    let webhook = testing::image().webhook();
    let report = webhook.with(&bot(0).0).dispatch_async().await;
    assert_eq!(report.called(), 0);
}

#[tokio::test]
async fn each_text_among_malformed_items_gets_an_answer() {
    let (context, texts) = bot(3);
    let report = batch().webhook().with(&context).dispatch_async().await;
    assert_eq!((report.called(), texts.try_iter().count()), (3, 3));
}

#[test]
fn unreached_users_are_collected() {
    let context = bot(0).0;
    let status = testing::failed("wamid.A", 131_026, "Undeliverable").to("31970100202");
    assert!(status.webhook().with(&context).dispatch().is_ok());
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
    let body = text("Hi").body();
    assert_eq!(engine.process_async(&body).await.unwrap().delivered(), 1);
    assert_eq!(engine.process_async(&body).await.unwrap().duplicates(), 1);
    assert_eq!(texts.try_iter().count(), 1);
}

#[tokio::test]
async fn refused_answers_are_sent_again() {
    let (context, texts) = bot(2);
    let engine = WebhookEngine::new(MemoryStore::new()).context(context);
    let refused = engine.process_async(&batch().body()).await.unwrap();
    assert_eq!((refused.http_status(), texts.try_iter().count()), (503, 2));
    let again = engine.retry_unfinished_async().await.unwrap();
    assert_eq!((again.http_status(), texts.try_iter().count()), (200, 1));
}

#[test]
fn a_receiver_of_the_test_takes_the_place_of_the_others() {
    let context = Context::new().only_own_receivers();
    let received = testing::record(&MESSAGE_RECEIVED, &context);
    assert_eq!(text("Hi").webhook().with(&context).dispatch().called(), 1);
    assert_eq!(received.events()[0].message.text(), Some("Hi"));
}

#[test]
fn a_test_can_leave_the_answer_out() {
    let context = bot(0).0.without_receiver("answer");
    assert_eq!(text("Hi").webhook().with(&context).dispatch().called(), 0);
}
