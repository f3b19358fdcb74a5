//! Events and webhooks for tests.
//!
//! [`text`] and the other functions, one for each kind of item, create a builder of an event, a
//! webhook or a signed body. Each writes Meta's JSON and parses it, so its event has all members of
//! an event from Meta. [`Sample`] lists the defaults.
//!
//! The module needs the feature `testing`, which belongs to the tests of a program:
//!
//! ```toml
//! [dev-dependencies]
//! whatsapp-signals = { version = "0.1", features = ["testing"] }
//! ```
//!
//! # A receiver as a function
//!
//! A receiver remains a function, which a test calls with an event:
//!
//! ```standalone_crate
//! use whatsapp_signals::event::MessageReceived;
//! use whatsapp_signals::{receiver, signals::MESSAGE_RECEIVED, testing};
//!
//! #[receiver(MESSAGE_RECEIVED)]
//! fn answer(event: &MessageReceived) -> Result<(), String> {
//!     match event.message.text() {
//!         Some("stop") => Err("no more messages".into()),
//!         _ => Ok(()),
//!     }
//! }
//!
//! # fn main() {
//! assert!(answer(&testing::text("Hi").event()).is_ok());
//! assert!(answer(&testing::text("stop").event()).is_err());
//! assert!(answer(&testing::image().caption("The new gears").event()).is_ok());
//! # }
//! ```
//!
//! # A webhook and a context
//!
//! The [`Context`](crate::Context) of a test has fakes for the receivers, and
//! [`record`] collects the events that they send. Other tests are not affected:
//!
//! ```standalone_crate
//! use std::sync::{Arc, Mutex};
//! use serde_json::json;
//! use whatsapp_signals::event::MessageReceived;
//! use whatsapp_signals::signals::{FLOW_COMPLETED, MESSAGE_RECEIVED};
//! use whatsapp_signals::{Context, receiver, testing};
//!
//! trait Graph: Send + Sync {
//!     fn send(&self, to: &str, text: &str);
//! }
//!
//! #[receiver(MESSAGE_RECEIVED, filter = |event| event.message.text().is_some())]
//! fn greet(event: &MessageReceived, graph: &dyn Graph) {
//!     let name = event.contact.as_ref().map_or("", |contact| contact.display_name());
//!     let user = event.message.sender().and_then(|user| user.phone());
//!     graph.send(user.unwrap_or_default(), &format!("Hi, {name}!"));
//! }
//!
//! #[derive(Default)]
//! struct Fake(Mutex<Vec<String>>);
//!
//! impl Graph for Fake {
//!     fn send(&self, to: &str, text: &str) {
//!         self.0.lock().unwrap().push(format!("{to}: {text}"));
//!     }
//! }
//!
//! # fn main() {
//! let fake = Arc::new(Fake::default());
//! let graph: Arc<dyn Graph> = fake.clone();
//! let context = Context::new().with(graph);
//! let flows = testing::record(&FLOW_COMPLETED, &context);
//!
//! let webhook = testing::batch([
//!         testing::text("Hi").from("15550101001").named("Ada"),
//!         testing::text("Hoi").from("31970100202").named("Bram"),
//!         testing::flow_reply(&json!({"bikes": 2})),
//!     ])
//!     .webhook();
//! assert!(webhook.with(&context).dispatch().failures().is_empty());
//!
//! assert_eq!(*fake.0.lock().unwrap(), ["15550101001: Hi, Ada!", "31970100202: Hi, Bram!"]);
//! assert_eq!(flows.len(), 1);
//! # }
//! ```
//!
//! # An engine and a signed body
//!
//! A test of a web server posts the same bytes as Meta:
//!
#![cfg_attr(feature = "signature", doc = "```")]
#![cfg_attr(not(feature = "signature"), doc = "```ignore")]
//! use whatsapp_signals::store::MemoryStore;
//! use whatsapp_signals::{SignatureVerifier, WebhookEngine, testing};
//!
//! let verifier = SignatureVerifier::new("app secret")?;
//! let engine = WebhookEngine::new(MemoryStore::new());
//!
//! let signed = testing::text("Is my bike ready?").signed(&verifier);
//! let header = Some(signed.signature.as_bytes());
//! let outcome = engine.process_signed(&signed.body, header, &verifier)?;
//! assert_eq!((outcome.delivered(), outcome.http_status()), (1, 200));
//!
//! // Meta repeats a webhook.
//! let again = engine.process_signed(&signed.body, header, &verifier)?;
//! assert_eq!(again.duplicates(), 1);
//! let (number, _) = &engine.numbers()?[0];
//! assert_eq!(engine.number(number.as_str()).unread_counts()?[0].1, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

/// Defines the functions of a table. A group has Meta's page, the kind of its items and the type of
/// their event; a row has the name of the function, its parameters, and the members that the kind
/// does not write.
macro_rules! samples {
    ($(
        $page:literal $kind:ident -> $event:ty { $(
            $(#[$doc:meta])*
            $name:ident($($arg:ident: $type:ty),*) $json:tt
        )+ }
    )+) => { $($(
        $(#[$doc])*
        ///
        #[doc = concat!(
            "Meta's page: [", $page,
            "](https://developers.facebook.com/documentation/business-messaging/whatsapp/", $page, ")."
        )]
        pub fn $name($($arg: $type),*) -> Sample<$event> {
            Sample::new($kind, serde_json::json!($json))
        }
    )+)+ };
}

mod accounts;
mod body;
mod conversations;
mod instances;
mod item;
mod messages;
mod record;
mod sample;

pub use accounts::*;
#[cfg(feature = "signature")]
pub use body::Signed;
pub use body::{Batch, batch};
pub use conversations::*;
pub use item::Item;
pub use messages::*;
pub use record::{Recorded, record};
pub use sample::Sample;

/// The types of messages, for the test that each of them has a function.
#[doc(hidden)]
pub const MESSAGE_TYPES: &[&str] = crate::model::Content::TYPES;
