//! The spans of a run as one tree for each request.
//!
//! The tree stands for the parent ids, and the name of the place that it points to for each link.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::comparison::Comparison;
use crate::otlp::{Fields, attributes, each, items, rest, text, time};

/// Every span of every request.
pub(crate) fn spans(requests: &[Value]) -> impl Iterator<Item = &Value> {
    each(requests, "resourceSpans")
        .flat_map(|of| items(of, "scopeSpans"))
        .flat_map(|of| items(of, "spans"))
}

pub(crate) struct Spans<'a> {
    spans: Vec<&'a Value>,
    /// (trace id, span id) and the name of the span's place in the tree.
    names: HashMap<(&'a str, &'a str), String>,
    ran: &'a RangeInclusive<u64>,
}

impl<'a> Spans<'a> {
    pub(crate) fn new(requests: &'a [Value], ran: &'a RangeInclusive<u64>) -> Self {
        Self { spans: spans(requests).collect(), names: HashMap::new(), ran }
    }

    /// The tree of each request.
    pub(crate) fn requests(&mut self, to: &mut Comparison) -> Vec<Value> {
        self.spans.sort_by_key(|span| time(span, "startTimeUnixNano"));
        let is_parent = |parent: &str| self.spans.iter().any(|span| text(span, "spanId") == parent);
        let roots: Vec<&Value> = self
            .spans
            .iter()
            .copied()
            .filter(|span| !is_parent(text(span, "parentSpanId")))
            .collect();
        for (index, root) in roots.iter().enumerate() {
            self.name(root, &format!("request {}", index + 1), 0);
        }
        let traces: Vec<&str> = roots.iter().map(|root| text(root, "traceId")).collect();
        to.that("traces", (1..traces.len()).all(|n| !traces[..n].contains(&traces[n])), || {
            format!("two requests share a trace id: {traces:?}")
        });
        to.that("spans", self.names.len() == self.spans.len(), || {
            format!(
                "{} spans, of which {} hang in a tree under an id of their own",
                self.spans.len(),
                self.names.len()
            )
        });
        roots.iter().map(|root| self.span(root, None, 0, to)).collect()
    }

    fn children(&self, of: &'a Value) -> impl Iterator<Item = &'a Value> {
        self.spans
            .iter()
            .copied()
            .filter(move |span| text(span, "parentSpanId") == text(of, "spanId"))
    }

    fn name(&mut self, span: &'a Value, under: &str, depth: usize) {
        let name = format!("{under} > {}", text(span, "name"));
        let deepest = self.spans.len();
        let children: Vec<&Value> = self.children(span).filter(|_| depth < deepest).collect();
        for child in children {
            self.name(child, &name, depth + 1);
        }
        self.names.insert((text(span, "traceId"), text(span, "spanId")), name);
    }

    fn span(
        &self,
        span: &'a Value,
        parent: Option<&Value>,
        depth: usize,
        to: &mut Comparison,
    ) -> Value {
        self.check_ids(span, parent, to);
        self.check_times(span, parent, to);
        let mut fields = span.as_object().cloned().unwrap_or_default();
        for gone in ["traceId", "spanId", "parentSpanId", "startTimeUnixNano", "endTimeUnixNano"] {
            fields.remove(gone);
        }
        let own = attributes(fields.get("attributes"));
        fields.insert("attributes".to_owned(), own);
        with_defaults(&mut fields);
        fields.insert(
            "events".to_owned(),
            items(span, "events").map(|event| self.event(event, span, to)).collect(),
        );
        fields
            .insert("links".to_owned(), items(span, "links").map(|link| self.link(link)).collect());
        let children = self.children(span).filter(|_| depth < self.spans.len());
        let children = children.map(|child| self.span(child, Some(span), depth + 1, to)).collect();
        fields.insert("children".to_owned(), children);
        Value::Object(fields)
    }

    fn check_ids(&self, span: &'a Value, parent: Option<&Value>, to: &mut Comparison) {
        let place = self.place(span);
        for (field, digits) in [("traceId", 32), ("spanId", 16)] {
            let id = text(span, field);
            let hex = id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            to.that(
                &format!("{place}: {field}"),
                id.len() == digits && hex && id.bytes().any(|byte| byte != b'0'),
                || format!("{id:?} is not {digits} lower-case hex digits that are not all zero"),
            );
        }
        let of = |field| parent.map_or("", |parent| text(parent, field));
        to.text(&format!("{place}: parentSpanId"), of("spanId"), text(span, "parentSpanId"));
        if parent.is_some() {
            to.text(&format!("{place}: traceId"), of("traceId"), text(span, "traceId"));
        }
    }

    fn check_times(&self, span: &'a Value, parent: Option<&Value>, to: &mut Comparison) {
        let place = self.place(span);
        let (start, end) = (time(span, "startTimeUnixNano"), time(span, "endTimeUnixNano"));
        let within = match parent {
            Some(parent) => time(parent, "startTimeUnixNano")..=time(parent, "endTimeUnixNano"),
            None => self.ran.clone(),
        };
        let around = if parent.is_some() { "its parent" } else { "the run" };
        for (field, time) in [("startTimeUnixNano", start), ("endTimeUnixNano", end)] {
            to.that(&format!("{place}: {field}"), within.contains(&time), || {
                format!("{time} is outside of {around}: {within:?}")
            });
        }
        to.that(&format!("{place}: duration"), start <= end, || {
            format!("begins at {start}, ends at {end}")
        });
    }

    fn event(&self, event: &Value, span: &'a Value, to: &mut Comparison) -> Value {
        let within = time(span, "startTimeUnixNano")..=time(span, "endTimeUnixNano");
        let at = time(event, "timeUnixNano");
        to.that(&format!("{}: event at", self.place(span)), within.contains(&at), || {
            format!("{at} is outside of its span: {within:?}")
        });
        let mut fields = rest(event, "timeUnixNano");
        let own = attributes(fields.get("attributes"));
        fields.insert("attributes".to_owned(), own);
        fields.entry("droppedAttributesCount").or_insert(json!(0));
        Value::Object(fields)
    }

    fn link(&self, link: &Value) -> Value {
        let target = self.names.get(&(text(link, "traceId"), text(link, "spanId")));
        let mut fields = rest(link, "traceId");
        fields.remove("spanId");
        fields.insert("to".to_owned(), json!(target.map_or("no span of this run", String::as_str)));
        let own = attributes(fields.get("attributes"));
        fields.insert("attributes".to_owned(), own);
        fields.entry("droppedAttributesCount").or_insert(json!(0));
        fields.entry("traceState").or_insert(json!(""));
        Value::Object(fields)
    }

    /// The name of the span's place, and when the span was; once `requests` has named them.
    pub(crate) fn find<'b>(
        &'b self,
        trace: &'b str,
        id: &'b str,
    ) -> Option<(&'b str, RangeInclusive<u64>)> {
        let name = self.names.get(&(trace, id))?;
        let span = self.spans.iter().find(|span| text(span, "spanId") == id)?;
        Some((name, time(span, "startTimeUnixNano")..=time(span, "endTimeUnixNano")))
    }

    fn place(&self, span: &'a Value) -> &str {
        let id = (text(span, "traceId"), text(span, "spanId"));
        self.names.get(&id).map_or("a span outside of the tree", String::as_str)
    }
}

/// OTLP/JSON leaves a field out where it holds the default.
pub(crate) fn with_defaults(span: &mut Fields) {
    for (field, default) in [
        ("traceState", json!("")),
        ("status", json!({})),
        ("droppedAttributesCount", json!(0)),
        ("droppedEventsCount", json!(0)),
        ("droppedLinksCount", json!(0)),
    ] {
        span.entry(field).or_insert(default);
    }
    if let Some(Value::Object(status)) = span.get_mut("status") {
        status.entry("code").or_insert(json!(0));
        status.entry("message").or_insert(json!(""));
    }
}
