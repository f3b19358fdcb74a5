//! `replay`: another delivery of stored webhooks by the program.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use whatsapp_signals::EngineErrorKind;
use whatsapp_signals::engine::{LoggedWebhook, Records};
use whatsapp_signals::store::{Store, WebhookId};

use crate::database::{Database, DatabaseArgs, Scope};
use crate::exit::{Error, Exit};
use crate::output::Output;
use crate::time;

/// The number of webhooks of a page.
const PAGE: usize = 100;

/// Replays stored webhooks in the program
///
/// Each webhook is stored as a replay, and the program calls the receivers when it retries or tends
/// its engine. Bodies are stored after their delivery if the program has `log_webhooks(true)`. The
/// exit code is 1 if a body is no webhook; the other webhooks are replayed nevertheless. With `--tenant` or
/// `--number` only the events of this tenant or number are delivered, also of bodies with others.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    whatsapp-signals replay --since 2h --only crm --dry-run --database bikes.db\n  \
    whatsapp-signals replay --since 2h --only crm --database bikes.db")]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    scope: Scope,
    /// Webhooks received since, such as 30s, 15min, 2h or 7d ago
    #[arg(long, value_name = "AGE", value_parser = time::parse_age)]
    since: Duration,
    /// Receivers that are called, by uid or path
    #[arg(long, value_name = "RECEIVER", required_unless_present = "all")]
    only: Vec<String>,
    /// Calls all receivers again
    #[arg(long, conflicts_with = "only")]
    all: bool,
    /// Prints the number of webhooks, and changes nothing
    #[arg(long)]
    dry_run: bool,
}

/// Stores the replays, and prints their number.
pub(crate) fn run(args: &ReplayArgs, output: &mut Output) -> Result<Exit, Error> {
    // Finished webhooks exist only if the program has `log_webhooks(true)`.
    let database = args.database.open(true, output)?;
    let records = args.scope.records(&database)?;
    let only: Vec<_> = args.only.iter().map(String::as_str).collect();
    let since = time::ago(args.since);
    let mut after = Some(WebhookId(WebhookId::at(since).0 - 1));
    let (mut found, mut replayed, mut exit) = (0_u64, 0_u64, Exit::Done);
    loop {
        let page = match &records {
            Some(records) => database.run(records.webhooks_async(after, PAGE))?,
            None => database.run(database.engine.webhooks_async(after, PAGE))?,
        };
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        // Stored replays are not replayed.
        for webhook in page.iter().filter(|webhook| webhook.replay_of.is_none()) {
            found += 1;
            if args.dry_run {
                continue;
            }
            if accept(&database, records.as_ref(), webhook, &only)? {
                replayed += 1;
            } else {
                let id = webhook.id.0;
                eprintln!("error: the body of the webhook {id} is no webhook");
                exit = Exit::Fault;
            }
        }
    }
    let dry = if args.dry_run { " (--dry-run)" } else { "" };
    let json = json!({"found": found, "replayed": replayed});
    output.either(&json, &format!("replayed {replayed} of {found}{dry}"))?;
    Ok(exit)
}

/// Stores the replay of a webhook. Returns `false` if its body is no webhook.
fn accept(
    database: &Database,
    records: Option<&Records<'_, Arc<dyn Store>>>,
    webhook: &LoggedWebhook,
    only: &[&str],
) -> Result<bool, Error> {
    let replay = async {
        let accepted = match records {
            Some(records) => records.accept_replay_async(webhook.id, only).await,
            None => database.engine.accept_replay_async(webhook.id, only).await,
        };
        match accepted {
            // A webhook that was deleted since needs no replay.
            Ok(_) => Ok(true),
            Err(error) if matches!(error.kind(), EngineErrorKind::Parse(_)) => Ok(false),
            Err(error) => Err(error),
        }
    };
    database.run(replay)
}
