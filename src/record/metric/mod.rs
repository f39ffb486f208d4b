//! Measurements: the host's own instruments, and the ready-made RPC set.
//!
//! `instrument` is what hosts write, `recent` what they wrote lately, `rpc` the predefined set behind one small interface: recorded
//! in `cells`, or in the `sdk_set`; `meters` the aggregation underneath of all else: the SDK's.

mod cells;
mod instrument;
mod meters;
mod recent;
pub(crate) mod rpc;
mod sdk_set;

pub(crate) use cells::{Onlooker, forget};
pub use instrument::{
    Counter, Gauge, Histogram, UpDownCounter, counter, gauge, histogram, up_down_counter,
};
pub(crate) use meters::Meters;
pub(super) use rpc::count_forwarded_log;
