//! An owned span and an owned log record for tests of the encoders.

#[cfg(test)]
pub(crate) mod arbitrary;
pub(crate) mod calls;

use crate::encode::view::{
    Any, Attributes, Entries, EventView, Items, LinkView, LogView, SpanStatus, SpanView,
};
use crate::telemetry::Kind;

#[derive(Clone, Debug)]
pub(crate) enum SampleValue {
    Empty,
    Bool(bool),
    I64(i64),
    F64(f64),
    Str(String),
    Bytes(Vec<u8>),
    Array(Vec<Self>),
    Map(Vec<(String, Self)>),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct SampleAttributes {
    pub(crate) pairs: Vec<(String, SampleValue)>,
    pub(crate) dropped: u32,
}

#[derive(Clone, Debug, Default)]
pub(crate) enum SampleStatus {
    #[default]
    Unset,
    Ok,
    Error(String),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct SampleEvent {
    pub(crate) time: u64,
    pub(crate) name: String,
    pub(crate) attributes: SampleAttributes,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct SampleLink {
    pub(crate) trace: u128,
    pub(crate) span: u64,
    pub(crate) trace_flags: u8,
    pub(crate) trace_state: String,
    pub(crate) is_remote: bool,
    pub(crate) attributes: SampleAttributes,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct SampleSpan {
    pub(crate) trace: u128,
    pub(crate) span: u64,
    pub(crate) parent: u64,
    pub(crate) parent_is_remote: bool,
    pub(crate) trace_flags: u8,
    pub(crate) trace_state: String,
    pub(crate) scope: String,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) status: SampleStatus,
    pub(crate) attributes: SampleAttributes,
    pub(crate) events: Vec<SampleEvent>,
    pub(crate) dropped_events: u32,
    pub(crate) links: Vec<SampleLink>,
    pub(crate) dropped_links: u32,
    /// Of a newer protocol: kind, flags and status code as OTLP has them.
    pub(crate) numbers: Option<(i32, u32, i32)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct SampleLog {
    pub(crate) time: u64,
    pub(crate) observed: u64,
    pub(crate) severity: u8,
    pub(crate) severity_text: String,
    pub(crate) body: Option<SampleValue>,
    pub(crate) trace: u128,
    pub(crate) span: u64,
    pub(crate) trace_flags: u8,
    pub(crate) scope: String,
    pub(crate) event_name: String,
    pub(crate) attributes: SampleAttributes,
    /// Of a newer protocol: severity and flags as OTLP has them.
    pub(crate) numbers: Option<(i32, u32)>,
}

impl From<&[(&str, &str)]> for SampleAttributes {
    fn from(pairs: &[(&str, &str)]) -> Self {
        let pair = |&(key, value): &(&str, &str)| (key.into(), SampleValue::Str(value.into()));
        Self { pairs: pairs.iter().map(pair).collect(), dropped: 0 }
    }
}

impl From<String> for SampleValue {
    fn from(text: String) -> Self {
        Self::Str(text)
    }
}

impl Attributes for SampleAttributes {
    fn attributes(&self, mut each: impl FnMut(&str, Any<'_>)) {
        for (key, value) in &self.pairs {
            each(key, value.any());
        }
    }

    fn dropped_attributes(&self) -> u32 {
        self.dropped
    }
}

impl SampleValue {
    fn any(&self) -> Any<'_> {
        match self {
            Self::Empty => Any::Empty,
            Self::Bool(value) => Any::Bool(*value),
            Self::I64(value) => Any::I64(*value),
            Self::F64(value) => Any::F64(*value),
            Self::Str(value) => Any::Str(value),
            Self::Bytes(value) => Any::Bytes(value),
            Self::Array(values) => Any::Array(values),
            Self::Map(entries) => Any::Map(entries),
        }
    }
}

impl Items for Vec<SampleValue> {
    fn items(&self, each: &mut dyn FnMut(Any<'_>)) {
        self.iter().for_each(|value| each(value.any()));
    }
}

impl Entries for Vec<(String, SampleValue)> {
    fn entries(&self, each: &mut dyn FnMut(&str, Any<'_>)) {
        self.iter().for_each(|(key, value)| each(key, value.any()));
    }
}

macro_rules! attributes_within {
    ($($item:ty),*) => { $(
        impl Attributes for $item {
            fn attributes(&self, each: impl FnMut(&str, Any<'_>)) {
                self.attributes.attributes(each);
            }

            fn dropped_attributes(&self) -> u32 {
                self.attributes.dropped
            }
        }
    )* };
}
attributes_within!(SampleEvent, SampleLink, SampleLog, SampleSpan);

/// The methods of a view that give back the field of their name.
macro_rules! copied {
    ($($name:ident: $type:ty),* $(,)?) => { $(fn $name(&self) -> $type { self.$name })* };
}
macro_rules! lent {
    ($($name:ident),* $(,)?) => { $(fn $name(&self) -> &str { &self.$name })* };
}

impl EventView for SampleEvent {
    copied!(time: u64);
    lent!(name);
}

impl LinkView for SampleLink {
    copied!(trace: u128, span: u64, trace_flags: u8, is_remote: bool);
    lent!(trace_state);
}

impl SpanView for SampleSpan {
    type Event = SampleEvent;
    type Link = SampleLink;

    copied!(trace: u128, span: u64, parent: u64, parent_is_remote: bool, trace_flags: u8);
    copied!(kind: Kind, start: u64, end: u64, dropped_events: u32, dropped_links: u32);
    lent!(scope, trace_state, name);

    fn kind_number(&self) -> i32 {
        match self.numbers {
            Some((kind, ..)) => kind,
            None => 1 + self.kind as i32,
        }
    }

    fn flags(&self) -> u32 {
        match self.numbers {
            Some((_, flags, _)) => flags,
            None => u32::from(self.trace_flags) + 256 + if self.parent_is_remote { 512 } else { 0 },
        }
    }

    fn status(&self) -> SpanStatus<'_> {
        match &self.status {
            SampleStatus::Unset => SpanStatus::Unset,
            SampleStatus::Ok => SpanStatus::Ok,
            SampleStatus::Error(message) => SpanStatus::Error(message),
        }
    }

    fn status_code(&self) -> i32 {
        match (self.numbers, &self.status) {
            (Some((.., code)), _) => code,
            (None, SampleStatus::Unset) => 0,
            (None, SampleStatus::Ok) => 1,
            (None, SampleStatus::Error(_)) => 2,
        }
    }

    fn events(&self, each: impl FnMut(&Self::Event)) {
        self.events.iter().for_each(each);
    }

    fn links(&self, each: impl FnMut(&Self::Link)) {
        self.links.iter().for_each(each);
    }
}

impl LogView for SampleLog {
    copied!(time: u64, observed: u64, severity: u8, trace: u128, span: u64, trace_flags: u8);
    lent!(severity_text, scope, event_name);

    fn severity_number(&self) -> i32 {
        self.numbers.map_or_else(|| self.severity.into(), |(severity, _)| severity)
    }

    fn flags(&self) -> u32 {
        self.numbers.map_or_else(|| self.trace_flags.into(), |(_, flags)| flags)
    }

    fn body(&self, take: impl FnOnce(Any<'_>)) {
        if let Some(body) = &self.body {
            take(body.any());
        }
    }
}
