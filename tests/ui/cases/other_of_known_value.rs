use whatsapp_signals::model::{CampaignStatus, MessageStatus};

fn main() {
    let _ = MessageStatus::Other("read".into());
    if let CampaignStatus::Other(read) = CampaignStatus::from("read") {
        let _ = MessageStatus::Other(read);
    }
}
