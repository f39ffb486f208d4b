//! What the Collector wrote (OTLP/JSON, one request a line), turned into the shape of the expectation.
//!
//! Ids and times differ from run to run. They are checked on the way, against the rules that they must obey, and leave
//! the document.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::comparison::Comparison;
use crate::otlp::{attributes, distinct, each, items, rest};
use crate::spans::Spans;
use crate::{logs, metrics};

/// Where each signal keeps its resources, its scopes, and what is in these.
const SIGNALS: [(&str, &str, &str); 3] = [
    ("resourceSpans", "scopeSpans", "spans"),
    ("resourceMetrics", "scopeMetrics", "metrics"),
    ("resourceLogs", "scopeLogs", "logRecords"),
];

/// The requests as one document; what breaks a rule goes into the comparison.
pub(crate) fn read(requests: &[Value], ran: &RangeInclusive<u64>, to: &mut Comparison) -> Value {
    for request in requests {
        let is_known = |key: &String| SIGNALS.iter().any(|(resources, ..)| key == resources);
        to.that("request", request.as_object().is_some_and(|of| of.keys().all(is_known)), || {
            format!("it holds more than the three signals: {request}")
        });
    }
    let mut resources = Vec::new();
    let mut scopes = Vec::new();
    for (of_resources, of_scopes, of_items) in SIGNALS {
        for of in each(requests, of_resources) {
            let mut fields = rest(of, of_scopes);
            if let Some(Value::Object(resource)) = fields.get_mut("resource") {
                let attributes = attributes(resource.get("attributes"));
                resource.insert("attributes".to_owned(), attributes);
            }
            distinct(&mut resources, fields);
            items(of, of_scopes).for_each(|of| distinct(&mut scopes, rest(of, of_items)));
        }
    }
    scopes.sort_by_key(|scope| scope["scope"]["name"].as_str().map(str::to_owned));
    let mut spans = Spans::new(requests, ran);
    json!({
        "resources": resources,
        "scopes": scopes,
        "requests": spans.requests(to),
        "metrics": metrics::read(requests, ran, to),
        "logs": logs::read(requests, &spans, ran, to),
    })
}

/// The requests without what a machine says of itself, which is another thing on each.
pub(crate) fn stated(requests: &[Value]) -> Vec<Value> {
    let mut requests = requests.to_vec();
    for (of_resources, ..) in SIGNALS {
        for request in &mut requests {
            let resources = request.get_mut(of_resources).and_then(Value::as_array_mut);
            for of in resources.into_iter().flatten() {
                if let Some(Value::Array(attributes)) = of.pointer_mut("/resource/attributes") {
                    attributes.retain(|attribute| !is_detected(attribute));
                }
            }
        }
    }
    requests
}

fn is_detected(attribute: &Value) -> bool {
    let of = [
        "host.",
        "os.",
        "process.",
        "container.",
        "k8s.",
        "service.instance.",
        "telemetry.distro.",
    ];
    let key = attribute["key"].as_str().unwrap_or_default();
    of.iter().any(|start| key.starts_with(start))
}
