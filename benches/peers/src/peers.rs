//! The readers: this crate, the peers as their documentation shows, and the baselines.

use std::fmt::{Debug, Write};

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use whatsapp_signals::event::WebhookEvent;
use whatsapp_signals::model::Content;
use whatsapp_signals::{Webhook, parse};

use crate::reader::{Reader, Seen, function};
use crate::service;

/// Returns the crates, this one first, and the baselines.
pub(crate) fn all() -> Vec<Reader> {
    let mut all = crates();
    all.extend([
        Reader::new("scan", function(json::<IgnoredAny>, baseline)),
        Reader::new("Value", function(json::<Value>, baseline)),
        Reader::new("frame", service::Frame::new()),
    ]);
    all
}

/// Returns the crates that parse webhooks, this one first.
pub(crate) fn crates() -> Vec<Reader> {
    vec![
        Reader::new(
            "whatsapp-signals",
            function(|body| parse(body).ok(), this_crate),
        ),
        Reader::new("whatsapp", function(json, whatsapp)),
        Reader::new("wacloudapi", function(json, wacloudapi)),
        Reader::new("meta-whatsapp", function(json, meta_whatsapp)),
        Reader::new("whatsapp-business-rs", service::Service::new()),
    ]
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

fn seen(documented: usize, all: &impl Debug) -> Seen {
    Seen {
        documented: Some(documented),
        text: format!("{all:?}"),
    }
}

fn baseline<T>(_value: &T) -> Seen {
    Seen {
        documented: None,
        text: String::new(),
    }
}

fn this_crate(webhook: &Webhook) -> Seen {
    let is_documented = |event: &&WebhookEvent| match event {
        WebhookEvent::MessageReceived(event) => {
            matches!(event.message.content, Content::Text(_) | Content::Image(_))
        }
        event => matches!(event, WebhookEvent::MessageStatusChanged(_)),
    };
    let mut seen = seen(webhook.iter().filter(is_documented).count(), webhook);
    for event in webhook {
        if let WebhookEvent::Unrecognized(event) = event {
            let _ = write!(seen.text, "{}", event.raw.as_str());
        }
    }
    seen
}

fn whatsapp(payload: &whatsapp::models::webhooks::NotificationPayload) -> Seen {
    let values = || payload.entry.iter().flat_map(|entry| &entry.changes);
    let messages = values().flat_map(|change| change.value.messages.iter().flatten());
    let statuses = values().flat_map(|change| change.value.statuses.iter().flatten());
    let documented = messages.filter(|message| message.text.is_some() || message.image.is_some());
    seen(documented.count() + statuses.count(), payload)
}

fn meta_whatsapp(payload: &meta_whatsapp::WebhookPayload) -> Seen {
    let messages = payload.inbound_messages().map(|(_, message)| message);
    let documented = messages.filter(|message| message.text.is_some() || message.image.is_some());
    seen(documented.count() + payload.statuses().count(), payload)
}

fn wacloudapi(payload: &wacloudapi::webhooks::WebhookPayload) -> Seen {
    let values = || payload.entry.iter().flat_map(|entry| &entry.changes);
    let messages = values().flat_map(|change| change.value.messages.iter().flatten());
    let statuses = values().flat_map(|change| change.value.statuses.iter().flatten());
    let documented = messages.filter(|message| message.text.is_some() || message.image.is_some());
    seen(documented.count() + statuses.count(), payload)
}
