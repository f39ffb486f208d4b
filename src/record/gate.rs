//! One word that every entry into the crate reads first: 0 is off.

use std::sync::atomic::{AtomicU32, Ordering};

/// `init` was called: contexts are carried along.
pub(crate) const PROPAGATES: u32 = 1;
/// Spans are recorded.
pub(crate) const RECORDS: u32 = 2;
/// A test has captured spans in this process.
pub(crate) const CAPTURES: u32 = 4;
/// Log records are recorded.
pub(crate) const LOGS: u32 = 8;
/// Metrics are recorded.
pub(crate) const MEASURES: u32 = 16;
/// Our spans are attached as OpenTelemetry's `Context`; never alone.
pub(crate) const ATTACHES: u32 = 32;
/// What a shutdown switches off.
pub(crate) const ALL: u32 = RECORDS | LOGS | MEASURES;
/// Above the flags: counts up with each change, so that threads notice.
const EPOCH: u32 = 64;

static GATE: AtomicU32 = AtomicU32::new(0);

#[inline]
pub(crate) fn read() -> u32 {
    GATE.load(Ordering::Relaxed)
}

/// Sets the flags given, clears the others of `mask`, and begins a new epoch.
pub(crate) fn change(mask: u32, flags: u32) {
    let next = |gate: u32| Some((gate.wrapping_add(EPOCH) & !mask) | flags);
    // The closure never declines.
    let _ = GATE.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
}
