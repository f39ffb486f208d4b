//! The SDK underneath: its provider, our reader, and the instruments made from them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{
    BoundCounter, Counter, Gauge, Histogram, Meter, MeterProvider as _, UpDownCounter,
};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Temporality as SdkTemporality,
};

use crate::config::plan::Plan;
use crate::encode::each_metric;
use crate::encode::sdk::resource_of;
use crate::encode::view::MetricView;
use crate::health::diagnostics::{Diagnostics, Level};
use crate::pipeline;
use crate::record::gate;
use crate::record::log::BANDS;

use super::instrument::Spec;
use super::rpc_series::RpcMeters;

type Observer = Box<dyn Fn(&Meters) + Send + Sync>;

/// The host's observable instruments; each new pipeline makes them anew.
static OBSERVERS: Mutex<Vec<Observer>> = Mutex::new(Vec::new());

/// The meters of one pipeline.
pub(crate) struct Meters(AssertUnwindSafe<Inner>);

struct Inner {
    /// Keeps the reader's pipeline alive, and makes the meters of other scopes.
    provider: SdkMeterProvider,
    reader: Reader,
    meter: Meter,
    collected: Mutex<ResourceMetrics>,
    diagnostics: Arc<Diagnostics>,
    rpc: RpcMeters,
    forwarded: Counter<u64>,
    /// By the band of the level; bound at the first use, since a bound series is exported.
    forwarded_bands: [OnceLock<BoundCounter<u64>>; BANDS.len()],
}

impl Meters {
    pub(crate) fn new(plan: &Plan, diagnostics: &Arc<Diagnostics>) -> Self {
        let temporality = plan.metrics.temporality.into();
        let reader =
            Reader(Arc::new(ManualReader::builder().with_temporality(temporality).build()));
        // Ours is encoded once; this one is for exporters of the SDK's.
        let resource = resource_of(&plan.resource);
        let provider = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_reader(Reader(Arc::clone(&reader.0)))
            .build();
        let scope = opentelemetry::InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let meter = provider.meter_with_scope(scope);
        let rpc = RpcMeters::new(&meter, plan.metrics.names, diagnostics);
        let forwarded =
            meter.u64_counter("python_logs_forwarded_total").with_unit("{log_record}").build();
        let meters = Self(AssertUnwindSafe(Inner {
            rpc,
            forwarded,
            forwarded_bands: Default::default(),
            provider,
            reader,
            meter,
            collected: Mutex::default(),
            diagnostics: Arc::clone(diagnostics),
        }));
        if !plan.metrics.exporters.is_empty() {
            let observers = OBSERVERS.lock().unwrap_or_else(PoisonError::into_inner);
            observers.iter().for_each(|observer| observer(&meters));
        }
        meters
    }

    /// Adds an observable instrument to this pipeline and to all that follow.
    pub(super) fn add_observer(observer: Observer) {
        let mut observers = OBSERVERS.lock().unwrap_or_else(PoisonError::into_inner);
        if gate::read() & gate::MEASURES != 0 {
            if let Some(shared) = pipeline::current() {
                observer(&shared.meters);
            }
        }
        observers.push(observer);
    }

    /// A meter of another scope.
    pub(crate) fn meter_with_scope(&self, scope: opentelemetry::InstrumentationScope) -> Meter {
        self.0.provider.meter_with_scope(scope)
    }

    pub(super) fn rpc(&self) -> &RpcMeters {
        &self.0.rpc
    }

    pub(super) fn count_forwarded_log(&self, band: usize) {
        let bind = || self.0.forwarded.bind(&[KeyValue::new("level", BANDS[band].2)]);
        self.0.forwarded_bands[band].get_or_init(bind).add(1);
    }

    /// One collection. A panic in it costs this collection, not the thread; one of a host's callback
    /// is caught closer to it, and costs its value alone.
    pub(crate) fn collect(&self, diagnostics: &Diagnostics, each: impl FnMut(&MetricView<'_>)) {
        let mut collected = self.0.collected.lock().unwrap_or_else(PoisonError::into_inner);
        let collect = AssertUnwindSafe(|| self.0.reader.collect(&mut collected));
        match catch_unwind(collect) {
            Ok(Ok(())) => each_metric(&collected, each),
            Ok(Err(error)) => {
                diagnostics.say(
                    Level::Warn,
                    "collect",
                    &format!("metrics were not collected: {error}"),
                );
            }
            Err(_) => {
                diagnostics.say(
                    Level::Warn,
                    "collect",
                    "metrics were not collected: a callback panicked",
                );
            }
        }
    }

    /// The newest collection, whole.
    pub(crate) fn take_collected(&self) -> ResourceMetrics {
        std::mem::take(&mut self.0.collected.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn counter(&self, spec: &Spec) -> Counter<u64> {
        let builder = self.0.meter.u64_counter(spec.name);
        builder.with_unit(spec.unit).with_description(spec.description).build()
    }

    pub(super) fn up_down_counter(&self, spec: &Spec) -> UpDownCounter<i64> {
        let builder = self.0.meter.i64_up_down_counter(spec.name);
        builder.with_unit(spec.unit).with_description(spec.description).build()
    }

    pub(super) fn gauge(&self, spec: &Spec) -> Gauge<f64> {
        let builder = self.0.meter.f64_gauge(spec.name);
        builder.with_unit(spec.unit).with_description(spec.description).build()
    }

    pub(super) fn histogram(&self, spec: &Spec) -> Histogram<f64> {
        let builder = self.0.meter.f64_histogram(spec.name);
        let builder = builder.with_unit(spec.unit).with_description(spec.description);
        match spec.boundaries {
            [] => builder.build(),
            bounds => builder.with_boundaries(bounds.to_vec()).build(),
        }
    }
}

macro_rules! observe {
    ($name:ident, $ty:ty, $build:ident) => {
        impl Meters {
            pub(super) fn $name<F: Fn() -> $ty + Send + Sync + 'static>(
                &self,
                spec: &Spec,
                attributes: Vec<KeyValue>,
                read: Arc<F>,
            ) {
                let (name, diagnostics) = (spec.name, Arc::clone(&self.0.diagnostics));
                let builder = self.0.meter.$build(name);
                let builder = builder.with_unit(spec.unit).with_description(spec.description);
                let callback = move |to: &dyn opentelemetry::metrics::AsyncInstrument<$ty>| {
                    match catch_unwind(AssertUnwindSafe(|| read())) {
                        Ok(value) => to.observe(value, &attributes),
                        Err(_) => {
                            let line = format!(
                                "the callback of the metric {name} panicked; its value is missing"
                            );
                            diagnostics.say(Level::Warn, name, &line);
                        }
                    }
                };
                // The SDK keeps the callback; the handle itself is good for nothing.
                let _ = builder.with_callback(callback).build();
            }
        }
    };
}
observe!(observe_counter, u64, u64_observable_counter);
observe!(observe_up_down_counter, i64, i64_observable_up_down_counter);
observe!(observe_gauge, f64, f64_observable_gauge);

/// The SDK's manual reader, kept by both sides.
#[derive(Clone, Debug)]
struct Reader(Arc<ManualReader>);

impl MetricReader for Reader {
    fn register_pipeline(&self, pipeline: std::sync::Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> SdkTemporality {
        self.0.temporality(kind)
    }
}
