//! The page of one scrape.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::names;
use crate::encode::view::{
    Any, Exemplar, Histogram, MetricData, MetricView, Number, Pairs, Point, Scope, Summary,
    Temporality,
};

/// Families by name: one that several scopes have is one all the same.
#[derive(Debug)]
pub(crate) struct Page {
    target: String,
    families: BTreeMap<String, Family>,
}

#[derive(Debug)]
struct Family {
    kind: &'static str,
    help: String,
    unit: String,
    /// Lines.
    samples: String,
}

/// Names and values, the values escaped.
type Labels = BTreeMap<String, String>;

impl Page {
    pub(crate) fn new(resource: &[(String, String)]) -> Self {
        let pairs = resource.iter().map(|(key, value)| (key.as_str(), Any::Str(value.as_str())));
        let target = braced(&labels(&pairs.collect(), &Scope::default()), None);
        Self { target, families: BTreeMap::new() }
    }

    /// Adds a metric. What the format has no form for, and what is not cumulative, is left out.
    pub(crate) fn metric(&mut self, metric: &MetricView<'_>) {
        let scope = &metric.scope;
        match &metric.data {
            MetricData::Gauge(points) => self.numbers(metric, "gauge", points),
            MetricData::Sum { points, temporality: Temporality::Cumulative, monotonic } => {
                self.numbers(metric, if *monotonic { "counter" } else { "gauge" }, points);
            }
            MetricData::Histogram { points, temporality: Temporality::Cumulative } => {
                let Some((name, out)) = self.family(metric, "histogram") else { return };
                points.iter().for_each(|point| histogram(out, &name, scope, point));
            }
            MetricData::Summary(points) => {
                let Some((name, out)) = self.family(metric, "summary") else { return };
                points.iter().for_each(|point| summary(out, &name, scope, point));
            }
            _ => {}
        }
    }

    /// The whole page.
    pub(crate) fn finish(self) -> String {
        let mut out = String::from("# HELP target Who speaks.\n# TYPE target info\n");
        // A text takes all that is written.
        let _ = writeln!(out, "target_info{} 1", self.target);
        for (name, family) in self.families {
            let Family { kind, help, unit, samples } = family;
            let _ = writeln!(out, "# TYPE {name} {kind}");
            if !unit.is_empty() {
                let _ = writeln!(out, "# UNIT {name} {unit}");
            }
            if !help.is_empty() {
                let _ = writeln!(out, "# HELP {name} {}", escaped(&help));
            }
            out.push_str(&samples);
        }
        out.push_str("# EOF\n");
        out
    }

    fn numbers(
        &mut self,
        metric: &MetricView<'_>,
        kind: &'static str,
        points: &[Point<'_, Number>],
    ) {
        let Some((name, out)) = self.family(metric, kind) else { return };
        let is_counter = kind == "counter";
        let suffix = if is_counter { "_total" } else { "" };
        for point in points {
            let value = match point.value {
                Number::Empty => continue,
                Number::I64(value) => value.to_string(),
                Number::F64(value) => float(value),
            };
            let labels = braced(&labels(&point.attributes, &metric.scope), None);
            let _ = write!(out, "{name}{suffix}{labels} {value}");
            if is_counter {
                exemplar(out, point.exemplars.last());
            }
            out.push('\n');
        }
    }

    /// The family's name and lines; `None` where the name is taken by another kind.
    fn family(
        &mut self,
        metric: &MetricView<'_>,
        kind: &'static str,
    ) -> Option<(String, &mut String)> {
        let is = |other| kind == other;
        let (name, unit) = names::family(metric.name, metric.unit, is("counter"), is("gauge"));
        let new =
            || Family { kind, help: metric.description.to_owned(), unit, samples: String::new() };
        let family = self.families.entry(name.clone()).or_insert_with(new);
        (family.kind == kind).then_some((name, &mut family.samples))
    }
}

fn histogram(out: &mut String, name: &str, scope: &Scope<'_>, point: &Point<'_, Histogram>) {
    let labels = labels(&point.attributes, scope);
    let value = &point.value;
    let mut below = 0;
    let mut lower = f64::NEG_INFINITY;
    let bounds = value.bounds.iter().copied().chain([f64::INFINITY]);
    for (index, bound) in bounds.enumerate() {
        // Without buckets there is the last one, which holds all.
        below = match value.counts.get(index) {
            Some(count) => below + count,
            None => value.count,
        };
        let _ = write!(out, "{name}_bucket{} {below}", braced(&labels, Some(("le", bound))));
        let is_here =
            |from: &&Exemplar<'_>| number(from.value) > lower && number(from.value) <= bound;
        exemplar(out, point.exemplars.iter().rfind(is_here));
        out.push('\n');
        lower = bound;
    }
    let plain = braced(&labels, None);
    if let Some(sum) = value.sum {
        let _ = writeln!(out, "{name}_sum{plain} {}", float(sum));
    }
    let _ = writeln!(out, "{name}_count{plain} {}", value.count);
}

fn summary(out: &mut String, name: &str, scope: &Scope<'_>, point: &Point<'_, Summary>) {
    let labels = labels(&point.attributes, scope);
    for (quantile, value) in &point.value.quantiles {
        let labels = braced(&labels, Some(("quantile", *quantile)));
        let _ = writeln!(out, "{name}{labels} {}", float(*value));
    }
    let plain = braced(&labels, None);
    let _ = writeln!(out, "{name}_sum{plain} {}", float(point.value.sum));
    let _ = writeln!(out, "{name}_count{plain} {}", point.value.count);
}

/// The trace behind a value, where there is one.
fn exemplar(out: &mut String, from: Option<&Exemplar<'_>>) {
    let Some(from) = from.filter(|from| from.trace != 0) else { return };
    let time = from.time as f64 / 1e9;
    let value = float(number(from.value));
    let (trace, span) = (from.trace, from.span);
    let _ =
        write!(out, " # {{trace_id=\"{trace:032x}\",span_id=\"{span:016x}\"}} {value} {time:.3}");
}

fn number(value: Number) -> f64 {
    match value {
        Number::Empty => f64::NAN,
        Number::I64(value) => value as f64,
        Number::F64(value) => value,
    }
}

/// Attributes whose names become the same share a label, in the order of their names.
fn labels(attributes: &Pairs<'_>, scope: &Scope<'_>) -> Labels {
    let mut sorted: Vec<_> = attributes.iter().collect();
    sorted.sort_by_key(|(key, _)| *key);
    let mut labels = Labels::new();
    for (key, value) in sorted {
        let text = escaped(&match value {
            Any::Str(text) => (*text).to_owned(),
            other => format!("{other:?}"),
        });
        let joined = labels.entry(names::label(key)).or_default();
        if !joined.is_empty() {
            joined.push(';');
        }
        joined.push_str(&text);
    }
    for (name, text) in [("otel_scope_name", scope.name), ("otel_scope_version", scope.version)] {
        if !text.is_empty() {
            labels.insert(name.to_owned(), escaped(text));
        }
    }
    labels
}

fn braced(labels: &Labels, more: Option<(&str, f64)>) -> String {
    let mut parts: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    parts.extend(more.map(|(name, value)| format!("{name}=\"{}\"", float(value))));
    if parts.is_empty() { String::new() } else { format!("{{{}}}", parts.join(",")) }
}

fn float(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => format!("{value:?}"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"")
}
