//! The dead letters of a store.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use whatsapp_signals::DeadLetter;
use whatsapp_signals::engine::DeadLetterFilter;
use whatsapp_signals::model::Timestamp;
use whatsapp_signals::store::{DeadEventPosition, WebhookId};

use super::args::{Action, Choice, DeadArgs, DeadCommand, Filter};
use crate::database::Database;
use crate::events::EventLine;
use crate::exit::{Error, Exit};
use crate::mask;
use crate::output::{Output, Table, printable};
use crate::time::{self, date};

/// The number of dead letters in memory.
const PAGE: usize = 100;

/// A dead letter as a line of JSON. `event` and `body` are masked, or have personal data.
#[derive(Serialize)]
struct Line<'a> {
    /// `None` for a letter that was found by its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<String>,
    key: String,
    received_at: Timestamp,
    attempts: u32,
    failed: &'a [String],
    /// The texts of errors may quote a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<&'a BTreeMap<String, String>>,
    event: Option<EventLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
}

/// Runs a command about dead letters.
pub(super) fn run(args: &DeadArgs, output: &mut Output) -> Result<Exit, Error> {
    let log_webhooks = match &args.command {
        DeadCommand::Discard { log_webhooks, .. } => *log_webhooks,
        _ => false,
    };
    let database = args.database.open(log_webhooks, output)?;
    match &args.command {
        DeadCommand::List { filter } => {
            let mut list = List::new(output);
            for_each(filter, &database, Some(Filter::LIST), |position, letter| {
                list.add(Some(position), &letter)
            })?;
            list.finish(Some(filter.limit.unwrap_or(Filter::LIST)))?;
            Ok(Exit::Done)
        }
        DeadCommand::Show { key } => {
            let letter = find(&database, key)?;
            print_letter(&letter, output)?;
            Ok(Exit::Done)
        }
        DeadCommand::Requeue(choice) => resolve(choice, &database, Action::Requeue, output),
        DeadCommand::Discard { choice, .. } => resolve(choice, &database, Action::Discard, output),
    }
}

/// Requeues or discards the letters, and prints their number.
fn resolve(
    choice: &Choice,
    database: &Database,
    action: Action,
    output: &mut Output,
) -> Result<Exit, Error> {
    let engine = &database.engine;
    let (mut count, mut exit) = (0, Exit::Done);
    if choice.keys.is_empty() && !choice.dry_run {
        let filter = library_filter(&choice.filter, database)?;
        count = match action {
            Action::Requeue => database.run(engine.requeue_all_async(&filter))?,
            Action::Discard => database.run(engine.discard_all_async(&filter))?,
        };
        action.print(count, output)?;
        return Ok(exit);
    }
    let mut list = List::new(output);
    if choice.keys.is_empty() {
        for_each(&choice.filter, database, None, |position, letter| {
            count += 1;
            list.add(Some(position), &letter)
        })?;
    }
    for key in &choice.keys {
        let letter = match find(database, key) {
            Ok(letter) => letter,
            Err(Error::NotFound(text)) => {
                eprintln!("error: {text}");
                exit = Exit::Fault;
                continue;
            }
            Err(error) => return Err(error),
        };
        if choice.dry_run {
            count += 1;
            list.add(None, &letter)?;
            continue;
        }
        let is_resolved = match action {
            Action::Requeue => database.run(engine.requeue_async(&letter.key))?,
            Action::Discard => database.run(engine.discard_async(&letter.key))?,
        };
        count += usize::from(is_resolved);
    }
    if choice.dry_run {
        list.finish(None)?;
        action.print_dry(count, output)?;
    } else {
        action.print(count, output)?;
    }
    Ok(exit)
}
/// Returns the dead letter with a key, or with a masked key.
fn find(database: &Database, key: &str) -> Result<DeadLetter, Error> {
    if let Some(letter) = database.run(database.engine.dead_letter_async(key))? {
        return Ok(letter);
    }
    let (mut found, mut count) = (None, 0);
    if key.contains('…') {
        for_each(&Filter::default(), database, None, |_, letter| {
            if mask::key(&letter.key) == key {
                found = Some(letter);
                count += 1;
            }
            Ok(())
        })?;
    }
    match found {
        Some(letter) if count == 1 => Ok(letter),
        Some(_) => {
            let text = format!("expected one dead letter with this masked key, found {count}");
            Err(Error::NotFound(text))
        }
        None => Err(Error::NotFound(
            "there is no dead letter with this key".into(),
        )),
    }
}

/// A list of dead letters: lines of JSON, or a table.
struct List<'o> {
    output: &'o mut Output,
    table: Table,
    count: usize,
    last: Option<DeadEventPosition>,
}

impl<'o> List<'o> {
    fn new(output: &'o mut Output) -> Self {
        let header = ["received", "attempts", "signal", "user", "failed", "key"];
        Self {
            output,
            table: Table::new(&header),
            count: 0,
            last: None,
        }
    }

    fn add(
        &mut self,
        position: Option<DeadEventPosition>,
        letter: &DeadLetter,
    ) -> Result<(), Error> {
        self.count += 1;
        self.last = position;
        let line = Line::new(letter, position, self.output.shows_personal(), false)?;
        if self.output.is_json() {
            return Ok(self.output.json(&line)?);
        }
        let event = line.event.as_ref();
        self.table.push(vec![
            date(letter.received_at),
            letter.attempts.to_string(),
            event
                .map_or("(unreadable)", |event| event.signal)
                .to_owned(),
            event.map(|event| event.user.clone()).unwrap_or_default(),
            letter.failed.join(", "),
            line.key,
        ]);
        Ok(())
    }

    /// Prints the table. A list that has reached its limit may have another page.
    fn finish(mut self, limit: Option<usize>) -> Result<(), Error> {
        if self.output.is_json() {
            return Ok(());
        }
        self.table.print(self.output)?;
        if let Some(last) = self.last.filter(|_| limit == Some(self.count)) {
            let text = format!("next page: --after {}", position_text(last));
            self.output.text(&text)?;
        }
        Ok(())
    }
}

fn print_letter(letter: &DeadLetter, output: &mut Output) -> Result<(), Error> {
    let shows_personal = output.shows_personal();
    let line = Line::new(letter, None, shows_personal, true)?;
    if output.is_json() {
        return Ok(output.json(&line)?);
    }
    let event = line.event.as_ref();
    let rows = [
        ("key", line.key.clone()),
        ("received", date(letter.received_at)),
        ("attempts", letter.attempts.to_string()),
        ("failed", letter.failed.join(", ")),
        (
            "signal",
            event
                .map_or("(unreadable)", |event| event.signal)
                .to_owned(),
        ),
        (
            "user",
            event.map(|event| event.user.clone()).unwrap_or_default(),
        ),
    ];
    for (name, value) in rows {
        output.text(format!("{name:9} {}", printable(&value)).trim_end())?;
    }
    if shows_personal {
        for (receiver, error) in &letter.errors {
            output.text(&printable(&format!("error     {receiver}: {error}")))?;
        }
        let body = String::from_utf8_lossy(&letter.body);
        let lines = body.lines().map(printable);
        for line in lines {
            output.text(&line)?;
        }
    }
    Ok(())
}

impl<'a> Line<'a> {
    fn new(
        letter: &'a DeadLetter,
        position: Option<DeadEventPosition>,
        shows_personal: bool,
        with_body: bool,
    ) -> Result<Self, Error> {
        let event = letter.event.as_ref();
        let event = event.map(|event| EventLine::new("", event, shows_personal));
        let body = || Value::String(String::from_utf8_lossy(&letter.body).into_owned());
        Ok(Self {
            position: position.map(position_text),
            key: if shows_personal {
                letter.key.clone()
            } else {
                mask::key(&letter.key)
            },
            received_at: letter.received_at,
            attempts: letter.attempts,
            failed: &letter.failed,
            errors: shows_personal.then_some(&letter.errors),
            event: event.transpose()?,
            body: (shows_personal && with_body).then(body),
        })
    }
}

/// Returns the engine's filter. A number that the store does not have is an error.
fn library_filter(filter: &Filter, database: &Database) -> Result<DeadLetterFilter, Error> {
    filter.scope.records(database)?;
    let mut query = DeadLetterFilter::new();
    if let Some(receiver) = &filter.receiver {
        query = query.receiver(receiver);
    }
    if let Some(signal) = &filter.signal {
        query = query.name(signal);
    }
    if let Some(tenant) = &filter.scope.tenant {
        query = query.tenant(tenant.as_str());
    }
    if let Some(number) = &filter.scope.number {
        query = query.number(number.as_str());
    }
    if let Some(age) = filter.older_than {
        query = query.received_before(time::ago(age));
    }
    if let Some(age) = filter.newer_than {
        query = query.received_since(time::ago(age));
    }
    if let Some(after) = &filter.after {
        query = query.after(parse_position(after)?);
    }
    if let Some(limit) = filter.limit {
        query = query.limit(limit);
    }
    Ok(query)
}

/// Calls a function with each dead letter and its position, up to the limit or the default one.
/// Only one page of letters is in memory.
fn for_each(
    filter: &Filter,
    database: &Database,
    default_limit: Option<usize>,
    mut f: impl FnMut(DeadEventPosition, DeadLetter) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut left = filter.limit.or(default_limit).unwrap_or(usize::MAX);
    let mut query = library_filter(filter, database)?;
    while left > 0 {
        query = query.limit(left.min(PAGE));
        let page = database.run(database.engine.find_dead_letters_async(&query))?;
        let Some((last, _)) = page.last() else { break };
        query = query.after(*last);
        left -= page.len();
        for (position, letter) in page {
            f(position, letter)?;
        }
    }
    Ok(())
}

/// Returns a position as text, such as `1883339317560824505:1`.
fn position_text(position: DeadEventPosition) -> String {
    format!("{}:{}", position.webhook.0, position.number)
}

fn parse_position(position: &str) -> Result<DeadEventPosition, Error> {
    let parsed = position.split_once(':').and_then(|(webhook, number)| {
        Some(DeadEventPosition {
            webhook: WebhookId(webhook.parse().ok()?),
            number: number.parse().ok()?,
        })
    });
    parsed.ok_or_else(|| {
        let text = "expected a position of `dead list`, such as 1883339317560824505:1, found";
        Error::Usage(format!("{text} {position}"))
    })
}
