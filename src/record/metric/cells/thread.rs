//! What a thread has: its cells, and the names by which it finds them.

use std::cell::RefCell;
use std::sync::Arc;

use crate::pipeline;
use crate::record::gate;
use crate::record::metric::rpc::Side;

use super::bounds::{self, Bounds};
use super::cell::Writer;
use super::names::{Names, Of};
use super::registry::{MAX_SERIES, Single};
use super::{Cells, registry};

/// A call that is under way: its pipeline, and its number there.
#[derive(Clone, Copy, Debug)]
pub(in crate::record::metric) struct Call {
    pipeline: u32,
    number: u32,
}

/// A cell, and the set that it belongs to.
pub(super) struct Cell {
    writer: Writer,
    series: u32,
    cells: Arc<Cells>,
}

impl Cell {
    pub(super) fn new(cells: &Arc<Cells>, series: u32) -> Self {
        Self { writer: cells.writer(series), series, cells: Arc::clone(cells) }
    }

    #[inline]
    pub(super) fn record(&mut self, bounds: &Bounds, value: u64) {
        self.writer.record(bounds.bucket(value), value, self.cells.interval());
    }

    #[inline(always)]
    fn record_call(&mut self, nanos: u64) {
        self.record(&bounds::CALLS, nanos);
        self.cells.offer(self.series, nanos);
    }
}

impl Drop for Cell {
    /// The thread ends, or another pipeline has begun.
    fn drop(&mut self) {
        self.cells.lock_registry().fold(self.series, &self.writer);
    }
}

/// The cells of a call's series.
#[derive(Default)]
struct CallCells {
    success: Option<Cell>,
    failures: Vec<(&'static str, Cell)>,
}

/// What a thread has looked up before, for the pipeline of one gate.
#[derive(Default)]
struct Known {
    gate: u32,
    cells: Option<Arc<Cells>>,
    /// Of calls an index in `calls`, of storage operations one in `storage`.
    names: Names,
    calls: Vec<CallCells>,
    storage: Vec<Cell>,
    singles: Vec<Option<Cell>>,
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// In the child of a fork, on its one thread: the cells are the parent's, and a lock of theirs may be held by a
/// thread that is not here.
pub(crate) fn forget() {
    let _ = KNOWN.try_with(|known| {
        if let Ok(mut known) = known.try_borrow_mut() {
            std::mem::forget(std::mem::take(&mut *known));
        }
    });
}

impl Known {
    /// Follows a start or a shutdown since this thread last looked.
    #[cold]
    fn follow(&mut self, gate: u32) {
        let cells = current();
        let is_same = match (&cells, &self.cells) {
            (Some(new), Some(old)) => Arc::ptr_eq(new, old),
            _ => false,
        };
        if !is_same {
            *self = Self { cells, ..Self::default() };
        }
        self.gate = gate;
    }

    /// A call by names that were looked up here lately, for the pipeline of now; `None` elsewhere.
    #[inline(always)]
    fn call_again(&self, side: Side, method: &str, cls_id: &str) -> Option<Call> {
        if self.gate != gate::read() {
            return None;
        }
        let number = self.names.get_recent(side.into(), method, cls_id)?;
        Some(Call { pipeline: self.cells.as_ref()?.id, number })
    }

    /// Records a success where this thread has the cell, and all is of now; `None`, and nothing is done, elsewhere.
    #[inline(always)]
    fn record_again(&mut self, call: Call, nanos: u64) -> Option<()> {
        let cell = self.calls.get_mut(call.number as usize)?.success.as_mut()?;
        if cell.cells.id != call.pipeline || self.gate != gate::read() {
            return None;
        }
        cell.record_call(nanos);
        Some(())
    }

    /// The cells of a call, where the pipeline is still its own.
    fn of_call(&mut self, call: Call) -> Option<(&Arc<Cells>, &mut CallCells)> {
        let cells = self.cells.as_ref().filter(|cells| cells.id == call.pipeline)?;
        let index = call.number as usize;
        if index >= self.calls.len() {
            self.calls.resize_with(index + 1, CallCells::default);
        }
        Some((cells, &mut self.calls[index]))
    }
}

impl CallCells {
    /// The cell of calls that end so.
    #[inline]
    fn cell(&mut self, cells: &Arc<Cells>, call: u32, error: Option<&'static str>) -> &mut Cell {
        match error {
            None => self.success.get_or_insert_with(|| {
                let (series, _) = cells.with_registry(|all| all.series_of_call(call, None));
                Cell::new(cells, series)
            }),
            Some(kind) => self.failure(cells, call, kind),
        }
    }

    fn failure(&mut self, cells: &Arc<Cells>, call: u32, kind: &'static str) -> &mut Cell {
        let find =
            |failures: &[(&str, Cell)], kind| failures.iter().position(|(of, _)| *of == kind);
        let found = find(&self.failures, kind).unwrap_or_else(|| {
            let (series, counted_as) =
                cells.with_registry(|all| all.series_of_call(call, Some(kind)));
            let kind = counted_as.unwrap_or(registry::OTHER);
            find(&self.failures, kind).unwrap_or_else(|| {
                self.failures.push((kind, Cell::new(cells, series)));
                self.failures.len() - 1
            })
        });
        &mut self.failures[found].1
    }
}

/// The running pipeline's cells.
fn current() -> Option<Arc<Cells>> {
    pipeline::current().and_then(|shared| shared.meters.cells().cloned())
}

/// Runs with what this thread knows. `None` where metrics are off, and where the thread is being
/// torn down: `otherwise` has the cells then.
#[inline]
fn with_known<R>(
    run: impl FnOnce(&mut Known) -> Option<R>,
    otherwise: impl FnOnce(&Arc<Cells>) -> Option<R>,
) -> Option<R> {
    let gate = gate::read();
    if gate & gate::MEASURES == 0 {
        return None;
    }
    let mut run = Some(run);
    let known = KNOWN.try_with(|known| {
        let mut known = known.try_borrow_mut().ok()?;
        if known.gate != gate {
            known.follow(gate);
        }
        run.take().map(|run| run(&mut known))
    });
    match known {
        Ok(Some(result)) => result,
        _ => otherwise(&current()?),
    }
}

/// A call that begins now.
#[inline]
pub(in crate::record::metric) fn call(side: Side, method: &str, cls_id: &str) -> Option<Call> {
    let again = KNOWN.try_with(|known| known.try_borrow().ok()?.call_again(side, method, cls_id));
    match again {
        Ok(Some(call)) => Some(call),
        _ => call_with_care(side, method, cls_id),
    }
}

#[cold]
fn call_with_care(side: Side, method: &str, cls_id: &str) -> Option<Call> {
    with_known(
        |known| {
            let cells = known.cells.as_ref()?;
            let of = Of::from(side);
            let number = known.names.get_again(of, method, cls_id).unwrap_or_else(|| {
                let (number, is_own) = cells.with_registry(|all| all.call(side, method, cls_id));
                // What is beyond the limit is not remembered, or the names would have no end.
                if is_own {
                    known.names.insert(of, method, cls_id, number);
                }
                number
            });
            Some(Call { pipeline: cells.id, number })
        },
        |cells| {
            let (number, _) = cells.with_registry(|all| all.call(side, method, cls_id));
            Some(Call { pipeline: cells.id, number })
        },
    )
}

/// A call that is over; on any thread.
#[inline]
pub(in crate::record::metric) fn record_call(call: Call, nanos: u64, error: Option<&'static str>) {
    let record = |known: &RefCell<Known>| known.try_borrow_mut().ok()?.record_again(call, nanos);
    let recorded = if error.is_none() { KNOWN.try_with(record) } else { Ok(None) };
    if !matches!(recorded, Ok(Some(()))) {
        record_call_with_care(call, nanos, error);
    }
}

#[cold]
fn record_call_with_care(call: Call, nanos: u64, error: Option<&'static str>) {
    with_known(
        |known| {
            let (cells, of_call) = known.of_call(call)?;
            let cell = of_call.cell(cells, call.number, error);
            cell.record_call(nanos);
            Some(())
        },
        |cells| {
            if cells.id == call.pipeline {
                let find = |all: &mut registry::Registry| all.series_of_call(call.number, error);
                let (series, _) = cells.with_registry(find);
                cells.record_shared(series, bounds::CALLS.bucket(nanos), nanos);
            }
            Some(())
        },
    );
}

/// A value of what there is one of; where `pipeline` is given, only in that one. Gives back the pipeline's id.
#[inline]
pub(in crate::record::metric) fn record_single(
    single: Single,
    value: u64,
    pipeline: Option<u32>,
) -> Option<u32> {
    let bounds =
        if matches!(single, Single::Payload(_)) { &bounds::PAYLOADS } else { &bounds::NONE };
    let is_meant = |cells: &Cells| pipeline.is_none_or(|meant| meant == cells.id);
    with_known(
        |known| {
            let cells = known.cells.as_ref().filter(|cells| is_meant(cells))?;
            if known.singles.is_empty() {
                known.singles.resize_with(Single::COUNT, || None);
            }
            let cell = known.singles[single.index()].get_or_insert_with(|| {
                let series = cells.with_registry(|all| all.series_of_single(single));
                Cell::new(cells, series)
            });
            cell.record(bounds, value);
            Some(cells.id)
        },
        |cells| {
            if is_meant(cells) {
                let series = cells.with_registry(|all| all.series_of_single(single));
                cells.record_shared(series, bounds.bucket(value), value);
            }
            Some(cells.id)
        },
    )
}

/// A storage operation that took so long; false where this set is not in use.
pub(in crate::record::metric) fn record_storage(operation: &'static str, nanos: u64) -> bool {
    let recorded = with_known(
        |known| {
            let cells = known.cells.as_ref()?;
            let index = match known.names.get_again(Of::Storage, operation, "") {
                Some(index) => index as usize,
                None if known.storage.len() < MAX_SERIES => {
                    let series = cells.with_registry(|all| all.series_of_storage(operation));
                    known.storage.push(Cell::new(cells, series));
                    let index = known.storage.len() - 1;
                    known.names.insert(Of::Storage, operation, "", index as u32);
                    index
                }
                None => {
                    let series = cells.with_registry(|all| all.series_of_storage(operation));
                    cells.record_shared(series, bounds::STORAGE.bucket(nanos), nanos);
                    return Some(());
                }
            };
            known.storage[index].record(&bounds::STORAGE, nanos);
            Some(())
        },
        |cells| {
            let series = cells.with_registry(|all| all.series_of_storage(operation));
            cells.record_shared(series, bounds::STORAGE.bucket(nanos), nanos);
            Some(())
        },
    );
    recorded.is_some()
}
