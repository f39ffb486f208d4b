//! Looks at the spans that the worker drains: those of measured calls are exemplars.

use std::sync::Arc;

use crate::config::plan::Exemplars as Filter;
use crate::context::SAMPLED;
use crate::encode::view::{Any, Attributes as _, SpanView as _};
use crate::pipeline::clock::Anchor;
use crate::record::metric::rpc::Side;
use crate::record::packed::PackedSpan;
use crate::record::rpc::CALL;
use crate::telemetry::Kind;

use super::exemplars::Exemplar;
use super::{Cells, bounds};

/// Chooses, on the worker's thread, so that calls pay nothing for it.
pub(crate) struct Onlooker {
    cells: Arc<Cells>,
    method: String,
    cls_id: String,
    error: String,
}

impl Onlooker {
    pub(in crate::record::metric) fn new(cells: &Arc<Cells>) -> Option<Self> {
        (cells.exemplars != Filter::Never).then(|| Self {
            cells: Arc::clone(cells),
            method: String::new(),
            cls_id: String::new(),
            error: String::new(),
        })
    }

    /// One record of a span's.
    pub(crate) fn see(&mut self, record: &[u8], anchor: &Anchor) {
        let span = PackedSpan::read(record, anchor);
        if span.name() != CALL || span.trace_flags() & SAMPLED == 0 {
            return;
        }
        let texts = [&mut self.method, &mut self.cls_id, &mut self.error];
        let [method, cls_id, error] = texts;
        [&mut *method, &mut *cls_id, &mut *error].into_iter().for_each(|text| text.clear());
        span.attributes(|key, value| {
            let text = match key {
                "method" => &mut *method,
                "cls_id" => &mut *cls_id,
                "error.type" => &mut *error,
                _ => return,
            };
            if let Any::Str(value) = value {
                text.push_str(value);
            }
        });
        let side = if span.kind() == Kind::Client { Side::Client } else { Side::Server };
        let error = Some(error.as_str()).filter(|error| !error.is_empty());
        let exemplar = Exemplar {
            nanos: span.end().saturating_sub(span.start()),
            time: span.end(),
            trace: span.trace(),
            span: span.span(),
        };
        let bucket = bounds::CALLS.bucket(exemplar.nanos);
        if let Some(series) = self.cells.lock_registry().find_call(side, method, cls_id, error) {
            series.exemplars.put(bucket, exemplar);
        }
    }
}
