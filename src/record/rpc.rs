//! The ready-made RPC set: one call gives the span, the metrics and the context.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::context::Parent;
use crate::telemetry::Kind;
use crate::telemetry::rpc::{Direction, Outcome};

use super::future::{Instrumented, instrument};
use super::metric::rpc::{Active, Observation, Side};
use super::open::{Cancel, KindRule, Open};
use super::scope::SpanGuard;
use super::slot::Slot;
use super::span::Span;
use super::{current, metric};

/// `error.type` of a failure that nobody gave a word for.
const OTHER: &str = "_OTHER";
/// The name of a call's span, on both sides.
pub(super) const CALL: &str = "rpc.call";
const HANDLER: &str = "rpc.handler";

/// Which call this is; every text is borrowed.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Call<'a> {
    method: &'a str,
    cls_id: &'a str,
    object_id: &'a str,
}

impl<'a> Call<'a> {
    /// The attribute `method`; left out where empty, as the others are.
    pub const fn method(name: &'a str) -> Self {
        Self { method: name, cls_id: "", object_id: "" }
    }

    /// The attribute `cls_id`; empty on the metrics where not given.
    pub const fn cls_id(self, id: &'a str) -> Self {
        Self { cls_id: id, ..self }
    }

    /// The attribute `object_id`: on the span only, since it has too many values for a metric.
    pub const fn object_id(self, id: &'a str) -> Self {
        Self { object_id: id, ..self }
    }

    /// One after the other and without a loop, so that the keys are constants.
    fn describe(&self, span: &mut Span) {
        if !self.method.is_empty() {
            span.set("method", self.method);
        }
        if !self.cls_id.is_empty() {
            span.set("cls_id", self.cls_id);
        }
        if !self.object_id.is_empty() {
            span.set("object_id", self.object_id);
        }
    }
}

type ErrorKind<F> = fn(&<<F as Future>::Output as Outcome>::Error) -> &'static str;

pin_project! {
    /// A call or a handler under observation.
    ///
    /// An output that is a failure sets status Error with its text and `error.type`; so do a panic
    /// (`panic`) and a future that is dropped before it finished (`cancelled`).
    #[must_use = "futures do nothing unless polled"]
    pub struct Observed<F>
    where
        F: Future,
        F::Output: Outcome,
    {
        #[pin]
        future: F,
        error_kind: Option<ErrorKind<F>>,
        // Both below the future, so that they end after it.
        metrics: Metrics,
        slot: Slot,
    }

    impl<F> PinnedDrop for Observed<F>
    where
        F: Future,
        F::Output: Outcome,
    {
        fn drop(this: Pin<&mut Self>) {
            if !this.slot.is_empty() {
                this.project().slot.enter_to_drop(Cancel::Call);
            }
        }
    }
}

impl<F> Observed<F>
where
    F: Future,
    F::Output: Outcome,
{
    fn new(
        future: F,
        name: &'static str,
        metrics: Metrics,
        prepare: impl FnOnce(&mut Open),
    ) -> Self {
        let mut slot = Slot::start(name);
        if let Some(open) = slot.open() {
            prepare(open);
        }
        Self { future, error_kind: None, metrics, slot }
    }

    /// Another parent than the current span; decides sampling anew, so call it first.
    pub fn with_parent(mut self, parent: Parent) -> Self {
        self.slot.restart(parent);
        self
    }

    /// Writes attributes, at once, if recording; otherwise the closure is not called.
    pub fn with(mut self, write: impl FnOnce(&mut Span)) -> Self {
        self.slot.write(write);
        self
    }

    /// The word for `error_kind` and `error.type`, one of a few; `_OTHER` where not given, `cancelled` and
    /// `panic` are ours.
    pub fn error_kind(mut self, kind: fn(&<F::Output as Outcome>::Error) -> &'static str) -> Self {
        self.error_kind = Some(kind);
        self
    }
}

impl<F> Future for Observed<F>
where
    F: Future,
    F::Output: Outcome,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let kind = *this.error_kind;
        let error =
            |output: &F::Output| output.error().map(|error| kind.map_or(OTHER, |kind| kind(error)));
        this.metrics.begin(this.slot);
        let on_panic = EndOnPanic(&mut *this.metrics);
        let mut end = None;
        let polled = this.slot.poll(
            || this.future.poll(cx),
            true,
            |slot, output| {
                slot.read(|span| {
                    if let (Some(kind), Some(text)) = (error(output), output.error()) {
                        span.error(kind, text);
                    }
                    if on_panic.0.is_timed() {
                        end = span.open.measured_end();
                    }
                });
            },
        );
        std::mem::forget(on_panic);
        if let Poll::Ready(output) = &polled {
            this.metrics.end(end, error(output));
        }
        polled
    }
}

/// What is measured around one call or handler.
#[derive(Debug)]
enum Metrics {
    Call(Observation),
    /// Up from the first poll on.
    Handler(Option<Active>),
}

impl Metrics {
    #[inline]
    fn begin(&mut self, slot: &mut Slot) {
        match self {
            Self::Call(observation) => {
                observation.begin(|| slot.open().and_then(Open::measured_start));
            }
            Self::Handler(active) => {
                active.get_or_insert_with(Active::handler);
            }
        }
    }

    /// Whether the end is a time that is measured.
    #[inline]
    fn is_timed(&self) -> bool {
        matches!(self, Self::Call(observation) if observation.is_running())
    }

    #[inline(always)]
    fn end(&mut self, end: Option<u64>, error: Option<&'static str>) {
        match self {
            Self::Call(observation) => observation.end(end, error),
            Self::Handler(active) => *active = None,
        }
    }
}

impl Drop for Metrics {
    /// A call that is dropped before it finished; nothing where it has ended.
    #[inline]
    fn drop(&mut self) {
        self.end(None, Some("cancelled"));
    }
}

/// Forgotten after a poll that came back.
struct EndOnPanic<'a>(&'a mut Metrics);

impl Drop for EndOnPanic<'_> {
    fn drop(&mut self) {
        self.0.end(None, Some("panic"));
    }
}

impl<F> fmt::Debug for Observed<F>
where
    F: Future + fmt::Debug,
    F::Output: Outcome,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observed").field(&self.future).finish()
    }
}

/// `engine.dispatch` around one request or engine run; kind Server where its parent is remote, else Internal.
///
/// ```
/// use trackside::telemetry::{self, rpc};
///
/// # async fn invoke() -> Result<u32, String> { Ok(1) }
/// # let headers: Vec<(String, String)> = Vec::new();
/// # let _future =
/// rpc::dispatch(invoke()).with_parent(telemetry::extract_from(&headers)).errors();
/// ```
pub fn dispatch<F: Future>(future: F) -> Instrumented<F> {
    instrument(future, "engine.dispatch").into_dispatch()
}

/// `rpc.call`, kind Server; Internal where a span above it is the request's server span already, such as a dispatch.
///
/// ```
/// use trackside::telemetry::rpc::{self, Call};
///
/// # async fn echo() -> Result<u32, String> { Ok(1) }
/// # let _future =
/// rpc::server(Call::method("echo").cls_id("Echo"), rpc::handler(echo())).error_kind(|_| "busy");
/// ```
pub fn server<F>(call: Call<'_>, future: F) -> Observed<F>
where
    F: Future,
    F::Output: Outcome,
{
    let prepare = |open: &mut Open| open.set_kind_rule(KindRule::ServerCall);
    let metrics = Metrics::Call(Observation::new(Side::Server, call.method, call.cls_id));
    Observed::new(future, CALL, metrics, prepare).with(|span| call.describe(span))
}

/// `rpc.call`, kind Client; inject inside the future, where its span is the current one.
///
/// ```
/// use trackside::telemetry::{self, rpc::{self, Call}};
///
/// # async fn send(_headers: Vec<(String, String)>) -> Result<u32, String> { Ok(1) }
/// # let _future =
/// rpc::client(Call::method("echo").cls_id("Echo"), async {
///     let mut headers = Vec::new();
///     telemetry::inject_into(&mut headers);
///     send(headers).await
/// });
/// ```
pub fn client<F>(call: Call<'_>, future: F) -> Observed<F>
where
    F: Future,
    F::Output: Outcome,
{
    let metrics = Metrics::Call(Observation::new(Side::Client, call.method, call.cls_id));
    Observed::new(future, CALL, metrics, |open| open.kind = Kind::Client)
        .with(|span| call.describe(span))
}

/// `rpc.handler` around a handler, with its error as the span's status; kind Internal. Counted in
/// `active_handlers` from its first poll to its end.
pub fn handler<F>(future: F) -> Observed<F>
where
    F: Future,
    F::Output: Outcome,
{
    Observed::new(future, HANDLER, Metrics::Handler(None), |_| {})
}

/// [`handler`] for a handler that is not async, `active_handlers` included; `error.type` is `_OTHER`.
///
/// ```
/// use trackside::telemetry::rpc;
///
/// assert_eq!(rpc::handler_fn(|| Ok::<_, String>(3)), Ok(3));
/// ```
pub fn handler_fn<R: Outcome>(handler: impl FnOnce() -> R) -> R {
    let guard = SpanGuard::open(HANDLER, None, |_| {});
    let _active = Active::handler();
    let output = handler();
    if let Some(error) = output.error() {
        current::write_beside(guard.ticket(), |span| {
            span.error(OTHER, error);
        });
    }
    output
}

/// One value of `rpc_payload_bytes{direction}`, in bytes.
pub fn payload(direction: Direction, bytes: usize) {
    metric::rpc::payload(direction, bytes);
}

/// Times one storage operation into `storage_op_latency_ms{operation}`; may be held across `.await`.
///
/// ```
/// use trackside::telemetry::rpc;
///
/// {
///     let _timer = rpc::storage("get");
///     // ... the operation ...
/// }
/// ```
pub fn storage(operation: &'static str) -> StorageTimer {
    StorageTimer { operation, start: metric::rpc::storage_start() }
}

/// Records when dropped.
#[derive(Debug)]
#[must_use = "the operation is timed until this is dropped"]
pub struct StorageTimer {
    operation: &'static str,
    start: u64,
}

impl Drop for StorageTimer {
    fn drop(&mut self) {
        metric::rpc::storage_end(self.operation, self.start);
    }
}

/// Counts one session in `active_sessions` for as long as the value lives.
pub fn session() -> Session {
    Session(Active::session())
}

/// One session; belongs in the host's connection type.
#[derive(Debug)]
#[must_use = "the session is counted until this is dropped"]
pub struct Session(#[allow(dead_code, reason = "counts while it lives")] Active);
