//! Measurements: the host's own instruments, and the ready-made RPC set.
//!
//! `instrument` is what hosts write, `rpc` the predefined set behind one small
//! interface, `rpc_series` its instruments, `meters`
//! the aggregation underneath: the SDK's, with bound handles.

mod instrument;
mod meters;
pub(crate) mod rpc;
mod rpc_series;

pub use instrument::{
    Counter, Gauge, Histogram, UpDownCounter, counter, gauge, histogram, up_down_counter,
};
pub(crate) use meters::Meters;

use super::gate;
use crate::pipeline;

/// One record of `python_logs_forwarded_total`; `band` is an index of `log::BANDS`.
pub(super) fn count_forwarded_log(band: usize) {
    if gate::read() & gate::MEASURES != 0 {
        if let Some(shared) = pipeline::current() {
            shared.meters.count_forwarded_log(band);
        }
    }
}
