//! A batch: items are staged as they come, and one message is made of them at the end.

use bytes::Bytes;
use capnp::traits::HasStructSize;

use super::groups::Groups;
use super::logs::Logs;
use super::message::{Message, Place};
use super::metrics::Metrics;
use super::spare::Spare;
use super::strings::Strings;
use super::trace::Spans;
use super::value::{Mark, Values};
use super::words::Run;
use crate::encode::view::{LogView, MetricView, Resource, Scope, SpanView};
use crate::schema::common_capnp::{scope, string_table};
use crate::schema::ingest_capnp::{batch::Signal, rows};
use crate::schema::logs_capnp::{log_record, logs_data, resource_logs, scope_logs};
use crate::schema::metrics_capnp::{metrics_data, resource_metrics, scope_metrics};
use crate::schema::resource_capnp::resource;
use crate::schema::trace_capnp::{resource_spans, scope_spans, span, traces_data};

/// What the root and a resource take at most, but for attributes and texts; a guess, which may be wrong.
const AROUND: usize = 512;

/// Items of one signal. All its memory is kept from batch to batch.
#[derive(Debug)]
pub(super) struct Batch {
    signal: Signal,
    values: Values,
    groups: Groups,
    spans: Spans,
    logs: Logs,
    metrics: Metrics,
    /// What every batch begins with: how many resources, and their values.
    kept: (usize, Mark),
    /// Spans, records or points.
    items: usize,
    spare: Spare,
}

impl Batch {
    pub(super) fn new(signal: Signal) -> Self {
        let values = Values::default();
        Self {
            signal,
            kept: (0, values.mark()),
            values,
            groups: Groups::default(),
            spans: Spans::default(),
            logs: Logs::default(),
            metrics: Metrics::default(),
            items: 0,
            spare: Spare::default(),
        }
    }

    /// One whose batches are all of this resource.
    pub(super) fn of(signal: Signal, resource: &Resource<'_>) -> Self {
        let mut batch = Self::new(signal);
        batch.add_resource(resource);
        batch.kept = (1, batch.values.mark());
        batch
    }

    pub(super) fn items(&self) -> usize {
        self.items
    }

    pub(super) fn add_resource(&mut self, resource: &Resource<'_>) {
        self.groups.add_resource(&mut self.values, resource);
    }

    /// A new scope, and its number.
    pub(super) fn add_scope(&mut self, scope: &Scope<'_>) -> u32 {
        if self.groups.resources().is_empty() {
            self.add_resource(&Resource::default());
        }
        self.groups.add_scope(&mut self.values, scope)
    }

    /// The number of a scope, which is added if it is new.
    pub(super) fn scope(&mut self, scope: &Scope<'_>) -> u32 {
        let found = self.groups.find_scope(&self.values, scope);
        found.unwrap_or_else(|| self.add_scope(scope))
    }

    #[inline]
    pub(super) fn span(&mut self, scope: u32, span: &impl SpanView) {
        if !self.is_of(Signal::Traces) {
            return;
        }
        self.items += 1;
        self.groups.count(scope);
        self.spans.stage(&mut self.values, scope, span);
    }

    #[inline]
    pub(super) fn log(&mut self, scope: u32, log: &impl LogView) {
        if !self.is_of(Signal::Logs) {
            return;
        }
        self.items += 1;
        self.groups.count(scope);
        self.logs.stage(&mut self.values, scope, log);
    }

    pub(super) fn metric(&mut self, scope: u32, metric: &MetricView<'_>) {
        if !self.is_of(Signal::Metrics) {
            return;
        }
        self.items += metric.points();
        self.groups.count(scope);
        self.metrics.stage(&mut self.values, scope, metric);
    }

    /// Whether it takes items of a signal; the first one says so where nothing else has.
    fn is_of(&mut self, signal: Signal) -> bool {
        if self.signal == Signal::Unset {
            self.signal = signal;
        }
        debug_assert!(self.signal == signal, "a batch is of one signal");
        self.signal == signal
    }

    /// Whether there is nothing to send: what every batch has is not.
    fn is_empty(&self) -> bool {
        match self.kept.0 {
            0 => self.groups.resources().is_empty(),
            _ => self.groups.is_without_scopes(),
        }
    }

    /// The message; the batch is ready for the next one. It is one segment.
    pub(super) fn finish(&mut self) -> Bytes {
        let strings = &self.values.strings;
        let texts = 4 * strings.count() + strings.blob().len();
        let items = self.spans.items.len() + self.logs.items.len();
        let size = AROUND + texts + items + self.values.len();
        let mut message = Message::within(self.spare.take(size));
        self.write(&mut message);
        self.spans.items.clear();
        self.logs.items.clear();
        self.metrics.clear();
        self.groups.reset(self.kept.0 != 0);
        self.values.reset(self.kept.1);
        self.items = 0;
        self.spare.lend(message.finish())
    }

    fn write(&mut self, to: &mut Message) {
        let root = to.begin::<rows::Builder<'_>>();
        write_texts(&self.values.strings, to, root.pointer(0));
        let data = root.pointer(1);
        match self.signal {
            Signal::Unset => {}
            Signal::Traces => {
                to.u16(root, 0, 1);
                let at = to.structure::<traces_data::Builder<'_>>(data);
                self.spans.items.sort();
                self.write_groups::<resource_spans::Builder<'_>, scope_spans::Builder<'_>>(
                    to,
                    at,
                    |run, to, pointer| {
                        self.spans.items.write::<span::Builder<'_>>(run, to, pointer)
                    },
                );
            }
            Signal::Metrics => {
                to.u16(root, 0, 2);
                let at = to.structure::<metrics_data::Builder<'_>>(data);
                self.metrics.sort();
                self.write_groups::<resource_metrics::Builder<'_>, scope_metrics::Builder<'_>>(
                    to,
                    at,
                    |run, to, pointer| self.metrics.write(&self.values, run, to, pointer),
                );
            }
            Signal::Logs => {
                to.u16(root, 0, 3);
                let at = to.structure::<logs_data::Builder<'_>>(data);
                self.logs.items.sort();
                self.write_groups::<resource_logs::Builder<'_>, scope_logs::Builder<'_>>(
                    to,
                    at,
                    |run, to, pointer| {
                        self.logs.items.write::<log_record::Builder<'_>>(run, to, pointer)
                    },
                );
            }
        }
    }

    /// Resources, scopes and items: `R` and `S` are what a signal has around a resource and a scope, which
    /// differ in nothing but their names.
    fn write_groups<R: HasStructSize, S: HasStructSize>(
        &self,
        to: &mut Message,
        data: Place,
        items: impl Fn(Run, &mut Message, usize),
    ) {
        let Self { groups, values, .. } = self;
        if self.is_empty() || groups.resources().is_empty() {
            return;
        }
        let list = to.list::<R>(data.pointer(0), groups.resources().len());
        for (index, (at, resource)) in list.zip(groups.resources()).enumerate() {
            to.u32(at, 0, resource.schema_url);
            let place = to.structure::<resource::Builder<'_>>(at.pointer(0));
            groups.write_resource(values, resource, to, place);
            let scopes = groups.scopes_of(index);
            if scopes.len() == 0 {
                continue;
            }
            let list = to.list::<S>(at.pointer(1), scopes.len());
            for (at, (scope, run)) in list.zip(scopes) {
                to.u32(at, 0, scope.schema_url);
                let place = to.structure::<scope::Builder<'_>>(at.pointer(0));
                scope.write(values, to, place);
                if run.len() != 0 {
                    items(run, to, at.pointer(1));
                }
            }
        }
    }
}

fn write_texts(from: &Strings, to: &mut Message, pointer: usize) {
    let at = to.structure::<string_table::Builder<'_>>(pointer);
    to.u32s(at.pointer(0), from.ends());
    if !from.blob().is_empty() {
        to.data(at.pointer(1), from.blob());
    }
}
