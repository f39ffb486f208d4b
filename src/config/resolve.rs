//! Precedence: argument, variable, default; each value with its origin.

use std::time::Duration;

use super::TelemetryConfig;
use super::given::Given;
use super::log_filter::LogFilter;
use super::plan::{Globals, Plan, Propagators, SamplerPlan};
use super::report::{Origin, Report};
use super::sampler;
use super::variables::{self, *};
use crate::error::Error;
use crate::health::diagnostics::Level;
use crate::telemetry::{OtelContext, Pace};

const MIB: usize = 1024 * 1024;

/// What may change while telemetry runs.
pub(crate) const SAMPLER: &str = "traces.sampler";
pub(crate) const LOG_FILTER: &str = "logs.filter";

/// A plan, and how it came about.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) plan: Plan,
    pub(crate) report: Report,
}

/// Arguments and variables on their way to a plan.
pub(super) struct Resolver<'a> {
    pub(super) config: &'a TelemetryConfig,
    pub(super) given: Vec<Given>,
    pub(super) report: Report,
    /// Why nothing is sent at all: the file of configuration cannot be used.
    pub(super) broken: Option<String>,
}

/// Reads the environment, once, and decides everything.
pub(super) fn resolve(config: &TelemetryConfig) -> Result<Resolved, Error> {
    let mut resolver = Resolver::new(config);
    let Resolver { given, report, .. } = &mut resolver;
    for Given { name, text, .. } in given.iter().filter(|given| given.place.is_none()) {
        let unknown = name.starts_with("OTEL_") && !variables::is_honoured(name);
        if unknown && !text.is_empty() {
            report.note(format!("{name} is set but not honoured by this version"));
        }
    }
    for row in variables::unsupported() {
        if given.iter().any(|given| given.name == row.name && !given.text.is_empty()) {
            let why = row.meaning.trim_end_matches('.').replacen('N', "n", 1);
            report.note(format!("{}: {why}", row.name));
        }
    }

    let resource = resolver.resource()?;
    let destination = resolver.destination(false)?;
    resolver.check_file_arguments()?;
    let mut plan = Plan {
        resource,
        traces: resolver.traces(&destination),
        sampler: resolver.sampler()?,
        limits: resolver.span_limits(),
        metrics: resolver.metrics(&destination),
        logs: resolver.logs(&destination),
        log_filter: resolver.log_filter()?,
        propagators: resolver.propagators(),
        inherited: resolver.inherited(),
        memory: resolver.memory()?,
        drop_deadline: resolver.drop_deadline(),
        pace: resolver.pace(),
        globals: Globals::default(),
        otel_context: resolver.otel_context(),
        log_level: resolver.log_level(),
    };
    let globals = Globals::of(&plan);
    let show = |on: &bool| if *on { format!("true ({globals})") } else { on.to_string() };
    if resolver.argument("globals", config.globals, true, show) {
        plan.globals = globals;
    }
    Ok(Resolved { plan, report: resolver.report })
}

impl<'a> Resolver<'a> {
    /// Reads the environment, and the file that it names.
    pub(super) fn new(config: &'a TelemetryConfig) -> Self {
        let mut report = Report::new();
        let variables = config.variables.clone().unwrap_or_else(|| {
            let (pairs, complaints) = variables::of_process();
            complaints.into_iter().for_each(|complaint| report.note(complaint));
            pairs
        });
        let given = variables.into_iter().map(Given::variable).collect();
        let mut resolver = Self { config, given, report, broken: None };
        resolver.take_file();
        resolver
    }
}

impl Resolver<'_> {
    /// The first of these variables that holds something usable.
    pub(super) fn set<T>(&mut self, candidates: &[&Variable<T>]) -> Option<(T, Origin)> {
        for variable in candidates {
            let name = variable.name;
            let found = self.given.iter().find(|given| given.name == name);
            let Some(given) = found.filter(|given| !given.text.is_empty()) else {
                continue;
            };
            let mut complaints = Vec::new();
            let value = (variable.rule)(&given.text, &mut complaints);
            let (said_by, origin) = match &given.place {
                None => (name.to_owned(), Origin::Variable(name)),
                Some(place) => (place.to_string(), Origin::File(name, place.line)),
            };
            self.complain(&said_by, complaints);
            if let Some(value) = value {
                return Some((value, origin));
            }
        }
        None
    }

    /// The same, or else the default of the last of them.
    pub(super) fn set_or_default<T>(&mut self, candidates: &[&Variable<T>]) -> (T, Origin) {
        self.set(candidates).unwrap_or_else(|| {
            let value = candidates
                .last()
                .and_then(|variable| (variable.rule)(variable.default, &mut Vec::new()))
                .expect("the general variable stands last, and its default passes its own rule");
            (value, Origin::Default)
        })
    }

    /// The same, with a line in the report.
    pub(super) fn setting<T>(
        &mut self,
        name: &str,
        candidates: &[&Variable<T>],
        show: impl Fn(&T) -> String,
    ) -> T {
        let (value, origin) = self.set_or_default(candidates);
        self.report.set(name, show(&value), origin);
        value
    }

    /// Notes what a rule had to say about `name`.
    pub(super) fn complain(&mut self, name: &str, complaints: Vec<String>) {
        for complaint in complaints {
            self.report.note(format!("{name}: {complaint}"));
        }
    }

    fn sampler(&mut self) -> Result<SamplerPlan, Error> {
        let argued = self.config.sampler.as_ref();
        let has_ratio = matches!(argued, Some((_, Some(_))));
        let (mut sampler, origin) = match argued {
            Some((name, ratio)) => {
                (sampler::named("with_sampler", name, *ratio)?, Origin::Argument)
            }
            None => self.set_or_default(&[&OTEL_TRACES_SAMPLER]),
        };
        let name = sampler.to_string();
        match sampler::ratio_of(&mut sampler) {
            Some(ratio) if !has_ratio => {
                (*ratio, _) = self.set_or_default(&[&OTEL_TRACES_SAMPLER_ARG])
            }
            None if self.set(&[&OTEL_TRACES_SAMPLER_ARG]).is_some() => {
                let variable = OTEL_TRACES_SAMPLER_ARG.name;
                self.report.note(format!("{variable}: the sampler {name} takes no ratio"));
            }
            _ => {}
        }
        self.report.set(SAMPLER, sampler.to_string(), origin);
        Ok(sampler)
    }

    fn log_filter(&mut self) -> Result<Option<LogFilter>, Error> {
        let (filter, origin) = match &self.config.log_filter {
            Some(text) => (Some(log_filter("with_log_filter", text)?), Origin::Argument),
            None => (None, Origin::Default),
        };
        let shown = filter.as_ref().map_or("all", LogFilter::shown);
        self.report.set(LOG_FILTER, shown, origin);
        Ok(filter)
    }

    fn propagators(&mut self) -> Propagators {
        self.setting("propagators", &[&OTEL_PROPAGATORS], Propagators::to_string)
    }

    /// What W3C's headers would be called as headers; who reads them are the propagators.
    fn inherited(&mut self) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        for (variable, is_shown) in [(&TRACEPARENT, true), (&TRACESTATE, true), (&BAGGAGE, false)] {
            if let Some((value, origin)) = self.set(&[variable]) {
                let name = variable.name.to_ascii_lowercase();
                let shown = if is_shown { value.as_str() } else { "***" };
                self.report.set(&format!("inherited.{name}"), shown, origin);
                headers.push((name, value));
            }
        }
        headers
    }

    fn memory(&mut self) -> Result<usize, Error> {
        let bytes = self.argument("memory_limit", self.config.memory_limit, 64 * MIB, |bytes| {
            format!("{bytes} bytes")
        });
        if bytes < MIB {
            let remedy = "give at least 1048576 bytes (1 MiB)";
            return Err(Error::argument("with_memory_limit", &bytes.to_string(), remedy));
        }
        Ok(bytes)
    }

    fn drop_deadline(&mut self) -> Duration {
        let default = Duration::from_secs(5);
        self.argument("drop_deadline", self.config.drop_deadline, default, milliseconds)
    }

    fn pace(&mut self) -> Pace {
        self.argument("pace", self.config.pace, Pace::default(), |pace| format!("{pace:?}"))
    }

    fn otel_context(&mut self) -> OtelContext {
        let show = |when: &OtelContext| format!("{when:?}").to_lowercase();
        self.argument("otel_context", self.config.otel_context, OtelContext::default(), show)
    }

    fn log_level(&mut self) -> Option<Level> {
        self.setting("log_level", &[&OTEL_LOG_LEVEL], |level| {
            level.map_or("none", Level::name).to_owned()
        })
    }

    /// An argument that no variable stands for, with a line in the report.
    pub(super) fn argument<T>(
        &mut self,
        name: &str,
        argument: Option<T>,
        default: T,
        show: impl Fn(&T) -> String,
    ) -> T {
        let (value, origin) = match argument {
            Some(value) => (value, Origin::Argument),
            None => (default, Origin::Default),
        };
        self.report.set(name, show(&value), origin);
        value
    }
}

/// How a time limit is shown.
pub(super) fn milliseconds_or_none(time: &Option<Duration>) -> String {
    time.as_ref().map_or_else(|| "no limit".to_owned(), milliseconds)
}

/// How a time is shown.
pub(super) fn milliseconds(time: &Duration) -> String {
    format!("{} ms", time.as_millis())
}

/// What `field` was given.
pub(crate) fn log_filter(field: &str, text: &str) -> Result<LogFilter, Error> {
    LogFilter::parse(text).map_err(|remedy| Error::argument(field, text, &remedy))
}
