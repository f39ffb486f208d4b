//! Start, flush and end: the core's handle, held for the process.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use trackside::telemetry::{self, Error, Signal, Telemetry, TelemetryConfig};

use crate::counts;
use crate::parent::PyParent;

/// How often a wait looks for Ctrl-C.
const LOOK: Duration = Duration::from_millis(50);

/// Never locked while the GIL is let go, so that a fork finds it free.
static HANDLE: Mutex<Option<Telemetry>> = Mutex::new(None);

/// What the core said since it was last asked.
static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Kept at most.
const SAYINGS: usize = 64;

/// The core's thread locks it without the GIL, and a fork may come just then: in that child nothing is said, and
/// nobody waits for it.
fn said() -> Option<MutexGuard<'static, Vec<String>>> {
    for _ in 0..TRIES {
        match SAID.try_lock() {
            Ok(said) => return Some(said),
            Err(TryLockError::Poisoned(said)) => return Some(said.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::yield_now(),
        }
    }
    None
}

/// It is held for as long as a line takes to copy.
const TRIES: usize = 1000;

fn handle() -> Option<Telemetry> {
    HANDLE.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Starts the core, once; what is resolved here is not looked at again.
#[pyfunction]
#[pyo3(signature = (*, traces=true, metrics=true, logs=true, endpoint=None, service_name=None, sampler=None, fallback_name=None, attributes=None))]
#[allow(clippy::too_many_arguments, reason = "keywords, as in Python")]
pub(crate) fn init_telemetry(
    traces: bool,
    metrics: bool,
    logs: bool,
    endpoint: Option<&str>,
    service_name: Option<&str>,
    sampler: Option<(String, Option<f64>)>,
    fallback_name: Option<&str>,
    attributes: Option<Vec<(String, String)>>,
) -> PyResult<()> {
    let mut config = TelemetryConfig::default()
        .with_traces(traces)
        .with_metrics(metrics)
        .with_logs(logs)
        .on_diagnostic(|line| {
            if let Some(mut said) = said().filter(|said| said.len() < SAYINGS) {
                said.push(line.to_owned());
            }
        });
    if let Some(endpoint) = endpoint {
        config = config.with_endpoint(endpoint);
    }
    if let Some(name) = service_name {
        config = config.with_service_name(name);
    }
    if let Some((name, ratio)) = sampler {
        config = config.with_sampler(&name, ratio);
    }
    if let Some(name) = fallback_name {
        config = config.with_fallback_name(name);
    }
    for (key, value) in attributes.unwrap_or_default() {
        config = config.with_attribute(&key, &value);
    }
    // With the GIL: the environment is read, and Python may change it.
    let started = telemetry::init(config).map_err(refused)?;
    *HANDLE.lock().unwrap_or_else(PoisonError::into_inner) = Some(started);
    Ok(())
}

/// Flushes and stops; false where something was not answered in time.
#[pyfunction]
#[pyo3(signature = (timeout=5.0))]
pub(crate) fn shutdown_telemetry(py: Python<'_>, timeout: f64) -> PyResult<bool> {
    // The handle stays, so that `status` says what became of everything.
    wait(py, handle(), move |telemetry| telemetry.shutdown(seconds(timeout)).is_ok())
}

/// Waits until what was recorded before is answered; false where it was not in time.
#[pyfunction]
#[pyo3(signature = (timeout=5.0))]
pub(crate) fn flush_telemetry(py: Python<'_>, timeout: f64) -> PyResult<bool> {
    wait(py, handle(), move |telemetry| telemetry.force_flush(seconds(timeout)).is_ok())
}

/// Another head sampler, from here on; before the start, and after the end, it changes nothing.
#[pyfunction]
pub(crate) fn choose_sampler(name: &str, ratio: Option<f64>) -> PyResult<()> {
    handle().map_or(Ok(()), |telemetry| telemetry.set_sampler(name, ratio)).map_err(refused)
}

/// Another filter of log records; as for the sampler.
#[pyfunction]
pub(crate) fn set_log_filter(filter: &str) -> PyResult<()> {
    handle().map_or(Ok(()), |telemetry| telemetry.set_log_filter(filter)).map_err(refused)
}

/// The context that this process was started with; the root where there was none, and before the start.
#[pyfunction]
pub(crate) fn inherited() -> PyParent {
    PyParent::new(handle().map(|telemetry| telemetry.inherited()).unwrap_or_default())
}

fn refused(error: Error) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Waits without the GIL, on a thread of its own: this one stays open for Ctrl-C.
fn wait(
    py: Python<'_>,
    telemetry: Option<Telemetry>,
    run: impl FnOnce(&Telemetry) -> bool + Send + 'static,
) -> PyResult<bool> {
    let Some(telemetry) = telemetry else {
        return Ok(true);
    };
    let (answer, answered) = mpsc::channel();
    let waiting = std::thread::Builder::new().name("trackside-wait".into()).spawn(move || {
        // Whoever was interrupted hears no answer.
        let _ = answer.send(run(&telemetry));
    });
    if waiting.is_err() {
        return Ok(false);
    }
    let mut answered = Some(answered);
    loop {
        let (heard, receiver) = py.detach(|| {
            let receiver = answered.take();
            let heard = receiver.as_ref().map(|receiver| receiver.recv_timeout(LOOK));
            (heard, receiver)
        });
        answered = receiver;
        match heard {
            Some(Ok(is_done)) => return Ok(is_done),
            Some(Err(RecvTimeoutError::Timeout)) => py.check_signals()?,
            _ => return Ok(false),
        }
    }
}

/// A time that cannot be is no time; more than a century is one.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.clamp(0.0, 3.0e9)).unwrap_or_default()
}

/// What became of every item.
#[pyfunction]
pub(crate) fn status_of_telemetry(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let status = handle().map(|telemetry| telemetry.status()).unwrap_or_default();
    let dict = PyDict::new(py);
    dict.set_item("traces", signal(py, &status.traces)?)?;
    dict.set_item("metrics", signal(py, &status.metrics)?)?;
    dict.set_item("logs", signal(py, &status.logs)?)?;
    dict.set_item("forgotten_spans", status.forgotten_spans)?;
    dict.set_item("late_writes", status.late_writes)?;
    dict.set_item("diagnostics", status.diagnostics)?;
    dict.set_item("python", counts::all(py)?)?;
    Ok(dict)
}

fn signal<'py>(py: Python<'py>, of: &Signal) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok().map(|at| at.as_secs_f64());
    dict.set_item("on", of.on)?;
    dict.set_item("why", &*of.why)?;
    dict.set_item("recorded", of.recorded)?;
    dict.set_item("delivered", of.delivered)?;
    dict.set_item("rejected", of.rejected)?;
    dict.set_item("unconfirmed", of.unconfirmed)?;
    dict.set_item("waiting", of.waiting)?;
    dict.set_item("on_disk", of.on_disk)?;
    dict.set_item("last_success", of.last_success.and_then(since))?;
    dict.set_item("last_error", of.last_error.as_deref())?;
    let dropped = PyDict::new(py);
    dropped.set_item("ring_full", of.dropped.ring_full)?;
    dropped.set_item("queue_full", of.dropped.queue_full)?;
    dropped.set_item("too_large", of.dropped.too_large)?;
    dropped.set_item("shutdown", of.dropped.shutdown)?;
    dropped.set_item("not_exported", of.dropped.not_exported)?;
    dict.set_item("dropped", dropped)?;
    Ok(dict)
}

/// Each setting, its value, and where it came from; empty before the start.
#[pyfunction]
pub(crate) fn report_of_telemetry() -> String {
    handle().map(|telemetry| telemetry.report().to_string()).unwrap_or_default()
}

/// What the core said since it was last asked; for `logging`, on a thread of the host's.
#[pyfunction]
pub(crate) fn take_sayings() -> Vec<String> {
    said().map(|mut said| std::mem::take(&mut *said)).unwrap_or_default()
}

/// Tells the inference of the service's name about one class, before the start.
#[pyfunction]
pub(crate) fn register_class(package: &str, class: &str) {
    telemetry::register_service(package, class);
}
