//! The ways through a body: values that name their product are gone through once,
//! from left to right, where that will do, and all others are taken apart first.

use whatsapp_signals::event::WebhookEvent;
use whatsapp_signals::{Webhook, parse};

/// The events of a body whose values name no product; and of the one whose values do,
/// which are the same.
#[track_caller]
pub(crate) fn events(body: &str) -> Vec<WebhookEvent> {
    let read = |body: &str| parse(body.as_bytes()).expect("a webhook");
    let product = r#""messaging_product":"whatsapp","#;
    let escaped = product.replace('"', r#"\""#);
    let told = |webhook: &Webhook| {
        let events = serde_json::to_string(webhook.events()).expect("JSON");
        let events = events.replace(product, "").replace(&escaped, "");
        (webhook.entries(), webhook.empty_entries(), events)
    };
    let with_product = body.replace(r#""value":{""#, &format!(r#""value":{{{product}""#));
    let webhook = read(body);
    assert_eq!(told(&read(&with_product)), told(&webhook));
    webhook.into_events()
}
