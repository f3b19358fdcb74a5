//! Receivers in two modules, and webhooks that call them.
//!
//! ```sh
//! cargo run -p quickstart                  # some sample bodies
//! cargo run -p quickstart -- body.json …   # your bodies
//! curl … | cargo run -p quickstart -- -    # or from a pipe
//! ```

use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use whatsapp_signals::event::{CampaignCompleted, MessageSent};
use whatsapp_signals::model::{Campaign, Content, Identity, Message};
use whatsapp_signals::signals::{CAMPAIGN_COMPLETED, MESSAGE_SENT};
use whatsapp_signals::{parse, receivers};

/// Receivers of incoming messages.
mod inbox {
    use whatsapp_signals::event::{FlowCompleted, MessageReceived, Unrecognized};
    use whatsapp_signals::receiver;
    use whatsapp_signals::signals::{FLOW_COMPLETED, MESSAGE_RECEIVED, UNRECOGNIZED};

    #[receiver(MESSAGE_RECEIVED)]
    fn greet(event: &MessageReceived) {
        let name = event
            .contact
            .as_ref()
            .map_or("someone", |contact| contact.display_name());
        let message = &event.message;
        println!(
            "  greet: {name} sent {}: {:?}",
            message.message_type(),
            message.body()
        );
    }

    fn has_media(event: &MessageReceived) -> bool {
        event.message.has_media()
    }

    #[receiver(MESSAGE_RECEIVED, order = 10, filter = has_media)]
    fn archive(event: &MessageReceived) -> Result<(), &'static str> {
        let media = event.message.media().ok_or("no file")?;
        let id = media.id.as_ref().ok_or("a file without an id")?;
        println!("  archive: media {id}");
        Ok(())
    }

    #[receiver(FLOW_COMPLETED)]
    fn file_answers(event: &FlowCompleted) {
        let fields: Vec<_> = event.response.data.keys().map(String::as_str).collect();
        println!("  file_answers: {}", fields.join(", "));
    }

    #[receiver(UNRECOGNIZED)]
    fn note(event: &Unrecognized) {
        println!("  note: {} at {}", event.reason, event.path);
    }
}

/// Receivers of subscriptions and of outgoing messages.
mod marketing {
    use whatsapp_signals::event::{
        CampaignCompleted, FieldEvent, MessageSent, MessageStatusChanged,
        MessageTemplateStatusUpdate, TemplateEvent, UserSubscribed,
    };
    use whatsapp_signals::receiver;
    use whatsapp_signals::signals::{
        CAMPAIGN_COMPLETED, MESSAGE_SENT, MESSAGE_STATUS_CHANGED, MESSAGE_TEMPLATE_STATUS_UPDATE,
        USER_SUBSCRIBED,
    };

    #[receiver(MESSAGE_TEMPLATE_STATUS_UPDATE)]
    fn mend(change: &FieldEvent<MessageTemplateStatusUpdate>) {
        let template = &change.value;
        if template.event == Some(TemplateEvent::Rejected) {
            let name = template.message_template_name.as_deref();
            println!("  mend: template {}", name.unwrap_or("without a name"));
        }
    }

    #[receiver(USER_SUBSCRIBED)]
    fn welcome(event: &UserSubscribed) {
        let (contact, signup) = (&event.contact, &event.signup);
        println!(
            "  welcome: {} through {}",
            contact.display_name(),
            signup.signup_id
        );
    }

    #[receiver(MESSAGE_STATUS_CHANGED, uid = "track")]
    fn track(event: &MessageStatusChanged) {
        let update = &event.update;
        let reasons: Vec<_> = update
            .errors
            .iter()
            .filter_map(|error| error.details())
            .collect();
        println!("  track: {} {}", update.status, reasons.join("; "));
    }

    #[receiver(MESSAGE_SENT)]
    fn log(event: &MessageSent) {
        println!("  log: sent {:?}", event.message.body());
    }

    #[receiver(CAMPAIGN_COMPLETED)]
    fn sum_up(event: &CampaignCompleted) {
        let (name, sent, failed) = (&event.campaign.name, event.sent(), event.failed());
        println!("  sum_up: {name}: {sent} sent, {failed} failed");
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // Webhooks send the signals of the actions of users.
    for (name, body) in bodies()? {
        println!("{name}");
        match parse(&body) {
            Ok(webhook) => {
                for failed in webhook.dispatch().failures() {
                    println!("  failed: {}", failed.failure);
                }
            }
            Err(error) => println!("  not a webhook: {error}"),
        }
    }

    // Your own code sends the signals of your actions.
    println!("by hand");
    let ada = Identity::from_phone("15550101001").ok_or("no phone")?;
    let message = Message::outbound("wamid.SENT", ada, Content::text("Your bike is ready"));
    MESSAGE_SENT.send(&MessageSent::new(message.build()))?;
    let mut campaign = Campaign::new("Spring tune-up");
    (campaign.counts.sent, campaign.counts.failed) = (118, 2);
    CAMPAIGN_COMPLETED.send(&CampaignCompleted::new(campaign))?;

    println!("receivers");
    for receiver in receivers() {
        println!("  {}: {receiver}", receiver.signal());
    }
    Ok(())
}

/// A morning at the workshop, from `tests/payloads`.
const MORNING: [&str; 7] = [
    "text.json",
    "image.json",
    "flow-reply.json",
    "signup-user-preferences.json",
    "status-failed.json",
    "batch-with-odd-items.json",
    "template-status-rejected.json",
];

/// Returns the bodies of the files on the command line (`-` is stdin), or those of one morning.
fn bodies() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    if files.is_empty() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/payloads");
        files.extend(MORNING.map(|name| folder.join(name)));
    }
    let read = |file: PathBuf| {
        let mut body = Vec::new();
        if file == Path::new("-") {
            io::stdin().read_to_end(&mut body)?;
        } else {
            body = fs::read(&file)?;
        }
        let name = file.file_name().unwrap_or_default().display().to_string();
        Ok((name, body))
    };
    files.into_iter().map(read).collect()
}
