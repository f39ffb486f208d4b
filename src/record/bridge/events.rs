//! `tracing` events: as log records, and as events of a span.

use std::borrow::Cow;

use tracing::span::Id;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::context::Parent;
use crate::telemetry::Value;

use super::super::log::{Body, Entry, Scratch};
use super::super::open::{Mark, Open};
use super::super::{current, gate, local, log_filter};
use super::fields::{RecordFields, Within};
use super::visit::EventFields;
use super::{held, is_own, set_place};

/// The span that an event belongs to.
pub(super) enum Of<'a, S: LookupSpan<'a>> {
    /// The current one, whoever made it.
    Current,
    Span(Mark, SpanRef<'a, S>),
    Nothing,
}

impl<'a, S: Subscriber + for<'b> LookupSpan<'b>> Of<'a, S> {
    pub(super) fn find(
        event: &Event<'_>,
        registry: &'a Context<'a, S>,
        mark: impl Fn(&Id) -> Mark,
    ) -> Self {
        let found = match event.parent() {
            Some(parent) => registry.span(parent),
            None if event.is_contextual() => {
                let is_elsewhere =
                    current::with_top(|open| open.mark.is_some() && !open.is_recording());
                if is_elsewhere != Some(true) {
                    return Self::Current;
                }
                // Another thread has the span itself.
                registry.lookup_current()
            }
            None => None,
        };
        found.map_or(Self::Nothing, |span| Self::Span(mark(&span.id()), span))
    }

    /// Where it is not the current one.
    pub(super) fn context(&self) -> Option<Parent> {
        match self {
            Self::Current => None,
            Self::Span(mark, span) => Some(held::context(*mark, span).unwrap_or_default()),
            Self::Nothing => Some(Parent::root()),
        }
    }

    /// Lends the span, if it is recorded.
    pub(super) fn write(&self, write: impl FnOnce(&mut Open)) {
        match self {
            Self::Current => {
                if let Some(ticket) = current::with_top(|open| open.ticket) {
                    current::write_beside(ticket, |span| write(&mut span.open));
                }
            }
            Self::Span(mark, span) => held::write(*mark, span, write),
            Self::Nothing => {}
        }
    }

    /// An event of level ERROR fails a `tracing` span that has no status.
    pub(super) fn fail(&self, event: &Event<'_>) {
        let is_tracing = match self {
            Self::Current => current::with_top(|open| open.mark.is_some() && open.lacks_status())
                .unwrap_or(false),
            Self::Span(..) => true,
            Self::Nothing => false,
        };
        if is_tracing {
            let mut message = String::new();
            let mut fields = EventFields::new(false, &mut message, |_: &str, _: Value<'_>| {});
            event.record(&mut fields);
            self.write(|open| open.fail(&fields.error.unwrap_or_default()));
        }
    }
}

/// As a log record, in this context, or in the current one.
pub(super) fn record(event: &Event<'_>, context: Option<&Parent>) {
    let gate = gate::read();
    if gate & (gate::LOGS | gate::CAPTURES) == 0 {
        return;
    }
    if is_log(event) {
        return record_of_log(gate, event, context);
    }
    let metadata = event.metadata();
    let severity = severity(*metadata.level());
    if !log_filter::admits(metadata.target(), severity) {
        return;
    }
    local::with(|local| {
        local.log(gate, |limits, Scratch { attributes, text }| {
            let place = local.places.find(local, metadata, limits);
            let keys = &place.keys;
            event.record(&mut RecordFields { within: Within { attributes, limits }, keys, text });
            attributes.extend(&place.attributes, limits.attributes);
            let scope = metadata.target().into();
            let context = context.map(ids);
            Some(Entry { severity, body: Body::Written, scope, context, ..Entry::default() })
        });
    });
}

/// `record` of what comes from `log`: where it was made is among the fields, and so is the logger.
#[cold]
fn record_of_log(gate: u32, event: &Event<'_>, context: Option<&Parent>) {
    let metadata = event.metadata();
    let severity = severity(*metadata.level());
    local::with(|local| {
        local.log(gate, |limits, Scratch { attributes, text }| {
            let mut fields = EventFields::new(true, text, Within { attributes, limits });
            event.record(&mut fields);
            let EventFields { target, file, line, .. } = fields;
            let scope = target.map_or_else(|| metadata.target().into(), Cow::Owned);
            if is_own(&scope) || !log_filter::admits(&scope, severity) {
                return None;
            }
            set_place(local, file.as_deref(), line, |key, value| {
                attributes.set(key, value, limits.attributes, limits.value_length);
            });
            let context = context.map(ids);
            Some(Entry { severity, body: Body::Written, scope, context, ..Entry::default() })
        });
    });
}

fn ids(of: &Parent) -> (u128, u64, u8) {
    (of.trace, of.span, of.flags)
}

/// As an event of this span: named by its message.
pub(super) fn attach(event: &Event<'_>, open: &mut Open) {
    let metadata = event.metadata();
    open.event_with(|set| {
        set("level", Value::Str(metadata.level().as_str()));
        let mut message = String::new();
        let mut fields = EventFields::new(is_log(event), &mut message, set);
        event.record(&mut fields);
        let target = fields.target.take();
        let target = target.as_deref().unwrap_or_else(|| metadata.target());
        fields.set("target", Value::Str(target));
        let is_error = fields.error.is_some();
        match message {
            message if !message.is_empty() => message,
            _ if is_error => "exception".to_owned(),
            _ => metadata.name().to_owned(),
        }
    });
}

/// What `tracing-log` makes of a record of `log`.
fn is_log(event: &Event<'_>) -> bool {
    event.metadata().target() == "log"
}

pub(super) const fn severity(level: Level) -> u8 {
    match level {
        Level::ERROR => 17,
        Level::WARN => 13,
        Level::INFO => 9,
        Level::DEBUG => 5,
        Level::TRACE => 1,
    }
}
