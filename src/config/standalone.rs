//! The plan of one exporter that stands alone, outside of any pipeline of ours.

use super::TelemetryConfig;
use super::plan::{CapnpPlan, OtlpPlan, Temporality};
use super::resolve::Resolver;
use super::signal::{LOGS, METRICS, Signal, TRACES};
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
pub(crate) struct Standalone<P> {
    pub(crate) plan: P,
    pub(crate) temporality: Temporality,
    pub(crate) diagnostics: Vec<String>,
}

/// OTLP. Of `config` only the endpoint and the headers are read; an endpoint given there stands over
/// every variable, since it was given to this one exporter.
pub(crate) fn otlp(config: &TelemetryConfig, of: Of) -> Result<Standalone<OtlpPlan>, Error> {
    let signal = of.signal();
    let mut resolver = Resolver::new(config);
    let mut argued = resolver.destination(false)?;
    argued.is_first = true;
    let plan = resolver.otlp(signal, &argued, false).map_err(|why| refuse(signal, &why))?;
    Ok(finish(resolver, plan))
}

/// Cap'n Proto; read in the same way.
pub(crate) fn capnp(config: &TelemetryConfig, of: Of) -> Result<Standalone<CapnpPlan>, Error> {
    let signal = of.signal();
    let mut resolver = Resolver::new(config);
    let argued = resolver.destination(true)?;
    let plan = match &argued.base {
        Some(base) => {
            let refused = |why| Error::argument("with_endpoint", &base.shown, why);
            let target = base.target.clone().map_err(refused)?;
            resolver.capnp_to(target, signal, &argued, false)
        }
        None => resolver.capnp(signal, &argued, false),
    };
    let plan = plan.map_err(|why| refuse(signal, &why))?;
    Ok(finish(resolver, plan))
}

fn refuse(signal: &Signal, why: &str) -> Error {
    Error::start(format!("no exporter of {}: {why}", signal.name))
}

fn finish<P>(mut resolver: Resolver<'_>, plan: P) -> Standalone<P> {
    let preference = &OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE;
    let (temporality, _) = resolver.set_or_default(&[preference]);
    Standalone { plan, temporality, diagnostics: resolver.report.diagnostics().to_vec() }
}

impl Of {
    fn signal(self) -> &'static Signal {
        match self {
            Self::Traces => &TRACES,
            Self::Metrics => &METRICS,
            Self::Logs => &LOGS,
        }
    }
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
        otlp(&config, of).unwrap().plan.url.to_string()
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
            &[(name, "ftp://collector:4318")],
        );
        let error = otlp(&config, Of::Traces).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("scheme"), "{error}");
    }

    #[test]
    fn capnp_takes_the_same_variables_and_has_a_default_of_its_own() {
        let target = |argument: Option<&str>, variables: &[(&str, &str)]| {
            let config = TelemetryConfig::default();
            let config = argument.into_iter().fold(config, TelemetryConfig::with_endpoint);
            let config = crate::testing::with_variables(config, variables);
            let resolved = capnp(&config, Of::Logs);
            resolved.map(|standalone| standalone.plan.target.to_string())
        };
        let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "capnp://all:1");
        let own = ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://one:2");
        assert_eq!(target(Some("http://a:3"), &[general, own]).unwrap(), "capnp://a:3");
        assert_eq!(target(Some("a:3"), &[general, own]).unwrap(), "capnp://a:3");
        assert_eq!(target(None, &[general, own]).unwrap(), "capnp://one:2");
        assert_eq!(target(None, &[general]).unwrap(), "capnp://all:1");
        assert_eq!(target(None, &[]).unwrap(), "capnp://localhost:4319");
        let error = target(Some("http://a:3/path"), &[]).unwrap_err().to_string();
        let expected = "with_endpoint(\"http://a:3/path\"): Cap'n Proto has no paths";
        assert!(error.contains(expected), "{error}");
        let error = target(None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://a:3")]).unwrap_err();
        assert!(error.to_string().contains("https:// is not for Cap'n Proto"), "{error}");
    }
}
