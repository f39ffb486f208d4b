//! Attributes of a span, within its limits.

use crate::telemetry::Value;

use super::super::attributes::Key;
use super::super::values::{BOOL, F64, I64, STR};
use super::Open;

impl Open {
    pub(crate) fn set(&mut self, key: &str, value: Value<'_>) {
        self.attributes.set(key, value, self.limits.attributes, self.limits.value_length);
    }

    /// `set`, inlined into the host: where a key is known, it is one of the host's instructions.
    #[inline(always)]
    pub(crate) fn set_here(&mut self, key: &str, value: Value<'_>) {
        // Where care is needed the value is made anew, or it would be put in memory for all.
        match value {
            Value::Bool(v) => {
                if !self.append_new(key, BOOL, &[v.into()]) {
                    self.set_with_care(key, v);
                }
            }
            Value::I64(v) => {
                if !self.append_new(key, I64, &v.to_le_bytes()) {
                    self.set_with_care(key, v);
                }
            }
            Value::F64(v) => {
                if !self.append_new(key, F64, &v.to_le_bytes()) {
                    self.set_with_care(key, v);
                }
            }
            Value::Str(v) => {
                let fits = v.len() <= self.limits.value_length as usize;
                if !fits || !self.append_new(key, STR, v.as_bytes()) {
                    self.set_with_care(key, v);
                }
            }
            value => self.set(key, value),
        }
    }

    /// Sets what fits under a key that is ready; false, and nothing is done, elsewhere.
    #[inline(always)]
    pub(in crate::record) fn set_ready(&mut self, key: &Key, tag: u8, value: &[u8]) -> bool {
        let fits = tag != STR || value.len() <= self.limits.value_length as usize;
        fits && self.attributes.append_ready(key, tag, value, self.limits.attributes)
    }

    #[cold]
    #[inline(never)]
    fn set_with_care<'v>(&mut self, key: &str, value: impl Into<Value<'v>>) {
        self.set(key, value.into());
    }

    #[inline(always)]
    fn append_new(&mut self, key: &str, tag: u8, value: &[u8]) -> bool {
        self.attributes.append_new(key, tag, value, self.limits.attributes)
    }
}
