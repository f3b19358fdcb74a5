//! Numbers for Prometheus, and spans for a collector.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::{Router, routing::post};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use prost::Message;
use reqwest::Client;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::meta::{body, send, sign};
use super::server::{Server, command};

pub async fn a_scrape_has_counts_times_and_the_backlog(binary: &str) {
    let folder = TempDir::new().unwrap();
    let client = Client::new();
    // Its output is closed, so that the receiver fails.
    let server = Server::start_mute(command(binary, &folder.path().join("store.db")));
    let body = body("wamid.A");
    let url = server.url();
    let answer = send(&client, url, body.clone(), Some(sign(&body))).await;
    assert_eq!(answer.unwrap(), 503);
    assert_eq!(send(&client, url, body, None).await.unwrap(), 401);
    let health = client.get(url.replace("/webhook", "/healthz"));
    assert!(health.send().await.unwrap().status().is_success());

    let scrape = client.get(url.replace("/webhook", "/metrics")).send().await;
    let scrape = scrape.unwrap().text().await.unwrap();
    let receiver = r#"receiver="print""#;
    for line in [
        r#"whatsapp_events_received_total{signal="message_received"} 1"#.to_owned(),
        r#"whatsapp_failures_total{reason="signature"} 1"#.to_owned(),
        format!(r#"whatsapp_receiver_calls_total{{{receiver},result="retry"}} 1"#),
        format!(r#"whatsapp_receiver_seconds_bucket{{{receiver},le="+Inf"}} 1"#),
        r#"whatsapp_backlog_events{state="open"} 1"#.to_owned(),
        r#"whatsapp_backlog_events{state="dead"} 0"#.to_owned(),
    ] {
        assert!(
            scrape.lines().any(|found| found == line),
            "{line} in {scrape}"
        );
    }
    assert!(
        !scrape.contains("wamid") && !scrape.contains("15550101001"),
        "{scrape}"
    );
    assert!(server.stop().is_empty());
}

/// A collector of traces.
struct Collector {
    url: String,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let spans = Arc::<Mutex<Vec<Span>>>::default();
        let collected = Arc::clone(&spans);
        let export = async move |body: Bytes| {
            let request = ExportTraceServiceRequest::decode(body).unwrap();
            let resources = request.resource_spans.into_iter();
            let scopes = resources.flat_map(|resource| resource.scope_spans);
            collected
                .lock()
                .extend(scopes.flat_map(|scope| scope.spans));
            StatusCode::OK
        };
        let routes = Router::new().route("/v1/traces", post(export));
        tokio::spawn(axum::serve(listener, routes).into_future());
        Self { url, spans }
    }
}

/// Returns the text of an attribute of a span.
fn attribute<'s>(span: &'s Span, key: &str) -> Option<&'s str> {
    let attribute = span.attributes.iter().find(|known| known.key == key)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

pub async fn a_collector_gets_the_receiver_in_the_event_in_the_webhook(binary: &str) {
    let folder = TempDir::new().unwrap();
    let collector = Collector::start().await;
    let mut command = command(binary, &folder.path().join("store.db"));
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url);
    let server = Server::start_command(command);
    let body = body("wamid.A");
    let client = Client::new();
    let answer = send(&client, server.url(), body.clone(), Some(sign(&body))).await;
    assert_eq!(answer.unwrap(), 200);
    assert_eq!(server.stop().len(), 1);

    let spans = collector.spans.lock();
    let named = |name: &str| {
        let mut found = spans.iter().filter(|span| span.name == name);
        let span = found
            .next()
            .unwrap_or_else(|| panic!("{name} in {spans:?}"));
        assert!(found.next().is_none(), "{spans:?}");
        span
    };
    let webhook = named("whatsapp_webhook");
    let (event, receiver) = (named("whatsapp_event"), named("whatsapp_receiver"));
    assert!(webhook.parent_span_id.is_empty());
    assert_eq!(event.parent_span_id, webhook.span_id);
    assert_eq!(receiver.parent_span_id, event.span_id);
    assert_eq!(attribute(webhook, "waba_id"), Some("102290129340398"));
    assert_eq!(attribute(event, "signal"), Some("message_received"));
    let print = "any_event:print";
    assert_eq!(attribute(receiver, "receiver"), Some(print));
    assert_eq!(
        attribute(receiver, "target"),
        Some("whatsapp_signals::engine")
    );
    for text in ["15550101001", "Ada Okafor", "wamid.A", "Is it ready"] {
        assert!(!format!("{spans:?}").contains(text), "{text} in {spans:?}");
    }
}
