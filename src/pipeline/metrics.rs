//! The road of metrics: collected on this thread, on a schedule, for a flush, and at the end.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::encode::MetricEncoder;

use super::destination::Destination;
use super::road::Exit;
use super::shared::Shared;

/// Collects from the meters and hands each destination its frame.
pub(super) struct MetricRoad {
    exits: Vec<Exit<MetricEncoder>>,
    interval: Duration,
    pub(super) next: Instant,
}

impl MetricRoad {
    pub(super) fn new(exits: Vec<Exit<MetricEncoder>>, interval: Duration) -> Self {
        Self { exits, interval, next: Instant::now() + interval }
    }

    pub(super) fn destinations(&self) -> impl Iterator<Item = &Rc<Destination>> {
        self.exits.iter().map(|exit| &exit.destination)
    }

    /// Whether the schedule is due; then the next round is set, and missed ones are skipped.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = now >= self.next;
        if is_due {
            self.next = now + self.interval;
        }
        is_due
    }

    /// One collection; an item is one data point.
    pub(super) fn collect(&mut self, shared: &Arc<Shared>) {
        if self.exits.is_empty() {
            return;
        }
        let exits = &mut self.exits;
        let mut points = 0;
        shared.collect(|metric| {
            points += metric.points();
            for exit in exits.iter_mut() {
                exit.encoder.metric(metric);
            }
        });
        if points == 0 {
            return;
        }
        if self.exits.iter().any(|exit| exit.encoder.wants_whole()) {
            let whole = Arc::new(shared.meters.take_collected());
            self.exits.iter_mut().for_each(|exit| exit.encoder.whole(&whole));
        }
        shared.metrics.stage_direct(points as u64);
        for Exit { encoder, destination } in &mut self.exits {
            destination.enqueue_whole(points, || encoder.finish());
        }
        shared.metrics.unstage(points as u64);
    }
}
