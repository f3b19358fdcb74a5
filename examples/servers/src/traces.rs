//! Traces by OpenTelemetry: the spans of webhooks, events and receivers.

use std::env;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};
use whatsapp_signals::BoxError;

use crate::log;

/// The exporter of this process, if it has one.
#[derive(Default)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Exports spans by OTLP over HTTP if the environment names a collector, as OpenTelemetry
    /// specifies: `OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318`.
    pub fn from_env() -> Result<Self, BoxError> {
        if env::var_os("OTEL_EXPORTER_OTLP_ENDPOINT").is_none() {
            return Ok(Self::default());
        }
        let exporter = SpanExporter::builder().with_http().build()?;
        let provider = SdkTracerProvider::builder()
            .with_resource(
                Resource::builder()
                    .with_service_name("whatsapp-bot")
                    .build(),
            )
            .with_batch_exporter(exporter)
            .build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("whatsapp-bot"));
        // Those of the library: `whatsapp_signals::engine`.
        let targets = Targets::new().with_target("whatsapp_signals", LevelFilter::INFO);
        Registry::default()
            .with(layer.with_filter(targets))
            .try_init()?;
        Ok(Self(Some(provider)))
    }

    /// Exports the spans that have ended. It blocks.
    pub fn finish(&self) {
        if let Some(provider) = &self.0
            && let Err(error) = provider.shutdown()
        {
            log(&error);
        }
    }
}
