//! What each thread keeps: its ring, its stack of open spans, a pool, and a source of ids.

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use crate::context::{Extra, Parent};
use crate::health::counters;
use crate::pipeline::ring::{Producer, Pushed};
use crate::pipeline::{self, Intake, Shared};
use crate::testing::Sink;

use super::attributes::AttributeBuffer;
use super::bridge::otel;
use super::gate;
use super::log::LogLimits;
use super::open::{Open, Role};
use super::start::{Clock, Settings};

/// Boxes that a thread keeps for its next spans.
const POOL: u32 = 64;

thread_local! {
    static LOCAL: Local = const { Local::new() };
}

/// Which way a record leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lane {
    Traces,
    Logs,
}

impl Lane {
    /// That signal's rings and accounts.
    fn intake(self) -> fn(&Shared) -> &Intake {
        match self {
            Self::Traces => |shared| &shared.traces,
            Self::Logs => |shared| &shared.logs,
        }
    }
}

/// A thread's share of the crate.
pub(crate) struct Local {
    /// The gate that `settings`, `pipeline` and `producer` belong to.
    gate: Cell<u32>,
    settings: Cell<Settings>,
    pipeline: RefCell<Option<Arc<Shared>>>,
    /// A ring for each lane, from its first record on.
    producers: [RefCell<Option<Producer>>; 2],
    /// For the next log record.
    pub(super) log_attributes: Cell<Option<AttributeBuffer>>,
    /// The innermost open span, on a list through `below`.
    pub(super) top: Cell<Option<Box<Open>>>,
    pub(super) tickets: Cell<u64>,
    pool: Cell<Option<Box<Open>>>,
    pooled: Cell<u32>,
    random: Cell<u64>,
    /// One of the crate's own threads: its telemetry is suppressed.
    suppressed: Cell<bool>,
    /// Where a test captures this thread's roots.
    capture: RefCell<Option<Arc<Extra>>>,
}

/// Runs with this thread's share; `None` while the thread is being torn down.
pub(crate) fn with<R>(run: impl FnOnce(&Local) -> R) -> Option<R> {
    LOCAL.try_with(run).ok()
}

/// Whether spans are recorded, unless a test captures them.
pub(crate) fn records() -> bool {
    gate::read() & (gate::RECORDS | gate::CAPTURES) != 0
}

/// Makes this thread one of ours.
pub(crate) fn suppress() {
    with(|local| local.suppressed.set(true));
}

/// Runs with this thread's telemetry suppressed, also where that panics.
pub(crate) fn suppressed<R>(run: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            with(|local| local.suppressed.set(self.0));
        }
    }
    let _restore = Restore(is_suppressed());
    suppress();
    run()
}

/// Whether this thread is one of ours.
pub(crate) fn is_suppressed() -> bool {
    with(|local| local.suppressed.get()).unwrap_or(false)
}

/// Starts a span below `parent`, or below the current span; `None` where nothing is to be done.
#[inline]
pub(crate) fn start(name: &'static str, parent: Option<Parent>) -> Option<Box<Open>> {
    let gate = gate::read();
    if gate == 0 {
        return None;
    }
    with(|local| local.start(gate, name, parent)).flatten()
}

/// A context to enter, for whatever the host spawns.
pub(crate) fn carry(parent: Parent) -> Option<Box<Open>> {
    if gate::read() == 0 {
        return None;
    }
    with(|local| local.carry(parent))
}

/// Ends a span: its record leaves for the ring, its box for the pool.
#[inline]
pub(crate) fn end(open: Box<Open>) {
    let mut open = Some(open);
    with(|local| {
        if let Some(mut open) = open.take() {
            if open.is_recording() && open.has_started() {
                local.record(&mut open);
            }
            local.recycle(open);
        }
    });
    // The thread is being torn down, and its share with it.
    if let Some(mut open) = open.filter(|open| open.is_recording() && open.has_started()) {
        match open.capture() {
            Some(capture) => open.finish(|pieces| capture.take(pieces)),
            None => open.finish(|pieces| pipeline::push_shared(Lane::Traces.intake(), pieces)),
        }
    }
}

/// Puts a box back without a record.
pub(crate) fn recycle(open: Box<Open>) {
    with(|local| local.recycle(open));
}

/// Sets where this thread's roots are captured; gives back what was there.
pub(crate) fn set_capture(capture: Option<Arc<Extra>>) -> Option<Arc<Extra>> {
    with(|local| local.capture.replace(capture)).flatten()
}

impl Local {
    const fn new() -> Self {
        Self {
            gate: Cell::new(0),
            settings: Cell::new(Settings::NONE),
            pipeline: RefCell::new(None),
            producers: [RefCell::new(None), RefCell::new(None)],
            log_attributes: Cell::new(None),
            top: Cell::new(None),
            tickets: Cell::new(0),
            pool: Cell::new(None),
            pooled: Cell::new(0),
            random: Cell::new(0),
            suppressed: Cell::new(false),
            capture: RefCell::new(None),
        }
    }

    #[inline]
    fn start(&self, gate: u32, name: &'static str, parent: Option<Parent>) -> Option<Box<Open>> {
        if self.suppressed.get() {
            return None;
        }
        self.refresh(gate);
        match parent {
            None if gate & gate::CAPTURES == 0 => self.start_below_current(gate, name),
            parent => self.start_below(gate, name, parent),
        }
    }

    /// The usual way: nothing was given, and no test looks on.
    #[inline]
    fn start_below_current(&self, gate: u32, name: &'static str) -> Option<Box<Open>> {
        if gate & gate::RECORDS == 0 {
            return None;
        }
        let top = self.top.take();
        let (_, context) = otel::ids();
        let is_current = match &top {
            Some(top) => !top.is_older(context),
            None => context == 0,
        };
        if !is_current {
            self.top.set(top);
            return self.start_below(gate, name, None);
        }
        let settings = self.settings.get();
        let mut open = self.unpool();
        open.begin(name, settings.limits, Clock::Ticks);
        open.span = self.random();
        let place = top.as_ref().map(|top| top.place()).unwrap_or_default();
        let extra = top.as_ref().and_then(|top| top.extra.as_ref());
        let trace = if place.has_span() { place.trace } else { self.trace_id() };
        open.hang(place, extra, trace, settings.sampler.samples(place, trace));
        open.make_implicit();
        self.top.set(top);
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
        open.begin(name, settings.limits, clock);
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
    pub(super) fn hang_below_current(&self, open: &mut Open) {
        self.hang_below(open, self.current());
    }

    /// Hangs a span that has begun below another parent; decides sampling anew.
    pub(super) fn hang_below(&self, open: &mut Open, mut parent: Parent) {
        let gate = gate::read();
        self.refresh(gate);
        if let Some((settings, _)) = self.settings(gate, &mut parent) {
            self.hang(open, &parent, &settings);
        }
    }

    /// An empty span to write to in the place of the current one, which is not on the stack.
    pub(super) fn beside_current(&self) -> Option<Box<Open>> {
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

    /// The context of this thread, now.
    pub(crate) fn current(&self) -> Parent {
        let top = self.top.take();
        let newer = otel::newer(top.as_deref());
        let parent =
            newer.or_else(|| top.as_ref().map(|open| open.as_parent())).unwrap_or_default();
        self.top.set(top);
        parent
    }

    /// Follows a start or a shutdown that happened since this thread last looked.
    #[inline]
    fn refresh(&self, gate: u32) {
        if self.gate.get() != gate {
            self.follow(gate);
        }
    }

    #[cold]
    fn follow(&self, gate: u32) {
        self.gate.set(gate);
        let pipeline = pipeline::current();
        self.settings.set(pipeline.as_ref().map_or(Settings::NONE, |shared| shared.settings));
        for producer in &self.producers {
            *producer.borrow_mut() = None;
        }
        // The old one may own a host's callback, whose destructor may come back here.
        drop(self.pipeline.replace(pipeline));
    }

    /// Sends a finished span's record.
    #[inline]
    fn record(&self, open: &mut Open) {
        match open.capture() {
            Some(capture) => open.finish(|pieces| capture.take(pieces)),
            None => open.finish(|pieces| self.push(Lane::Traces, pieces)),
        }
    }

    pub(super) fn push(&self, lane: Lane, pieces: &[&[u8]]) {
        self.refresh(gate::read());
        let pipeline = self.pipeline.borrow();
        let Some(shared) = pipeline.as_ref().filter(|shared| shared.is_running()) else {
            return pipeline::push_shared(lane.intake(), pieces);
        };
        let intake = match lane {
            Lane::Traces => &shared.traces,
            Lane::Logs => &shared.logs,
        };
        let mut producer = self.producers[lane as usize].borrow_mut();
        if producer.is_none() {
            *producer = intake.register();
        }
        let pushed = match producer.as_mut() {
            Some(producer) => intake.push(producer, pieces),
            // Too many threads for the byte limit.
            None => intake.push_overflow(pieces),
        };
        if pushed == Pushed::HighWater {
            shared.wake();
        }
    }

    /// What a log record is written under, and where a test captures it; `None` where logs are off.
    pub(super) fn log_settings(&self, gate: u32) -> Option<(LogLimits, Option<Arc<Sink>>)> {
        if self.suppressed.get() {
            return None;
        }
        self.refresh(gate);
        if gate & gate::CAPTURES != 0 {
            let sink = |extra: &Arc<Extra>| extra.capture.clone();
            let context = self.current();
            let of_context = context.extra.as_ref().and_then(sink);
            let of_context = of_context.or_else(|| Sink::following(context.trace));
            let captured = of_context.or_else(|| self.capture.borrow().as_ref().and_then(sink));
            if let Some(sink) = captured {
                return Some((sink.settings().log_limits, Some(sink)));
            }
        }
        (gate & gate::LOGS != 0).then(|| (self.settings.get().log_limits, None))
    }

    #[inline]
    pub(super) fn unpool(&self) -> Box<Open> {
        match self.pool.take() {
            Some(mut open) => {
                self.pool.set(open.below.take());
                self.pooled.set(self.pooled.get() - 1);
                open
            }
            None => Box::default(),
        }
    }

    pub(super) fn recycle(&self, mut open: Box<Open>) {
        if self.pooled.get() < POOL {
            open.clear();
            open.below = self.pool.take();
            self.pool.set(Some(open));
            self.pooled.set(self.pooled.get() + 1);
        }
    }

    fn trace_id(&self) -> u128 {
        u128::from(self.random()) << 64 | u128::from(self.random())
    }

    /// wyrand; never 0, since W3C forbids that id.
    #[inline]
    fn random(&self) -> u64 {
        let mut state = self.random.get();
        if state == 0 {
            // `RandomState` is seeded by the system, and differs for each call.
            state = RandomState::new().build_hasher().finish() | 1;
        }
        state = state.wrapping_add(0xa076_1d64_78bd_642f);
        self.random.set(state);
        let product = u128::from(state) * u128::from(state ^ 0xe703_7ed1_a0b4_28db);
        match (product >> 64) as u64 ^ product as u64 {
            0 => 1,
            id => id,
        }
    }
}

impl Drop for Local {
    /// Lists are freed one by one: a chain of boxes would drop recursively.
    fn drop(&mut self) {
        for list in [&self.top, &self.pool] {
            let mut next = list.take();
            while let Some(mut open) = next {
                next = open.below.take();
                if open.is_recording() && open.has_started() {
                    counters::FORGOTTEN_SPANS.add(1);
                    end(open);
                }
            }
        }
    }
}
