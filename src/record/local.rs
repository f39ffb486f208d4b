//! What each thread keeps: its ring, its stack of open spans, a pool, and a source of ids.

mod begin;
mod leave;
mod random;

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::sync::Arc;

use crate::context::{Extra, Parent};
use crate::health::counters;
use crate::pipeline::{self, fork};

use super::bridge::{Places, otel};
use super::gate;
use super::limits::Limits;
use super::log::Scratch;
use super::open::Open;
use super::start::Settings;

pub(crate) use begin::{carry, start, start_below, start_or_wait, ticket};
use leave::Way;
pub(crate) use leave::{Lane, end};

/// No gate: all flags are never set at once.
const NO_LANE: u32 = u32::MAX;
/// Boxes that a thread keeps for its next spans.
const POOL: u32 = 64;

thread_local! {
    // Without a destructor: it may be looked at without asking first whether it is there.
    static LOCAL: ManuallyDrop<Local> = const { ManuallyDrop::new(Local::new()) };
    // Its destructor.
    static END: End = const { End };
}

/// How far a thread's share is in its thread's life.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    /// Nobody has asked for it.
    New,
    Alive,
    /// The thread is being torn down.
    Gone,
}

struct End;

impl Drop for End {
    fn drop(&mut self) {
        with_here(Local::tear_down);
    }
}

/// A thread's share of the crate.
pub(crate) struct Local {
    life: Cell<Life>,
    /// The gate that `settings`, `pipeline` and `producer` belong to.
    gate: Cell<u32>,
    /// The same, where nothing but the usual is to be done: spans are recorded, no test looks on, no
    /// `Context` is attached, this thread is no one of ours.
    lane: Cell<u32>,
    settings: Cell<Settings>,
    /// Those of `settings`: the hot road copies them alone.
    limits: Cell<Limits>,
    way: RefCell<Way>,
    /// For the next log record.
    pub(super) scratch: Cell<Option<Box<Scratch>>>,
    /// Where this thread's log records are made.
    pub(super) places: Places,
    /// The thread's name, once it was asked for.
    thread_name: Cell<Option<Option<Box<str>>>>,
    /// The innermost open span, on a list through `below`.
    pub(super) top: Cell<Option<Box<Open>>>,
    pub(super) tickets: Cell<u64>,
    pool: Cell<Option<Box<Open>>>,
    pooled: Cell<u32>,
    random: Cell<u64>,
    /// The tick of the fork that made this process; 0 where none did. Spans that began before are the parent's.
    forked_at: Cell<u64>,
    /// One of the crate's own threads: its telemetry is suppressed.
    suppressed: Cell<bool>,
    /// Where a test captures this thread's roots.
    capture: RefCell<Option<Arc<Extra>>>,
}

/// Fills a cell that was just emptied: nothing is there to drop, so there is no code for it either.
#[inline(always)]
pub(super) fn fill<T>(cell: &Cell<Option<T>>, value: Option<T>) {
    std::mem::forget(cell.replace(value));
}

/// Runs with this thread's share; `None` while the thread is being torn down.
#[inline(always)]
pub(crate) fn with<R>(run: impl FnOnce(&Local) -> R) -> Option<R> {
    with_here(|local| if local.is_alive() { Some(run(local)) } else { None })
}

/// `with` for what looks at `lane` first, or takes what is there: no lane is open, and nothing is there, but
/// where the share is alive.
#[inline(always)]
pub(super) fn with_here<R>(run: impl FnOnce(&Local) -> R) -> R {
    LOCAL.with(|local| run(local))
}

/// Whether spans are recorded, unless a test captures them.
pub(crate) fn records() -> bool {
    gate::read() & (gate::RECORDS | gate::CAPTURES) != 0
}

/// Makes this thread one of ours.
pub(crate) fn suppress() {
    with(|local| local.set_suppressed(true));
}

/// Runs with this thread's telemetry suppressed, also where that panics.
pub(crate) fn suppressed<R>(run: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            with(|local| local.set_suppressed(self.0));
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

/// Puts a box back without a record.
pub(crate) fn recycle(open: Box<Open>) {
    with(|local| local.recycle(open));
}

/// In the child of a fork, on its one thread: rings and ids are the parent's, and so are open spans.
pub(crate) fn forget() {
    with(|local| {
        if let Ok(mut way) = local.way.try_borrow_mut() {
            std::mem::forget(std::mem::replace(&mut *way, Way::NONE));
        }
        local.random.set(0);
        local.lane.set(NO_LANE);
        local.forked_at.set(fork::forked_at());
    });
}

/// Sets where this thread's roots are captured; gives back what was there.
pub(crate) fn set_capture(capture: Option<Arc<Extra>>) -> Option<Arc<Extra>> {
    with(|local| local.capture.replace(capture)).flatten()
}

impl Local {
    const fn new() -> Self {
        Self {
            life: Cell::new(Life::New),
            gate: Cell::new(0),
            lane: Cell::new(NO_LANE),
            settings: Cell::new(Settings::NONE),
            limits: Cell::new(Limits::NONE),
            way: RefCell::new(Way::NONE),
            scratch: Cell::new(None),
            places: Places::new(),
            thread_name: Cell::new(None),
            top: Cell::new(None),
            tickets: Cell::new(0),
            pool: Cell::new(None),
            pooled: Cell::new(0),
            random: Cell::new(0),
            forked_at: Cell::new(0),
            suppressed: Cell::new(false),
            capture: RefCell::new(None),
        }
    }

    #[inline(always)]
    fn is_alive(&self) -> bool {
        self.life.get() == Life::Alive || self.begin()
    }

    /// Makes a new thread's share ready; false where it is gone.
    #[cold]
    #[inline(never)]
    fn begin(&self) -> bool {
        if self.life.get() == Life::Gone {
            return false;
        }
        // First OpenTelemetry's, which then goes last.
        otel::outlive();
        END.with(|_| {});
        self.forked_at.set(fork::forked_at());
        self.life.set(Life::Alive);
        true
    }

    /// The context of this thread, now.
    pub(crate) fn current(&self) -> Parent {
        let top = self.top.take();
        let newer = otel::newer(self, top.as_deref());
        let parent =
            newer.or_else(|| top.as_ref().map(|open| open.as_parent())).unwrap_or_default();
        self.top.set(top);
        parent
    }

    /// Trace, span and flags of the current context.
    #[inline]
    pub(super) fn current_ids(&self) -> (u128, u64, u8) {
        // First, since another library's span may come back here.
        let (_, context) = otel::ids(self);
        let top = self.top.take();
        let is_current = match &top {
            Some(top) => !top.is_older(context),
            None => context == 0,
        };
        let place = top.as_ref().map(|top| top.place()).unwrap_or_default();
        fill(&self.top, top);
        if is_current {
            return (place.trace, place.span, place.flags);
        }
        let parent = self.current();
        (parent.trace, parent.span, parent.flags)
    }

    /// Whether this thread is one of ours.
    #[inline(always)]
    pub(super) fn is_suppressed(&self) -> bool {
        self.suppressed.get()
    }

    /// Lends this thread's name, which never changes, if it has one.
    pub(super) fn with_thread_name(&self, run: impl FnOnce(&str)) {
        let asked = || std::thread::current().name().map(Into::into);
        let name = self.thread_name.take().unwrap_or_else(asked);
        if let Some(name) = &name {
            run(name);
        }
        fill(&self.thread_name, Some(name));
    }

    /// Follows a start or a shutdown that happened since this thread last looked.
    #[inline]
    pub(super) fn refresh(&self, gate: u32) {
        if self.gate.get() != gate {
            self.follow(gate);
        }
    }

    #[cold]
    fn follow(&self, gate: u32) {
        self.gate.set(gate);
        let pipeline = pipeline::current();
        self.settings.set(pipeline.as_ref().map_or(Settings::NONE, |shared| shared.settings));
        self.limits.set(self.settings.get().limits);
        self.choose_lane();
        // The old one may own a host's callback, whose destructor may come back here.
        drop(self.way.replace(Way::to(pipeline)));
    }

    fn choose_lane(&self) {
        let gate = self.gate.get();
        let is_usual = gate & (gate::RECORDS | gate::CAPTURES | gate::ATTACHES) == gate::RECORDS
            && !self.suppressed.get()
            && self.settings.get().sampler.is_of_process();
        self.lane.set(if is_usual { gate } else { NO_LANE });
        self.seed();
    }

    /// Nothing but the usual is to be done on this thread, and what it knows is of now.
    #[inline(always)]
    pub(super) fn is_usual(&self) -> bool {
        self.lane.get() == gate::read()
    }

    fn set_suppressed(&self, suppressed: bool) {
        self.suppressed.set(suppressed);
        self.choose_lane();
    }

    pub(super) fn unpool(&self) -> Box<Open> {
        match self.unpool_here() {
            Some(mut open) => {
                open.reset();
                open
            }
            None => Box::default(),
        }
    }

    /// A box off the pool, where there is one, still with what the last span wrote: `reset` it.
    #[inline(always)]
    fn unpool_here(&self) -> Option<Box<Open>> {
        let mut open = self.pool.take()?;
        fill(&self.pool, open.below.take());
        self.pooled.set(self.pooled.get() - 1);
        Some(open)
    }

    pub(super) fn recycle(&self, mut open: Box<Open>) {
        if self.has_room() {
            open.release();
            self.recycle_here(open);
        }
    }

    /// There is room in the pool for one box more.
    #[inline(always)]
    fn has_room(&self) -> bool {
        self.pooled.get() < POOL
    }

    /// Puts a released box back where there is room.
    #[inline(always)]
    pub(super) fn recycle_here(&self, mut open: Box<Open>) {
        // Nothing hangs below what is on no stack.
        std::mem::forget(std::mem::replace(&mut open.below, self.pool.take()));
        fill(&self.pool, Some(open));
        self.pooled.set(self.pooled.get() + 1);
    }
}

impl Local {
    /// All that it has goes with its thread. Lists are freed one by one: a chain of boxes would drop
    /// recursively.
    fn tear_down(&self) {
        self.life.set(Life::Gone);
        self.lane.set(NO_LANE);
        for (list, is_stack) in [(&self.top, true), (&self.pool, false)] {
            let mut next = list.take();
            while let Some(mut open) = next {
                next = open.below.take();
                // What is in the pool has ended.
                if is_stack && open.is_recording() && open.has_started_after(self.forked_at.get()) {
                    counters::FORGOTTEN_SPANS.add(1);
                    end(open);
                }
            }
        }
        drop(self.way.replace(Way::NONE));
        drop(self.scratch.take());
        self.places.clear();
        drop(self.thread_name.take());
        drop(self.capture.take());
    }
}
