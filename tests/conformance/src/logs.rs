//! The log records of a run, in the order of their times; each names the place of its span.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::comparison::Comparison;
use crate::otlp::{attributes, each, items, text, time};
use crate::spans::Spans;

/// Every log record of every request, each with its scope.
pub(crate) fn records(requests: &[Value]) -> impl Iterator<Item = (&Value, &Value)> {
    each(requests, "resourceLogs")
        .flat_map(|of| items(of, "scopeLogs"))
        .flat_map(|of| items(of, "logRecords").map(|record| (&of["scope"], record)))
}

pub(crate) fn read(
    requests: &[Value],
    spans: &Spans<'_>,
    ran: &RangeInclusive<u64>,
    to: &mut Comparison,
) -> Vec<Value> {
    let mut records: Vec<_> = records(requests).collect();
    records.sort_by_key(|(_, record)| time(record, "timeUnixNano"));
    records.into_iter().map(|(scope, record)| self::record(scope, record, spans, ran, to)).collect()
}

fn record(
    scope: &Value,
    record: &Value,
    spans: &Spans<'_>,
    ran: &RangeInclusive<u64>,
    to: &mut Comparison,
) -> Value {
    let place = format!("log {}", record["body"]);
    let ids = (text(record, "traceId"), text(record, "spanId"));
    let span = spans.find(ids.0, ids.1);
    let at = time(record, "timeUnixNano");
    let observed = time(record, "observedTimeUnixNano");
    let within = span.as_ref().map_or(ran, |(_, within)| within);
    to.that(&format!("{place}: time"), within.contains(&at), || {
        format!("{at} is outside of its span or of the run: {within:?}")
    });
    to.that(&format!("{place}: observed"), (at..=*ran.end()).contains(&observed), || {
        format!("observed at {observed}, not between its time {at} and the end of the run")
    });
    let mut fields = record.as_object().cloned().unwrap_or_default();
    for gone in ["timeUnixNano", "observedTimeUnixNano", "traceId", "spanId"] {
        fields.remove(gone);
    }
    let own = attributes(fields.get("attributes"));
    fields.insert("attributes".to_owned(), own);
    for (field, default) in [("flags", json!(0)), ("droppedAttributesCount", json!(0))] {
        fields.entry(field).or_insert(default);
    }
    fields.insert("scope".to_owned(), scope.clone());
    fields.insert(
        "span".to_owned(),
        match (span, ids) {
            (Some((name, _)), _) => json!(name),
            (None, ("", "")) => Value::Null,
            (None, _) => json!("no span of this run"),
        },
    );
    Value::Object(fields)
}
