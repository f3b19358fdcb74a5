//! `whatsapp-business-rs`, which reads a body from an HTTP request only, and spawns a task for the
//! handler of each event.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::{Request, StatusCode};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use whatsapp_business_rs::message::Content;
use whatsapp_business_rs::server::{ErrorContext, Event, EventContext, Handler};
use whatsapp_business_rs::webhook_service::{Body, WebhookService};

use crate::reader::{Seen, Work};

/// The body of a webhook without events.
const EMPTY: &[u8] = br#"{"object":"whatsapp_business_account","entry":[]}"#;

/// The service, without a server and a signature, on the cheapest runtime.
pub(crate) struct Service {
    runtime: Runtime,
    service: WebhookService<Receiver>,
    receiver: Receiver,
}

impl Service {
    pub(crate) fn new() -> Self {
        let receiver = Receiver::default();
        Self {
            runtime: runtime(),
            service: WebhookService::<Receiver>::builder().build(receiver.clone()),
            receiver,
        }
    }
}

impl Work for Service {
    fn read(&mut self, json: &'static [u8], seen: &Seen, times: u32) {
        let events = seen.documented.unwrap_or_default();
        self.runtime.block_on(async {
            for _ in 0..times {
                let status = post(&self.service, json).await;
                debug_assert_eq!(status, StatusCode::OK);
                self.receiver.wait_for(events).await;
            }
        });
    }

    fn see(&mut self, json: &'static [u8]) -> Option<Seen> {
        let texts = Arc::default();
        let receiver = Receiver {
            texts: Some(Arc::clone(&texts)),
            ..Receiver::default()
        };
        let service = WebhookService::<Receiver>::builder().build(receiver);
        let status = self.runtime.block_on(async {
            let status = post(&service, json).await;
            // All spawned tasks are in the queue. This number of turns suffices to run them.
            for _ in 0..1000 {
                yield_now().await;
            }
            status
        });
        let texts = texts.lock().unwrap_or_else(PoisonError::into_inner);
        // Events before an error have been handled.
        (status == StatusCode::OK || !texts.is_empty()).then(|| Seen {
            documented: Some(texts.len()),
            text: texts.concat(),
        })
    }
}

/// The overhead around the parser: the same request with an empty webhook, and a task for each event
/// of the body, with as many bytes as an event.
pub(crate) struct Frame {
    service: Service,
}

impl Frame {
    pub(crate) fn new() -> Self {
        Self {
            service: Service::new(),
        }
    }
}

impl Work for Frame {
    fn read(&mut self, _json: &'static [u8], seen: &Seen, times: u32) {
        let events = seen.documented.unwrap_or_default();
        let Service {
            runtime,
            service,
            receiver,
        } = &self.service;
        runtime.block_on(async {
            for _ in 0..times {
                post(service, EMPTY).await;
                for _ in 0..events {
                    let receiver = receiver.clone();
                    let bytes = black_box([0_u8; size_of::<(EventContext, Event)>()]);
                    tokio::spawn(async move { receiver.handle_bytes(bytes).await });
                }
                receiver.wait_for(events).await;
            }
        });
    }

    fn see(&mut self, json: &'static [u8]) -> Option<Seen> {
        self.service.see(json)
    }
}

/// Counts events, and optionally keeps their texts.
#[derive(Clone, Default)]
struct Receiver {
    count: Arc<AtomicUsize>,
    texts: Option<Arc<Mutex<Vec<String>>>>,
}

impl Receiver {
    /// Runs the tasks until `events` events are counted, and resets the count.
    async fn wait_for(&self, events: usize) {
        // Ordering: all tasks run on this thread.
        while self.count.load(Ordering::Relaxed) < events {
            yield_now().await;
        }
        self.count.store(0, Ordering::Relaxed);
    }

    async fn handle_bytes<const LEN: usize>(&self, bytes: [u8; LEN]) {
        black_box(bytes);
        self.count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Handler for Receiver {
    async fn handle(&self, _ctx: EventContext, event: Event) {
        let event = black_box(event);
        if let Some(texts) = &self.texts {
            let is_documented = match &event {
                Event::IncomingMessage(message) => {
                    matches!(message.content, Content::Text(_) | Content::Media(_))
                }
                event => matches!(event, Event::MessageUpdate(_)),
            };
            if is_documented {
                let mut texts = texts.lock().unwrap_or_else(PoisonError::into_inner);
                texts.push(format!("{event:?}"));
            }
        }
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Ignores the error, which the status of the response shows.
    async fn handle_error(&self, _ctx: ErrorContext, _error: Box<dyn std::error::Error + Send>) {}
}

async fn post(service: &WebhookService<Receiver>, json: &'static [u8]) -> StatusCode {
    let mut request = Request::new(Body::from(black_box(json)));
    *request.method_mut() = http::Method::POST;
    service.handle(request).await.status()
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers")
}
