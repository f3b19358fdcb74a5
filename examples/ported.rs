//! The receivers of a Django app, ported: `MIGRATING.md` in one program.
//!
//! ```sh
//! cargo run --example ported -- tests/payloads/text.json tests/payloads/flow-reply.json
//! ```

use std::error::Error;
use std::{env, fs};

use whatsapp_signals::event::{
    CampaignCompleted, FlowCompleted, MessageReceived, MessageSent, UserSubscribed,
};
use whatsapp_signals::filter::is_text;
use whatsapp_signals::model::{Account, Campaign};
use whatsapp_signals::signals::{
    CAMPAIGN_COMPLETED, FLOW_COMPLETED, MESSAGE_RECEIVED, MESSAGE_SENT, USER_SUBSCRIBED,
};
use whatsapp_signals::store::MemoryStore;
use whatsapp_signals::{WebhookEngine, receiver};

#[receiver(MESSAGE_RECEIVED, uid = "on_message", filter = is_text)]
fn on_message(event: &MessageReceived) {
    let phone = event.message.sender().and_then(|user| user.phone());
    println!("{}: {}", phone.unwrap_or("nobody"), event.message.body());
}

#[receiver(FLOW_COMPLETED)]
fn on_flow(event: &FlowCompleted) {
    for (field, answer) in &event.response.data {
        println!("{field} = {answer}");
    }
}

#[receiver(USER_SUBSCRIBED)]
fn on_subscribed(event: &UserSubscribed) {
    let (contact, signup) = (&event.contact, &event.signup);
    println!("{} through {}", contact.display_name(), signup.signup_id);
}

#[receiver(MESSAGE_SENT)]
fn on_sent(event: &MessageSent) {
    println!("sent {}", event.message.id);
}

#[receiver(CAMPAIGN_COMPLETED)]
fn on_campaign(event: &CampaignCompleted) {
    let (name, sent, failed) = (&event.campaign.name, event.sent(), event.failed());
    println!("{name}: {sent} sent, {failed} failed");
}

/// The code of the app's view, for each body, and of its tasks.
fn main() -> Result<(), Box<dyn Error>> {
    let engine = WebhookEngine::new(MemoryStore::new());
    for file in env::args_os().skip(1) {
        let outcome = engine.process(&fs::read(file)?)?;
        println!("{outcome}");
    }
    let request = r#"{"to": "15550101001", "type": "text", "text": {"body": "It is ready"}}"#;
    let response =
        r#"{"contacts": [{"wa_id": "15550101001"}], "messages": [{"id": "wamid.HBgL"}]}"#;
    let account = Account::new("900800700600500").with_number("300200100500600", "15550100200");
    for sent in MessageSent::from_graph(request, response)? {
        println!(
            "{}",
            engine.process_sent(sent.with_account(account.clone()))?
        );
    }
    let mut campaign = Campaign::new("Spring tune-up");
    (campaign.counts.sent, campaign.counts.failed) = (118, 2);
    CAMPAIGN_COMPLETED.send(&CampaignCompleted::new(campaign))?;
    Ok(())
}
