//! Futures whose polls run inside a span, or inside a context.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::context::Parent;
use crate::telemetry::hooks::Hooks;
use crate::telemetry::rpc::Outcome;
use crate::telemetry::{Kind, OnError, OnOutput};

use super::current;
use super::open::{Cancel, KindRule};
use super::slot::Slot;
use super::span::Span;

pin_project! {
    /// A future whose polls run inside a span.
    ///
    /// The span ends with the future: with its output, with the attribute `cancelled` where it is
    /// dropped before, with status Error and the event `exception` where it panics. `H` is what
    /// reads the output.
    #[must_use = "futures do nothing unless polled"]
    pub struct Instrumented<F: Future, H = ()> {
        #[pin]
        inside: Inside<F>,
        hooks: H,
    }
}

pin_project! {
    /// The future and its span: apart, since what has a `Drop` is never taken to pieces.
    struct Inside<F: Future> {
        #[pin]
        future: F,
        // Below the future, so that it ends after it.
        slot: Slot,
    }

    impl<F: Future> PinnedDrop for Inside<F> {
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
    Instrumented { inside: Inside { future, slot: Slot::start(name) }, hooks: () }
}

impl<F: Future, H> Instrumented<F, H> {
    /// Another parent than the current span; decides sampling anew, so call it first.
    ///
    /// [`Parent::root`] makes a root, also below a span. The first poll does not change a parent
    /// that was given.
    pub fn with_parent(mut self, parent: Parent) -> Self {
        self.inside.slot.restart(parent);
        self
    }

    /// The kind; `Internal` where not given.
    #[inline]
    pub fn with_kind(mut self, kind: Kind) -> Self {
        if let Some(open) = self.inside.slot.open() {
            open.kind = kind;
        }
        self
    }

    /// A name made only if recording.
    pub fn named(mut self, name: impl FnOnce() -> String) -> Self {
        if let Some(open) = self.inside.slot.open().filter(|open| open.is_recording()) {
            open.rename(name());
        }
        self
    }

    /// Writes attributes, at once, if recording; otherwise the closure is not called.
    #[inline]
    pub fn with(mut self, write: impl FnOnce(&mut Span)) -> Self {
        self.inside.slot.write(write);
        self
    }

    /// Reads the output into the span, if recording; called again, both do, in this order.
    ///
    /// ```
    /// use trackside::telemetry;
    ///
    /// # async fn load() -> Vec<u8> { Vec::new() }
    /// let wanted = 512_usize;
    /// # let _future =
    /// telemetry::instrument(load(), "load")
    ///     .on_output(move |bytes, span| { span.set("missing", wanted.saturating_sub(bytes.len())); });
    /// ```
    #[inline]
    pub fn on_output<R>(self, read: R) -> Instrumented<F, OnOutput<R, H>>
    where
        R: FnOnce(&F::Output, &mut Span),
    {
        let hooks = OnOutput { others: self.hooks, read: Some(read) };
        Instrumented { inside: self.inside, hooks }
    }

    /// An output that is a failure sets status Error with its text, and `error.type` to `_OTHER`, before
    /// any [`on_output`](Self::on_output).
    #[inline]
    pub fn errors(self) -> Instrumented<F, OnError<H>>
    where
        F::Output: Outcome,
    {
        Instrumented { inside: self.inside, hooks: OnError(self.hooks) }
    }

    /// Server where the parent is remote, else Internal; kept when the parent changes.
    pub(crate) fn into_dispatch(mut self) -> Self {
        if let Some(open) = self.inside.slot.open() {
            open.set_kind_rule(KindRule::Dispatch);
        }
        self
    }
}

impl<F: Future, H: Hooks<F::Output>> Future for Instrumented<F, H> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let (inside, hooks) = (this.inside.project(), this.hooks);
        inside.slot.poll(
            || inside.future.poll(cx),
            H::READS,
            |slot, output| slot.read(|span| hooks.read(output, span)),
        )
    }
}

impl<F, H> fmt::Debug for Instrumented<F, H>
where
    F: Future + fmt::Debug,
    H: Hooks<F::Output>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instrumented").field("future", &self.inside.future).finish_non_exhaustive()
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
        this.slot.poll(|| this.future.poll(cx), false, |_, _| {})
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
