//! Spans and calls that Python opens and closes by hand.
//!
//! The core's are futures. The one inside is a step: it is told beforehand whether to stay or to be done.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use trackside::telemetry::rpc::Observed;
use trackside::telemetry::{self, Instrumented, Parent, Span};

thread_local! {
    static NEXT: Cell<Option<Result<(), Failure>>> = const { Cell::new(None) };
    static PLACE: Cell<Option<Parent>> = const { Cell::new(None) };
}

/// How something failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: &'static str,
    pub(crate) text: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The future inside.
pub(crate) struct Step;

impl Future for Step {
    type Output = Result<(), Failure>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        match NEXT.take() {
            Some(output) => Poll::Ready(output),
            None => {
                PLACE.set(Some(Parent::current()));
                Poll::Pending
            }
        }
    }
}

/// What is open.
pub(crate) enum Opened {
    Span(Instrumented<Step>),
    Call(Observed<Step>),
}

impl Opened {
    /// Starts the clock, and says where it hangs.
    pub(crate) fn begin(&mut self) -> Parent {
        NEXT.set(None);
        self.poll();
        PLACE.take().unwrap_or_default()
    }

    pub(crate) fn with(self, write: impl FnOnce(&mut Span)) -> Self {
        match self {
            Self::Span(span) => Self::Span(span.with(write)),
            Self::Call(call) => Self::Call(call.with(write)),
        }
    }

    pub(crate) fn finish(mut self, output: Result<(), Failure>) {
        NEXT.set(Some(output));
        self.poll();
        NEXT.set(None);
    }

    fn poll(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        let _ = match self {
            Self::Span(span) => Pin::new(span).poll(&mut context),
            Self::Call(call) => Pin::new(call).poll(&mut context),
        };
    }
}

/// Runs something with `parent` as this thread's current span.
pub(crate) fn within<R>(parent: Parent, run: impl FnOnce() -> R) -> Option<R> {
    let mut done = None;
    let mut run = Some(run);
    {
        let once = std::future::poll_fn(|_| {
            done = run.take().map(|run| run());
            Poll::Ready(())
        });
        let mut future = telemetry::in_context(once).with_parent(parent);
        let _ = Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop()));
    }
    done
}
