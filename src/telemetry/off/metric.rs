//! Instruments that measure nothing.

use super::super::Value;

macro_rules! instrument_kind {
    ($(#[$doc:meta])* $make:ident -> $name:ident, $verb:ident($ty:ty)) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(());

        /// Names one; `const`, so it can be a `static`, and it works when made before `init`.
        #[must_use]
        pub const fn $make(_name: &'static str) -> $name {
            $name(())
        }

        impl $name {
            /// UCUM unit.
            #[must_use]
            pub const fn with_unit(self, _unit: &'static str) -> Self {
                self
            }

            /// What it measures.
            #[must_use]
            pub const fn with_description(self, _text: &'static str) -> Self {
                self
            }

            /// The same instrument with attributes resolved once; what a measurement is given comes on top.
            ///
            /// A measurement on a bound instrument allocates nothing.
            #[must_use]
            pub fn bind(&self, _attributes: &[(&'static str, Value<'_>)]) -> Self {
                Self(())
            }

            /// One measurement.
            pub fn $verb(&self, _value: $ty, _attributes: &[(&'static str, Value<'_>)]) {}
        }
    };
}
instrument_kind!(
    /// A sum that only grows.
    counter -> Counter, add(u64)
);
instrument_kind!(
    /// A sum that goes both ways.
    up_down_counter -> UpDownCounter, add(i64)
);
instrument_kind!(
    /// The last value.
    gauge -> Gauge, record(f64)
);
instrument_kind!(
    /// A distribution.
    histogram -> Histogram, record(f64)
);

impl Histogram {
    /// Explicit upper bounds, ascending; the specification's default where not given.
    #[must_use]
    pub const fn with_boundaries(self, _bounds: &'static [f64]) -> Self {
        self
    }
}

macro_rules! observable {
    ($name:ident, $ty:ty) => {
        impl $name {
            /// Asks the closure for the value at each collection, for the rest of the process.
            ///
            /// It runs on the crate's own thread. A panic in it costs that one value, and is said
            /// in a diagnostic. It must be brief, and make or use no instrument: the collection
            /// would wait for itself.
            pub fn observe(&self, _read: impl Fn() -> $ty + Send + Sync + 'static) {}
        }
    };
}
observable!(Counter, u64);
observable!(UpDownCounter, i64);
observable!(Gauge, f64);
