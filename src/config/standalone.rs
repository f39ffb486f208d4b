//! The plan of one exporter that stands alone, outside of any pipeline of ours.

use super::TelemetryConfig;
use super::plan::{OtlpPlan, Temporality};
use super::resolve::Resolver;
use super::signal::{LOGS, METRICS, Signal, TRACES};
use super::url;
use super::variables::OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE;
use crate::error::Error;

/// Which signal an exporter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Traces,
    Metrics,
    Logs,
}

/// An exporter's plan, and what there was to say about the variables that it came from.
#[derive(Debug)]
pub(crate) struct Standalone {
    pub(crate) plan: OtlpPlan,
    pub(crate) temporality: Temporality,
    pub(crate) diagnostics: Vec<String>,
}

/// Of `config` only the endpoint and the headers are read; an endpoint given there stands over every
/// variable, since it was given to this one exporter.
pub(crate) fn resolve(config: &TelemetryConfig, of: Of) -> Result<Standalone, Error> {
    let signal: &Signal = match of {
        Of::Traces => &TRACES,
        Of::Metrics => &METRICS,
        Of::Logs => &LOGS,
    };
    let mut resolver = Resolver::new(config);
    let argued = resolver.destination()?;
    let fail = |why: String| Error::start(format!("no exporter of {}: {why}", signal.name));
    let mut plan = resolver.otlp(signal, &argued).map_err(fail)?;
    if let Some(base) = argued.base() {
        plan.url = url::below(base, signal.path).map_err(fail)?;
    }
    let preference = &OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE;
    let (temporality, _) = resolver.set_or_default(&[preference]);
    Ok(Standalone { plan, temporality, diagnostics: resolver.report.diagnostics().to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:1/base");
    const TRACES_ONLY: (&str, &str) = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://one:2/x");

    fn url(of: Of, argument: Option<&str>, variables: &[(&str, &str)]) -> String {
        let config = TelemetryConfig::default();
        let config = argument.into_iter().fold(config, TelemetryConfig::with_endpoint);
        let config = crate::testing::with_variables(config, variables);
        resolve(&config, of).unwrap().plan.url.to_string()
    }

    #[test]
    fn argument_then_own_variable_then_the_general_one_then_the_default() {
        let both = [BASE, TRACES_ONLY];
        assert_eq!(url(Of::Traces, Some("http://a:3"), &both), "http://a:3/v1/traces");
        assert_eq!(url(Of::Traces, None, &both), "http://one:2/x");
        assert_eq!(url(Of::Logs, None, &both), "http://all:1/base/v1/logs");
        assert_eq!(url(Of::Metrics, None, &[]), "http://localhost:4318/v1/metrics");
    }

    #[test]
    fn what_cannot_be_used_is_an_error_that_names_it() {
        let name = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let config = crate::testing::with_variables(
            TelemetryConfig::default(),
            &[(name, "https://collector:4318")],
        );
        let error = resolve(&config, Of::Traces).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("no TLS"), "{error}");
    }
}
