//! The span that a future owns between its polls.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Poll;

use crate::context::Parent;

use super::open::{Cancel, Open, Role};
use super::span::Span;
use super::{current, gate, local};

/// Nothing, or a span that is not on any stack just now.
///
/// Dropped with a span inside, it ends it. A future's slot is declared below the future: what the
/// future's destructors record still belongs to the span.
#[derive(Debug, Default)]
pub(crate) struct Slot(Option<Box<Open>>);

impl Slot {
    #[inline]
    pub(crate) fn start(name: &'static str) -> Self {
        match gate::read() {
            0 => Self(None),
            gate => Self(local::start_or_wait(gate, name)),
        }
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
    #[inline]
    pub(crate) fn write(&mut self, write: impl FnOnce(&mut Span)) {
        /// Puts the box back, also where the closure panics.
        struct Lent<'a>(&'a mut Option<Box<Open>>, Option<Span>);
        impl Drop for Lent<'_> {
            #[inline]
            fn drop(&mut self) {
                // It is empty meanwhile.
                std::mem::forget(std::mem::replace(self.0, self.1.take().map(|span| span.open)));
            }
        }
        if let Some(open) = self.0.take_if(|open| open.is_recording()) {
            let mut lent = Lent(&mut self.0, Some(Span::new(open)));
            if let Some(span) = &mut lent.1 {
                write(span);
            }
        }
    }

    /// Runs one poll with this span as the current one; ends the span if it is done, once `finished`
    /// has read the output, which it does where it `reads`.
    ///
    /// With or without a span, the poll is called in one place, so that it is inlined there.
    #[inline(always)]
    pub(crate) fn poll<T, P: FnOnce() -> Poll<T>>(
        &mut self,
        poll: P,
        reads: bool,
        finished: impl FnOnce(&mut Self, &T),
    ) -> Poll<T> {
        let is_inside = !self.is_empty();
        let ticket = if is_inside { current::enter_here::<P>(&mut self.0) } else { 0 };
        let polled = catch_unwind(AssertUnwindSafe(poll));
        if is_inside {
            self.leave_poll::<T, P>(ticket, polled, reads, finished)
        } else {
            polled.unwrap_or_else(|panic| resume_unwind(panic))
        }
    }

    #[inline(always)]
    fn leave_poll<T, P>(
        &mut self,
        ticket: u64,
        polled: std::thread::Result<Poll<T>>,
        reads: bool,
        finished: impl FnOnce(&mut Self, &T),
    ) -> Poll<T> {
        match polled {
            Ok(Poll::Pending) => {
                current::leave_here::<P>(ticket, &mut self.0);
                Poll::Pending
            }
            Ok(Poll::Ready(output)) => {
                if reads || !current::finish(ticket) {
                    current::leave(ticket, &mut self.0);
                    if reads {
                        finished(self, &output);
                    }
                    self.end();
                }
                Poll::Ready(output)
            }
            Err(panic) => self.fail_inside(ticket, panic),
        }
    }

    /// Lends the span to what reads an output; a panic ends it and goes on.
    pub(crate) fn read(&mut self, read: impl FnOnce(&mut Span)) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.write(read))) {
            self.fail(panic);
        }
    }

    /// Runs something with this span as the current one; a panic ends the span and goes on.
    pub(crate) fn run<R>(&mut self, run: impl FnOnce() -> R) -> R {
        if self.is_empty() { run() } else { self.run_inside(run) }
    }

    /// `run` where the slot is not empty.
    fn run_inside<R>(&mut self, run: impl FnOnce() -> R) -> R {
        let ticket = current::enter(&mut self.0);
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(done) => {
                current::leave(ticket, &mut self.0);
                done
            }
            Err(panic) => self.fail_inside(ticket, panic),
        }
    }

    /// Ends the span with a panic of what ran inside it.
    #[cold]
    fn fail_inside(&mut self, ticket: u64, panic: Box<dyn Any + Send>) -> ! {
        current::leave(ticket, &mut self.0);
        self.fail(panic)
    }

    /// Ends the span with the panic, which goes on.
    #[cold]
    fn fail(&mut self, panic: Box<dyn Any + Send>) -> ! {
        self.write(|span| record_panic(span, &*panic));
        self.end();
        resume_unwind(panic)
    }

    /// The future is dropped before it finished: makes its span the current one until this is dropped
    /// in its turn.
    #[cold]
    pub(crate) fn enter_to_drop(&mut self, cancel: Cancel) {
        let Some(open) = self.0.as_deref_mut() else {
            return;
        };
        open.cancel = cancel;
        // What was never polled is no span.
        if open.has_started() || !open.is_recording() {
            let ticket = current::enter(&mut self.0);
            if ticket != 0 {
                self.0 = local::ticket(ticket);
            }
        }
    }

    #[inline]
    pub(crate) fn end(&mut self) {
        if let Some(open) = self.0.take() {
            local::end(open);
        }
    }
}

impl Drop for Slot {
    #[inline]
    fn drop(&mut self) {
        if !self.is_empty() {
            self.end_early();
        }
    }
}

impl Slot {
    /// Ends the span of a future that is gone.
    #[cold]
    fn end_early(&mut self) {
        let (ticket, in_panic) = match &self.0 {
            Some(open) if open.role == Role::Ticket => (open.ticket, open.in_panic),
            _ => (0, true),
        };
        if ticket != 0 {
            self.0.take().into_iter().for_each(local::recycle);
            current::leave(ticket, &mut self.0);
        }
        self.write(|span| {
            match span.open.cancel {
                Cancel::Silent => {}
                Cancel::Attribute => {
                    span.set("cancelled", true);
                }
                Cancel::Call => {
                    span.error("cancelled", &"dropped before it finished");
                }
            }
            if !in_panic && std::thread::panicking() {
                span.error("panic", &"panicked while it was dropped");
            }
        });
        self.end();
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
