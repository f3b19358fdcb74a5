//! Prints every event of webhook bodies, one JSON object a line.
//!
//! ```sh
//! cargo run --example inspect -- tests/payloads/*.json
//! curl … | cargo run --example inspect -- -
//! ```
//!
//! A line is `{"file", "signal", "key", "partition", "event", "raw"}`: `key` is
//! what the event is known by when it comes again, `partition` what it must
//! stay in order with, `event` what receivers get, `raw` the JSON that it was
//! made from. A body that cannot be parsed
//! gives `{"file", "error"}`; the others are still read, and the exit status
//! is 1.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::process::ExitCode;
use std::{env, fs};

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use whatsapp_signals::WebhookEvent;

#[derive(Serialize)]
struct EventLine<'a> {
    file: &'a str,
    signal: &'static str,
    key: String,
    partition: String,
    event: Value,
    raw: Box<RawValue>,
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    file: &'a str,
    error: String,
}

fn main() -> io::Result<ExitCode> {
    match run() {
        // Whoever reads has read enough: `inspect … | head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        result => result,
    }
}

fn run() -> io::Result<ExitCode> {
    let files: Vec<OsString> = env::args_os().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: inspect FILE… | -");
        return Ok(ExitCode::from(2));
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let mut exit = ExitCode::SUCCESS;
    for path in &files {
        let file = &path.to_string_lossy();
        if let Err(error) = inspect(path, file, &mut out)? {
            line(&mut out, &ErrorLine { file, error })?;
            exit = ExitCode::FAILURE;
        }
    }
    out.flush()?;
    Ok(exit)
}

/// Prints one body's events; the inner error is the body's, the outer one
/// that of our own output.
fn inspect(path: &OsStr, file: &str, out: &mut impl Write) -> io::Result<Result<(), String>> {
    let body = match read(path) {
        Ok(body) => body,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let webhook = match whatsapp_signals::parse(&body) {
        Ok(webhook) => webhook,
        Err(error) => return Ok(Err(error.to_string())),
    };
    for event in &webhook {
        let raw = RawValue::from_string(on_one_line(event.raw().as_str()))?;
        let event_line = EventLine {
            file,
            signal: event.name(),
            key: event.dedup_key(),
            partition: event.partition_key(),
            event: payload(event)?,
            raw,
        };
        line(out, &event_line)?;
    }
    Ok(Ok(()))
}

fn read(path: &OsStr) -> io::Result<Vec<u8>> {
    if path == "-" {
        let mut body = Vec::new();
        io::stdin().lock().read_to_end(&mut body)?;
        Ok(body)
    } else {
        fs::read(path)
    }
}

/// The payload as JSON, without the raw text, which has its own place in the
/// line.
fn payload(event: &WebhookEvent) -> io::Result<Value> {
    let mut event = serde_json::to_value(event)?;
    // The enum serializes as `{"message_received": {…}}`.
    let mut payload = event
        .as_object_mut()
        .and_then(|event| event.values_mut().next())
        .map(Value::take)
        .unwrap_or_default();
    if let Some(payload) = payload.as_object_mut() {
        payload.remove("raw");
        if let Some(Value::Object(contact)) = payload.get_mut("contact") {
            contact.remove("raw");
        }
    }
    Ok(payload)
}

/// The same JSON without the white space between its tokens; names, digits and
/// escapes stay as they are.
fn on_one_line(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |c: &char| {
        let kept = in_string || !c.is_ascii_whitespace();
        in_string ^= *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        kept
    };
    json.chars().filter(keep).collect()
}

fn line(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
