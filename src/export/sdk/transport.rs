//! An exporter's line to the one thread, which serves it there.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::delivery::{Job, Mark, Work, serve};
use crate::config::plan::{CapnpPlan, Encoding, ExporterPlan, OtlpPlan};
use crate::error::Error;
use crate::export::capnp::{Links, Signal};
use crate::export::{Body, Exporter};
use crate::pipeline::completion::Completion;
use crate::pipeline::thread;

/// How long a flush may wait for an exporter without a timeout of its own.
const FLUSH: Duration = Duration::from_secs(10);

/// What an exporter speaks, and with whom.
pub(super) enum Wire {
    Otlp(OtlpPlan),
    Capnp(CapnpPlan, Signal),
}

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
    /// Starts the thread where it does not run. The exporter leaves it when it is shut down or dropped.
    pub(super) fn open(wire: Wire) -> Result<Self, Error> {
        let (work, receiver) = unbounded_channel();
        let stop = Arc::new(Notify::new());
        let (name, timeout, encoding) = match &wire {
            Wire::Otlp(plan) => (plan.to_string(), plan.timeout, plan.protocol.encoding()),
            Wire::Capnp(plan, _) => (plan.target.to_string(), plan.timeout, Encoding::default()),
        };
        let of_thread = Arc::clone(&stop);
        thread::run(move |links| serve(wire.exporter(links), receiver, of_thread))?;
        Ok(Self { work, stop, is_over: AtomicBool::new(false), name, timeout, encoding })
    }

    pub(super) const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Sends what `encode` gives, unless there is nothing to send.
    pub(super) fn export<B: Into<Body>>(&self, items: usize, encode: impl FnOnce() -> B) -> Export {
        let done = Arc::new(Completion::default());
        let cancel = Arc::new(Notify::new());
        if self.is_over.load(Ordering::Acquire) {
            done.complete(Err(Failure::Over));
        } else if items == 0 {
            done.complete(Ok(()));
        } else {
            let job = Job {
                body: encode().into(),
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
            return self.export(items, || Bytes::from(request));
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
        if thread::is_here() {
            let error = "a telemetry callback cannot wait for telemetry";
            return Err(OTelSdkError::InternalFailure(error.to_owned()));
        }
        self.wait(self.timeout.unwrap_or(FLUSH))
    }

    /// Takes nothing more, waits for what is under way, and gives it up at the deadline.
    pub(super) fn shut_down(&self, within: Duration) -> OTelSdkResult {
        if self.is_over.swap(true, Ordering::AcqRel) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        // A pipeline that has this exporter ends it on the thread that serves it, and has given up by then
        // what it had sent.
        let waited = if thread::is_here() { Ok(()) } else { self.wait(within) };
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
