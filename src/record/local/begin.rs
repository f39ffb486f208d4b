//! How a span begins on this thread: what it hangs below, and by which settings.

use std::sync::Arc;

use crate::context::{Parent, Place, RANDOM};
use crate::testing::Sink;

use super::super::bridge::otel;
use super::super::gate;
use super::super::limits::Limits;
use super::super::open::{Open, Role};
use super::super::start::{Clock, Sampler, Settings};
use super::{Local, fill, with, with_here};

/// Starts a span below the current one; `None` where nothing is to be done.
pub(crate) fn start(name: &'static str) -> Option<Box<Open>> {
    let gate = gate::read();
    if gate == 0 {
        return None;
    }
    match with_here(|local| local.start_at_once(gate, name)) {
        Some(open) => Some(open),
        None => start_now(gate, name),
    }
}

#[inline(never)]
fn start_now(gate: u32, name: &'static str) -> Option<Box<Open>> {
    with(|local| {
        if local.suppressed.get() {
            return None;
        }
        local.refresh(gate);
        if gate & gate::CAPTURES != 0 {
            return local.start_below(gate, name, None);
        }
        local.start_below_current(gate, name)
    })
    .flatten()
}

/// `start`, or a span that may still start, see `Role::Waiting`.
pub(crate) fn start_or_wait(gate: u32, name: &'static str) -> Option<Box<Open>> {
    match with_here(|local| local.start_at_once(gate, name)) {
        Some(open) => Some(open),
        None => start_or_wait_with_care(gate, name),
    }
}

#[cold]
fn start_or_wait_with_care(gate: u32, name: &'static str) -> Option<Box<Open>> {
    let started = start_now(gate, name);
    if started.is_none() && gate & gate::CAPTURES != 0 { wait(name) } else { started }
}

#[cold]
fn wait(name: &'static str) -> Option<Box<Open>> {
    with(|local| {
        let mut open = local.unpool();
        open.begin(name, Limits::NONE);
        open.role = Role::Waiting;
        open
    })
}

/// What stands for a span that is on the stack.
#[cold]
pub(crate) fn ticket(ticket: u64) -> Option<Box<Open>> {
    with(|local| {
        let mut open = local.unpool();
        open.role = Role::Ticket;
        open.ticket = ticket;
        open.in_panic = std::thread::panicking();
        open
    })
}

/// Starts a span below `parent`; `None` where nothing is to be done.
pub(crate) fn start_below(name: &'static str, parent: Parent) -> Option<Box<Open>> {
    let gate = gate::read();
    if gate == 0 {
        return None;
    }
    with(|local| {
        if local.suppressed.get() {
            return None;
        }
        local.refresh(gate);
        local.start_below(gate, name, Some(parent))
    })
    .flatten()
}

/// A context to enter, for whatever the host spawns.
pub(crate) fn carry(parent: Parent) -> Option<Box<Open>> {
    if gate::read() == 0 {
        return None;
    }
    with(|local| local.carry(parent))
}

impl Local {
    /// A start with nothing but the usual to be done; `None`, and nothing is done, elsewhere.
    #[inline(always)]
    fn start_at_once(&self, gate: u32, name: &'static str) -> Option<Box<Open>> {
        if self.lane.get() != gate || otel::has_span(self) {
            return None;
        }
        let mut open = self.unpool_here()?;
        open.reset();
        open.begin(name, self.limits.get());
        open.make_implicit();
        let top = self.top.take();
        match top.as_deref() {
            None => {
                let trace = self.next_trace_id();
                let sampled = Sampler::OF_PROCESS.samples(Place::default(), trace);
                open.hang_at_once(Place { flags: RANDOM, ..Place::default() }, trace, sampled);
            }
            Some(top) if top.extra.is_none() && top.place().has_span() => {
                let sampled = Sampler::OF_PROCESS.samples(top.place(), top.trace);
                open.hang_at_once(top.place(), top.trace, sampled);
            }
            Some(_) => {
                fill(&self.top, top);
                self.recycle_here(open);
                return None;
            }
        }
        fill(&self.top, top);
        open.span = self.next_random();
        Some(open)
    }

    /// Nothing was given, and no test looks on.
    fn start_below_current(&self, gate: u32, name: &'static str) -> Option<Box<Open>> {
        if gate & gate::RECORDS == 0 {
            return None;
        }
        // First, since another library's span may come back here.
        let (_, context) = otel::ids(self);
        let top = self.top.take();
        let is_current = match &top {
            Some(top) => !top.is_older(context),
            None => context == 0,
        };
        if !is_current {
            fill(&self.top, top);
            return self.start_below(gate, name, None);
        }
        let mut open = self.unpool();
        let settings = self.settings.get();
        open.begin(name, settings.limits);
        open.span = self.random();
        match top.as_deref() {
            Some(top) if top.place().has_span() => {
                let place = top.place();
                let sampled = settings.sampler.samples(place, place.trace);
                open.hang(place, top.extra.as_ref(), place.trace, sampled);
            }
            top => {
                let trace = self.trace_id();
                let place = top.map(Open::place).unwrap_or_default();
                let extra = top.and_then(|top| top.extra.as_ref());
                open.hang(place, extra, trace, settings.sampler.samples(place, trace));
            }
        }
        open.make_implicit();
        fill(&self.top, top);
        Some(open)
    }

    fn start_below(
        &self,
        gate: u32,
        name: &'static str,
        parent: Option<Parent>,
    ) -> Option<Box<Open>> {
        let is_given = parent.is_some();
        let mut parent = parent.unwrap_or_else(|| self.current());
        let Some((settings, clock)) = self.settings(gate, &mut parent) else {
            // Off, but contexts pass through.
            return is_given.then(|| self.carry(parent));
        };
        let mut open = self.unpool();
        open.begin(name, settings.limits);
        open.set_clock(clock);
        open.span = self.random();
        self.hang(&mut open, &parent, &settings);
        if !is_given {
            open.make_implicit();
        }
        Some(open)
    }

    fn hang(&self, open: &mut Open, parent: &Parent, settings: &Settings) {
        let place = parent.place();
        let trace = if place.has_span() { place.trace } else { self.trace_id() };
        open.hang(place, parent.extra.as_ref(), trace, settings.sampler.samples(place, trace));
    }

    /// Hangs a span below the current one, at its first poll.
    #[cold]
    pub(in crate::record) fn hang_below_current(&self, open: &mut Open) {
        self.hang_below(open, self.current());
    }

    /// Hangs a span that has begun below another parent; decides sampling anew.
    pub(in crate::record) fn hang_below(&self, open: &mut Open, mut parent: Parent) {
        let gate = gate::read();
        self.refresh(gate);
        if let Some((settings, _)) = self.settings(gate, &mut parent) {
            self.hang(open, &parent, &settings);
        }
    }

    /// An empty span to write to in the place of the current one, which is not on the stack.
    pub(in crate::record) fn beside_current(&self) -> Option<Box<Open>> {
        let gate = gate::read();
        self.refresh(gate);
        let (settings, clock) = self.settings(gate, &mut self.current())?;
        let mut open = self.unpool();
        open.beside(settings.limits, clock);
        Some(open)
    }

    /// What a span below `parent` is started with; `None` where spans are off.
    fn settings(&self, gate: u32, parent: &mut Parent) -> Option<(Settings, Clock)> {
        let of_process =
            || (gate & gate::RECORDS != 0).then(|| (self.settings.get(), Clock::Ticks));
        self.captured(parent).or_else(of_process)
    }

    fn carry(&self, parent: Parent) -> Box<Open> {
        let mut open = self.unpool();
        open.role = Role::Carried;
        open.trace = parent.trace;
        open.span = parent.span;
        open.flags = parent.flags;
        open.remote = parent.remote;
        open.extra = parent.extra;
        open
    }

    /// The settings of the test that captures this span, if one does.
    fn captured(&self, parent: &mut Parent) -> Option<(Settings, Clock)> {
        if gate::read() & gate::CAPTURES == 0 {
            return None;
        }
        if parent.extra.as_ref().is_none_or(|extra| extra.capture.is_none()) {
            let followed = Sink::following(parent.trace);
            let capture = followed.or_else(|| self.capture.borrow().as_ref()?.capture.clone())?;
            Arc::make_mut(parent.extra.get_or_insert_default()).capture = Some(capture);
        }
        let capture = parent.extra.as_ref()?.capture.as_ref()?;
        Some((capture.settings(), capture.clock()))
    }
}
