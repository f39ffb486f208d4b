//! The one thread that all SDK exporters of the process share, and each exporter's line to it.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{LocalSet, spawn_local};

use super::delivery::{Job, Mark, Work, serve};
use crate::config::plan::{CapnpPlan, Encoding, ExporterPlan, OtlpPlan};
use crate::error::Error;
use crate::export::Exporter;
use crate::export::capnp::{Links, Signal};
use crate::pipeline::completion::Completion;
use crate::pipeline::fork::{self, InChild};
use crate::record::local;

/// How long a flush may wait for an exporter without a timeout of its own.
const FLUSH: Duration = Duration::from_secs(10);

/// What an exporter speaks, and with whom.
pub(super) enum Wire {
    Otlp(OtlpPlan),
    Capnp(CapnpPlan, Signal),
}

/// A new exporter, for the thread.
type Opened = (Wire, UnboundedReceiver<Work>, Arc<Notify>);

/// Where new exporters are announced, once there is a thread.
static THREAD: Mutex<Option<UnboundedSender<Opened>>> = Mutex::new(None);

/// How an export ended.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// The exporter was shut down.
    Over,
    /// The timeout passed, and nothing is known but that.
    Late(Duration),
    Failed(String),
}

pub(super) type Answer = Result<(), Failure>;

impl From<Failure> for OTelSdkError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Over => Self::AlreadyShutdown,
            Failure::Late(limit) => Self::Timeout(limit),
            Failure::Failed(why) => Self::InternalFailure(why),
        }
    }
}

/// One exporter's end of its line to the thread; closed by its drop, which leaves no export behind.
pub(super) struct Line {
    work: UnboundedSender<Work>,
    /// Ends all that is under way.
    stop: Arc<Notify>,
    is_over: AtomicBool,
    name: String,
    timeout: Option<Duration>,
    /// Of OTLP.
    encoding: Encoding,
}

impl Line {
    /// Starts the thread where there is none.
    pub(super) fn open(wire: Wire) -> Result<Self, Error> {
        let (work, receiver) = unbounded_channel();
        let stop = Arc::new(Notify::new());
        let (name, timeout, encoding) = match &wire {
            Wire::Otlp(plan) => (crate::config::show_url(&plan.url), plan.timeout, plan.encoding),
            Wire::Capnp(plan, _) => (plan.target.to_string(), plan.timeout, Encoding::default()),
        };
        announce((wire, receiver, Arc::clone(&stop)))?;
        Ok(Self { work, stop, is_over: AtomicBool::new(false), name, timeout, encoding })
    }

    pub(super) const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Sends what `encode` gives, unless there is nothing to send.
    pub(super) fn export(&self, items: usize, encode: impl FnOnce() -> Bytes) -> Export {
        let done = Arc::new(Completion::default());
        let cancel = Arc::new(Notify::new());
        if self.is_over.load(Ordering::Acquire) {
            done.complete(Err(Failure::Over));
        } else if items == 0 {
            done.complete(Ok(()));
        } else {
            let job = Job {
                body: encode(),
                items: u32::try_from(items).unwrap_or(u32::MAX),
                deadline: self.timeout.and_then(|limit| Instant::now().checked_add(limit)),
                timeout: self.timeout,
                cancel: Arc::clone(&cancel),
                done: Arc::clone(&done),
            };
            // A job that cannot be handed over answers itself when it is dropped.
            drop(self.work.send(Work::Export(job)));
        }
        Export { done, cancel }
    }

    /// Sends a request of OTLP's protobuf.
    pub(super) fn export_encoded(&self, items: usize, request: Vec<u8>) -> Export {
        if self.encoding == Encoding::Protobuf {
            return self.export(items, || request.into());
        }
        let done = Arc::new(Completion::default());
        let why = "it is encoded as protobuf, and OTEL_EXPORTER_OTLP_PROTOCOL asks for JSON";
        done.complete(Err(Failure::Failed(why.to_owned())));
        Export { done, cancel: Arc::default() }
    }

    /// Waits for what was handed over before.
    pub(super) fn flush(&self) -> OTelSdkResult {
        if self.is_over.load(Ordering::Acquire) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        self.wait(self.timeout.unwrap_or(FLUSH))
    }

    /// Takes nothing more, waits for what is under way, and gives it up at the deadline.
    pub(super) fn shut_down(&self, within: Duration) -> OTelSdkResult {
        if self.is_over.swap(true, Ordering::AcqRel) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        let waited = self.wait(within);
        self.stop.notify_one();
        waited
    }

    fn wait(&self, within: Duration) -> OTelSdkResult {
        let done = Arc::new(Completion::default());
        // A mark that cannot be handed over is answered: nothing is under way.
        drop(self.work.send(Work::Flush(Mark(Arc::clone(&done)))));
        let far = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        let deadline = Instant::now() + within.min(far);
        done.wait(deadline).ok_or(OTelSdkError::Timeout(within))
    }
}

impl Wire {
    /// On the thread. An attempt has all the time that its export has left, so the export's deadline is
    /// enough; but connecting to a receiver is one attempt for many exports.
    fn exporter(self, links: &Links) -> Exporter {
        let (plan, signal) = match self {
            // The signal is in the URL.
            Self::Otlp(plan) => {
                (ExporterPlan::Otlp(OtlpPlan { timeout: None, ..plan }), Signal::Unset)
            }
            Self::Capnp(plan, signal) => (ExporterPlan::Capnp(plan), signal),
        };
        Exporter::new(&plan, signal, None, links)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Resolves to what became of one export; dropping it gives the export up.
#[must_use = "futures do nothing unless polled"]
pub(super) struct Export {
    done: Arc<Completion<Answer>>,
    cancel: Arc<Notify>,
}

impl Future for Export {
    type Output = OTelSdkResult;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<OTelSdkResult> {
        self.done.poll(cx).map(|answer| answer.map_err(OTelSdkError::from))
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        self.cancel.notify_one();
    }
}

/// For a fork: no exporter is being made meanwhile. In the child the thread is the parent's; exporters that are
/// made from there on have one of their own.
fn prepare_for_fork() -> InChild {
    let thread = THREAD.lock().unwrap_or_else(PoisonError::into_inner);
    Box::new(move || {
        let mut thread = thread;
        std::mem::forget(thread.take());
    })
}

fn announce(opened: Opened) -> Result<(), Error> {
    let mut thread = THREAD.lock().unwrap_or_else(PoisonError::into_inner);
    let refused = match &*thread {
        Some(sender) => match sender.send(opened) {
            Ok(()) => return Ok(()),
            // The thread has ended, which only a panic of it can have done.
            Err(refused) => refused.0,
        },
        None => opened,
    };
    let (sender, receiver) = unbounded_channel();
    start(receiver)?;
    // The receiver is alive: its thread waits for the first message.
    let _ = sender.send(refused);
    *thread = Some(sender);
    Ok(())
}

fn start(mut opened: UnboundedReceiver<Opened>) -> Result<(), Error> {
    // Built here, so that a refusal is this call's error. One helper thread, for look-ups.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .on_thread_start(local::suppress)
        .thread_name("trackside-helper")
        .build()
        .map_err(|error| Error::start(format!("cannot start the exporters' runtime: {error}")))?;
    let run = move || {
        local::suppress();
        let _suppressed = opentelemetry::Context::enter_telemetry_suppressed_scope();
        LocalSet::new().block_on(&runtime, async {
            let links = Links::new();
            while let Some((wire, work, stop)) = opened.recv().await {
                // It ends with its exporter; a panic ends that one exporter.
                drop(spawn_local(serve(wire.exporter(&links), work, stop)));
            }
        });
    };
    fork::watch(prepare_for_fork);
    let thread = std::thread::Builder::new().name("trackside-sdk".into()).spawn(run);
    let refused = |error| Error::start(format!("cannot start the exporters' thread: {error}"));
    thread.map(drop).map_err(refused)
}
