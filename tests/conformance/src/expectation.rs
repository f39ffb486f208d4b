//! What the Collector must hold: `expected.json`, with every default written out.

use serde_json::{Map, Value, json};

use crate::Failure;
use crate::document::{keyed, with_defaults};

/// With a limit, each span keeps its first attributes and counts the others as dropped.
pub(crate) fn load(attribute_limit: Option<usize>) -> Result<Value, Failure> {
    let expected: Value = serde_json::from_str(include_str!("../expected.json"))
        .map_err(|error| format!("expected.json: {error}"))?;
    let mut resource = object(&expected["resource"]);
    resource.insert("attributes".to_owned(), attributes(&expected["resource"]));
    let requests: Vec<Value> =
        items(&expected["requests"]).iter().map(|span| self::span(span, attribute_limit)).collect();
    Ok(json!({
        "resources": [{ "resource": resource }],
        "scopes": [{ "scope": expected["scope"] }],
        "requests": requests,
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
