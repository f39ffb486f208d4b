//! How a record leaves this thread: into its ring, or to whoever captures it.

use std::sync::Arc;

use crate::context::Extra;
use crate::pipeline::ring::{Producer, Pushed};
use crate::pipeline::{self, Intake, Shared};
use crate::testing::Sink;

use super::super::gate;
use super::super::log::LogLimits;
use super::super::open::Open;
use super::{Local, with};

/// Which way a record leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lane {
    Traces,
    Logs,
}

impl Lane {
    /// That signal's rings and accounts.
    #[inline]
    fn intake(self) -> fn(&Shared) -> &Intake {
        match self {
            Self::Traces => |shared| &shared.traces,
            Self::Logs => |shared| &shared.logs,
        }
    }
}

/// The pipeline that a thread pushes to, and a ring for each lane, from its first record on.
pub(super) struct Way {
    pipeline: Option<Arc<Shared>>,
    producers: [Option<Producer>; 2],
}

impl Way {
    pub(super) const NONE: Self = Self { pipeline: None, producers: [None, None] };

    pub(super) fn to(pipeline: Option<Arc<Shared>>) -> Self {
        Self { pipeline, ..Self::NONE }
    }

    /// A running pipeline, and this thread's ring there; a ring is made with the first record.
    fn open(&mut self, lane: Lane) -> Option<(&Shared, Option<&mut Producer>)> {
        let shared = self.pipeline.as_deref().filter(|shared| shared.is_running())?;
        let producer = &mut self.producers[lane as usize];
        if producer.is_none() {
            *producer = lane.intake()(shared).register();
        }
        Some((shared, producer.as_mut()))
    }
}

/// Ends a span: its record leaves for the ring, its box for the pool.
pub(crate) fn end(open: Box<Open>) {
    let mut open = Some(open);
    with(|local| {
        if let Some(mut open) = open.take() {
            if local.end_at_once(&mut open) {
                local.recycle_here(open);
            } else {
                local.end_with_care(open);
            }
        }
    });
    if let Some(open) = open {
        end_late(open);
    }
}

/// The thread is being torn down, and its share with it.
#[cold]
fn end_late(mut open: Box<Open>) {
    if open.is_recording() && open.has_started() {
        let capture = open.capture();
        let record = open.finish();
        match capture {
            Some(capture) => capture.take(&record.bytes()),
            None => pipeline::push_shared(Lane::Traces.intake(), record.head(), &record.pieces()),
        }
    }
}

impl Local {
    /// Nothing but the usual is to be done to end this span, so that its box may go to the pool.
    #[inline(always)]
    pub(in crate::record) fn ends_at_once(&self, open: &Open) -> bool {
        self.is_usual() && self.has_room() && open.is_light()
    }

    /// Sends the record of a span that `ends_at_once`; false, and nothing is done, where more is to be done.
    #[inline(always)]
    pub(in crate::record) fn record_at_once(&self, open: &mut Open) -> bool {
        open.has_started_after(self.forked_at.get()) && self.push_plain(open)
    }

    #[inline(always)]
    fn end_at_once(&self, open: &mut Open) -> bool {
        self.ends_at_once(open) && (!open.is_recording() || self.record_at_once(open))
    }

    #[cold]
    fn end_with_care(&self, mut open: Box<Open>) {
        if open.is_recording() && open.has_started_after(self.forked_at.get()) {
            self.record(&mut open);
        }
        self.recycle(open);
    }

    /// Sends a finished span's record.
    fn record(&self, open: &mut Open) {
        self.refresh(gate::read());
        // Nothing of the first try goes to the second, so that it is made in the ring and not before.
        if !open.is_plain() || !self.push_plain(open) {
            self.record_all(open);
        }
    }

    /// Pushes a plain span's record to this thread's ring, as `push_to_ring`, where the settings are of now.
    #[inline(always)]
    fn push_plain(&self, open: &mut Open) -> bool {
        let Ok(mut way) = self.way.try_borrow_mut() else {
            return false;
        };
        let Way { pipeline: Some(shared), producers } = &mut *way else {
            return false;
        };
        let Some(producer) = &mut producers[Lane::Traces as usize] else {
            return false;
        };
        if !shared.is_running() {
            return false;
        }
        let record = open.finish_plain();
        producer.push_at_once(record.head(), &[record.name, record.attributes])
    }

    #[cold]
    fn record_all(&self, open: &mut Open) {
        let capture = open.capture();
        let record = open.finish();
        match capture {
            Some(capture) => capture.take(&record.bytes()),
            None => self.push_anyhow(Lane::Traces, record.head(), &record.pieces()),
        }
    }

    /// Pushes a record to this thread's ring; false where there is none, where another one's turn has
    /// come, and where more is to be done than to copy it.
    #[inline(always)]
    pub(in crate::record) fn push_to_ring(
        &self,
        lane: Lane,
        head: &[u64],
        pieces: &[&[u8]],
    ) -> bool {
        let Ok(mut way) = self.way.try_borrow_mut() else {
            return false;
        };
        let Way { pipeline: Some(shared), producers } = &mut *way else {
            return false;
        };
        let Some(producer) = &mut producers[lane as usize] else {
            return false;
        };
        self.gate.get() == gate::read()
            && shared.is_running()
            && producer.push_at_once(head, pieces)
    }

    /// Pushes a record from any state.
    #[cold]
    pub(in crate::record) fn push_anyhow(&self, lane: Lane, head: &[u64], pieces: &[&[u8]]) {
        self.refresh(gate::read());
        let mut way = self.way.borrow_mut();
        let (shared, pushed) = match way.open(lane) {
            None => {
                drop(way);
                return pipeline::push_shared(lane.intake(), head, pieces);
            }
            Some((shared, Some(producer))) => {
                (shared, lane.intake()(shared).push(producer, head, pieces))
            }
            // Too many threads for the byte limit.
            Some((shared, None)) => (shared, lane.intake()(shared).push_overflow(head, pieces)),
        };
        if pushed == Pushed::HighWater {
            shared.wake();
        }
    }

    /// What a log record is written under, and where a test captures it; `None` where logs are off.
    pub(in crate::record) fn log_settings(
        &self,
        gate: u32,
    ) -> Option<(LogLimits, Option<Arc<Sink>>)> {
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
}
