//! The span that a future owns between its polls.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Poll;

use crate::context::Parent;

use super::open::Open;
use super::span::Span;
use super::{current, gate, local};

/// Nothing, or a span that is not on any stack just now.
#[derive(Debug, Default)]
pub(crate) struct Slot(Option<Box<Open>>);

impl Slot {
    #[inline]
    pub(crate) fn start(name: &'static str) -> Self {
        if gate::read() == 0 { Self(None) } else { Self::start_now(name) }
    }

    #[inline(never)]
    fn start_now(name: &'static str) -> Self {
        Self(match local::start(name) {
            None => local::wait(name),
            started => started,
        })
    }

    pub(crate) fn carry(parent: Parent) -> Self {
        Self(local::carry(parent))
    }

    /// Starts anew below another parent; what was prepared stays.
    #[inline]
    pub(crate) fn restart(&mut self, parent: Parent) {
        if gate::read() != 0 {
            self.restart_now(parent);
        }
    }

    fn restart_now(&mut self, parent: Parent) {
        let old = self.0.take();
        self.0 = match &old {
            Some(old) => local::start_below(old.static_name(), parent),
            // Spans are off: the context passes through.
            None if !local::records() && !local::is_suppressed() => local::carry(parent),
            None => None,
        };
        match (self.0.as_deref_mut(), old) {
            (Some(new), Some(old)) => {
                new.inherit(&old);
                local::recycle(old);
            }
            (_, Some(old)) => local::recycle(old),
            _ => {}
        }
    }

    /// Nothing is to be done: `init` was not called, or the span has ended.
    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    #[inline]
    pub(crate) fn open(&mut self) -> Option<&mut Open> {
        self.0.as_deref_mut()
    }

    /// Lends the span to a closure, if it is recorded.
    pub(crate) fn write(&mut self, write: impl FnOnce(&mut Span)) {
        if let Some(open) = self.0.take_if(|open| open.is_recording()) {
            let mut span = Span::new(open);
            let written = catch_unwind(AssertUnwindSafe(|| write(&mut span)));
            self.0 = Some(span.open);
            written.unwrap_or_else(|panic| resume_unwind(panic));
        }
    }

    /// Runs one poll with this span as the current one; ends the span if it is done.
    #[inline]
    pub(crate) fn poll<T>(
        &mut self,
        poll: impl FnOnce() -> Poll<T>,
        finished: impl FnOnce(&T, &mut Span),
    ) -> Poll<T> {
        let polled = self.run(poll);
        if let Poll::Ready(output) = &polled {
            let read = || self.write(|span| finished(output, span));
            if let Err(panic) = catch_unwind(AssertUnwindSafe(read)) {
                self.fail(panic);
            }
            self.end();
        }
        polled
    }

    /// `poll` of a slot that is not empty, where nobody reads the output.
    #[inline]
    pub(crate) fn poll_plain<T>(&mut self, poll: impl FnOnce() -> Poll<T>) -> Poll<T> {
        let polled = self.run_inside(poll);
        if polled.is_ready() {
            self.end();
        }
        polled
    }

    /// Runs something with this span as the current one; a panic ends the span and goes on.
    #[inline]
    pub(crate) fn run<R>(&mut self, run: impl FnOnce() -> R) -> R {
        if self.is_empty() { run() } else { self.run_inside(run) }
    }

    /// `run` where the slot is not empty.
    #[inline(always)]
    fn run_inside<R>(&mut self, run: impl FnOnce() -> R) -> R {
        let ticket = current::enter(&mut self.0);
        let done = catch_unwind(AssertUnwindSafe(run));
        if ticket != 0 {
            self.0 = current::leave(ticket);
        }
        match done {
            Ok(done) => done,
            Err(panic) => self.fail(panic),
        }
    }

    /// Ends the span with the panic, which goes on.
    #[cold]
    fn fail(&mut self, panic: Box<dyn Any + Send>) -> ! {
        self.write(|span| record_panic(span, &*panic));
        self.end();
        resume_unwind(panic)
    }

    /// There is something to enter: a context, or a span that was polled before.
    pub(crate) fn is_live(&self) -> bool {
        self.0.as_ref().is_some_and(|open| open.has_started() || !open.is_recording())
    }

    /// Ends the span of a future that was dropped before it finished.
    pub(crate) fn cancel(&mut self, say: impl FnOnce(&mut Span)) {
        self.write(say);
        self.end();
    }

    pub(crate) fn end(&mut self) {
        if let Some(open) = self.0.take() {
            local::end(open);
        }
    }
}

fn record_panic(span: &mut Span, panic: &(dyn Any + Send)) {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panicked");
    span.event(
        "exception",
        &[("exception.type", "panic".into()), ("exception.message", message.into())],
    );
    span.error("panic", &message);
}
