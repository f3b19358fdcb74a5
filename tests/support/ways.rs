//! The ways through a body: values that name their product are gone through once,
//! from left to right, where that will do, and all others are taken apart first.

use whatsapp_signals::event::WebhookEvent;
use whatsapp_signals::parse;

/// The events of a body whose values name no product; and of the one whose values do,
/// which are the same.
#[track_caller]
pub(crate) fn events(body: &str) -> Vec<WebhookEvent> {
    let read = |body: &str| parse(body.as_bytes()).expect("a webhook").into_events();
    let product = r#""messaging_product":"whatsapp","#;
    let with_product = body.replace(r#""value":{""#, &format!(r#""value":{{{product}""#));
    let text = |events: &[WebhookEvent]| {
        let text = serde_json::to_string(events).expect("JSON");
        let escaped = product.replace('"', r#"\""#);
        text.replace(product, "").replace(&escaped, "")
    };
    let events = read(body);
    assert_eq!(text(&read(&with_product)), text(&events));
    events
}
