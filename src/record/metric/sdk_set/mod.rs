//! The predefined set in the SDK's bound instruments: where a metric exporter of the SDK's is plugged
//! in, which can be given nothing else.

mod series;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry::metrics::{BoundHistogram, BoundUpDownCounter};

use crate::pipeline;
use crate::record::gate;
use crate::telemetry::rpc::Direction;

use super::cells::{MAX_SERIES, Single};
use super::rpc::Side;

pub(super) use series::{SdkSet, Series};

/// By method and class.
type Calls = HashMap<Box<str>, HashMap<Box<str>, Arc<Series>>>;

/// What a thread has looked up before, for the pipeline of one gate.
#[derive(Default)]
struct Known {
    gate: u32,
    set: Option<Arc<SdkSet>>,
    /// By side.
    calls: [Calls; 2],
    /// How many they are.
    count: usize,
    storage: HashMap<&'static str, Arc<BoundHistogram<f64>>>,
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// Runs with the running pipeline's set and what this thread knows of it; `None` where metrics are off.
fn with_known<R>(run: impl FnOnce(&SdkSet, &mut Known) -> R) -> Option<R> {
    let gate = gate::read();
    if gate & gate::MEASURES == 0 {
        return None;
    }
    let known = KNOWN.try_with(|known| {
        let mut known = known.try_borrow_mut().ok()?;
        if known.gate != gate {
            let set = pipeline::current().and_then(|shared| shared.meters.sdk_set().cloned());
            *known = Known { gate, set, ..Known::default() };
        }
        let set = known.set.clone()?;
        Some(run(&set, &mut known))
    });
    known.ok().flatten()
}

/// The series of a call that begins now.
pub(super) fn call(side: Side, method: &str, cls_id: &str) -> Option<Arc<Series>> {
    with_known(|set, known| {
        let of_method = &mut known.calls[side as usize];
        let found = of_method.get(method).and_then(|classes| classes.get(cls_id)).cloned();
        found.unwrap_or_else(|| {
            let series = set.series(side, method, cls_id);
            // What overflows is not remembered, or this map would grow without end.
            if known.count < MAX_SERIES {
                known.count += 1;
                let classes = of_method.entry(method.into()).or_default();
                classes.insert(cls_id.into(), Arc::clone(&series));
            }
            series
        })
    })
}

/// What goes up and comes down.
pub(super) fn up_down(single: Single) -> Option<Arc<BoundUpDownCounter<i64>>> {
    with_known(|set, _| set.up_down(single)).flatten()
}

pub(super) fn payload(direction: Direction, bytes: usize) {
    with_known(|set, _| set.payload(direction, bytes));
}

pub(super) fn count_forwarded_log(band: usize) {
    with_known(|set, _| set.count_forwarded_log(band));
}

pub(super) fn storage(operation: &'static str, milliseconds: f64) {
    with_known(|set, known| {
        let series = known.storage.entry(operation).or_insert_with(|| set.storage(operation));
        series.record(milliseconds);
    });
}
