//! A batch: items are staged as they come, and one message is made of them at the end.

use std::mem;

use bytes::Bytes;
use capnp::message::{Allocator, Builder, HeapAllocator, ScratchSpaceHeapAllocator};
use capnp::{Word, serialize};

use super::groups::Groups;
use super::logs::Logs;
use super::metrics::Metrics;
use super::strings::Strings;
use super::trace::Spans;
use super::value::{Mark, Values};
use super::words;
use crate::encode::view::{LogView, MetricView, Resource, Scope, SpanView};
use crate::schema::common_capnp::string_table;
use crate::schema::ingest_capnp::{batch::Signal, rows};
use crate::schema::logs_capnp::{log_record, logs_data, resource_logs, scope_logs};
use crate::schema::metrics_capnp::{metric, metrics_data, resource_metrics, scope_metrics};
use crate::schema::trace_capnp::{resource_spans, scope_spans, span, traces_data};

/// The root's pointer, and the root.
const ROOT_WORDS: usize = 1 + words::of::<rows::Builder<'_>>();

/// What a segment can hold; a message that is larger takes several.
const MAX_SEGMENT_WORDS: u32 = (1 << 28) - 1;

/// The longest message that leaves its memory to the next one: 4 MiB. Fresh memory of that size is mapped
/// page by page, which takes longer than writing the message.
const MAX_KEPT_WORDS: usize = 1 << 19;

/// Resources, scopes and items into a signal's data: the types differ, the shape does not.
macro_rules! write_groups {
    ($batch:ident, $items:ident, $data:ident, $resources:ident, $scopes:ident, $list:ident) => {
        let Batch { groups, values, $items: items, .. } = $batch;
        let mut list = $data.$resources(groups.resources().len() as u32);
        for (index, resource) in groups.resources().iter().enumerate() {
            let mut to = list.reborrow().get(index as u32);
            to.set_schema_url(resource.schema_url);
            groups.write_resource(values, resource, to.reborrow().init_resource());
            let scopes = groups.scopes_of(index);
            if scopes.len() == 0 {
                continue;
            }
            let mut list = to.$scopes(scopes.len() as u32);
            for (index, (scope, run)) in (0..).zip(scopes) {
                let mut to = list.reborrow().get(index);
                to.set_schema_url(scope.schema_url);
                scope.write(values, to.reborrow().init_scope());
                if run.len() != 0 {
                    items.write(values, run, to.$list(run.len() as u32));
                }
            }
        }
    };
}

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
    /// Where messages are made.
    space: Vec<Word>,
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
            space: Vec::new(),
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

    /// The message; the batch is ready for the next one. It is one segment, since its size is known.
    pub(super) fn finish(&mut self) -> Bytes {
        let words = self.words();
        if words > MAX_KEPT_WORDS {
            let size = u32::try_from(words).unwrap_or(u32::MAX).min(MAX_SEGMENT_WORDS);
            return self.made(words, HeapAllocator::new().first_segment_words(size));
        }
        let mut space = mem::take(&mut self.space);
        if space.len() < words {
            space = Word::allocate_zeroed_vec(words);
        }
        let bytes = &mut Word::words_to_bytes_mut(&mut space)[..words * 8];
        let made = self.made(words, ScratchSpaceHeapAllocator::new(bytes));
        self.space = space;
        made
    }

    fn made(&mut self, words: usize, memory: impl Allocator) -> Bytes {
        let mut message = Builder::new(memory);
        self.write(message.init_root());
        debug_assert!(is_exact(&message, words), "the size is not the one counted");
        self.spans.clear();
        self.logs.clear();
        self.metrics.clear();
        self.groups.reset(self.kept.0 != 0);
        self.values.reset(self.kept.1);
        self.items = 0;
        Bytes::from(serialize::write_message_to_words(&message))
    }

    fn words(&self) -> usize {
        let texts = words::of::<string_table::Builder<'_>>()
            + words::of_bytes(4 * self.values.strings.count())
            + words::of_bytes(self.values.strings.blob().len());
        let (data, groups, item) = match self.signal {
            Signal::Unset => return ROOT_WORDS + texts,
            Signal::Traces => (
                words::of::<traces_data::Builder<'_>>(),
                self.groups.words(
                    words::of::<resource_spans::Builder<'_>>(),
                    words::of::<scope_spans::Builder<'_>>(),
                ),
                words::of::<span::Builder<'_>>(),
            ),
            Signal::Logs => (
                words::of::<logs_data::Builder<'_>>(),
                self.groups.words(
                    words::of::<resource_logs::Builder<'_>>(),
                    words::of::<scope_logs::Builder<'_>>(),
                ),
                words::of::<log_record::Builder<'_>>(),
            ),
            Signal::Metrics => (
                words::of::<metrics_data::Builder<'_>>(),
                self.groups.words(
                    words::of::<resource_metrics::Builder<'_>>(),
                    words::of::<scope_metrics::Builder<'_>>(),
                ),
                words::of::<metric::Builder<'_>>(),
            ),
        };
        if self.is_empty() {
            return ROOT_WORDS + texts + data;
        }
        let inside = self.spans.words() + self.logs.words() + self.metrics.words();
        let items = self.groups.item_words(item) + inside + self.values.words();
        ROOT_WORDS + texts + data + groups + items
    }

    fn write(&mut self, mut to: rows::Builder<'_>) {
        let texts = to.reborrow().init_strings();
        write_texts(&self.values.strings, texts);
        if self.is_empty() {
            match self.signal {
                Signal::Unset => {}
                Signal::Traces => drop(to.init_traces()),
                Signal::Logs => drop(to.init_logs()),
                Signal::Metrics => drop(to.init_metrics()),
            }
            return;
        }
        match self.signal {
            Signal::Unset => {}
            Signal::Traces => {
                self.spans.sort();
                let to = to.init_traces();
                write_groups!(self, spans, to, init_resource_spans, init_scope_spans, init_spans);
            }
            Signal::Logs => {
                self.logs.sort();
                let to = to.init_logs();
                write_groups!(
                    self,
                    logs,
                    to,
                    init_resource_logs,
                    init_scope_logs,
                    init_log_records
                );
            }
            Signal::Metrics => {
                self.metrics.sort();
                let to = to.init_metrics();
                write_groups!(
                    self,
                    metrics,
                    to,
                    init_resource_metrics,
                    init_scope_metrics,
                    init_metrics
                );
            }
        }
    }
}

/// Whether all is in one segment, and that is full.
fn is_exact(message: &Builder<impl Allocator>, words: usize) -> bool {
    matches!(*message.get_segments_for_output(), [only] if only.len() == 8 * words)
}

fn write_texts(from: &Strings, mut to: string_table::Builder<'_>) {
    let mut list = to.reborrow().init_ends(from.count() as u32);
    (0..).zip(from.ends()).for_each(|(index, end)| list.set(index, end));
    if !from.blob().is_empty() {
        to.set_blob(from.blob());
    }
}
