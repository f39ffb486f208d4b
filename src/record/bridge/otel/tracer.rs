//! Tracers: a scope, and nothing else.

use std::sync::Arc;

use opentelemetry::trace::SpanBuilder;
use opentelemetry::{Context, InstrumentationScope, trace};

use super::span::Span;
use super::{context, scope_text};

/// Makes tracers whose spans go into the current pipeline.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TracerProvider;

impl trace::TracerProvider for TracerProvider {
    type Tracer = Tracer;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> Tracer {
        Tracer { scope: scope_text(&scope) }
    }
}

/// Starts spans of one instrumentation scope, of which the name and the version are exported.
#[derive(Clone, Debug)]
pub struct Tracer {
    scope: Option<Arc<str>>,
}

impl trace::Tracer for Tracer {
    type Span = Span;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> Span {
        let is_suppressed = parent.is_telemetry_suppressed();
        let parent = context::parent_of(parent);
        if is_suppressed {
            return Span::inert(&parent);
        }
        Span::start(builder, parent, self.scope.as_ref())
    }
}
