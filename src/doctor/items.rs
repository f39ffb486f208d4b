//! What is sent: an item of each signal that says what it is.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::SystemTime;

use crate::encode::view::{
    Any, Attributes, EventView, LinkView, LogView, MetricData, MetricView, Number, Point, Scope,
    SpanStatus, SpanView,
};
use crate::pipeline::clock::unix_nanos;
use crate::telemetry::Kind;

const NAME: &str = "trackside.doctor";
const INFO: u8 = 9;

/// A span, or a log record.
pub(super) struct Probe {
    now: u64,
    trace: u128,
    span: u64,
}

impl Probe {
    pub(super) fn now() -> Self {
        let trace = u128::from(random()) << 64 | u128::from(random());
        Self { now: unix_nanos(SystemTime::now()), trace, span: random() }
    }
}

/// Never zero.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish() | 1
}

/// A gauge of one point.
pub(super) fn metric() -> MetricView<'static> {
    let point = Point {
        attributes: Vec::new(),
        start: 0,
        time: unix_nanos(SystemTime::now()),
        value: Number::I64(1),
        exemplars: Vec::new(),
        flags: 0,
    };
    let version = env!("CARGO_PKG_VERSION");
    MetricView {
        scope: Scope { name: env!("CARGO_PKG_NAME"), version, ..Scope::default() },
        name: NAME,
        description: "Is it arriving?",
        unit: "1",
        metadata: Vec::new(),
        data: MetricData::Gauge(vec![point]),
    }
}

impl Attributes for Probe {
    fn attributes(&self, _each: impl FnMut(&str, Any<'_>)) {}

    fn dropped_attributes(&self) -> u32 {
        0
    }
}

impl SpanView for Probe {
    type Event = Nothing;
    type Link = Nothing;

    fn trace(&self) -> u128 {
        self.trace
    }
    fn span(&self) -> u64 {
        self.span
    }
    fn parent(&self) -> u64 {
        0
    }
    fn parent_is_remote(&self) -> bool {
        false
    }
    fn trace_flags(&self) -> u8 {
        1
    }
    fn trace_state(&self) -> &str {
        ""
    }
    fn scope(&self) -> &str {
        ""
    }
    fn name(&self) -> &str {
        NAME
    }
    fn kind(&self) -> Kind {
        Kind::Internal
    }
    fn start(&self) -> u64 {
        self.now
    }
    fn end(&self) -> u64 {
        self.now + 1
    }
    fn status(&self) -> SpanStatus<'_> {
        SpanStatus::Unset
    }
    fn events(&self, _each: impl FnMut(&Nothing)) {}
    fn dropped_events(&self) -> u32 {
        0
    }
    fn links(&self, _each: impl FnMut(&Nothing)) {}
    fn dropped_links(&self) -> u32 {
        0
    }
}

impl LogView for Probe {
    fn time(&self) -> u64 {
        self.now
    }
    fn observed(&self) -> u64 {
        self.now
    }
    fn severity(&self) -> u8 {
        INFO
    }
    fn severity_text(&self) -> &str {
        "INFO"
    }
    fn body(&self, take: impl FnOnce(Any<'_>)) {
        take(Any::Str("trackside.doctor: is it arriving?"));
    }
    fn trace(&self) -> u128 {
        self.trace
    }
    fn span(&self) -> u64 {
        self.span
    }
    fn trace_flags(&self) -> u8 {
        1
    }
    fn scope(&self) -> &str {
        ""
    }
    fn event_name(&self) -> &str {
        ""
    }
}

/// The span has no events and no links.
pub(super) enum Nothing {}

impl Attributes for Nothing {
    fn attributes(&self, _each: impl FnMut(&str, Any<'_>)) {}
    fn dropped_attributes(&self) -> u32 {
        0
    }
}

impl EventView for Nothing {
    fn name(&self) -> &str {
        ""
    }
    fn time(&self) -> u64 {
        0
    }
}

impl LinkView for Nothing {
    fn trace(&self) -> u128 {
        0
    }
    fn span(&self) -> u64 {
        0
    }
    fn trace_flags(&self) -> u8 {
        0
    }
    fn trace_state(&self) -> &str {
        ""
    }
    fn is_remote(&self) -> bool {
        false
    }
}
