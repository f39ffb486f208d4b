//! A span as it waits for its tree: its rows are written, their places are not known yet.

use std::sync::Arc;

use super::escape::{clip, key_value};
use super::paint::{Style, Text};
use crate::encode::view::{Attributes, EventView, LinkView, SpanStatus, SpanView};
use crate::telemetry::{Kind, SpanId, TraceId};

/// A span.
#[derive(Debug)]
pub(super) struct Node {
    /// `service.name`, safe to show.
    pub(super) service: Arc<str>,
    pub(super) trace: u128,
    pub(super) span: u64,
    pub(super) parent: u64,
    pub(super) parent_is_remote: bool,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) failed: bool,
    /// It waits for somebody else: a client or a producer.
    #[allow(dead_code, reason = "only a receiver asks")]
    pub(super) calls: bool,
    /// The span itself, then its events, links and what was dropped.
    pub(super) rows: Vec<Row>,
}

/// One thing to say: on one line if it fits, with the attributes below it otherwise.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) moment: Moment,
    pub(super) head: Text,
    pub(super) attributes: Vec<Text>,
}

/// What stands left of the tree.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    Span,
    Event(u64),
    None,
}

impl Node {
    pub(super) fn new(span: &impl SpanView, service: &Arc<str>, color: bool) -> Self {
        let mut rows = vec![span_row(span, color)];
        span.events(|event| rows.push(event_row(event, color)));
        span.links(|link| rows.push(link_row(link, color)));
        rows.extend(dropped_row(span, color));
        Self {
            service: Arc::clone(service),
            trace: span.trace(),
            span: span.span(),
            parent: span.parent(),
            parent_is_remote: span.parent_is_remote(),
            start: span.start(),
            end: span.end(),
            failed: matches!(span.status(), SpanStatus::Error(_)),
            calls: matches!(span.kind(), Kind::Client | Kind::Producer),
            rows,
        }
    }

    /// About how many bytes of text this becomes.
    pub(super) fn len(&self) -> usize {
        self.rows.iter().map(Row::len).sum()
    }
}

impl Row {
    /// The columns left of the text, with their colours.
    const LEFT: usize = 60;

    fn new(moment: Moment, head: Text, item: &impl Attributes, color: bool) -> Self {
        let mut attributes = Vec::new();
        item.attributes(|key, value| {
            let mut text = Text::new(color);
            text.push(Style::Dim, &key_value(key, value));
            attributes.push(text);
        });
        Self { moment, head, attributes }
    }

    fn len(&self) -> usize {
        let attributes = self.attributes.iter().map(|text| 2 + text.as_str().len());
        Self::LEFT + self.head.as_str().len() + attributes.sum::<usize>()
    }
}

fn span_row(span: &impl SpanView, color: bool) -> Row {
    let mut head = Text::new(color);
    head.push(Style::Bold, &clip(span.name()));
    let kind = match span.kind() {
        Kind::Internal => "",
        Kind::Server => " (server)",
        Kind::Client => " (client)",
        Kind::Producer => " (producer)",
        Kind::Consumer => " (consumer)",
    };
    head.push(Style::Cyan, kind);
    match span.status() {
        SpanStatus::Unset => {}
        SpanStatus::Ok => head.push(Style::Cyan, "  ✓"),
        SpanStatus::Error("") => head.push(Style::Red, "  ✗ error"),
        SpanStatus::Error(message) => head.push(Style::Red, &format!("  ✗ {}", clip(message))),
    }
    Row::new(Moment::Span, head, span, color)
}

fn event_row(event: &impl EventView, color: bool) -> Row {
    let mut head = Text::new(color);
    head.push(Style::Plain, &format!("• {}", clip(event.name())));
    push_dropped_attributes(&mut head, event);
    Row::new(Moment::Event(event.time()), head, event, color)
}

fn link_row(link: &impl LinkView, color: bool) -> Row {
    let mut head = Text::new(color);
    head.push(Style::Plain, &format!("→ trace {}", TraceId(link.trace())));
    head.push(Style::Plain, &format!(" span {}", SpanId(link.span())));
    if link.is_remote() {
        head.push(Style::Cyan, " (remote)");
    }
    push_dropped_attributes(&mut head, link);
    Row::new(Moment::None, head, link, color)
}

fn push_dropped_attributes(head: &mut Text, item: &impl Attributes) {
    if item.dropped_attributes() != 0 {
        let dropped = counted(item.dropped_attributes(), "attribute");
        head.push(Style::Dim, &format!(" ({dropped} dropped)"));
    }
}

fn dropped_row(span: &impl SpanView, color: bool) -> Option<Row> {
    let dropped = [
        (span.dropped_attributes(), "attribute"),
        (span.dropped_events(), "event"),
        (span.dropped_links(), "link"),
    ];
    let some = dropped.into_iter().filter(|(count, _)| *count != 0);
    let parts: Vec<String> = some.map(|(count, thing)| counted(count, thing)).collect();
    let mut head = Text::new(color);
    head.push(Style::Dim, &format!("({} dropped)", parts.join(", ")));
    (!parts.is_empty()).then(|| Row { moment: Moment::None, head, attributes: Vec::new() })
}

/// `1 span`, `2 spans`.
pub(super) fn counted(count: u32, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}
