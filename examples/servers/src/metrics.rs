//! Numbers for Prometheus, by the crate `metrics`.
//!
//! Labels are names of signals and receivers: nothing of a user.

use std::thread;
use std::time::Duration;

use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use whatsapp_signals::engine::{Backlog, DeadLettered, Delivery, Observer, Received};
use whatsapp_signals::{EngineError, EngineErrorKind, WebhookEvent};

/// The bounds of the histogram of receivers, in seconds.
const SECONDS: [f64; 7] = [0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 30.0];

const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// An observer that counts for whichever recorder the program has installed.
pub struct Metrics;

impl Observer for Metrics {
    fn received(&self, received: &Received<'_>) {
        for event in &received.events {
            counter!("whatsapp_events_received_total", "signal" => event.name()).increment(1);
        }
        counter!("whatsapp_events_duplicate_total").increment(received.duplicates as u64);
    }

    fn failed(&self, error: &EngineError) {
        let reason = match error.kind() {
            EngineErrorKind::Signature(_) => "signature",
            EngineErrorKind::Parse(_) => "parse",
            EngineErrorKind::Store(_) => "store",
            _ => "other",
        };
        counter!("whatsapp_failures_total", "reason" => reason).increment(1);
    }

    fn delivered(&self, delivery: &Delivery<'_>) {
        let receiver = delivery.receiver;
        let name = receiver.uid().unwrap_or(receiver.path()).to_owned();
        let result = match delivery.failure {
            None => "ok",
            Some(_) if delivery.gave_up => "gave_up",
            Some(_) => "retry",
        };
        histogram!("whatsapp_receiver_seconds", "receiver" => name.clone())
            .record(delivery.duration);
        counter!("whatsapp_receiver_calls_total", "receiver" => name, "result" => result)
            .increment(1);
    }

    fn dead_lettered(&self, dead: &DeadLettered<'_>) {
        let signal = dead.event.map_or("none", WebhookEvent::name);
        counter!("whatsapp_dead_letters_total", "signal" => signal).increment(1);
    }

    fn backlog(&self, backlog: &Backlog) {
        for (state, events) in [
            ("open", backlog.open),
            ("due", backlog.due),
            ("leased", backlog.leased),
            ("held_back", backlog.held_back),
            ("dead", backlog.dead),
            ("unreadable", backlog.unreadable),
        ] {
            gauge!("whatsapp_backlog_events", "state" => state).set(events as f64);
        }
        let oldest = backlog.oldest.unwrap_or_default();
        gauge!("whatsapp_backlog_oldest_seconds").set(oldest.as_secs_f64());
    }
}

/// Installs the recorder of this process. The handle renders the answer of `/metrics`.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let seconds = Matcher::Full("whatsapp_receiver_seconds".to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(seconds, &SECONDS)?
        .install_recorder()?;
    let upkept = handle.clone();
    // Samples of a histogram are kept until they are read or added up.
    thread::spawn(move || {
        loop {
            thread::sleep(UPKEEP_INTERVAL);
            upkept.run_upkeep();
        }
    });
    Ok(handle)
}
