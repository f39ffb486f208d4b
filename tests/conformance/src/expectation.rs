//! What the Collector must hold: `expected.json`, with every default written out.

use serde_json::{Map, Value, json};

use crate::Failure;
use crate::otlp::keyed;
use crate::spans::with_defaults;

/// OTLP's `AggregationTemporality`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Temporality {
    Delta = 1,
    Cumulative = 2,
}

/// With a limit, each span keeps its first attributes and counts the others as dropped.
///
/// The temporality is that of counters and histograms; what goes up and down is cumulative.
pub(crate) fn load(
    attribute_limit: Option<usize>,
    temporality: Temporality,
) -> Result<Value, Failure> {
    let expected: Value = serde_json::from_str(include_str!("../expected.json"))
        .map_err(|error| format!("expected.json: {error}"))?;
    let mut resource = object(&expected["resource"]);
    resource.insert("attributes".to_owned(), attributes(&expected["resource"]));
    let requests: Vec<Value> =
        items(&expected["requests"]).iter().map(|span| self::span(span, attribute_limit)).collect();
    let logs: Vec<Value> = items(&expected["logs"]).iter().map(log).collect();
    let mut scopes: Vec<Value> = vec![json!({ "scope": expected["scope"] })];
    for log in &logs {
        let scope = json!({ "scope": log["scope"] });
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes.sort_by_key(|scope| scope["scope"]["name"].as_str().map(str::to_owned));
    let metrics = keyed(
        items(&expected["metrics"])
            .iter()
            .map(|metric| (metric["name"].clone(), self::metric(metric, &expected, temporality))),
    );
    Ok(json!({
        "resources": [{ "resource": resource }],
        "scopes": scopes,
        "requests": requests,
        "metrics": metrics,
        "logs": logs,
    }))
}

fn span(expected: &Value, attribute_limit: Option<usize>) -> Value {
    let mut span = object(expected);
    if let (Some(limit), Some(Value::Array(list))) = (attribute_limit, span.get_mut("attributes")) {
        let dropped = list.len().saturating_sub(limit);
        list.truncate(limit);
        span.insert("droppedAttributesCount".to_owned(), json!(dropped));
    }
    span.insert("attributes".to_owned(), attributes(&Value::Object(span.clone())));
    with_defaults(&mut span);
    let events = items(&expected["events"]).iter().map(|event| {
        json!({ "name": event["name"], "attributes": attributes(event), "droppedAttributesCount": 0 })
    });
    span.insert("events".to_owned(), events.collect());
    let links = items(&expected["links"]).iter().map(|link| {
        json!({
            "to": link["to"], "flags": link["flags"], "traceState": "",
            "attributes": attributes(link), "droppedAttributesCount": 0,
        })
    });
    span.insert("links".to_owned(), links.collect());
    let children =
        items(&expected["children"]).iter().map(|child| self::span(child, attribute_limit));
    span.insert("children".to_owned(), children.collect());
    Value::Object(span)
}

/// A counter, an up-down counter or a histogram, as its `kind` says; `bounds` names the histogram's.
fn metric(metric: &Value, expected: &Value, temporality: Temporality) -> Value {
    let bounds = metric["bounds"].as_str().map(|name| &expected["bounds"][name]);
    let points = items(&metric["points"]).iter().map(|point| {
        let mut fields = object(point);
        fields.remove("attributes");
        fields.insert("flags".to_owned(), json!(0));
        if let Some(bounds) = bounds {
            fields.insert("explicitBounds".to_owned(), bounds.clone());
        }
        (json!(attributes(point).to_string()), Value::Object(fields))
    });
    let kind = metric["kind"].as_str();
    let temporality =
        if kind == Some("up_down_counter") { Temporality::Cumulative } else { temporality };
    let data = json!({
        "aggregationTemporality": temporality as i32,
        "isMonotonic": kind == Some("counter"),
        "dataPoints": keyed(points),
    });
    let kind = if kind == Some("histogram") { "histogram" } else { "sum" };
    json!({ "unit": metric["unit"], "scope": expected["scope"], kind: data })
}

fn log(log: &Value) -> Value {
    let mut fields = object(log);
    fields.insert("attributes".to_owned(), attributes(log));
    fields.insert("scope".to_owned(), json!({ "name": log["logger"] }));
    fields.remove("logger");
    fields.insert("droppedAttributesCount".to_owned(), json!(0));
    Value::Object(fields)
}

/// The list of pairs `[key, value]` under `attributes`, in the order in which the host sets them.
fn attributes(of: &Value) -> Value {
    keyed(items(&of["attributes"]).iter().map(|pair| (pair[0].clone(), pair[1].clone())))
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
