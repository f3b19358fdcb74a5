//! The records of an engine, and the members of events that come from them.

mod campaigns;
mod contacts;
mod messages;
mod raw_payloads;
mod signups;
mod tenants;

use crate::support::engines::{Engine, account, records, with_each_store};
use whatsapp_signals::Context;
use whatsapp_signals::engine::Records;
use whatsapp_signals::event::{MessageReceived, MessageSent, UserSubscribed};
use whatsapp_signals::model::{
    Contact, Content, Identity, Message, MessageStatus, Signup, SignupStatus, Timestamp,
};
use whatsapp_signals::signals::USER_SUBSCRIBED;
use whatsapp_signals::testing::{self, Sample};

fn process(engine: &Engine, body: &[u8]) {
    let outcome = engine.process(body).unwrap();
    assert_eq!(
        outcome.unrecognized(),
        0,
        "{}",
        String::from_utf8_lossy(body)
    );
    assert!(!outcome.should_retry());
}

fn phone(wa_id: &str) -> Identity {
    Identity::from_phone(wa_id).unwrap()
}

fn user_id(user_id: &str) -> Identity {
    Identity::from_user_id(user_id).unwrap()
}

fn contact(engine: &Engine, user: &Identity) -> Contact {
    records(engine).contact(user).unwrap().unwrap()
}

/// A text without a contact: only the message itself names its user.
fn text() -> Sample<MessageReceived> {
    testing::text("Hi").without_contact()
}

fn status_of(engine: &Engine, id: &str) -> Option<MessageStatus> {
    let message = records(engine).message(&id.into()).unwrap();
    message.unwrap().status
}

fn send(engine: &Engine, id: &str) {
    let message = Message::outbound(id, phone("15550101001"), Content::text("It is ready"));
    let message = message.timestamp(Timestamp::from_secs(1_785_000_000));
    let event = MessageSent::new(message.build()).with_account(account());
    assert!(!engine.process_sent(event).unwrap().should_retry());
}
