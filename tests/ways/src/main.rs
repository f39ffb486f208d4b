//! Runs the program with its telemetry in the way that `WAY` names, to the endpoint that the variables name.

mod client;
mod program;

use std::env;
use std::error::Error;
use std::time::Duration;

use opentelemetry::global;
use opentelemetry::trace::{Tracer, TracerProvider as _};
use opentelemetry_otlp::{self as otlp, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::logs::{LogExporter, SdkLoggerProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanExporter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry};
use trackside::export::sdk::{self, WithExporters as _};
use trackside::telemetry::{self, TelemetryConfig};
use trackside::{LogsAs, otel};

use client::Client;

type Failure = Box<dyn Error>;

const DEADLINE: Duration = Duration::from_secs(20);
/// What the program calls itself.
const SCOPE: &str = "program";

fn main() -> Result<(), Failure> {
    let way = env::var("WAY").unwrap_or_default();
    let native = || trackside::layer().with_logs_as(LogsAs::SpanEvents);
    match way.as_str() {
        // All of it others': what the other ways are compared with.
        "stock" => {
            let client = Client::start()?;
            in_sdk(otlp_spans(&client)?, otlp_logs(&client)?, otlp_metrics(&client)?)
        }
        // Their layer and SDK, our exporters.
        "our-exporters" => in_sdk(
            sdk::SpanExporter::builder().build()?,
            sdk::LogExporter::builder().build()?,
            sdk::MetricExporter::builder().build()?,
        ),
        // Their layer over our tracer.
        "stock-layer" => {
            let tracer = otel::tracer_provider().tracer(SCOPE);
            in_ours(TelemetryConfig::default(), otel::layer().with_tracer(tracer))
        }
        "native" => in_ours(TelemetryConfig::default(), native()),
        // Our layer and pipeline, their exporters.
        "stock-exporters" => {
            let client = Client::start()?;
            let config = TelemetryConfig::default()
                .with_span_exporter(otlp_spans(&client)?)
                .with_log_exporter(otlp_logs(&client)?)
                .with_metric_exporter(otlp_metrics(&client)?);
            in_ours(config, native())
        }
        other => Err(format!("WAY={other:?}: there is no such way").into()),
    }
}

fn in_ours(
    config: TelemetryConfig,
    layer: impl Layer<Registry> + Send + Sync,
) -> Result<(), Failure> {
    tracing_subscriber::registry().with(layer).try_init()?;
    let telemetry = telemetry::init(config)?;
    program::run(&otel::logger_provider());
    telemetry.shutdown(DEADLINE)?;
    let status = telemetry.status();
    for signal in [&status.traces, &status.metrics, &status.logs] {
        if signal.recorded == 0 || signal.delivered != signal.recorded {
            return Err(format!("not all was delivered: {status:?}").into());
        }
    }
    Ok(())
}

fn in_sdk(
    spans: impl SpanExporter + 'static,
    logs: impl LogExporter + 'static,
    metrics: impl PushMetricExporter,
) -> Result<(), Failure> {
    let traces = SdkTracerProvider::builder().with_batch_exporter(spans).build();
    let logs = SdkLoggerProvider::builder().with_batch_exporter(logs).build();
    let meters = SdkMeterProvider::builder().with_periodic_exporter(metrics).build();
    global::set_meter_provider(meters.clone());
    tracing_subscriber::registry().with(stock_layer(traces.tracer(SCOPE))).try_init()?;
    program::run(&logs);
    traces.shutdown()?;
    logs.shutdown()?;
    meters.shutdown()?;
    Ok(())
}

fn stock_layer<T>(tracer: T) -> impl Layer<Registry> + Send + Sync
where
    T: Tracer + Send + Sync + 'static,
    T::Span: Send + Sync,
{
    tracing_opentelemetry::layer().with_tracer(tracer)
}

fn endpoint(signal: &str) -> Result<String, Failure> {
    Ok(format!("{}/v1/{signal}", env::var("OTEL_EXPORTER_OTLP_ENDPOINT")?))
}

fn otlp_spans(client: &Client) -> Result<otlp::SpanExporter, Failure> {
    let builder = otlp::SpanExporter::builder().with_http().with_http_client(client.clone());
    Ok(builder.with_endpoint(endpoint("traces")?).build()?)
}

fn otlp_logs(client: &Client) -> Result<otlp::LogExporter, Failure> {
    let builder = otlp::LogExporter::builder().with_http().with_http_client(client.clone());
    Ok(builder.with_endpoint(endpoint("logs")?).build()?)
}

fn otlp_metrics(client: &Client) -> Result<otlp::MetricExporter, Failure> {
    let builder = otlp::MetricExporter::builder().with_http().with_http_client(client.clone());
    Ok(builder.with_endpoint(endpoint("metrics")?).build()?)
}
