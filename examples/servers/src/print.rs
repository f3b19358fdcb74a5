//! A receiver of everything: one line of JSON for each event.

use std::collections::HashMap;
use std::io::{self, Write};
use std::process;

use serde::Serialize;
use serde_json::value::RawValue;
use whatsapp_signals::signals::ANY_EVENT;
use whatsapp_signals::{WebhookEvent, receiver};

#[derive(Serialize)]
struct Line<'a> {
    signal: &'a str,
    key: String,
    process: u32,
    event: &'a RawValue,
}

/// Prints an event. Fails when the reader of the output is gone: an engine then delivers the
/// event again.
#[receiver(ANY_EVENT, uid = "print")]
fn print(event: &WebhookEvent) -> io::Result<()> {
    io::stdout().lock().write_all(&line(event)?)
}

fn line(event: &WebhookEvent) -> io::Result<Vec<u8>> {
    // One payload, behind the name of its signal: {"message_received": {…}}.
    let json = event.to_json()?;
    let payload: HashMap<&str, &RawValue> = serde_json::from_str(&json)?;
    let line = Line {
        signal: event.name(),
        key: event.dedup_key(),
        process: process::id(),
        event: payload[event.name()],
    };
    let mut line = serde_json::to_vec(&line)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_signal_the_key_the_process_and_the_payload() {
        let body = include_bytes!("../../../tests/payloads/status-read.json");
        let event = whatsapp_signals::parse(body)
            .unwrap()
            .into_events()
            .remove(0);
        let line = String::from_utf8(line(&event).unwrap()).unwrap();
        let WebhookEvent::MessageStatusChanged(payload) = &event else {
            panic!("a status: {event:?}");
        };
        let process = process::id();
        let (key, payload) = (event.dedup_key(), serde_json::to_string(payload).unwrap());
        let expected = format!(
            r#"{{"signal":"message_status_changed","key":"{key}","process":{process},"event":{payload}}}"#
        );
        assert_eq!(line, expected + "\n");
    }
}
