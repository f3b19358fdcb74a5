//! `webhooks`: the stored bodies.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde::Serialize;
use whatsapp_signals::engine::LoggedWebhook;
use whatsapp_signals::model::Timestamp;
use whatsapp_signals::store::WebhookId;

use crate::database::{Database, DatabaseArgs, Scope};
use crate::events::{EventLine, EventTable};
use crate::exit::{Error, Exit};
use crate::output::{Output, Table, printable};
use crate::time::date;

/// Lists and shows stored webhooks
///
/// The store has the unfinished webhooks, or all of them if the program has `log_webhooks(true)`. A
/// webhook belongs to a tenant or number if one of its events does, and only these events are printed.
#[derive(Args)]
#[command(after_help = "Example:\n  whatsapp-signals webhooks list --database bikes.db")]
pub(crate) struct WebhooksArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(subcommand)]
    command: WebhooksCommand,
}

#[derive(Subcommand)]
enum WebhooksCommand {
    /// Lists webhooks, the oldest first
    #[command(
        after_help = "Example:\n  whatsapp-signals webhooks list --database bikes.db --limit 10"
    )]
    List {
        /// Begins after the webhook with this id
        #[arg(long, value_name = "ID", allow_negative_numbers = true)]
        after: Option<i64>,
        /// Maximum number of webhooks
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        scope: Scope,
    },
    /// Prints the events of a webhook; with --show-personal its body
    #[command(
        after_help = "Example:\n  whatsapp-signals webhooks show 1871822361067520 --database bikes.db"
    )]
    Show {
        /// The id of the webhook
        #[arg(allow_negative_numbers = true)]
        id: i64,
        #[command(flatten)]
        scope: Scope,
    },
}

/// A webhook as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    /// As text, because many JSON parsers round numbers beyond 2^53.
    id: String,
    received_at: Timestamp,
    open: u32,
    dead: u32,
    replay_of: Option<String>,
    bytes: usize,
    /// The number of events of other tenants or numbers.
    #[serde(skip_serializing_if = "is_zero")]
    of_others: usize,
    /// The number of events by signal; `None` for a body that is no webhook.
    signals: Option<BTreeMap<&'static str, u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<EventLine<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Lists webhooks or shows one.
pub(crate) fn run(args: &WebhooksArgs, output: &mut Output) -> Result<Exit, Error> {
    let database = args.database.open(false, output)?;
    match &args.command {
        WebhooksCommand::List {
            after,
            limit,
            scope,
        } => list(&database, *after, *limit, scope, output)?,
        WebhooksCommand::Show { id, scope } => show(&database, *id, scope, output)?,
    }
    Ok(Exit::Done)
}

fn list(
    database: &Database,
    after: Option<i64>,
    limit: usize,
    scope: &Scope,
    output: &mut Output,
) -> Result<(), Error> {
    let webhooks = find(database, after.map(WebhookId), limit, scope)?;
    let mut table = Table::new(&[
        "id",
        "received",
        "open",
        "dead",
        "replay of",
        "bytes",
        "events",
    ]);
    for webhook in &webhooks {
        let line = Line::new(webhook);
        if output.is_json() {
            output.json(&line)?;
            continue;
        }
        table.push(vec![
            line.id.clone(),
            date(line.received_at),
            line.open.to_string(),
            line.dead.to_string(),
            line.replay_of.clone().unwrap_or_default(),
            line.bytes.to_string(),
            line.events_text(),
        ]);
    }
    if !output.is_json() {
        table.print(output)?;
    }
    Ok(())
}

/// Returns webhooks of a scope, after an id.
fn find(
    database: &Database,
    after: Option<WebhookId>,
    limit: usize,
    scope: &Scope,
) -> Result<Vec<LoggedWebhook>, Error> {
    match scope.records(database)? {
        Some(records) => database.run(records.webhooks_async(after, limit)),
        None => database.run(database.engine.webhooks_async(after, limit)),
    }
}

fn show(database: &Database, id: i64, scope: &Scope, output: &mut Output) -> Result<(), Error> {
    let shows_personal = output.shows_personal();
    let before = id.checked_sub(1).map(WebhookId);
    let mut found = find(database, before, 1, scope)?;
    found.retain(|webhook| webhook.id == WebhookId(id));
    let Some(webhook) = found.first() else {
        return Err(Error::NotFound(format!(
            "there is no webhook with the id {id}"
        )));
    };
    let events = webhook.events.as_deref().unwrap_or_default();
    let mut line = Line::new(webhook);
    // A body with events of several tenants is not printed for one of them.
    let body = (shows_personal && webhook.omitted_events == 0)
        .then(|| String::from_utf8_lossy(&webhook.body).into_owned());
    if output.is_json() {
        let lines = events
            .iter()
            .map(|event| EventLine::new("", event, shows_personal));
        line.events = Some(lines.collect::<Result<_, _>>()?);
        line.body = body;
        return Ok(output.json(&line)?);
    }
    let mut rows = vec![
        ("id", line.id),
        ("received", date(line.received_at)),
        ("open", line.open.to_string()),
        ("dead", line.dead.to_string()),
        ("bytes", line.bytes.to_string()),
    ];
    if let Some(of) = line.replay_of {
        rows.push(("replay of", of));
    }
    if webhook.omitted_events > 0 {
        rows.push(("of others", webhook.omitted_events.to_string()));
    }
    for (name, value) in rows {
        output.text(&format!("{name:9} {value}"))?;
    }
    let mut table = EventTable::new(false, shows_personal);
    for event in events {
        table.add("", EventLine::new("", event, shows_personal)?, event);
    }
    if webhook.events.is_some() {
        table.print(output)?;
    }
    for line in body.iter().flat_map(|body| body.lines()) {
        output.text(&printable(line))?;
    }
    Ok(())
}

impl Line<'_> {
    fn new(webhook: &LoggedWebhook) -> Self {
        let signals = webhook.events.as_ref().map(|events| {
            let mut signals = BTreeMap::new();
            for event in events {
                *signals.entry(event.name()).or_default() += 1;
            }
            signals
        });
        Self {
            id: webhook.id.0.to_string(),
            received_at: webhook.received_at,
            open: webhook.open,
            dead: webhook.dead,
            replay_of: webhook.replay_of.map(|id| id.0.to_string()),
            bytes: webhook.body.len(),
            of_others: webhook.omitted_events,
            signals,
            events: None,
            body: None,
        }
    }

    fn events_text(&self) -> String {
        let Some(signals) = &self.signals else {
            return "(unreadable)".into();
        };
        let signals = signals
            .iter()
            .map(|(name, count)| format!("{name} {count}"));
        signals.collect::<Vec<_>>().join(", ")
    }
}
