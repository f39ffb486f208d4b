//! The OpenTelemetry API over our records.
//!
//! Nothing here holds a pipeline: each call looks at the current one, so what a host or a library
//! took before `init`, or kept over a shutdown, works as soon as there is one.

mod attach;
mod context;
mod logs;
mod meter;
mod propagator;
mod span;
mod tracer;
mod value;

pub(crate) use attach::{STOCK_LAYER, attach, choose, detach, settle};
pub(crate) use context::{hand_over, has_span, ids, is_recording, newer, outlive};
pub use logs::{LogRecord, Logger, LoggerProvider};
pub use meter::MeterProvider;
pub use propagator::Propagator;
pub use span::Span;
pub use tracer::{Tracer, TracerProvider};

use std::sync::Arc;

use opentelemetry::{InstrumentationScope, global};

use crate::config::plan::Globals;
use crate::encode::view::SCOPE_VERSION;

/// Makes these OpenTelemetry's globals; what was there before is replaced, as the API has it.
pub(crate) fn set_globals(which: Globals) {
    if which.tracer_provider {
        global::set_tracer_provider(TracerProvider);
    }
    if which.meter_provider {
        global::set_meter_provider(MeterProvider);
    }
    if which.propagator {
        global::set_text_map_propagator(Propagator);
    }
}

/// A scope as records name it; `None` for one without a name.
fn scope_text(scope: &InstrumentationScope) -> Option<Arc<str>> {
    let name = scope.name();
    match (name, scope.version()) {
        ("", _) => None,
        (_, None) => Some(name.into()),
        (_, Some(version)) => Some(format!("{name}{SCOPE_VERSION}{version}").into()),
    }
}
