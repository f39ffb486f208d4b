//! What the threads of a receiver share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::attempts::Attempts;
use super::counts::{Arrivals, Arriving, Counts, Signal};
use super::link::Link;
use super::settings::Settings;
use super::sink::Fanout;
use super::windows::Windows;
use crate::health::diagnostics::{Diagnostics, Level};
use crate::network::{Budget, Limits};

/// One for each receiver.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) sinks: Fanout,
    pub(super) windows: Arc<Windows>,
    pub(super) attempts: Attempts,
    pub(super) arrivals: [Arrivals; 3],
    pub(super) connections: Arriving,
    pub(super) budget: Budget,
    /// Of each connection.
    pub(super) network: Arc<Limits>,
    pub(super) diagnostics: Arc<Diagnostics>,
    /// No new connections; those that are there are asked to go.
    is_draining: AtomicBool,
    /// That, or a token is not taken any more.
    dismissing: Notify,
    stopped: Notify,
    started: Instant,
    /// When each event loop last showed that it runs, in milliseconds since the start.
    beats: Vec<AtomicU64>,
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
            network: Arc::new(Limits { frame: settings.limits.greeting_bytes, ..Limits::server() }),
            diagnostics,
            is_draining: AtomicBool::new(false),
            dismissing: Notify::new(),
            stopped: Notify::new(),
            started: Instant::now(),
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
        self.dismissing.notify_waiters();
    }

    /// Ends once the receiver drains.
    pub(super) async fn draining(&self) {
        self.until(Self::is_draining).await;
    }

    /// Whether the token that a connection came with is not taken any more.
    pub(super) fn is_revoked(&self, link: &Link) -> bool {
        link.token().is_some_and(|number| !self.settings.tokens.is_taken(number))
    }

    /// Ends once the receiver drains, or the connection's token is not taken any more.
    pub(super) async fn dismissed(&self, link: &Link) {
        self.until(|shared| shared.is_draining() || shared.is_revoked(link)).await;
    }

    async fn until(&self, holds: impl Fn(&Self) -> bool) {
        loop {
            let dismissing = self.dismissing.notified();
            if holds(self) {
                return;
            }
            dismissing.await;
        }
    }

    /// Reads the files of tokens that have changed.
    pub(super) fn look_at_tokens(&self) {
        let changes = self.settings.tokens.refresh();
        for line in &changes.complaints {
            self.diagnostics.say(Level::Warn, "tokens", line);
        }
        if changes.revoked {
            self.dismissing.notify_waiters();
        }
    }

    /// Ends the event loops, whatever they are at.
    pub(super) fn stop(&self) {
        // Kept for a loop that does not wait for it yet; each one passes it on.
        self.stopped.notify_one();
    }

    pub(super) async fn stopped(&self) {
        self.stopped.notified().await;
        self.stopped.notify_one();
    }

    pub(super) fn beat(&self, number: usize) {
        if let Some(beat) = self.beats.get(number) {
            beat.store(self.millis(), Ordering::Relaxed);
        }
    }

    /// How many event loops have not shown for so long that they run.
    pub(super) fn silent_loops(&self, within: Duration) -> usize {
        let oldest = self.millis().saturating_sub(within.as_millis() as u64);
        self.beats.iter().filter(|beat| beat.load(Ordering::Relaxed) < oldest).count()
    }

    fn millis(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    pub(super) fn counts(&self) -> Counts {
        let [traces, metrics, logs] = self.arrivals.each_ref().map(Arrivals::read);
        let sinks = self.sinks.queues().iter().map(|queue| queue.counts()).collect();
        Counts { traces, metrics, logs, sinks, connections: self.connections.read() }
    }
}
