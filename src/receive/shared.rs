//! What the threads of a receiver share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

use super::attempts::Attempts;
use super::counts::{Arrivals, Arriving, Counts, Signal};
use super::settings::Settings;
use super::sink::Fanout;
use super::windows::Windows;
use crate::health::diagnostics::Diagnostics;
use crate::network::Budget;

/// One for each receiver.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) sinks: Fanout,
    pub(super) windows: Arc<Windows>,
    pub(super) attempts: Attempts,
    pub(super) arrivals: [Arrivals; 3],
    pub(super) connections: Arriving,
    pub(super) budget: Budget,
    pub(super) diagnostics: Arc<Diagnostics>,
    /// No new connections; those that are there are asked to go.
    is_draining: AtomicBool,
    drained: Notify,
    /// Counted up by each event loop while it runs.
    pub(super) beats: Vec<AtomicU64>,
}

impl Shared {
    pub(super) fn new(settings: Settings, diagnostics: Arc<Diagnostics>) -> Self {
        Self {
            sinks: Fanout::new(&settings.sinks, settings.durability),
            windows: Arc::default(),
            attempts: Attempts::default(),
            arrivals: Default::default(),
            connections: Arriving::default(),
            budget: Budget::new(settings.limits.budget_bytes),
            diagnostics,
            is_draining: AtomicBool::new(false),
            drained: Notify::new(),
            beats: (0..settings.threads).map(|_| AtomicU64::new(0)).collect(),
            settings,
        }
    }

    pub(super) fn arrivals(&self, signal: Signal) -> &Arrivals {
        &self.arrivals[signal as usize]
    }

    pub(super) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
    }

    pub(super) fn drain(&self) {
        self.is_draining.store(true, Ordering::Release);
        self.drained.notify_waiters();
    }

    /// Ends once the receiver drains.
    pub(super) async fn draining(&self) {
        let drained = self.drained.notified();
        if !self.is_draining() {
            drained.await;
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let [traces, metrics, logs] = self.arrivals.each_ref().map(Arrivals::read);
        let sinks = self.sinks.queues().iter().map(|queue| queue.counts()).collect();
        Counts { traces, metrics, logs, sinks, connections: self.connections.read() }
    }
}
