//! What this half has to count: a row each, with what it means.

use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Counts up, for the process.
pub(crate) struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident, $key:literal;)*) => {
        $($(#[$doc])* pub(crate) static $name: Counter = Counter::new();)*

        pub(crate) fn all(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
            let dict = PyDict::new(py);
            $(dict.set_item($key, $name.read())?;)*
            Ok(dict)
        }
    };
}
counters!(
    /// Objects whose `__str__` raised; their type's name stands in for them.
    UNPRINTABLE, "unprintable";
    /// Lists of which the end was cut off.
    CUT_VALUES, "cut_values";
    /// Records that were logged while a record was being forwarded by the same thread; not forwarded.
    NESTED_LOGS, "nested_logs";
    /// Records that could not be forwarded at all.
    FAILED_LOGS, "failed_logs";
    /// What was written to a span that had ended.
    LATE_WRITES, "late_writes";
    /// Names of metrics, attributes of metrics and kinds of errors beyond what is kept of them.
    REFUSED_NAMES, "refused_names";
);
