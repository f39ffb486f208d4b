//! One signal's road on the worker's thread: rings, batch, and a destination for each exporter.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::encode::{LogEncoder, SpanEncoder};
use crate::export::Body;
use crate::record::log::PackedLog;
use crate::record::metric::Onlooker;
use crate::record::packed::PackedSpan;

use super::batch::Batch;
use super::clock::Anchor;
use super::destination::Destination;
use super::intake::Intake;
use super::ring::Consumer;

/// Records taken from one ring before the next one has its turn.
const TURN: usize = 4096;

/// Turns packed records into one frame's body.
pub(super) trait Pack {
    fn record(&mut self, bytes: &[u8], anchor: &Anchor);
    fn finish(&mut self) -> Body;
}

/// An exporter of a signal, with its encoder.
pub(super) struct Exit<E> {
    pub(super) encoder: E,
    pub(super) destination: Rc<Destination>,
}

/// The road of records that come through rings.
pub(super) struct Road<E> {
    rings: Vec<Consumer>,
    batch: Batch,
    max_batch: usize,
    exits: Vec<Exit<E>>,
    /// Sees each record once, when it is drained.
    onlooker: Option<Onlooker>,
    schedule: Duration,
    /// When the batch leaves, full or not.
    pub(super) next: Instant,
}

impl<E: Pack> Road<E> {
    pub(super) fn new(exits: Vec<Exit<E>>, max_batch: usize, schedule: Duration) -> Self {
        let next = Instant::now() + schedule;
        let (rings, batch) = (Vec::new(), Batch::default());
        Self { rings, batch, max_batch, exits, onlooker: None, schedule, next }
    }

    pub(super) fn seen_by(self, onlooker: Option<Onlooker>) -> Self {
        Self { onlooker, ..self }
    }

    pub(super) fn destinations(&self) -> impl Iterator<Item = &Rc<Destination>> {
        self.exits.iter().map(|exit| &exit.destination)
    }

    /// Whether the schedule is due; then the next round is set, and missed ones are skipped.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = now >= self.next;
        if is_due {
            self.next = now + self.schedule;
        }
        is_due
    }

    /// Moves records from the rings to the batch; false where some had to stay.
    pub(super) fn drain(&mut self, intake: &Intake, anchor: &Anchor) -> bool {
        self.rings.extend(intake.fresh_rings());
        let mut is_drained = true;
        let mut index = 0;
        while index < self.rings.len() {
            let is_closed = self.rings[index].is_closed();
            let is_empty = self.drain_one(index, intake, anchor);
            is_drained &= is_empty;
            if is_closed && is_empty {
                intake.retire(self.rings.swap_remove(index));
            } else {
                index += 1;
            }
        }
        is_drained
    }

    fn drain_one(&mut self, index: usize, intake: &Intake, anchor: &Anchor) -> bool {
        let mut left = TURN;
        loop {
            let room = left.min(self.room()).min(self.max_batch - self.batch.len());
            let (batch, onlooker) = (&mut self.batch, &mut self.onlooker);
            let taken = self.rings[index].drain(room, |record| {
                intake.release_record(record.len());
                batch.push(record);
                // At once, so that a panic leaves it in no gap.
                intake.stage(1);
                if let Some(onlooker) = onlooker {
                    onlooker.see(record, anchor);
                }
            });
            left -= taken;
            let is_full = self.batch.is_full(self.max_batch);
            if is_full {
                self.cut(intake, anchor);
            }
            if taken < room {
                return true;
            }
            if left == 0 || (room == 0 && !is_full) {
                return self.rings[index].gauge().waiting() == 0;
            }
        }
    }

    /// How many more records the fullest healthy queue can take.
    pub(super) fn room(&self) -> usize {
        let rooms = self.destinations().map(|destination| destination.room());
        rooms.min().unwrap_or(usize::MAX).saturating_sub(self.batch.len())
    }

    /// Hands the batch to every destination.
    pub(super) fn cut(&mut self, intake: &Intake, anchor: &Anchor) {
        if self.batch.is_empty() {
            return;
        }
        for Exit { encoder, destination } in &mut self.exits {
            destination.enqueue(self.batch.len(), |fits| {
                self.batch.records().take(fits).for_each(|record| encoder.record(record, anchor));
                encoder.finish()
            });
        }
        intake.unstage(self.batch.len() as u64);
        self.batch.clear();
    }
}

impl Pack for SpanEncoder {
    fn record(&mut self, bytes: &[u8], anchor: &Anchor) {
        self.span(&PackedSpan::read(bytes, anchor));
    }

    fn finish(&mut self) -> Body {
        Self::finish(self)
    }
}

impl Pack for LogEncoder {
    fn record(&mut self, bytes: &[u8], anchor: &Anchor) {
        self.log(&PackedLog::read(bytes, anchor));
    }

    fn finish(&mut self) -> Body {
        Self::finish(self)
    }
}
