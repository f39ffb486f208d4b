//! Our headers behind the API's propagator.

use std::sync::{Mutex, PoisonError};

use opentelemetry::Context;
use opentelemetry::KeyValue;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt as _;

use crate::config::plan::Propagators;
use crate::context::{self, Parent};
use crate::record::gate;
use crate::telemetry::Extract;

use super::context::carried_by;
use super::span::span_context;

/// The names of a choice, which the API wants to borrow. Choices are few, so that each is kept for good.
static FIELDS: Mutex<Vec<(Propagators, &'static [String])>> = Mutex::new(Vec::new());

fn fields(which: Propagators) -> &'static [String] {
    let mut known = FIELDS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, names)) = known.iter().find(|(of, _)| *of == which) {
        return names;
    }
    let names = context::fields(which).into_iter().map(str::to_owned).collect::<Vec<_>>();
    let names: &'static [String] = names.leak();
    known.push((which, names));
    names
}

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
        FieldIter::new(fields(context::chosen()))
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
