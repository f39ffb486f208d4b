//! Fields of a log record, where their keys are ready; all else is `visit`'s.

use std::error::Error;
use std::fmt::{Debug, Write as _};

use tracing::field::{Field, Visit};

use crate::telemetry::Value;

use super::super::attributes::{AttributeBuffer, Key};
use super::super::log::LogLimits;
use super::super::values::{BOOL, F64, I64, STR};
use super::visit::{EventFields, Take};

/// The attributes of a log record.
pub(super) struct Within<'a> {
    pub(super) attributes: &'a mut AttributeBuffer,
    pub(super) limits: LogLimits,
}

impl Take for Within<'_> {
    fn take(&mut self, key: &str, value: Value<'_>) {
        self.attributes.set(key, value, self.limits.attributes, self.limits.value_length);
    }
}

/// Writes fields onto a log record.
pub(super) struct RecordFields<'a> {
    pub(super) within: Within<'a>,
    /// By the fields' indices.
    pub(super) keys: &'a [Key],
    /// The message, which is empty.
    pub(super) text: &'a mut String,
}

impl RecordFields<'_> {
    #[inline(always)]
    fn set(&mut self, field: &Field, tag: u8, value: &[u8]) -> bool {
        let Within { attributes, limits } = &mut self.within;
        let fits = tag != STR || value.len() <= limits.value_length as usize;
        let key = self.keys.get(field.index()).filter(|_| fits);
        key.is_some_and(|key| attributes.append_ready(key, tag, value, limits.attributes))
    }

    // With its arguments as they came, so that nothing need be kept for it.
    #[inline(never)]
    fn take<'v>(&mut self, field: &Field, value: impl Into<Value<'v>>) {
        self.within.take(field.name(), value.into());
    }

    #[inline(never)]
    fn take_text(&mut self, field: &Field, text: &str) {
        self.any().record_str(field, text);
    }

    /// For whatever the field is.
    fn any(&mut self) -> EventFields<'_, Within<'_>> {
        let Within { attributes, limits } = &mut self.within;
        EventFields::new(false, self.text, Within { attributes, limits: *limits })
    }
}

impl Visit for RecordFields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if !self.set(field, F64, &value.to_le_bytes()) {
            self.take(field, value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if !self.set(field, I64, &value.to_le_bytes()) {
            self.take(field, value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record_i64(field, i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if !self.set(field, BOOL, &[value.into()]) {
            self.take(field, value);
        }
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.any().record_bytes(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if !self.set(field, STR, value.as_bytes()) {
            self.take_text(field, value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.any().record_error(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.text.clear();
            // A `Debug` that fails leaves what it has written.
            let _ = write!(self.text, "{value:?}");
        } else {
            self.any().record_debug(field, value);
        }
    }
}
