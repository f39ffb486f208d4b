//! An owned span and an owned log record for tests of the encoders.

pub(super) mod arbitrary;

use crate::encode::view::{
    Any, Attributes, EventView, Items, LinkView, LogView, SpanStatus, SpanView,
};
use crate::telemetry::Kind;

#[derive(Clone, Debug)]
pub(super) enum SampleValue {
    Bool(bool),
    I64(i64),
    F64(f64),
    Str(String),
    Bytes(Vec<u8>),
    Array(Vec<Self>),
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
    pub(super) is_remote: bool,
    pub(super) attributes: SampleAttributes,
}

#[derive(Clone, Debug, Default)]
pub(super) struct SampleSpan {
    pub(super) trace: u128,
    pub(super) span: u64,
    pub(super) parent: u64,
    pub(super) parent_is_remote: bool,
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
            Self::Bool(value) => Any::Bool(*value),
            Self::I64(value) => Any::I64(*value),
            Self::F64(value) => Any::F64(*value),
            Self::Str(value) => Any::Str(value),
            Self::Bytes(value) => Any::Bytes(value),
            Self::Array(values) => Any::Array(values),
        }
    }
}

impl Items for Vec<SampleValue> {
    fn items(&self, each: &mut dyn FnMut(Any<'_>)) {
        self.iter().for_each(|value| each(value.any()));
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

    fn status(&self) -> SpanStatus<'_> {
        match &self.status {
            SampleStatus::Unset => SpanStatus::Unset,
            SampleStatus::Ok => SpanStatus::Ok,
            SampleStatus::Error(message) => SpanStatus::Error(message),
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

    fn body(&self, take: impl FnOnce(Any<'_>)) {
        if let Some(body) = &self.body {
            take(body.any());
        }
    }
}
