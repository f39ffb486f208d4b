//! Our headers behind the API's propagator.

use std::sync::LazyLock;

use opentelemetry::Context;
use opentelemetry::KeyValue;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt as _;

use crate::context::{self, Parent};
use crate::record::gate;
use crate::telemetry::Extract;

use super::context::carried_by;
use super::span::span_context;

static FIELDS: LazyLock<[String; 3]> =
    LazyLock::new(|| ["traceparent", "tracestate", "baggage"].map(str::to_owned));

/// Writes and reads the headers that `OTEL_PROPAGATORS` names; W3C trace context and baggage by default.
///
/// `inject` knows our current span too; `inject_context` of a `Context` without a span falls back to it.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Propagator;

impl TextMapPropagator for Propagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        if gate::read() != 0 {
            let mut set = |name: &str, value: &str| injector.set(name, value.to_owned());
            context::inject(&carried_by(cx), context::chosen(), &mut set);
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        if gate::read() == 0 {
            return cx.clone();
        }
        let parent = context::extract(context::chosen(), &Carrier(extractor));
        let extracted = match parent.has_span() {
            true => cx.with_remote_span_context(span_context(&parent)),
            false => cx.clone(),
        };
        match baggage(&parent) {
            Some(baggage) => extracted.with_baggage(baggage),
            None => extracted,
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        let which = context::chosen();
        let from = if which.trace_context { 0 } else { 2 };
        let to = if which.baggage { 3 } else { 2 };
        FieldIter::new(&FIELDS[from..to])
    }
}

pub(super) fn baggage(parent: &Parent) -> Option<Vec<KeyValue>> {
    let pair = |(key, value): &(String, String)| KeyValue::new(key.clone(), value.clone());
    let entries = parent.entries();
    (!entries.is_empty()).then(|| entries.iter().map(pair).collect())
}

/// The API's carrier as ours.
struct Carrier<'a>(&'a dyn Extractor);

impl Extract for Carrier<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }

    fn each(&self, name: &str, take: &mut dyn FnMut(&str)) {
        self.0.get_all(name).into_iter().flatten().for_each(take);
    }
}
