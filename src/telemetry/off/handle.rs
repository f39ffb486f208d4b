//! The handle of something that never starts.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::super::{Signal, Status};
use super::{Parent, TelemetryConfig};

/// What `init`, `force_flush` or `shutdown` could not do; off has none.
#[derive(Clone, Debug)]
pub struct Error(std::convert::Infallible);

impl fmt::Display for Error {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}

impl std::error::Error for Error {}

/// Every setting, its value (secrets masked) and where it came from; read it by `Display`.
#[derive(Clone, Debug)]
pub struct Report(());

impl Report {
    pub(super) fn new() -> Self {
        Self(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("telemetry: compiled out")
    }
}

/// Starts nothing.
///
/// # Errors
/// None in this mode.
pub fn init(_config: TelemetryConfig) -> Result<Telemetry, Error> {
    Ok(Telemetry(()))
}

/// The handle; off it does nothing.
#[derive(Clone, Debug)]
#[must_use = "dropping the last handle shuts telemetry down"]
pub struct Telemetry(());

impl Telemetry {
    /// Counts and states, per signal.
    #[must_use]
    pub fn status(&self) -> Status {
        let off = || Signal { why: Cow::Borrowed("compiled out"), ..Signal::default() };
        Status { traces: off(), metrics: off(), logs: off(), ..Status::default() }
    }

    /// The resolved settings and the diagnostics.
    #[must_use]
    pub fn report(&self) -> Report {
        Report::new()
    }

    /// Another head sampler, for the roots that begin from here on.
    ///
    /// # Errors
    /// None in this mode.
    pub fn set_sampler(&self, _name: &str, _ratio: Option<f64>) -> Result<(), Error> {
        Ok(())
    }

    /// Another filter of log records, from here on.
    ///
    /// # Errors
    /// None in this mode.
    pub fn set_log_filter(&self, _filter: &str) -> Result<(), Error> {
        Ok(())
    }

    /// The context that this process was started with.
    #[must_use]
    pub fn inherited(&self) -> Parent {
        Parent::root()
    }

    /// Waits until what was recorded before the call is answered; `Err` says how much is not.
    ///
    /// # Errors
    /// None in this mode.
    pub fn force_flush(&self, _within: Duration) -> Result<(), Error> {
        Ok(())
    }

    /// Flushes and stops everything; a second call is `Ok`, `init` may follow.
    ///
    /// # Errors
    /// None in this mode.
    pub fn shutdown(&self, _within: Duration) -> Result<(), Error> {
        Ok(())
    }

    /// `shutdown` that blocks no worker; begins at the call, needs no runtime.
    pub fn shutdown_async(&self, _within: Duration) -> Shutdown {
        Shutdown(())
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {}
}

/// Resolves when the shutdown is over.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Shutdown(());

impl Future for Shutdown {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(()))
    }
}

/// Tells the inference of `service.name` about one class; `""` for no package; before `init`.
///
/// Where neither an argument nor a variable names the service, one class names it
/// `<package>.<Class>`, and several name it `<fallback name or process>-multi`. The same class
/// counts once, a blank one not at all. A pipeline that runs keeps the name it began with.
pub fn register_service(_package: &str, _class: &str) {}
