//! Fields of `tracing` as attributes, typed, and the names among them that mean something.

use std::error::Error;
use std::fmt::{self, Debug, Write as _};

use tracing::field::{Field, Visit};

use crate::telemetry::{Kind, Value};

use super::super::attributes::Key;
use super::super::exception::Exception;
use super::super::open::Open;
use super::super::values::{BOOL, F64, I64, STR};

/// Writes fields onto a span; those of `tracing-opentelemetry`'s names become what they name.
pub(super) struct SpanFields<'a> {
    pub(super) open: &'a mut Open,
    /// By the fields' indices, where they are known.
    pub(super) keys: &'a [Key],
}

impl SpanFields<'_> {
    #[inline(always)]
    fn set_ready(&mut self, field: &Field, tag: u8, value: &[u8]) -> bool {
        self.keys.get(field.index()).is_some_and(|key| self.open.set_ready(key, tag, value))
    }

    #[inline(never)]
    fn set<'v>(&mut self, field: &Field, value: impl Into<Value<'v>>) {
        self.open.set(field.name(), value.into());
    }

    #[inline(never)]
    fn set_text(&mut self, field: &Field, text: &str) {
        match field.name() {
            name if name.starts_with("otel.") => self.word(name, text),
            name => self.open.set(name, Value::Str(text)),
        }
    }

    #[cold]
    fn word(&mut self, name: &str, text: &str) {
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        match name {
            "otel.name" => self.open.rename(text.to_owned()),
            "otel.kind" if is("server") => self.open.kind = Kind::Server,
            "otel.kind" if is("client") => self.open.kind = Kind::Client,
            "otel.kind" if is("producer") => self.open.kind = Kind::Producer,
            "otel.kind" if is("consumer") => self.open.kind = Kind::Consumer,
            "otel.kind" if is("internal") => self.open.kind = Kind::Internal,
            "otel.status_code" if is("ok") => self.open.ok(),
            "otel.status_code" if is("error") => self.open.fail_if_unset(&""),
            "otel.status_code" if is("unset") => {}
            "otel.status_description" => self.open.fail(&text),
            // A word that is none of these is kept as it is.
            _ => self.open.set(name, Value::Str(text)),
        }
    }
}

impl Visit for SpanFields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if !self.set_ready(field, F64, &value.to_le_bytes()) {
            self.set(field, value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if !self.set_ready(field, I64, &value.to_le_bytes()) {
            self.set(field, value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record_i64(field, i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if !self.set_ready(field, BOOL, &[value.into()]) {
            self.set(field, value);
        }
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.open.set(field.name(), Value::Bytes(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if !self.set_ready(field, STR, value.as_bytes()) {
            self.set_text(field, value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let exception = Exception::new(value, None);
        self.open.set(field.name(), Value::Str(&exception.message));
        let attributes: Vec<_> = exception.attributes().collect();
        self.open.event("exception", &attributes);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name().starts_with("otel.") {
            self.word(field.name(), &format!("{value:?}"));
        } else {
            self.open.set(field.name(), Value::Format(format_args!("{value:?}")));
        }
    }
}

/// Takes the fields of an event.
pub(super) trait Take {
    fn take(&mut self, key: &str, value: Value<'_>);
}

impl<F: FnMut(&str, Value<'_>)> Take for F {
    fn take(&mut self, key: &str, value: Value<'_>) {
        self(key, value);
    }
}

/// Hands each field of an event to `set`, and keeps what has a place of its own.
pub(super) struct EventFields<'a, F> {
    set: F,
    /// A record of `log` that came by way of a `LogTracer`.
    is_log: bool,
    pub(super) message: &'a mut String,
    /// The error that the event is about.
    pub(super) error: Option<String>,
    pub(super) target: Option<String>,
    pub(super) file: Option<String>,
    pub(super) line: Option<u32>,
}

impl<'a, F: Take> EventFields<'a, F> {
    /// The message is written to `message`, which is empty.
    pub(super) const fn new(is_log: bool, message: &'a mut String, set: F) -> Self {
        Self { set, is_log, message, error: None, target: None, file: None, line: None }
    }

    /// Writes one more attribute.
    pub(super) fn set(&mut self, key: &str, value: Value<'_>) {
        self.set.take(key, value);
    }

    #[inline(always)]
    fn say(&mut self, text: fmt::Arguments<'_>) {
        self.message.clear();
        // A `Display` that fails leaves what it has written.
        let _ = self.message.write_fmt(text);
    }

    /// Whether a text of this name may have a place of its own.
    #[inline(always)]
    fn may_keep(&self, name: &str) -> bool {
        matches!(name, "message" | "error") || self.is_log
    }

    /// Keeps a text that has a place of its own; false for any other.
    fn keeps(&mut self, name: &str, text: fmt::Arguments<'_>) -> bool {
        match name {
            "message" => self.say(text),
            "log.target" if self.is_log => self.target = Some(text.to_string()),
            "log.file" if self.is_log => self.file = Some(text.to_string()),
            "log.module_path" if self.is_log => {}
            "error" => {
                let text = text.to_string();
                self.set.take("error", Value::Str(&text));
                self.set.take("exception.message", Value::Str(&text));
                self.error = Some(text);
            }
            _ => return false,
        }
        true
    }
}

impl<F: Take> Visit for EventFields<'_, F> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set.take(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set.take(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            name if self.is_log && name == "log.line" => self.line = u32::try_from(value).ok(),
            name => self.set.take(name, value.into()),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set.take(field.name(), value.into());
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.set.take(field.name(), Value::Bytes(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let name = field.name();
        if !self.may_keep(name) || !self.keeps(name, format_args!("{value}")) {
            self.set.take(name, Value::Str(value));
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let exception = Exception::new(value, None);
        self.set.take(field.name(), Value::Str(&exception.message));
        for (key, value) in exception.attributes() {
            self.set.take(key, value);
        }
        self.error = Some(exception.message);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let name = field.name();
        if name == "message" {
            self.say(format_args!("{value:?}"));
        } else if !self.may_keep(name) || !self.keeps(name, format_args!("{value:?}")) {
            self.set.take(name, Value::Format(format_args!("{value:?}")));
        }
    }
}
