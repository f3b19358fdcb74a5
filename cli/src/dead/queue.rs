//! `dead … --nats`: the dead letters of a JetStream queue.

use serde::Serialize;
use serde_json::Value;
use tokio::runtime::Runtime;
use whatsapp_signals::model::Timestamp;
use whatsapp_signals_nats::{
    DeadLetter, DeadLetterErrorKind, DeadLetters, Envelope, async_nats, find_stream,
};

use super::args::{Action, Choice, DeadCommand, Filter, QueueArgs};
use crate::database;
use crate::events::EventLine;
use crate::exit::{Error, Exit};
use crate::mask;
use crate::output::{Output, Table, printable};
use crate::time::{ago, date};

/// The number of dead letters in memory.
const PAGE: usize = 100;

/// The dead letters of an open queue.
struct Letters {
    letters: DeadLetters,
    runtime: Runtime,
}

/// A dead letter with its envelope; `None` for a body and for an envelope that cannot be read.
struct Letter {
    letter: DeadLetter,
    envelope: Option<Envelope>,
}

/// A dead letter as a line of JSON. `event` and `body` are masked, or have personal data.
#[derive(Serialize)]
struct Line<'a> {
    /// The sequence number in the queue, which is its key and its position.
    position: String,
    died_at: Timestamp,
    deliveries: u64,
    failed: &'a [String],
    reason: &'a str,
    key: Option<String>,
    event: Option<EventLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
}

/// Runs a command about the dead letters of a queue.
pub(super) fn run(
    queue: &QueueArgs,
    command: &DeadCommand,
    output: &mut Output,
) -> Result<Exit, Error> {
    match command {
        DeadCommand::List { filter } => {
            let conditions = QueueFilter::new(filter)?;
            let limit = filter.limit.unwrap_or(Filter::LIST);
            let letters = Letters::open(queue)?;
            let mut list = List::new(output);
            letters.for_each(&conditions, limit, None, |letter| list.add(&letter))?;
            list.finish(Some(limit))?;
            Ok(Exit::Done)
        }
        DeadCommand::Show { key } => {
            let sequence = parse_sequence(key)?;
            let letter = Letters::open(queue)?.get(sequence)?;
            let letter = letter.ok_or_else(|| missing(sequence))?;
            print_letter(&letter, output)?;
            Ok(Exit::Done)
        }
        DeadCommand::Requeue(choice) => resolve(queue, choice, Action::Requeue, output),
        DeadCommand::Discard { choice, .. } => resolve(queue, choice, Action::Discard, output),
    }
}

/// Requeues or discards the letters, and prints their number.
fn resolve(
    queue: &QueueArgs,
    choice: &Choice,
    action: Action,
    output: &mut Output,
) -> Result<Exit, Error> {
    let conditions = QueueFilter::new(&choice.filter)?;
    let keys: Vec<_> = choice.keys.iter().map(|key| parse_sequence(key)).collect();
    let keys = keys.into_iter().collect::<Result<Vec<_>, _>>()?;
    let letters = Letters::open(queue)?;
    let (mut count, mut exit) = (0, Exit::Done);
    let mut list = List::new(output);
    let mut handle = |letter: Letter| {
        if choice.dry_run {
            count += 1;
            return list.add(&letter);
        }
        match letters.resolve(letter.letter.sequence, action)? {
            Resolved::Done => count += 1,
            // Another program has resolved the letter.
            Resolved::Gone => {}
            Resolved::Wrong => exit = Exit::Fault,
        }
        Ok(())
    };
    let mut unknown = Vec::new();
    if keys.is_empty() {
        let limit = choice.filter.limit.unwrap_or(usize::MAX);
        let until = (!choice.dry_run).then(Timestamp::now);
        letters.for_each(&conditions, limit, until, &mut handle)?;
    }
    for key in keys {
        match letters.get(key)? {
            Some(letter) => handle(letter)?,
            None => unknown.push(key),
        }
    }
    for key in unknown {
        eprintln!("error: {}", missing(key));
        exit = Exit::Fault;
    }
    if choice.dry_run {
        list.finish(None)?;
        action.print_dry(count, output)?;
    } else {
        action.print(count, output)?;
    }
    Ok(exit)
}

/// The result of requeuing or discarding a letter.
enum Resolved {
    Done,
    Gone,
    /// The body is still no webhook.
    Wrong,
}

impl Letters {
    /// Connects to the server. No error has the URL, which may have a password.
    fn open(queue: &QueueArgs) -> Result<Self, Error> {
        let runtime = database::runtime()?;
        let url = queue.nats.as_deref().unwrap_or_default();
        let letters = runtime.block_on(async {
            let client = async_nats::connect(url).await;
            let client = client.map_err(|error| {
                Error::Failed(format!("connecting to the queue failed: {error}"))
            })?;
            let stream = find_stream(&async_nats::jetstream::new(client), &queue.stream).await;
            let stream = stream.map_err(|error| Error::Failed(with_sources(&error)))?;
            let letters = DeadLetters::of(&stream).await;
            letters.map_err(|error| Error::Failed(with_sources(&error)))
        })?;
        Ok(Self { letters, runtime })
    }

    fn get(&self, sequence: u64) -> Result<Option<Letter>, Error> {
        let letter = self.runtime.block_on(self.letters.get(sequence));
        let letter = letter.map_err(|error| Error::Failed(with_sources(&error)))?;
        Ok(letter.map(Letter::new))
    }

    /// Calls a function with each letter that meets the conditions, up to a limit.
    ///
    /// Letters that died after `until` are skipped, so that requeued events that die again do not
    /// prolong the loop. A list has no `until`, because the clock of a worker may be ahead.
    fn for_each(
        &self,
        conditions: &QueueFilter<'_>,
        limit: usize,
        until: Option<Timestamp>,
        mut f: impl FnMut(Letter) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut last, mut left) = (conditions.after, limit);
        while left > 0 {
            let page = self.runtime.block_on(self.letters.list_after(last, PAGE));
            let page = page.map_err(|error| Error::Failed(with_sources(&error)))?;
            if page.is_empty() {
                break;
            }
            for letter in page {
                last = letter.sequence;
                if left == 0 || until.is_some_and(|until| letter.died_at > until) {
                    return Ok(());
                }
                let letter = Letter::new(letter);
                if conditions.match_letter(&letter) {
                    left -= 1;
                    f(letter)?;
                }
            }
        }
        Ok(())
    }

    fn resolve(&self, sequence: u64, action: Action) -> Result<Resolved, Error> {
        let resolved = self.runtime.block_on(async {
            match action {
                Action::Requeue => self.letters.requeue(sequence).await,
                Action::Discard => self.letters.discard(sequence).await,
            }
        });
        match resolved {
            Ok(true) => Ok(Resolved::Done),
            Ok(false) => Ok(Resolved::Gone),
            Err(error) => match error.kind() {
                DeadLetterErrorKind::Parse(error) => {
                    eprintln!(
                        "error: the body of the dead letter {sequence} is no webhook: {error}"
                    );
                    Ok(Resolved::Wrong)
                }
                _ => Err(Error::Failed(with_sources(&error))),
            },
        }
    }
}

impl Letter {
    fn new(letter: DeadLetter) -> Self {
        // A body has no subject.
        let envelope = letter.subject.as_ref();
        let envelope = envelope.and_then(|_| Envelope::from_json(&letter.payload).ok());
        Self { letter, envelope }
    }
}

/// The conditions of a filter.
struct QueueFilter<'a> {
    filter: &'a Filter,
    after: u64,
    since: Option<Timestamp>,
    before: Option<Timestamp>,
}

impl<'a> QueueFilter<'a> {
    fn new(filter: &'a Filter) -> Result<Self, Error> {
        if filter.scope.tenant.is_some() {
            let text = "expected --number, found --tenant: a queue does not store tenants";
            return Err(Error::Usage(text.into()));
        }
        let after = filter.after.as_deref().map(parse_sequence).transpose()?;
        Ok(Self {
            filter,
            after: after.unwrap_or(0),
            since: filter.newer_than.map(ago),
            before: filter.older_than.map(ago),
        })
    }

    fn match_letter(&self, Letter { letter, envelope }: &Letter) -> bool {
        let Filter {
            receiver,
            signal,
            scope,
            ..
        } = self.filter;
        let event = envelope.as_ref().map(|envelope| &envelope.event);
        let number = event.and_then(|event| event.account().phone_number_id.as_ref());
        (receiver.as_ref()).is_none_or(|receiver| letter.failed.contains(receiver))
            && (signal.as_ref())
                .is_none_or(|signal| event.is_some_and(|event| event.name() == signal))
            && (scope.number.as_deref())
                .is_none_or(|expected| number.is_some_and(|number| number.as_ref() == expected))
            && self.since.is_none_or(|since| since <= letter.died_at)
            && self.before.is_none_or(|before| letter.died_at < before)
    }
}

/// A list of dead letters: lines of JSON, or a table.
struct List<'o> {
    output: &'o mut Output,
    table: Table,
    count: usize,
    last: u64,
}

impl<'o> List<'o> {
    fn new(output: &'o mut Output) -> Self {
        let header = [
            "number", "died", "times", "signal", "user", "failed", "reason",
        ];
        Self {
            output,
            table: Table::new(&header),
            count: 0,
            last: 0,
        }
    }

    fn add(&mut self, letter: &Letter) -> Result<(), Error> {
        self.count += 1;
        self.last = letter.letter.sequence;
        let line = Line::new(letter, self.output.shows_personal(), false)?;
        if self.output.is_json() {
            return Ok(self.output.json(&line)?);
        }
        let (signal, user) = line.signal_and_user();
        self.table.push(vec![
            line.position,
            date(line.died_at),
            line.deliveries.to_string(),
            signal,
            user,
            line.failed.join(", "),
            line.reason.to_owned(),
        ]);
        Ok(())
    }

    /// Prints the table. A list that has reached its limit may have another page.
    fn finish(mut self, limit: Option<usize>) -> Result<(), Error> {
        if self.output.is_json() {
            return Ok(());
        }
        self.table.print(self.output)?;
        if limit == Some(self.count) && self.count > 0 {
            let text = format!("next page: --after {}", self.last);
            self.output.text(&text)?;
        }
        Ok(())
    }
}

fn print_letter(letter: &Letter, output: &mut Output) -> Result<(), Error> {
    let shows_personal = output.shows_personal();
    let line = Line::new(letter, shows_personal, true)?;
    if output.is_json() {
        return Ok(output.json(&line)?);
    }
    let (signal, user) = line.signal_and_user();
    let rows = [
        ("number", line.position),
        ("died", date(line.died_at)),
        ("times", line.deliveries.to_string()),
        ("failed", line.failed.join(", ")),
        ("reason", line.reason.to_owned()),
        ("signal", signal),
        ("user", user),
        ("key", line.key.unwrap_or_default()),
    ];
    for (name, value) in rows {
        output.text(format!("{name:9} {}", printable(&value)).trim_end())?;
    }
    if shows_personal {
        let body = String::from_utf8_lossy(&letter.letter.payload);
        for line in body.lines().map(printable) {
            output.text(&line)?;
        }
    }
    Ok(())
}

impl<'a> Line<'a> {
    fn new(
        Letter { letter, envelope }: &'a Letter,
        shows_personal: bool,
        with_body: bool,
    ) -> Result<Self, Error> {
        let envelope = envelope.as_ref();
        let event = envelope.map(|envelope| EventLine::new("", &envelope.event, shows_personal));
        let key = |envelope: &Envelope| {
            if shows_personal {
                envelope.key.clone()
            } else {
                mask::key(&envelope.key)
            }
        };
        let body = || Value::String(String::from_utf8_lossy(&letter.payload).into_owned());
        Ok(Self {
            position: letter.sequence.to_string(),
            died_at: letter.died_at,
            deliveries: letter.deliveries,
            failed: &letter.failed,
            reason: &letter.reason,
            key: envelope.map(key),
            event: event.transpose()?,
            body: (shows_personal && with_body).then(body),
        })
    }

    fn signal_and_user(&self) -> (String, String) {
        match &self.event {
            Some(event) => (event.signal.to_owned(), event.user.clone()),
            None => ("(unreadable)".to_owned(), String::new()),
        }
    }
}

fn parse_sequence(key: &str) -> Result<u64, Error> {
    let text = "expected the number of a dead letter of the queue, found";
    key.parse()
        .map_err(|_| Error::Usage(format!("{text} {}", printable(key))))
}

fn missing(sequence: u64) -> Error {
    Error::NotFound(format!(
        "there is no dead letter with the number {sequence}"
    ))
}

/// Returns the text of an error with those of its causes. Errors of NATS quote no event.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
