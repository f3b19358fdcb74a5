//! A campaign: a template to 200 contacts, with progress bars, and a summary at its end. Meta is a
//! fake on this machine, and no message leaves it.
//!
//! ```sh
//! cargo run --bin campaign    # DATABASE=campaign.db keeps the messages
//! ```

use std::{io, io::Write, time::Duration};

use futures_util::{StreamExt, TryFutureExt, TryStreamExt, stream};
use reqwest::RequestBuilder;
use tokio::{select, time::sleep};
use whatsapp_signals::event::{CampaignCompleted, GraphJsonErrorKind, MessageRefused, MessageSent};
use whatsapp_signals::model::{Campaign, CampaignStatus};
use whatsapp_signals::signals::{ANY_EVENT, CAMPAIGN_COMPLETED};
use whatsapp_signals::{BoxError, receiver};
use whatsapp_signals_servers::{Answer, Engine, Inbox, campaign, graph::Graph, report, setting};

#[receiver(CAMPAIGN_COMPLETED)]
fn print_summary(event: &CampaignCompleted) -> io::Result<()> {
    io::stdout().write_all(campaign::summary(&event.campaign).as_bytes())
}

/// Sends a message of the campaign, and stores Meta's answer.
async fn send(engine: &Engine, call: RequestBuilder, json: String) -> Result<(), BoxError> {
    let answer = call.body(json.clone()).send().await?.bytes().await?;
    match MessageSent::from_graph(&json, &answer) {
        Err(error) if error.kind() == GraphJsonErrorKind::Refused => {
            if let Some(refused) = MessageRefused::from_graph_error(&json, &answer)? {
                let refused = refused.with_account(campaign::account());
                let refused = refused.with_campaign(campaign::ID);
                report(&engine.process_refused_async(refused).await?);
            }
        }
        sent => {
            for sent in sent? {
                let sent = sent.with_account(campaign::account());
                let sent = sent.with_campaign(campaign::ID);
                report(&engine.process_sent_async(sent).await?);
            }
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    ANY_EVENT.disconnect("print"); // by which the other programs print each event
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("campaign.db").display().to_string();
    let inbox = Inbox::open(&setting("DATABASE").unwrap_or(file), Answer::Delivered).await?;
    let graph = Graph::start(campaign::listen(&inbox).await?).await?;

    let (engine, shop) = (inbox.engine(), inbox.engine().account(&campaign::account()));
    let mut campaign = Campaign::new("Spring tune-up").with_id(campaign::ID);
    campaign.status = CampaignStatus::Running;
    campaign.counts.total = campaign::TOTAL;
    shop.save_campaign_async(&campaign).await?;

    let messages = campaign::requests("spring_offer");
    let sends = messages.map(|json| send(engine, graph.request(), json));
    let sends = stream::iter(sends).buffer_unordered(20).try_collect::<()>();
    let all_statuses = sends.and_then(|()| graph.finish());
    select! {
        result = all_statuses => result?,
        Err(error) = campaign::show_progress(&shop) => return Err(error),
    }
    // In production, a timer does this and gives users two days. The fake has no more statuses.
    while campaign::load(&shop).await?.status == CampaignStatus::Running {
        report(&engine.complete_campaigns_async(Duration::ZERO).await?);
        sleep(Duration::from_millis(100)).await;
    }
    // Calls a receiver that has failed. In a program that goes on, `tend_async` does it later.
    let outcome = engine.retry_unfinished_async().await?;
    report(&outcome);
    if outcome.failed() > 0 {
        return Err("the summary is not printed".into());
    }
    Ok(())
}
