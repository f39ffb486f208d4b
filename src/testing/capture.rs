//! Where a test's spans and log records go.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use crate::config::plan::SamplerPlan;
use crate::context::Extra;
use crate::pipeline::clock::{Anchor, unix_nanos};
use crate::record::bridge::otel;
use crate::record::limits::Limits;
use crate::record::log::{LogLimits, PackedLog};
use crate::record::packed::PackedSpan;
use crate::record::start::{Clock, Settings};
use crate::record::{gate, local};
use crate::telemetry::TelemetryConfig;

use super::captured::{CapturedLog, CapturedSpan};

/// A time that only the test moves; clones are the same clock.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// Stands at `time`, to the nanosecond.
    #[must_use]
    pub fn at(time: SystemTime) -> Self {
        Self(Arc::new(AtomicU64::new(unix_nanos(time))))
    }

    /// Moves on.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(by, Ordering::AcqRel);
    }
}

/// Traces whose context may travel in a form that has no room for a sink.
static FOLLOWED: Mutex<Vec<(u128, Weak<Sink>)>> = Mutex::new(Vec::new());

/// Collects finished spans and log records; shared by every context that comes from the test.
#[derive(Debug)]
pub(crate) struct Sink {
    settings: Settings,
    clock: Option<ManualClock>,
    spans: Mutex<Vec<CapturedSpan>>,
    logs: Mutex<Vec<CapturedLog>>,
}

impl Sink {
    pub(crate) const fn settings(&self) -> Settings {
        self.settings
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock.as_ref().map_or(Clock::Ticks, |clock| Clock::Manual(Arc::clone(&clock.0)))
    }

    /// From now on whatever is known to be of this trace is captured here.
    pub(crate) fn follow(self: &Arc<Self>, trace: u128) {
        let mut followed = FOLLOWED.lock().unwrap_or_else(PoisonError::into_inner);
        followed.retain(|(_, sink)| sink.strong_count() > 0);
        if followed.iter().all(|(other, _)| *other != trace) {
            followed.push((trace, Arc::downgrade(self)));
        }
    }

    /// Where a trace is captured.
    pub(crate) fn following(trace: u128) -> Option<Arc<Self>> {
        let followed = FOLLOWED.lock().unwrap_or_else(PoisonError::into_inner);
        followed.iter().find(|(other, _)| *other == trace).and_then(|(_, sink)| sink.upgrade())
    }

    pub(crate) fn take(&self, record: &[u8]) {
        #[cfg(measuring)]
        crate::measuring::keep(record);
        let anchor = if self.clock.is_some() { Anchor::identity() } else { Anchor::now() };
        let span = CapturedSpan::read(&PackedSpan::read(record, &anchor));
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).push(span);
    }

    pub(crate) fn take_log(&self, record: &[u8]) {
        let log = CapturedLog::read(&PackedLog::read(record, &Anchor::now()));
        self.logs.lock().unwrap_or_else(PoisonError::into_inner).push(log);
    }
}

// Captures compare by identity, so that a context with one does.
impl PartialEq for Sink {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Sink {}

/// Spans that start on this thread while it lives, those below them anywhere, and the log records of
/// both, in memory.
///
/// What is captured is not exported and not counted in `status()`. Within a capture another one may be
/// started: until it is dropped, new traces of this thread go there.
#[derive(Debug)]
#[must_use = "spans are captured while this lives"]
pub struct Capture {
    sink: Arc<Sink>,
    before: Option<Arc<Extra>>,
    not_send: PhantomData<*const ()>,
}

impl Capture {
    /// Captures everything, with the specification's limits.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// A capture with a clock or with limits of its own.
    pub fn builder() -> CaptureBuilder {
        CaptureBuilder { config: TelemetryConfig::default(), variables: Vec::new(), clock: None }
    }

    /// The spans that have ended, in the order of their ends.
    #[must_use]
    pub fn spans(&self) -> Vec<CapturedSpan> {
        self.sink.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The log records, in their order.
    #[must_use]
    pub fn logs(&self) -> Vec<CapturedLog> {
        self.sink.logs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The one span with this name.
    ///
    /// # Panics
    /// Where there is none, or more than one: the message lists what there is.
    #[must_use]
    pub fn span(&self, name: &str) -> CapturedSpan {
        let spans = self.spans();
        let mut found = spans.iter().filter(|span| span.name == name);
        match (found.next(), found.next()) {
            (Some(span), None) => span.clone(),
            (first, _) => {
                let names: Vec<_> = spans.iter().map(|span| &span.name).collect();
                let what = if first.is_some() { "more than one span" } else { "no span" };
                panic!("{what} is named {name:?}; captured: {names:?}")
            }
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        local::set_capture(self.before.take());
    }
}

/// What a capture is started with.
#[derive(Debug)]
#[must_use]
pub struct CaptureBuilder {
    config: TelemetryConfig,
    variables: Vec<(String, String)>,
    clock: Option<ManualClock>,
}

impl CaptureBuilder {
    /// The spans' time; log records keep the process's.
    pub fn clock(mut self, clock: &ManualClock) -> Self {
        self.clock = Some(clock.clone());
        self
    }

    /// Sampler and limits as if this variable were set; the process's own are not read. Other
    /// variables have no effect here.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Begins.
    ///
    /// # Panics
    /// Never: a bad variable falls back to its default, as in `init`.
    pub fn start(self) -> Capture {
        let resolved = self.config.with_variables(self.variables).plan();
        let settings = match &resolved {
            Ok(resolved) => Settings::from(&resolved.plan),
            // Only an argument can be wrong, and there is none.
            Err(_) => Settings {
                sampler: SamplerPlan::AlwaysOn.into(),
                limits: Limits::NONE,
                log_limits: LogLimits::NONE,
            },
        };
        let sink = Arc::new(Sink {
            settings,
            clock: self.clock,
            spans: Mutex::default(),
            logs: Mutex::default(),
        });
        let extra = Extra { capture: Some(Arc::clone(&sink)), ..Extra::default() };
        gate::change(gate::CAPTURES, gate::CAPTURES);
        otel::settle();
        let before = local::set_capture(Some(Arc::new(extra)));
        Capture { sink, before, not_send: PhantomData }
    }
}
