//! Every field of what comes, read.

use std::hint::black_box;

use crate::encode::capnp::columns::Numbers;
use crate::encode::view::{
    Any, Attributes, BatchSink, EventView, LinkView, LogView, MetricView, Resource, Scope, SpanView,
};
use crate::receive::rows::{Columns, Content, Payload, Refusal};

/// Of all that is in a batch.
pub(crate) fn sum_of_fields(payload: &Payload) -> Result<u64, Refusal> {
    let mut fields = Fields::default();
    payload.read(|rows| match rows.columns() {
        Some(columns) => fields.columns(columns),
        None => rows.lend(&mut fields),
    })?;
    Ok(fields.0)
}

/// A sum over all that was read: nothing can be left out of it.
#[derive(Default)]
struct Fields(u64);

impl Fields {
    #[inline]
    fn add(&mut self, number: u64) {
        self.0 = self.0.rotate_left(1) ^ number;
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        self.add(bytes.len() as u64);
        let mut sum = self.0;
        let mut add = |word: u64| sum = sum.rotate_left(1) ^ word;
        // The last ones once more, if they are not all of a chunk.
        if let Some(last) = bytes.last_chunk::<16>() {
            let chunks = bytes.chunks_exact(16).filter_map(<[u8]>::first_chunk::<16>);
            let mut add_chunk = |chunk: &[u8; 16]| {
                let words = u128::from_le_bytes(*chunk);
                add(words as u64);
                add((words >> 64) as u64);
            };
            chunks.for_each(&mut add_chunk);
            add_chunk(last);
        } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            add(u64::from_le_bytes(*first));
            add(u64::from_le_bytes(*last));
        } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            add(u32::from_le_bytes(*first).into());
            add(u32::from_le_bytes(*last).into());
        } else {
            bytes.iter().for_each(|byte| add((*byte).into()));
        }
        self.0 = sum;
    }

    #[inline]
    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    #[inline]
    fn trace(&mut self, trace: u128) {
        self.add((trace >> 64) as u64);
        self.add(trace as u64);
    }

    #[inline(always)]
    fn value(&mut self, value: Any<'_>) {
        match value {
            Any::Empty => self.add(0),
            Any::Bool(value) => self.add(value.into()),
            Any::I64(value) => self.add(value as u64),
            Any::F64(value) => self.add(value.to_bits()),
            Any::Str(text) => self.text(text),
            Any::Bytes(bytes) => self.bytes(bytes),
            Any::Array(_) | Any::Map(_) => self.nested(value),
        }
    }

    #[inline(never)]
    fn nested(&mut self, value: Any<'_>) {
        match value {
            Any::Array(items) => items.items(&mut |item| self.value(item)),
            Any::Map(entries) => entries.entries(&mut |key, value| {
                self.text(key);
                self.value(value);
            }),
            _ => {}
        }
    }

    fn attributes(&mut self, item: &impl Attributes) {
        self.add(item.dropped_attributes().into());
        item.attributes(|key, value| {
            self.text(key);
            self.value(value);
        });
    }

    /// Column by column: each text once, and then how long the one is that a span has.
    fn columns(&mut self, from: &Columns<'_>) {
        from.texts().for_each(|text| self.text(text));
        from.lend_groups(self, |fields, _, spans| fields.add(spans.into()));
        let column = |fields: &mut Self, content, numbers: &Numbers<'_>, count: usize| {
            // Of the same ones, one look is enough.
            let (looks, times) = match numbers.constant() {
                Some(_) => (count.min(1), count as u64),
                None => (count, 1),
            };
            let sum = match content {
                Content::Numbers => numbers.fold(looks, 0, u64::wrapping_add),
                Content::Texts => from.text_bytes(numbers, looks),
                Content::Values => {
                    numbers.each(looks, |number| from.value(number, |value| fields.value(value)));
                    0
                }
            };
            fields.add(sum.wrapping_mul(times));
        };
        from.each_field(|_, content, numbers, count| column(self, content, numbers, count));
        from.each_attribute(|key, content, numbers, count| {
            self.text(key);
            column(self, content, numbers, count);
        });
        from.each_event(|event| self.event(event));
        from.each_link(|link| self.link(link));
    }

    fn event(&mut self, event: &impl EventView) {
        self.add(event.time());
        self.text(event.name());
        self.attributes(event);
    }

    fn link(&mut self, link: &impl LinkView) {
        self.trace(link.trace());
        self.add(link.span());
        self.add(link.flags().into());
        self.text(link.trace_state());
        self.attributes(link);
    }

    fn pairs(&mut self, pairs: &[(&str, Any<'_>)]) {
        for (key, value) in pairs {
            self.text(key);
            self.value(*value);
        }
    }
}

impl BatchSink for Fields {
    fn begin_resource(&mut self, resource: &Resource<'_>) {
        self.pairs(&resource.attributes);
        self.text(resource.schema_url);
    }

    fn begin_scope(&mut self, scope: &Scope<'_>) {
        self.text(scope.name);
        self.text(scope.version);
        self.text(scope.schema_url);
        self.pairs(&scope.attributes);
    }

    fn span(&mut self, span: &impl SpanView) {
        self.trace(span.trace());
        for number in [span.span(), span.parent(), span.start(), span.end(), span.flags().into()] {
            self.add(number);
        }
        self.text(span.name());
        self.text(span.trace_state());
        self.text(span.status_message());
        self.add(span.kind_number() as u64);
        self.add(span.status_code() as u64);
        self.add(span.dropped_events().into());
        self.add(span.dropped_links().into());
        self.attributes(span);
        span.events(|event| self.event(event));
        span.links(|link| self.link(link));
    }

    fn log(&mut self, log: &impl LogView) {
        self.trace(log.trace());
        for number in [log.span(), log.time(), log.observed(), log.flags().into()] {
            self.add(number);
        }
        self.add(log.severity_number() as u64);
        self.text(log.severity_text());
        self.text(log.event_name());
        log.body(|body| self.value(body));
        self.attributes(log);
    }

    fn metric(&mut self, metric: &MetricView<'_>) {
        self.text(metric.name);
        self.text(metric.description);
        self.text(metric.unit);
        self.pairs(&metric.metadata);
        // The view of a metric is built, so all of its points have been read by now.
        black_box(&metric.data);
    }
}
