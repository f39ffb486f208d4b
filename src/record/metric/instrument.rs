//! Instruments that a host names: made anywhere, also before `init`, and used from then on.

use std::cell::RefCell;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, OnceLock, TryLockError};

use opentelemetry::metrics as api;
use opentelemetry::{Array, KeyValue, StringValue};

use crate::pipeline;
use crate::record::{gate, local};
use crate::telemetry::Value;

use super::meters::Meters;
use super::recent::{Handle, Recent};

/// What an instrument is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) description: &'static str,
    pub(super) boundaries: &'static [f64],
}

/// What a handle has made of itself.
struct Parts<I, B> {
    instrument: I,
    /// The same with the handle's attributes resolved.
    bound: B,
    /// Under which further attributes are bound, where they may be.
    handle: Option<Handle>,
}

type Made<I, B> = Arc<AssertUnwindSafe<Parts<I, B>>>;

/// What a handle has made of itself, for the pipeline of one epoch of the gate.
struct Cache<I, B> {
    /// Read without a lock: most processes have one pipeline.
    first: OnceLock<(u32, Made<I, B>)>,
    later: Mutex<Option<(u32, Made<I, B>)>>,
}

impl<I, B> Cache<I, B> {
    const fn new() -> Self {
        Self { first: OnceLock::new(), later: Mutex::new(None) }
    }

    fn with(&self, gate: u32, make: impl Fn(&Meters) -> (I, B), run: impl FnOnce(&Parts<I, B>)) {
        match self.first.get() {
            Some((of, made)) if *of == gate => return run(&made.0),
            _ => {}
        }
        if local::is_suppressed() {
            // A callback of a host's: the SDK holds its lock while it runs, and would wait for itself.
            return;
        }
        // Never waited for: in a child of fork it may be held by a thread that is not there.
        let mut later = match self.later.try_lock() {
            Ok(later) => Some(later),
            Err(TryLockError::Poisoned(later)) => Some(later.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        let made = match later.as_deref() {
            Some(Some((of, made))) if *of == gate => Arc::clone(made),
            _ => {
                let Some(shared) = pipeline::current() else {
                    return;
                };
                let (instrument, bound) = make(&shared.meters);
                let is_kept = later.is_some() && shared.meters.keeps_series();
                let handle = is_kept.then(Handle::new);
                let made = Arc::new(AssertUnwindSafe(Parts { instrument, bound, handle }));
                // Without the lock it is made for this measurement alone; the SDK knows it by its name.
                if let Some(later) = &mut later {
                    // Only the first one in is read without a lock.
                    let _ = self.first.set((gate, Arc::clone(&made)));
                    **later = Some((gate, Arc::clone(&made)));
                }
                made
            }
        };
        drop(later);
        run(&made.0);
    }
}

macro_rules! instrument_kind {
    (
        $(#[$doc:meta])* $make:ident -> $name:ident, $verb:ident($ty:ty),
        $sdk:ident, $bound:ident, $build:ident
    ) => {
        $(#[$doc])*
        pub struct $name {
            spec: Spec,
            attributes: Vec<KeyValue>,
            cache: Cache<api::$sdk<$ty>, api::$bound<$ty>>,
        }

        /// Names one; `const`, so it can be a `static`, and it works when made before `init`.
        #[must_use]
        pub const fn $make(name: &'static str) -> $name {
            let spec = Spec { name, unit: "", description: "", boundaries: &[] };
            $name { spec, attributes: Vec::new(), cache: Cache::new() }
        }

        impl $name {
            /// UCUM unit.
            #[must_use]
            pub const fn with_unit(mut self, unit: &'static str) -> Self {
                self.spec.unit = unit;
                self
            }

            /// What it measures.
            #[must_use]
            pub const fn with_description(mut self, text: &'static str) -> Self {
                self.spec.description = text;
                self
            }

            /// The same instrument with attributes resolved once; what a measurement is given comes on top.
            ///
            /// A measurement on a bound instrument allocates nothing.
            #[must_use]
            pub fn bind(&self, attributes: &[(&'static str, Value<'_>)]) -> Self {
                let attributes = merged(&self.attributes, attributes);
                Self { spec: self.spec, attributes, cache: Cache::new() }
            }

            /// One measurement.
            pub fn $verb(&self, value: $ty, attributes: &[(&'static str, Value<'_>)]) {
                let gate = gate::read();
                if gate & gate::MEASURES == 0 {
                    return;
                }
                let make = |meters: &Meters| {
                    let instrument = meters.$build(&self.spec);
                    let bound = instrument.bind(&self.attributes);
                    (instrument, bound)
                };
                thread_local! {
                    static RECENT: RefCell<Recent<api::$bound<$ty>>> =
                        const { RefCell::new(Recent::new()) };
                }
                self.cache.with(gate, make, |Parts { instrument, bound, handle }| {
                    if attributes.is_empty() {
                        return bound.$verb(value);
                    }
                    let all = || merged(&self.attributes, attributes);
                    let again = handle.and_then(|handle| {
                        let again = RECENT.try_with(|recent| {
                            let mut recent = recent.try_borrow_mut().ok()?;
                            let bind = || instrument.bind(&all());
                            recent.find(gate, handle, attributes, bind).map(|bound| bound.$verb(value))
                        });
                        again.ok().flatten()
                    });
                    if again.is_none() {
                        instrument.$verb(value, &all());
                    }
                });
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("name", &self.spec.name).finish_non_exhaustive()
            }
        }
    };
}
instrument_kind!(
    /// A sum that only grows.
    ///
    /// ```
    /// use trackside::telemetry::{self, Counter};
    ///
    /// static JOBS: Counter = telemetry::counter("jobs").with_unit("{job}");
    /// JOBS.add(1, &[("queue", "mail".into())]);
    /// ```
    counter -> Counter, add(u64), Counter, BoundCounter, counter
);
instrument_kind!(
    /// A sum that goes both ways.
    up_down_counter -> UpDownCounter, add(i64), UpDownCounter, BoundUpDownCounter, up_down_counter
);
instrument_kind!(
    /// The last value.
    gauge -> Gauge, record(f64), Gauge, BoundGauge, gauge
);
instrument_kind!(
    /// A distribution.
    histogram -> Histogram, record(f64), Histogram, BoundHistogram, histogram
);

impl Histogram {
    /// Explicit upper bounds, ascending; the specification's default where not given.
    #[must_use]
    pub const fn with_boundaries(mut self, bounds: &'static [f64]) -> Self {
        self.spec.boundaries = bounds;
        self
    }
}

macro_rules! observable {
    ($name:ident, $ty:ty, $build:ident) => {
        impl $name {
            /// Asks the closure for the value at each collection, for the rest of the process.
            ///
            /// It runs on the crate's own thread. A panic in it costs that one value, and is said
            /// in a diagnostic. It must be brief, and make or use no instrument: the collection
            /// would wait for itself.
            pub fn observe(&self, read: impl Fn() -> $ty + Send + Sync + 'static) {
                let (spec, attributes) = (self.spec, self.attributes.clone());
                let read = Arc::new(read);
                Meters::add_observer(Box::new(move |meters| {
                    meters.$build(&spec, attributes.clone(), Arc::clone(&read));
                }));
            }
        }
    };
}
observable!(Counter, u64, observe_counter);
observable!(UpDownCounter, i64, observe_up_down_counter);
observable!(Gauge, f64, observe_gauge);

/// A handle's own attributes and a measurement's; the later one of a key wins.
fn merged(own: &[KeyValue], more: &[(&'static str, Value<'_>)]) -> Vec<KeyValue> {
    let kept = own.iter().filter(|pair| !more.iter().any(|(key, _)| *key == pair.key.as_str()));
    let added = more.iter().map(|(key, value)| KeyValue::new(*key, sdk_value(value)));
    kept.cloned().chain(added).collect()
}

fn sdk_value(value: &Value<'_>) -> opentelemetry::Value {
    match value {
        Value::Bool(v) => (*v).into(),
        Value::I64(v) => (*v).into(),
        Value::F64(v) => (*v).into(),
        Value::Str(v) => (*v).to_owned().into(),
        Value::Bytes(v) => String::from_utf8_lossy(v).into_owned().into(),
        Value::Format(v) => v.to_string().into(),
        Value::Array(items) => {
            // The SDK's arrays have one type; text holds every value.
            let texts = items.iter().map(|item| StringValue::from(sdk_value(item).to_string()));
            opentelemetry::Value::Array(Array::String(texts.collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lock_that_nobody_gives_back_is_not_waited_for() {
        let cache: &'static Cache<(), ()> = Box::leak(Box::new(Cache::new()));
        let _held = cache.later.lock();
        let (done, is_done) = mpsc::channel();
        thread::spawn(move || {
            cache.with(gate::MEASURES, |_| ((), ()), |_| {});
            done.send(())
        });
        assert_eq!(is_done.recv_timeout(Duration::from_secs(30)), Ok(()));
    }
}
