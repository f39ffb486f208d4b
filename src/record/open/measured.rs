//! Times that a measurement shares with its span: each clock is read once.

use crate::pipeline::clock;
use crate::record::start::Clock;

use super::Open;

impl Open {
    /// When the span began, which is now where it had not; `None` where it is not recorded in the
    /// process's ticks.
    #[inline]
    pub(crate) fn measured_start(&mut self) -> Option<u64> {
        if !self.is_recording() || !matches!(self.details.clock, Clock::Ticks) {
            return None;
        }
        self.start_clock();
        Some(self.start)
    }

    /// When it ends, which is now; `None` as above, and where its end was given.
    #[inline]
    pub(crate) fn measured_end(&mut self) -> Option<u64> {
        if self.end != 0 || !matches!(self.details.clock, Clock::Ticks) {
            return None;
        }
        self.end = clock::ticks();
        Some(self.end)
    }
}
