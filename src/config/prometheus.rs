//! Metrics that are fetched.

use super::parse::Checked;
use super::plan::{ExporterPlan, Histograms, PrometheusPlan, Temporality};
use super::resolve::Resolver;
use super::signal::{METRICS, Signal};
use super::variables::*;
use crate::export::HAS_PROMETHEUS;

impl Resolver<'_> {
    /// `Err` is why they cannot be.
    pub(super) fn prometheus(&mut self, signal: &Signal) -> Checked<PrometheusPlan> {
        let variable = signal.exporter.name;
        if signal.name != METRICS.name {
            return Err(format!("{variable}: prometheus is for metrics; leave it out"));
        }
        if !HAS_PROMETHEUS {
            return Err(format!(
                "{variable}: this build cannot be fetched from; build it with the feature `prometheus`"
            ));
        }
        let host = self.setting(
            "metrics.prometheus.host",
            &[&OTEL_EXPORTER_PROMETHEUS_HOST],
            String::clone,
        );
        let port = self.setting(
            "metrics.prometheus.port",
            &[&OTEL_EXPORTER_PROMETHEUS_PORT],
            u16::to_string,
        );
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        Ok(PrometheusPlan { host: bare.unwrap_or(&host).trim().to_owned(), port })
    }

    /// One collection goes to all, and who fetches wants to know what there was since the start.
    pub(super) fn temporality_for(
        &mut self,
        exporters: &[ExporterPlan],
        asked: Temporality,
    ) -> Temporality {
        if !is_fetched(exporters) || asked == Temporality::Cumulative {
            return asked;
        }
        let variable = OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE.name;
        self.report.note(format!(
            "{variable}: prometheus takes no {asked} metrics; all exporters are given cumulative ones"
        ));
        Temporality::Cumulative
    }

    /// The text that is fetched has no form for histograms without boundaries.
    pub(super) fn histograms_for(&mut self, exporters: &[ExporterPlan]) -> Histograms {
        let variable = &OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION;
        let (mut histograms, origin) = self.set_or_default(&[variable]);
        if is_fetched(exporters) && histograms == Histograms::Exponential {
            histograms = Histograms::Explicit;
            self.report.note(format!(
                "{}: prometheus takes no exponential histograms; all exporters are given explicit ones",
                variable.name
            ));
        }
        self.report.set("metrics.histograms", histograms.name(), origin);
        histograms
    }
}

fn is_fetched(exporters: &[ExporterPlan]) -> bool {
    exporters.iter().any(|each| matches!(each, ExporterPlan::Prometheus(_)))
}
