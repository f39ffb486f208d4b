//! What may change while telemetry runs, and what it was started below.

use std::sync::PoisonError;

use crate::config;
use crate::context::Parent;
use crate::error::Error;
use crate::health::diagnostics::Level;
use crate::record::bridge;
use crate::record::log_filter;
use crate::record::start::choose_sampler;

use super::handle::{Inner, Telemetry};

impl Telemetry {
    /// Another head sampler, for the roots that begin from here on; what runs already stays as it was decided.
    ///
    /// As [`with_sampler`](crate::telemetry::TelemetryConfig::with_sampler), but that a ratio which is not given is 1. Where nothing is
    /// running it changes nothing, and an `init` begins with its own.
    ///
    /// ```
    /// use trackside::telemetry::{self, TelemetryConfig};
    ///
    /// # fn main() -> Result<(), telemetry::Error> {
    /// let telemetry = telemetry::init(TelemetryConfig::default())?;
    /// telemetry.set_sampler("parentbased_traceidratio", Some(0.01))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// A name that is none, or a ratio that the sampler does not take; the sampler stays.
    pub fn set_sampler(&self, name: &str, ratio: Option<f64>) -> Result<(), Error> {
        let plan = config::sampler_named("set_sampler", name, ratio)?;
        let shown = plan.to_string();
        self.0.here().change(config::SAMPLER, &shown, "set_sampler", || choose_sampler(plan));
        Ok(())
    }

    /// Another filter of log records, from here on; see [`with_log_filter`](crate::telemetry::TelemetryConfig::with_log_filter).
    ///
    /// What `tracing` or `log` hold back by filters of the host's own does not come here in the first place. The
    /// subscriber that `init` installed follows: it lets through events that pass the filter, and spans of level INFO.
    ///
    /// ```
    /// use trackside::telemetry::{self, TelemetryConfig};
    ///
    /// # fn main() -> Result<(), telemetry::Error> {
    /// let telemetry = telemetry::init(TelemetryConfig::default())?;
    /// telemetry.set_log_filter("warn,shop.orders=debug")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// What is no filter; the former one stays.
    pub fn set_log_filter(&self, filter: &str) -> Result<(), Error> {
        let filter = config::log_filter("set_log_filter", filter)?;
        let shown = filter.shown().to_owned();
        self.0.here().change(config::LOG_FILTER, &shown, "set_log_filter", || {
            log_filter::choose(Some(filter));
        });
        // Others' subscribers are asked for it, and not under a lock.
        bridge::follow();
        Ok(())
    }

    /// The context that this process was started with, by the variables `TRACEPARENT`, `TRACESTATE` and `BAGGAGE`; the
    /// root where there was none.
    ///
    /// Nothing hangs below it by itself. For a child process, [`inject_into`](super::inject_into) writes the
    /// variables of a `std::process::Command`.
    ///
    /// ```
    /// use trackside::telemetry::{self, TelemetryConfig};
    ///
    /// # fn main() -> Result<(), telemetry::Error> {
    /// let telemetry = telemetry::init(TelemetryConfig::default())?;
    /// let job = telemetry::span("job").with_parent(telemetry.inherited());
    /// # drop(job);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn inherited(&self) -> Parent {
        self.0.here().inherited.clone()
    }
}

impl Inner {
    /// Runs, and notes in the report what was changed, unless it is over.
    fn change(&self, name: &str, value: &str, by: &'static str, run: impl FnOnce()) {
        let ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        if ending.is_some() || self.running.is_none() {
            return;
        }
        run();
        self.report.lock().unwrap_or_else(PoisonError::into_inner).change(name, value, by);
        // A host's logger may do as it likes, and not under a lock.
        drop(ending);
        self.diagnostics.tell(Level::Info, name, &format!("{name} is {value} now"));
    }
}
