//! `init`, the handle, and how it all ends.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::config::plan::Plan;
use crate::config::{Report, TelemetryConfig};
use crate::context;
use crate::error::Error;
use crate::health::counters::{FORGOTTEN_SPANS, LATE_WRITES};
use crate::health::diagnostics::{Diagnostics, Hook, Level};
use crate::pipeline::completion::Completion;
use crate::pipeline::{self, Intake, Request, Running, Shared};
use crate::record::bridge::{self, otel};
use crate::record::{gate, local};

use super::super::{Signal, Status};
use super::fork::{self, Owner};

pub use crate::config::register_service;

/// The handle that a second `init` gives back.
pub(super) static CURRENT: Mutex<Weak<Owner>> = Mutex::new(Weak::new());

/// How much longer than its deadline a shutdown waits for the worker's answer.
const GRACE: Duration = Duration::from_millis(500);

/// Resolves the configuration and starts what it names.
///
/// A second call returns the same handle, looks at no argument, and says so in
/// [`Telemetry::report`]; after a shutdown `init` may start anew. Where nothing is configured,
/// nothing is started, and the report says so. A bad variable is a diagnostic, see
/// [`Status::diagnostics`]. An unreachable endpoint is no error: what is recorded waits in a bounded
/// queue.
///
/// # Errors
/// An argument that is wrong (it is named, with a remedy), or a thread that the system refuses.
/// Nothing is started then, and the call may be repeated.
///
/// ```
/// use std::time::Duration;
/// use trackside::telemetry::{self, TelemetryConfig};
///
/// # fn main() -> Result<(), telemetry::Error> {
/// let telemetry = telemetry::init(TelemetryConfig::default())?;
/// // ... the host's work ...
/// telemetry.shutdown(Duration::from_secs(5))
/// # }
/// ```
pub fn init(config: TelemetryConfig) -> Result<Telemetry, Error> {
    // It may own a host's callback, whose destructor may call `init`: it outlives the lock.
    let _before = pipeline::current();
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(owner) = current.upgrade() {
        let inner = owner.here();
        if !inner.is_over() {
            inner.note("init was called again: the first configuration stays");
            return Ok(Telemetry(owner));
        }
        // Its end may come back here.
        drop(current);
        drop(owner);
        current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    }
    let resolved = config.plan()?;
    let plan = resolved.plan;
    let diagnostics = Arc::new(Diagnostics::new(config.diagnostic_hook(), plan.log_level));
    let exporters = [&plan.traces.exporters, &plan.metrics.exporters, &plan.logs.exporters];
    let running = if exporters.iter().all(|exporters| exporters.is_empty()) {
        None
    } else {
        fork::watch();
        Some(pipeline::start(&plan, Arc::clone(&diagnostics))?)
    };
    context::choose(plan.propagators);
    gate::change(gate::PROPAGATES, gate::PROPAGATES);
    otel::choose(plan.otel_context);
    let started = started(&plan);
    let lines = resolved.report.diagnostics().to_vec();
    let mut report = resolved.report;
    if plan.globals.subscriber {
        bridge::install().into_iter().for_each(|line| report.note(line.to_owned()));
    }
    let globals = plan.globals;
    let inner = Arc::new(Inner {
        running,
        plan: AssertUnwindSafe(plan),
        hook: config.diagnostic_hook().map(AssertUnwindSafe),
        report: Mutex::new(report),
        ending: Mutex::default(),
        diagnostics,
    });
    let owner = Arc::new(Owner::new(Arc::clone(&inner)));
    *current = Arc::downgrade(&owner);
    // A host's callback may itself call `init`.
    drop(current);
    // Nor may what is replaced, which ends here, be waited for under the lock.
    otel::set_globals(globals);
    for line in lines {
        inner.diagnostics.say(Level::Warn, &line, &line);
    }
    if inner.running.is_some() {
        inner.diagnostics.tell(Level::Info, "started", &started);
    }
    Ok(Telemetry(owner))
}

/// Who sends what to where.
fn started(plan: &Plan) -> String {
    let service = plan.resource.first().map_or("", |(_, name)| name);
    let signals = [
        ("traces", &plan.traces.exporters),
        ("metrics", &plan.metrics.exporters),
        ("logs", &plan.logs.exporters),
    ];
    let roads = signals.iter().flat_map(|(signal, exporters)| {
        exporters.iter().map(move |exporter| format!("{signal} to {exporter}"))
    });
    format!("telemetry of {service} has started: {}", roads.collect::<Vec<_>>().join(", "))
}

pub(super) type Ending = Completion<Result<(), Error>>;

/// Telemetry of one process.
pub(super) struct Inner {
    pub(super) running: Option<Running>,
    pub(super) plan: AssertUnwindSafe<Plan>,
    pub(super) hook: Option<AssertUnwindSafe<Hook>>,
    pub(super) report: Mutex<Report>,
    /// The shutdown, once it has begun.
    pub(super) ending: Mutex<Option<Arc<Ending>>>,
    pub(super) diagnostics: Arc<Diagnostics>,
}

impl Inner {
    pub(super) fn is_over(&self) -> bool {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(super) fn report(&self) -> Report {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, line: &str) {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).note(line.to_owned());
    }

    fn signal(&self, why: &str, of: fn(&Shared) -> &Intake) -> Signal {
        let Some(Running { shared, .. }) = &self.running else {
            return Signal { why: Cow::Owned(why.to_owned()), ..Signal::default() };
        };
        let is_planned = of(shared).is_on();
        let is_over = is_planned && !shared.is_running();
        let why = if is_over { "shut down" } else { why };
        let on = is_planned && !is_over;
        Signal { on, why: Cow::Owned(why.to_owned()), ..shared.counts(of(shared)) }
    }

    /// Begins the shutdown; a second call joins the first.
    fn end(&self, within: Duration) -> Arc<Ending> {
        let mut ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ending) = &*ending {
            return Arc::clone(ending);
        }
        let done = Arc::new(Ending::default());
        *ending = Some(Arc::clone(&done));
        match &self.running {
            Some(running) => {
                pipeline::retire(&running.shared);
                running.shared.request(request(within, true, &done));
            }
            None => done.complete(Ok(())),
        }
        done
    }

    /// The worker's answer; the outer error is that there is none.
    fn wait(&self, done: &Ending, within: Duration) -> Result<Result<(), Error>, Error> {
        if local::is_suppressed() {
            return Err(Error::timed_out("a telemetry callback cannot wait for telemetry"));
        }
        let late = || Error::timed_out(format!("telemetry did not answer within {within:?}"));
        done.wait(deadline(within) + GRACE).ok_or_else(late)
    }

    fn shutdown(&self, within: Duration) -> Result<(), Error> {
        let was_over = self.is_over();
        let answer = self.wait(&self.end(within), within)?;
        if let Some(running) = &self.running {
            running.join();
        }
        // What the first call had to report, it reported.
        if was_over { Ok(()) } else { answer }
    }

    /// The last handle is gone.
    pub(super) fn abandon(&self) {
        if !self.is_over() {
            if let Err(error) = self.shutdown(self.plan.drop_deadline) {
                self.diagnostics.say(
                    Level::Warn,
                    "drop",
                    &format!("telemetry was dropped: {error}"),
                );
            }
        }
    }
}

fn request(within: Duration, is_shutdown: bool, done: &Arc<Ending>) -> Request {
    Request { deadline: deadline(within), is_shutdown, done: Arc::clone(done) }
}

/// A century is for ever, and does not overflow.
fn deadline(within: Duration) -> Instant {
    Instant::now() + within.min(Duration::from_secs(100 * 365 * 24 * 60 * 60))
}

/// The handle; the last one dropped flushes and shuts down within its deadline
/// ([`with_drop_deadline`](TelemetryConfig::with_drop_deadline)), and blocks meanwhile.
///
/// Clones are the same telemetry.
#[derive(Clone)]
#[must_use = "dropping the last handle shuts telemetry down"]
pub struct Telemetry(Arc<Owner>);

impl Telemetry {
    /// Counts and states, per signal, as of now; it may be called as often as one likes.
    ///
    /// ```
    /// use trackside::telemetry::{self, TelemetryConfig};
    ///
    /// # fn main() -> Result<(), telemetry::Error> {
    /// let telemetry = telemetry::init(TelemetryConfig::default())?;
    /// let traces = telemetry.status().traces;
    /// if !traces.on {
    ///     eprintln!("no traces: {}", traces.why);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn status(&self) -> Status {
        let inner = self.0.here();
        let Plan { traces, metrics, logs, .. } = &*inner.plan;
        Status {
            traces: inner.signal(&traces.why, |shared| &shared.traces),
            metrics: inner.signal(&metrics.why, |shared| &shared.metrics),
            logs: inner.signal(&logs.why, |shared| &shared.logs),
            forgotten_spans: FORGOTTEN_SPANS.read(),
            late_writes: LATE_WRITES.read(),
            diagnostics: inner.diagnostics.lines(),
        }
    }

    /// The resolved settings, and what there was to say about them at `init`.
    #[must_use]
    pub fn report(&self) -> Report {
        self.0.here().report()
    }

    /// Waits until what was recorded before the call is answered; metrics are collected for it.
    ///
    /// A wait between two attempts ends at once, and the next ones are short, unless the peer asked for
    /// them. It blocks the calling thread. Where nothing is running, it is `Ok` at once.
    ///
    /// # Errors
    /// How many items were not answered `within` that time; they stay in the queue. Also where a callback of
    /// [`on_diagnostic`](TelemetryConfig::on_diagnostic) calls it on the crate's own thread.
    pub fn force_flush(&self, within: Duration) -> Result<(), Error> {
        let inner = self.0.here();
        let Some(running) = inner.running.as_ref().filter(|_| !inner.is_over()) else {
            return Ok(());
        };
        let done = Arc::new(Ending::default());
        running.shared.request(request(within, false, &done));
        inner.wait(&done, within)?
    }

    /// Flushes and stops everything; a second call is `Ok`, `init` may follow.
    ///
    /// It blocks the calling thread, for half a second longer than `within` at most, and works in
    /// any runtime or none. Metrics are collected once more. Spans that end later are counted as
    /// `dropped.shutdown`; what is measured or logged later is not recorded.
    ///
    /// # Errors
    /// How many items were not answered `within` that time; [`status`](Self::status) says what became of them.
    /// Also where a callback of [`on_diagnostic`](TelemetryConfig::on_diagnostic) calls it on the crate's own thread.
    pub fn shutdown(&self, within: Duration) -> Result<(), Error> {
        self.0.here().shutdown(within)
    }

    /// `shutdown` that blocks no worker; begins at the call, needs no runtime.
    ///
    /// Dropping the future does not stop it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use trackside::telemetry::{self, TelemetryConfig};
    ///
    /// # async fn end() -> Result<(), telemetry::Error> {
    /// let telemetry = telemetry::init(TelemetryConfig::default())?;
    /// telemetry.shutdown_async(Duration::from_secs(5)).await
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(end()).unwrap();
    /// ```
    pub fn shutdown_async(&self, within: Duration) -> Shutdown {
        let inner = self.0.here();
        let was_over = inner.is_over();
        Shutdown { ending: inner.end(within), was_over }
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("status", &self.status()).finish()
    }
}

/// Resolves when the shutdown is over; `Err` says how many items were not answered in time.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Shutdown {
    ending: Arc<Ending>,
    was_over: bool,
}

impl Future for Shutdown {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let was_over = self.was_over;
        self.ending.poll(cx).map(|result| if was_over { Ok(()) } else { result })
    }
}
