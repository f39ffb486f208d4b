//! A batch: items are staged as they come, and one message is made of them at the end.

use bytes::Bytes;
use capnp::traits::HasStructSize;

use super::around::Around;
use super::logs::Logs;
use super::message::{Message, Place};
use super::metrics::Metrics;
use super::strings::Strings;
use super::trace::Spans;
use super::words::Run;
use crate::encode::last::Last;
use crate::encode::view::{LogView, MetricView, Resource, SpanView};
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
    pub(super) around: Around,
    spans: Spans,
    logs: Logs,
    metrics: Metrics,
    last: Last,
    /// Spans, records or points.
    items: usize,
}

impl Batch {
    pub(super) fn new(signal: Signal) -> Self {
        Self::with(signal, Around::new())
    }

    /// One whose batches are all of this resource.
    pub(super) fn of(signal: Signal, resource: &Resource<'_>) -> Self {
        Self::with(signal, Around::of(resource))
    }

    fn with(signal: Signal, around: Around) -> Self {
        Self {
            signal,
            around,
            spans: Spans::default(),
            logs: Logs::default(),
            metrics: Metrics::default(),
            last: Last::default(),
            items: 0,
        }
    }

    pub(super) fn items(&self) -> usize {
        self.items
    }

    #[inline]
    pub(super) fn span(&mut self, scope: u32, span: &impl SpanView) {
        if !self.is_of(Signal::Traces) {
            return;
        }
        self.items += 1;
        self.around.groups.count(scope);
        self.spans.stage(&mut self.around.values, scope, span);
    }

    #[inline]
    pub(super) fn log(&mut self, scope: u32, log: &impl LogView) {
        if !self.is_of(Signal::Logs) {
            return;
        }
        self.items += 1;
        self.around.groups.count(scope);
        self.logs.stage(&mut self.around.values, scope, log);
    }

    pub(super) fn metric(&mut self, scope: u32, metric: &MetricView<'_>) {
        if !self.is_of(Signal::Metrics) {
            return;
        }
        self.items += metric.points();
        self.around.groups.count(scope);
        self.metrics.stage(&mut self.around.values, scope, metric);
    }

    /// Whether it takes items of a signal; the first one says so where nothing else has.
    fn is_of(&mut self, signal: Signal) -> bool {
        if self.signal == Signal::Unset {
            self.signal = signal;
        }
        debug_assert!(self.signal == signal, "a batch is of one signal");
        self.signal == signal
    }

    /// The message; the batch is ready for the next one. It is one segment.
    pub(super) fn finish(&mut self) -> Bytes {
        let strings = &self.around.values.strings;
        let texts = 4 * strings.count() + strings.blob().len();
        let items = self.spans.items.len() + self.logs.items.len();
        let size = AROUND + texts + items + self.around.values.len();
        let mut message = Message::within(self.last.buffer(size));
        self.write(&mut message);
        self.spans.items.clear();
        self.logs.items.clear();
        self.metrics.clear();
        self.around.reset();
        self.items = 0;
        self.last.keep_all(message.finish())
    }

    fn write(&mut self, to: &mut Message) {
        let root = to.begin::<rows::Builder<'_>>();
        write_texts(&self.around.values.strings, to, root.pointer(0));
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
                    |run, to, pointer| self.metrics.write(&self.around.values, run, to, pointer),
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
        let Around { groups, values, .. } = &self.around;
        if self.around.is_empty() || groups.resources().is_empty() {
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
