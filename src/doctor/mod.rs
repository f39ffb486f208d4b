//! Is it arriving? One span, one metric point and one log record to each destination, and what became
//! of them, in words that say what to do.

mod finding;
mod items;
mod probe;
mod reading;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use tokio::task::{LocalSet, spawn_local};

use crate::config::Report;
use crate::config::plan::{ExporterPlan, FilePlan, Plan};
use crate::encode::json::Writer;
use crate::encode::{LogEncoder, MetricEncoder, SpanEncoder};
use crate::error::Error;
use crate::export::capnp::{Links, Signal};
use crate::export::{Body, Exporter, Frame};
use crate::record::local;
use crate::telemetry::TelemetryConfig;

pub use finding::{Cause, Finding};

/// What was found.
#[derive(Clone, Debug)]
pub struct Examination {
    report: Report,
    findings: Vec<Finding>,
}

/// Resolves the configuration, sends one item of each signal to each of its destinations, and says what
/// became of them. Each is given `within`.
///
/// Nothing is started, and what a host has started is not disturbed. The items are called
/// `trackside.doctor` and have the host's resource. An exporter that was given by argument is not tried.
///
/// # Errors
/// What `init` would refuse, or a thread that the system refuses.
///
/// ```
/// use std::time::Duration;
/// use trackside::doctor::{self, Cause};
/// use trackside::telemetry::TelemetryConfig;
///
/// # fn main() -> Result<(), trackside::telemetry::Error> {
/// // Nothing listens there.
/// let config = TelemetryConfig::default().with_endpoint("http://127.0.0.1:9");
/// let examination = doctor::examine(&config, Duration::from_secs(2))?;
/// assert!(!examination.is_healthy());
/// assert!(examination.findings().iter().all(|finding| finding.cause == Cause::NothingListens));
/// # Ok(())
/// # }
/// ```
pub fn examine(config: &TelemetryConfig, within: Duration) -> Result<Examination, Error> {
    let resolved = config.plan()?;
    let (plan, report) = (resolved.plan, resolved.report);
    let said = report.diagnostics().to_vec();
    let refused = |error| Error::start(format!("cannot start the doctor: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_start(local::suppress)
        .build()
        .map_err(refused)?;
    let run = move || {
        local::suppress();
        let findings = LocalSet::new().block_on(&runtime, visit(&plan, &said, within));
        // A look-up that hangs is not waited for.
        runtime.shutdown_background();
        findings
    };
    // A thread of its own, so that it may be called in any runtime.
    let thread =
        std::thread::Builder::new().name("trackside-doctor".into()).spawn(run).map_err(refused)?;
    let findings = thread.join().map_err(|_| Error::start("the doctor panicked".to_owned()))?;
    Ok(Examination { report, findings })
}

/// All destinations at once, and their findings in order.
async fn visit(plan: &Plan, said: &[String], within: Duration) -> Vec<Finding> {
    let links = Links::new();
    let resource = &plan.resource;
    let mut visits = Vec::new();
    let mut visit = |signal: &'static str, kind: Signal, exporter: &ExporterPlan, body: Body| {
        let (exporter, links) = (exporter.clone(), links.clone());
        visits.push(spawn_local(async move {
            one(signal, kind, &exporter, body, within, &links).await
        }));
    };
    for exporter in &plan.traces.exporters {
        let mut encoder = SpanEncoder::new(exporter, resource);
        encoder.span(&items::Probe::now());
        visit("traces", Signal::Traces, exporter, encoder.finish());
    }
    for exporter in &plan.metrics.exporters {
        let mut encoder = MetricEncoder::new(exporter, resource);
        encoder.metric(&items::metric());
        visit("metrics", Signal::Metrics, exporter, encoder.finish());
    }
    for exporter in &plan.logs.exporters {
        let mut encoder = LogEncoder::new(exporter, resource);
        encoder.log(&items::Probe::now());
        visit("logs", Signal::Logs, exporter, encoder.finish());
    }
    let mut findings = Vec::new();
    for visit in visits {
        findings.extend(visit.await.ok());
    }
    let off = [
        ("traces", plan.traces.exporters.is_empty(), &plan.traces.why),
        ("metrics", plan.metrics.exporters.is_empty(), &plan.metrics.why),
        ("logs", plan.logs.exporters.is_empty(), &plan.logs.why),
    ];
    for (signal, is_off, why) in off {
        if is_off {
            findings.push(reading::off(signal, why, said));
        }
    }
    findings
}

async fn one(
    signal: &'static str,
    kind: Signal,
    plan: &ExporterPlan,
    body: Body,
    within: Duration,
    links: &Links,
) -> Finding {
    if let ExporterPlan::Console { .. }
    | ExporterPlan::File(FilePlan { path: None, .. })
    | ExporterPlan::Prometheus(_)
    | ExporterPlan::Foreign(_) = plan
    {
        return reading::not_tried(signal, plan);
    }
    let exporter = Exporter::new(plan, kind, Some(within), links);
    let outcome = exporter.send(&Frame::new(body, 1, items::random(), 1)).await;
    let spoken = match (reading::address(plan), reading::is_puzzling(plan, &outcome)) {
        (Some((host, port)), true) => probe::speak(&host, port, within).await,
        _ => None,
    };
    reading::read(signal, plan, &outcome, spoken)
}

impl Examination {
    /// A line for each signal and destination, in the order traces, metrics, logs; then the signals that are off.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The settings that led there.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// At least one thing was tried, all that was tried arrived, and nothing is off that was asked for.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        let tried = self.findings.iter().filter(|finding| finding.cause != Cause::Off);
        let mut is_any = false;
        let all = tried.fold(true, |all, finding| {
            is_any = true;
            all && finding.cause.is_good()
        });
        is_any && all
    }

    /// One object: `healthy`, `findings`, `settings`, `diagnostics`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Writer::default();
        out.object(|out| {
            out.key("healthy");
            out.boolean(self.is_healthy());
            out.key("findings");
            out.open(b'[');
            self.findings.iter().for_each(|finding| finding.write(out));
            out.close(b']');
            out.key("settings");
            out.open(b'[');
            for (name, value, from) in self.report.settings() {
                out.object(|out| {
                    for (key, text) in [("name", name), ("value", value), ("from", &from)] {
                        out.key(key);
                        out.string(text);
                    }
                });
            }
            out.close(b']');
            out.key("diagnostics");
            out.open(b'[');
            self.report.diagnostics().iter().for_each(|line| out.string(line));
            out.close(b']');
        });
        String::from_utf8_lossy(&out.take()).into_owned()
    }
}

/// The report, then a line for each finding.
impl fmt::Display for Examination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.report)?;
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        f.write_str(match self.is_healthy() {
            true => "healthy",
            false if self.findings.iter().all(|finding| finding.cause == Cause::Off) => {
                "not healthy: nothing is sent anywhere; set OTEL_EXPORTER_OTLP_ENDPOINT"
            }
            false => "not healthy",
        })
    }
}
