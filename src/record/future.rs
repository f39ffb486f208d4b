//! Futures whose polls run inside a span, or inside a context.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::context::Parent;
use crate::telemetry::Kind;
use crate::telemetry::rpc::Outcome;

use super::current;
use super::open::{Cancel, KindRule};
use super::slot::Slot;
use super::span::Span;

type Hook<T> = fn(&T, &mut Span);

pin_project! {
    /// A future whose polls run inside a span.
    ///
    /// The span ends with the future: with its output, with the attribute `cancelled` where it is
    /// dropped before, with status Error and the event `exception` where it panics.
    #[must_use = "futures do nothing unless polled"]
    pub struct Instrumented<F: Future> {
        #[pin]
        future: F,
        // Below the future, so that it ends after it.
        slot: Slot,
        on_output: Option<Hook<F::Output>>,
        on_error: Option<Hook<F::Output>>,
    }

    impl<F: Future> PinnedDrop for Instrumented<F> {
        fn drop(this: Pin<&mut Self>) {
            if !this.slot.is_empty() {
                this.project().slot.enter_to_drop(Cancel::Attribute);
            }
        }
    }
}

/// Wraps a future with a span: parent and sampling are decided here, the clock starts at the first poll.
///
/// Where the first poll happens below another span of the same trace, or below any span for what
/// was a root here, that one is the parent: wrappers nest as they are written. A future that is
/// never polled makes no span.
///
/// ```
/// use trackside::telemetry;
///
/// # async fn load(key: &str) -> u32 { 3 }
/// # let _future =
/// telemetry::instrument(load("a"), "cache.load").with(|span| { span.set("key", "a"); });
/// ```
#[inline]
pub fn instrument<F: Future>(future: F, name: &'static str) -> Instrumented<F> {
    Instrumented { future, slot: Slot::start(name), on_output: None, on_error: None }
}

impl<F: Future> Instrumented<F> {
    /// Another parent than the current span; decides sampling anew, so call it first.
    ///
    /// [`Parent::root`] makes a root, also below a span. The first poll does not change a parent
    /// that was given.
    pub fn with_parent(mut self, parent: Parent) -> Self {
        self.slot.restart(parent);
        self
    }

    /// The kind; `Internal` where not given.
    #[inline]
    pub fn with_kind(mut self, kind: Kind) -> Self {
        if let Some(open) = self.slot.open() {
            open.kind = kind;
        }
        self
    }

    /// A name made only if recording.
    pub fn named(mut self, name: impl FnOnce() -> String) -> Self {
        if let Some(open) = self.slot.open().filter(|open| open.is_recording()) {
            open.rename(name());
        }
        self
    }

    /// Writes attributes, at once, if recording; otherwise the closure is not called.
    #[inline]
    pub fn with(mut self, write: impl FnOnce(&mut Span)) -> Self {
        self.slot.write(write);
        self
    }

    /// Reads the output into the span; a plain function, so a closure may not capture.
    ///
    /// ```
    /// use trackside::telemetry;
    ///
    /// # async fn load() -> Vec<u8> { Vec::new() }
    /// # let _future =
    /// telemetry::instrument(load(), "load").on_output(|bytes, span| { span.set("bytes", bytes.len()); });
    /// ```
    pub fn on_output(mut self, read: fn(&F::Output, &mut Span)) -> Self {
        self.on_output = Some(read);
        self
    }

    /// An output that is a failure sets status Error with its text, and `error.type` to `_OTHER`.
    pub fn errors(mut self) -> Self
    where
        F::Output: Outcome,
    {
        self.on_error = Some(|output, span| {
            if let Some(error) = output.error() {
                span.error("_OTHER", error);
            }
        });
        self
    }

    /// Server where the parent is remote, else Internal; kept when the parent changes.
    pub(crate) fn into_dispatch(mut self) -> Self {
        if let Some(open) = self.slot.open() {
            open.set_kind_rule(KindRule::Dispatch);
        }
        self
    }
}

impl<F: Future> Future for Instrumented<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if self.slot.is_empty() { self.project().future.poll(cx) } else { self.poll_inside(cx) }
    }
}

impl<F: Future> Instrumented<F> {
    /// Out of line, so that a poll without a span stays as small as the bare future's.
    #[inline(never)]
    fn poll_inside(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let (on_error, on_output) = (&*this.on_error, &*this.on_output);
        this.slot.poll_inside(
            || this.future.poll(cx),
            || on_error.is_some() || on_output.is_some(),
            |slot, output| {
                slot.read(|span| {
                    for hook in [on_error, on_output].into_iter().flatten() {
                        hook(output, span);
                    }
                });
            },
        )
    }
}

impl<F: Future + fmt::Debug> fmt::Debug for Instrumented<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instrumented").field("future", &self.future).finish_non_exhaustive()
    }
}

pin_project! {
    /// A future whose polls see the context captured when it was made; for whatever the host spawns.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct InContext<F: Future> {
        #[pin]
        future: F,
        slot: Slot,
    }

    impl<F: Future> PinnedDrop for InContext<F> {
        fn drop(this: Pin<&mut Self>) {
            if !this.slot.is_empty() {
                this.project().slot.enter_to_drop(Cancel::Silent);
            }
        }
    }
}

/// Carries this thread's context into a future.
///
/// ```
/// use trackside::telemetry;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let task = tokio::spawn(telemetry::in_context(async { 1 }));
/// assert_eq!(task.await.unwrap(), 1);
/// # });
/// ```
pub fn in_context<F: Future>(future: F) -> InContext<F> {
    InContext { future, slot: Slot::carry(current::context()) }
}

impl<F: Future> InContext<F> {
    /// Another context than the current one.
    pub fn with_parent(mut self, parent: Parent) -> Self {
        self.slot = Slot::carry(parent);
        self
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if this.slot.is_empty() {
            return this.future.poll(cx);
        }
        this.slot.poll_inside(|| this.future.poll(cx), || false, |_, _| {})
    }
}

/// Carries this thread's context into a closure, for `thread::spawn` and `spawn_blocking`.
///
/// ```
/// use trackside::telemetry;
///
/// let thread = std::thread::spawn(telemetry::in_context_fn(|| 5));
/// assert_eq!(thread.join().unwrap(), 5);
/// ```
pub fn in_context_fn<R, C: FnOnce() -> R>(closure: C) -> impl FnOnce() -> R + use<R, C> {
    let mut slot = Slot::carry(current::context());
    move || slot.run(closure)
}
