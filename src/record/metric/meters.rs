//! The SDK underneath: its provider, our reader, and the instruments made from them.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter, MeterProvider as _, UpDownCounter};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    Aggregation, Instrument, InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Stream,
    Temporality as SdkTemporality,
};

use crate::config::plan::{ExporterPlan, Histograms, Plan, Temporality};
use crate::encode::each_metric;
use crate::encode::sdk::resource_of;
use crate::encode::view::MetricView;
use crate::health::diagnostics::{Diagnostics, Level};
use crate::pipeline;
use crate::record::gate;

use super::cells::{Cells, Onlooker};
use super::instrument::Spec;
use super::sdk_set::SdkSet;

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
    keeps_series: bool,
    predefined: Predefined,
}

/// Who records the predefined set.
enum Predefined {
    Cells(Arc<Cells>),
    /// A collection that leaves whole holds the SDK's instruments and nothing else; and exponential histograms are
    /// the SDK's.
    Sdk(Arc<SdkSet>),
}

impl Meters {
    pub(crate) fn new(plan: &Plan, diagnostics: &Arc<Diagnostics>) -> Self {
        let temporality = plan.metrics.temporality.into();
        let reader =
            Reader(Arc::new(ManualReader::builder().with_temporality(temporality).build()));
        // Ours is encoded once; this one is for exporters of the SDK's.
        let resource = resource_of(&plan.resource);
        let mut builder = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_reader(Reader(Arc::clone(&reader.0)));
        let is_exponential = plan.metrics.histograms == Histograms::Exponential;
        if is_exponential {
            builder = builder.with_view(exponential);
        }
        let provider = builder.build();
        let scope = opentelemetry::InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let meter = provider.meter_with_scope(scope);
        let wants_whole = |exporter: &ExporterPlan| matches!(exporter, ExporterPlan::Foreign(_));
        // The cells' buckets are fixed; those of exponential histograms move.
        let needs_sdk = is_exponential || plan.metrics.exporters.iter().any(wants_whole);
        let predefined = match needs_sdk {
            true => Predefined::Sdk(Arc::new(SdkSet::new(&meter, plan.metrics.names, diagnostics))),
            false => Predefined::Cells(Arc::new(Cells::new(&plan.metrics, diagnostics))),
        };
        let meters = Self(AssertUnwindSafe(Inner {
            keeps_series: plan.metrics.temporality == Temporality::Cumulative,
            predefined,
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

    /// For the fork: no observer is being added.
    pub(crate) fn hold() -> Box<dyn Any> {
        Box::new(OBSERVERS.lock().unwrap_or_else(PoisonError::into_inner))
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

    /// Whether a set of attributes, once measured, keeps its series for ever.
    pub(super) fn keeps_series(&self) -> bool {
        self.0.keeps_series
    }

    pub(super) fn cells(&self) -> Option<&Arc<Cells>> {
        match &self.0.predefined {
            Predefined::Cells(cells) => Some(cells),
            Predefined::Sdk(_) => None,
        }
    }

    /// Who chooses exemplars from the spans.
    pub(crate) fn onlooker(&self) -> Option<Onlooker> {
        self.cells().and_then(Onlooker::new)
    }

    pub(super) fn sdk_set(&self) -> Option<&Arc<SdkSet>> {
        match &self.0.predefined {
            Predefined::Sdk(set) => Some(set),
            Predefined::Cells(_) => None,
        }
    }

    /// One collection. A panic in it costs this collection, not the thread; one of a host's callback
    /// is caught closer to it, and costs its value alone.
    pub(crate) fn collect(&self, diagnostics: &Diagnostics, mut each: impl FnMut(&MetricView<'_>)) {
        let mut collected = self.0.collected.lock().unwrap_or_else(PoisonError::into_inner);
        let collect = AssertUnwindSafe(|| self.0.reader.collect(&mut collected));
        match catch_unwind(collect) {
            Ok(Ok(())) => each_metric(&collected, &mut each),
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
        drop(collected);
        if let Some(cells) = self.cells() {
            cells.collect(&mut each);
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

/// For histograms, whatever boundaries they came with: as many buckets as the specification has by default.
fn exponential(instrument: &Instrument) -> Option<Stream> {
    let aggregation = Aggregation::Base2ExponentialHistogram {
        max_size: 160,
        max_scale: 20,
        record_min_max: true,
    };
    let is_histogram = instrument.kind() == InstrumentKind::Histogram;
    is_histogram.then(|| Stream::builder().with_aggregation(aggregation).build().ok())?
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
