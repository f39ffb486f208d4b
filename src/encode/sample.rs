//! An owned span and an owned log record for tests of the encoders.

pub(crate) mod arbitrary;

use crate::encode::view::{
    Any, Attributes, Entries, EventView, Items, LinkView, LogView, SpanStatus, SpanView,
};
use crate::telemetry::Kind;

#[derive(Clone, Debug)]
pub(super) enum SampleValue {
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
pub(super) struct SampleAttributes {
    pub(super) pairs: Vec<(String, SampleValue)>,
    pub(super) dropped: u32,
}

#[derive(Clone, Debug, Default)]
pub(super) enum SampleStatus {
    #[default]
    Unset,
    Ok,
    Error(String),
}

#[derive(Clone, Debug, Default)]
pub(super) struct SampleEvent {
    pub(super) time: u64,
    pub(super) name: String,
    pub(super) attributes: SampleAttributes,
}

#[derive(Clone, Debug, Default)]
pub(super) struct SampleLink {
    pub(super) trace: u128,
    pub(super) span: u64,
    pub(super) trace_flags: u8,
    pub(super) trace_state: String,
    pub(super) remote: bool,
    pub(super) attributes: SampleAttributes,
}

#[derive(Clone, Debug, Default)]
pub(super) struct SampleSpan {
    pub(super) trace: u128,
    pub(super) span: u64,
    pub(super) parent: u64,
    pub(super) remote: bool,
    pub(super) trace_flags: u8,
    pub(super) trace_state: String,
    pub(super) scope: String,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) status: SampleStatus,
    pub(super) attributes: SampleAttributes,
    pub(super) events: Vec<SampleEvent>,
    pub(super) dropped_events: u32,
    pub(super) links: Vec<SampleLink>,
    pub(super) dropped_links: u32,
    /// Of a newer protocol: kind, flags and status code as OTLP has them.
    pub(super) numbers: Option<(i32, u32, i32)>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct SampleLog {
    pub(super) time: u64,
    pub(super) observed: u64,
    pub(super) severity: u8,
    pub(super) severity_text: String,
    pub(super) body: Option<SampleValue>,
    pub(super) trace: u128,
    pub(super) span: u64,
    pub(super) trace_flags: u8,
    pub(super) scope: String,
    pub(super) event_name: String,
    pub(super) attributes: SampleAttributes,
    /// Of a newer protocol: severity and flags as OTLP has them.
    pub(super) numbers: Option<(i32, u32)>,
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

impl EventView for SampleEvent {
    fn name(&self) -> &str {
        &self.name
    }

    fn time(&self) -> u64 {
        self.time
    }
}

impl LinkView for SampleLink {
    fn trace(&self) -> u128 {
        self.trace
    }

    fn span(&self) -> u64 {
        self.span
    }

    fn trace_flags(&self) -> u8 {
        self.trace_flags
    }

    fn trace_state(&self) -> &str {
        &self.trace_state
    }

    fn is_remote(&self) -> bool {
        self.remote
    }
}

impl SpanView for SampleSpan {
    type Event = SampleEvent;
    type Link = SampleLink;

    fn trace(&self) -> u128 {
        self.trace
    }

    fn span(&self) -> u64 {
        self.span
    }

    fn parent(&self) -> u64 {
        self.parent
    }

    fn parent_is_remote(&self) -> bool {
        self.remote
    }

    fn scope(&self) -> &str {
        &self.scope
    }

    fn trace_flags(&self) -> u8 {
        self.trace_flags
    }

    fn flags(&self) -> u32 {
        match self.numbers {
            Some((_, flags, _)) => flags,
            None => u32::from(self.trace_flags) + 256 + if self.remote { 512 } else { 0 },
        }
    }

    fn trace_state(&self) -> &str {
        &self.trace_state
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn kind_number(&self) -> i32 {
        match self.numbers {
            Some((kind, ..)) => kind,
            None => 1 + self.kind as i32,
        }
    }

    fn start(&self) -> u64 {
        self.start
    }

    fn end(&self) -> u64 {
        self.end
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

    fn dropped_events(&self) -> u32 {
        self.dropped_events
    }

    fn links(&self, each: impl FnMut(&Self::Link)) {
        self.links.iter().for_each(each);
    }

    fn dropped_links(&self) -> u32 {
        self.dropped_links
    }
}

impl LogView for SampleLog {
    fn time(&self) -> u64 {
        self.time
    }

    fn observed(&self) -> u64 {
        self.observed
    }

    fn severity(&self) -> u8 {
        self.severity
    }

    fn severity_number(&self) -> i32 {
        self.numbers.map_or_else(|| self.severity.into(), |(severity, _)| severity)
    }

    fn flags(&self) -> u32 {
        self.numbers.map_or_else(|| self.trace_flags.into(), |(_, flags)| flags)
    }

    fn severity_text(&self) -> &str {
        &self.severity_text
    }

    fn body(&self, take: impl FnOnce(Any<'_>)) {
        if let Some(body) = &self.body {
            take(body.any());
        }
    }

    fn trace(&self) -> u128 {
        self.trace
    }

    fn span(&self) -> u64 {
        self.span
    }

    fn trace_flags(&self) -> u8 {
        self.trace_flags
    }

    fn scope(&self) -> &str {
        &self.scope
    }

    fn event_name(&self) -> &str {
        &self.event_name
    }
}
