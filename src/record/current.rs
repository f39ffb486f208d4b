//! The stack of open spans: entering, leaving, and what happens to guards that were forgotten.
//!
//! No pointer leads into a span. A poll moves the box onto the stack and takes it back by its
//! ticket; a scope guard is only that ticket.

use crate::context::Parent;
use crate::health::counters;

use super::bridge::otel;
use super::gate;
use super::local::{self, Local, fill};
use super::open::{Mark, Open, Role};
use super::span::Span;

/// Makes a span the current one, and says its ticket; 0, and the span stays, where the thread is
/// being torn down.
pub(crate) fn enter(slot: &mut Option<Box<Open>>) -> u64 {
    local::with(|local| {
        // First, since another library's span may come back here.
        let context = otel::ids(local);
        if slot.as_deref_mut().is_none_or(|open| open.is_new && !settle(local, open, context)) {
            return 0;
        }
        let Some(mut open) = slot.take() else {
            return 0;
        };
        let ticket = next_ticket(local);
        open.seen = context.1;
        open.ticket = ticket;
        if gate::read() & gate::ATTACHES != 0 {
            otel::attach(&mut open);
        }
        put_on_top(local, open);
        ticket
    })
    .unwrap_or(0)
}

/// `enter`, for the polls of futures. `P` is the poll's own: it makes this one a function of its own,
/// which comes without a call.
#[allow(clippy::extra_unused_type_parameters, reason = "each poll has one of its own")]
#[inline(always)]
pub(crate) fn enter_here<P>(slot: &mut Option<Box<Open>>) -> u64 {
    match local::with_here(|local| enter_at_once(local, slot)) {
        0 => enter_with_care(slot),
        ticket => ticket,
    }
}

#[cold]
fn enter_with_care(slot: &mut Option<Box<Open>>) -> u64 {
    // A thread that only polls goes the short way from here on.
    local::with(|local| local.refresh(gate::read()));
    enter(slot)
}

/// An entry with nothing but the usual to be done; 0, and nothing is done, elsewhere.
#[inline(always)]
fn enter_at_once(local: &Local, slot: &mut Option<Box<Open>>) -> u64 {
    if !slot.as_deref_mut().is_some_and(|open| settles_at_once(local, open)) {
        return 0;
    }
    let Some(mut open) = slot.take() else {
        return 0;
    };
    let ticket = next_ticket(local);
    open.seen = 0;
    open.ticket = ticket;
    put_on_top(local, open);
    ticket
}

#[inline(always)]
fn settles_at_once(local: &Local, open: &mut Open) -> bool {
    if !local.is_usual() || otel::has_span(local) {
        return false;
    }
    if !open.is_new {
        return true;
    }
    let top = local.top.take();
    let settles = open.settle_at_once(top.as_deref());
    fill(&local.top, top);
    settles
}

#[inline(always)]
fn next_ticket(local: &Local) -> u64 {
    let ticket = local.tickets.get() + 1;
    local.tickets.set(ticket);
    ticket
}

#[inline(always)]
fn put_on_top(local: &Local, mut open: Box<Open>) {
    // Nothing hangs below what is on no stack.
    std::mem::forget(std::mem::replace(&mut open.below, local.top.take()));
    fill(&local.top, Some(open));
}

/// The first entry settles the parent and starts the clock; false where there is nothing to enter.
#[inline(never)]
fn settle(local: &Local, open: &mut Open, context: (u128, u64)) -> bool {
    if open.role == Role::Waiting {
        return false;
    }
    open.is_new = false;
    if open.may_move() {
        let top = local.top.take();
        let moves = open.takes_over(top.as_deref(), context);
        fill(&local.top, top);
        if moves {
            local.hang_below_current(open);
            open.has_moved = true;
        }
    }
    open.start_clock();
    true
}

/// Runs with this thread's share; `None` before `init` too, when there is nothing and nothing of ours
/// may touch anything.
#[inline]
fn on<R>(run: impl FnOnce(&Local) -> R) -> Option<R> {
    if gate::read() == 0 { None } else { local::with(run) }
}

/// Takes a span off the stack and puts it where it is to be, which is empty; guards above it were
/// forgotten and are ended. Without a ticket there is nothing to do.
pub(crate) fn leave(ticket: u64, to: &mut Option<Box<Open>>) {
    leave_here::<()>(ticket, to);
}

/// `leave`, for the polls of futures; `P` as for `enter_here`.
#[allow(clippy::extra_unused_type_parameters, reason = "each poll has one of its own")]
#[inline(always)]
pub(crate) fn leave_here<P>(ticket: u64, to: &mut Option<Box<Open>>) {
    local::with_here(|local| {
        let Some(mut top) = local.top.take() else {
            return;
        };
        if top.ticket != ticket || top.is_attached {
            return leave_with_care(local, ticket, top, to);
        }
        fill(&local.top, top.below.take());
        std::mem::forget(to.replace(top));
    });
}

#[cold]
fn leave_with_care(local: &Local, ticket: u64, top: Box<Open>, to: &mut Option<Box<Open>>) {
    fill(&local.top, Some(top));
    if ticket != 0 {
        *to = leave_through(local, ticket).map(detached);
    }
}

/// `leave` and the span's end in one, where nothing but the usual is to be done; false, and nothing
/// is done, elsewhere.
#[inline(never)]
pub(crate) fn finish(ticket: u64) -> bool {
    local::with_here(|local| {
        let Some(mut top) = local.top.take() else {
            return false;
        };
        if top.ticket != ticket || !local.ends_at_once(&top) {
            fill(&local.top, Some(top));
            return false;
        }
        if top.is_recording() {
            return finish_recorded(local, top);
        }
        fill(&local.top, top.below.take());
        local.recycle_here(top);
        true
    })
}

/// `finish` of a span that is recorded: apart, since only its copies need so much of the processor.
#[inline(never)]
fn finish_recorded(local: &Local, mut top: Box<Open>) -> bool {
    if !local.record_at_once(&mut top) {
        fill(&local.top, Some(top));
        return false;
    }
    fill(&local.top, top.below.take());
    local.recycle_here(top);
    true
}

/// What is off the stack is no `Context` either.
#[inline]
pub(crate) fn detached(mut open: Box<Open>) -> Box<Open> {
    if open.is_attached {
        otel::detach(&mut open);
    }
    open
}

fn leave_through(local: &Local, ticket: u64) -> Option<Box<Open>> {
    if !is_on_stack(local, ticket) {
        return None;
    }
    while let Some(mut top) = local.top.take() {
        local.top.set(top.below.take());
        if top.ticket == ticket {
            return Some(top);
        }
        counters::FORGOTTEN_SPANS.add(1);
        local::end(detached(top));
    }
    None
}

fn is_on_stack(local: &Local, ticket: u64) -> bool {
    let top = local.top.take();
    let mut next = top.as_ref();
    while next.is_some_and(|open| open.ticket != ticket) {
        next = next.and_then(|open| open.below.as_ref());
    }
    let found = next.is_some();
    local.top.set(top);
    found
}

/// Takes one span out of the stack, wherever it is: guards may be dropped in any order.
pub(crate) fn remove(ticket: u64) -> Option<Box<Open>> {
    if ticket == 0 {
        return None;
    }
    local::with(|local| remove_where(local, |open| open.ticket == ticket)).flatten().map(detached)
}

/// Takes the innermost entry of a `tracing` span out of the stack; it may still be attached.
pub(crate) fn remove_marked(mark: Mark) -> Option<Box<Open>> {
    local::with(|local| remove_where(local, |open| open.mark == mark)).flatten()
}

/// `remove_marked` where it is the innermost entry of all, the span itself, and not attached.
#[inline(always)]
pub(crate) fn pop_marked(local: &Local, mark: Mark) -> Option<Box<Open>> {
    let mut top = local.top.take()?;
    if top.mark == mark && top.role != Role::Carried && !top.is_attached {
        fill(&local.top, top.below.take());
        return Some(top);
    }
    fill(&local.top, Some(top));
    None
}

/// Makes a `tracing` span the current one; says whether its first entry found a nearer parent.
#[inline(always)]
pub(crate) fn enter_marked(local: &Local, mut open: Box<Open>) -> bool {
    open.ticket = next_ticket(local);
    open.seen = 0;
    let moved = !settles_at_once(local, &mut open) && settle_marked(local, &mut open);
    put_on_top(local, open);
    moved
}

/// As `enter` for a span of nobody's slot; says whether it has another parent now.
#[cold]
#[inline(never)]
fn settle_marked(local: &Local, open: &mut Open) -> bool {
    // A thread that only enters spans goes the short way from here on.
    local.refresh(gate::read());
    let context = otel::ids(local);
    let moved = open.is_new && settle(local, open, context) && open.has_moved;
    open.seen = context.1;
    if gate::read() & gate::ATTACHES != 0 {
        otel::attach(open);
    }
    moved
}

fn remove_where(local: &Local, is_it: impl Fn(&Open) -> bool) -> Option<Box<Open>> {
    let mut top = local.top.take();
    let mut at = &mut top;
    while at.as_ref().is_some_and(|open| !is_it(open)) {
        at = &mut at.as_mut()?.below;
    }
    let mut found = at.take();
    if let Some(open) = &mut found {
        *at = open.below.take();
    }
    local.top.set(top);
    found
}

/// Lends the current entry, if there is one.
pub(crate) fn with_top<R>(run: impl FnOnce(&mut Open) -> R) -> Option<R> {
    /// Puts the box back, even if a `Display` of the host's panics.
    struct Lent<'a>(&'a Local, Option<Box<Open>>);
    impl Drop for Lent<'_> {
        fn drop(&mut self) {
            self.0.top.set(self.1.take());
        }
    }
    on(|local| {
        let mut lent = Lent(local, local.top.take());
        lent.1.as_deref_mut().map(run)
    })
    .flatten()
}

/// Trace and span of whoever was entered last.
pub(crate) fn ids() -> (u128, u64) {
    on(|local| {
        let top = local.top.take();
        let ids = Open::nearest(top.as_deref(), otel::ids(local));
        local.top.set(top);
        ids
    })
    .unwrap_or_default()
}

/// Whether that is the span of OpenTelemetry's `Context`.
pub(crate) fn is_in_context() -> bool {
    let span = on(|local| otel::ids(local).1).unwrap_or(0);
    span != 0 && with_top(|top| top.is_older(span)).unwrap_or(true)
}

/// Runs `write` on an empty span and hands what it wrote to the `Context`'s span.
#[cold]
pub(crate) fn write_in_context(write: impl FnOnce(&mut Span)) {
    if !otel::is_recording() {
        return;
    }
    let Some(beside) = local::with(Local::beside_current).flatten() else {
        return;
    };
    let mut span = Span::new(beside);
    write(&mut span);
    if let Some(left) = otel::hand_over(span.open) {
        counters::LATE_WRITES.add(1);
        local::recycle(left);
    }
}

/// The context of this thread, now.
pub(crate) fn context() -> Parent {
    on(Local::current).unwrap_or_default()
}

/// Runs `write` on an empty span and adds what it wrote to the entry with this ticket.
///
/// The stack stays as it is meanwhile, so the closure may itself open spans or ask for the current one.
pub(crate) fn write_beside(ticket: u64, write: impl FnOnce(&mut Span)) {
    let found = with_entry(ticket, |open| open.is_recording().then(|| open.limits_and_clock()));
    let Some(Some((limits, clock))) = found else {
        return;
    };
    let Some(mut beside) = local::with(Local::unpool) else {
        return;
    };
    beside.beside(limits, clock);
    let mut span = Span::new(beside);
    write(&mut span);
    if with_entry(ticket, |open| open.absorb(&span.open)).is_none() {
        counters::LATE_WRITES.add(1);
    }
    local::recycle(span.open);
}

pub(crate) fn with_entry<R>(ticket: u64, run: impl FnOnce(&mut Open) -> R) -> Option<R> {
    if ticket == 0 {
        return None;
    }
    with_entry_where(|open| open.ticket == ticket, run)
}

/// Lends the first entry that fits, from the innermost outwards.
pub(crate) fn with_entry_where<R>(
    is_it: impl Fn(&Open) -> bool,
    run: impl FnOnce(&mut Open) -> R,
) -> Option<R> {
    with_top(|top| {
        let mut at = Some(top);
        while let Some(open) = at {
            if is_it(open) {
                return Some(run(open));
            }
            at = open.below.as_deref_mut();
        }
        None
    })
    .flatten()
}

/// Counts what was written to a span that lives elsewhere.
pub(crate) fn count_late_write(open: &Open) {
    if open.role == Role::Carried && open.span != 0 {
        counters::LATE_WRITES.add(1);
    }
}
