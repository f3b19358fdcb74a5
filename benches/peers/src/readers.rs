//! What reads a body: ours, the peers' ways that their documentation shows, and the
//! floor.

use std::fmt::{Debug, Write};
use std::hint::black_box;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use whatsapp_signals::event::WebhookEvent;
use whatsapp_signals::model::Content;
use whatsapp_signals::{Webhook, parse};

use crate::bodies::Body;
use crate::service;

/// Reads bodies.
pub(crate) struct Reader {
    name: &'static str,
    work: Box<dyn Work>,
}

/// What was read.
pub(crate) struct Seen {
    /// How many messages and statuses came with what they say; `None` of the floor,
    /// which does not know.
    pub(crate) good: Option<usize>,
    /// All of it.
    pub(crate) text: String,
}

/// How a reader does it.
pub(crate) trait Work {
    /// Reads a body that it can read so many times.
    fn read(&mut self, json: &'static [u8], seen: &Seen, times: u32);

    /// Reads it once; `None` is an error.
    fn see(&mut self, json: &'static [u8]) -> Option<Seen>;
}

impl Reader {
    pub(crate) fn new(name: &'static str, work: impl Work + 'static) -> Self {
        Self {
            name,
            work: Box::new(work),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn read(&mut self, body: &Body, seen: &Seen, times: u32) {
        self.work.read(body.json, seen, times);
    }

    pub(crate) fn see(&mut self, body: &Body) -> Option<Seen> {
        self.work.see(body.json)
    }
}

/// Returns the crates, this one first, and then what is measured for scale.
pub(crate) fn all() -> Vec<Reader> {
    let mut all = crates();
    all.extend([
        Reader::new("scan", function(json::<IgnoredAny>, floor)),
        Reader::new("Value", function(json::<Value>, floor)),
        Reader::new("frame", service::Frame::new()),
    ]);
    all
}

/// Returns the crates that parse webhooks, this one first.
pub(crate) fn crates() -> Vec<Reader> {
    vec![
        Reader::new("whatsapp-signals", function(|body| parse(body).ok(), ours)),
        Reader::new("whatsapp", function(json, whatsapp)),
        Reader::new("wacloudapi", function(json, wacloudapi)),
        Reader::new("meta-whatsapp", function(json, meta_whatsapp)),
        Reader::new("whatsapp-business-rs", service::Service::new()),
    ]
}

/// A function from a body to what it holds.
struct Function<R, S> {
    read: R,
    see: S,
}

fn function<T, R, S>(read: R, see: S) -> Function<R, S>
where
    R: Fn(&[u8]) -> Option<T>,
    S: Fn(&T) -> Seen,
{
    Function { read, see }
}

impl<T, R, S> Work for Function<R, S>
where
    R: Fn(&[u8]) -> Option<T>,
    S: Fn(&T) -> Seen,
{
    fn read(&mut self, json: &'static [u8], _seen: &Seen, times: u32) {
        for _ in 0..times {
            let _ = black_box((self.read)(black_box(json)));
        }
    }

    fn see(&mut self, json: &'static [u8]) -> Option<Seen> {
        (self.read)(json).as_ref().map(&self.see)
    }
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

fn seen(good: usize, all: &impl Debug) -> Seen {
    Seen {
        good: Some(good),
        text: format!("{all:?}"),
    }
}

fn floor<T>(_value: &T) -> Seen {
    Seen {
        good: None,
        text: String::new(),
    }
}

fn ours(webhook: &Webhook) -> Seen {
    let is_good = |event: &&WebhookEvent| match event {
        WebhookEvent::MessageReceived(event) => {
            matches!(event.message.content, Content::Text(_) | Content::Image(_))
        }
        event => matches!(event, WebhookEvent::MessageStatusChanged(_)),
    };
    let mut seen = seen(webhook.iter().filter(is_good).count(), webhook);
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
    let good = messages.filter(|message| message.text.is_some() || message.image.is_some());
    seen(good.count() + statuses.count(), payload)
}

fn meta_whatsapp(payload: &meta_whatsapp::WebhookPayload) -> Seen {
    let messages = payload.inbound_messages().map(|(_, message)| message);
    let good = messages.filter(|message| message.text.is_some() || message.image.is_some());
    seen(good.count() + payload.statuses().count(), payload)
}

fn wacloudapi(payload: &wacloudapi::webhooks::WebhookPayload) -> Seen {
    let values = || payload.entry.iter().flat_map(|entry| &entry.changes);
    let messages = values().flat_map(|change| change.value.messages.iter().flatten());
    let statuses = values().flat_map(|change| change.value.statuses.iter().flatten());
    let good = messages.filter(|message| message.text.is_some() || message.image.is_some());
    seen(good.count() + statuses.count(), payload)
}
