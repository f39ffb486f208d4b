//! Meters of the current pipeline: the SDK's.

use opentelemetry::InstrumentationScope;
use opentelemetry::metrics::{self, Meter, NoopMeterProvider};

use crate::pipeline;
use crate::record::gate;

/// Hands out the meters of the SDK's provider in the current pipeline; without one, they do nothing.
///
/// Instruments belong to the pipeline that they were made in.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct MeterProvider;

impl metrics::MeterProvider for MeterProvider {
    fn meter_with_scope(&self, scope: InstrumentationScope) -> Meter {
        let running = || (gate::read() & gate::MEASURES != 0).then(pipeline::current).flatten();
        match running() {
            Some(shared) => shared.meters.meter_with_scope(scope),
            None => NoopMeterProvider::new().meter_with_scope(scope),
        }
    }
}
