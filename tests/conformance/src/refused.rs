//! A Collector that answers 503 to everything, then one on the same port that takes it: nothing is lost, nothing doubled.
//!
//! The host says what it recorded (`known`) and what its own accounts hold; both have to be what the Collector holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::collector::{Answers, Collector, free_port};
use crate::comparison::Comparison;
use crate::expectation::Temporality;
use crate::host::Host;
use crate::mutation::Changes;
use crate::otlp::{attributes, integer, text, time};
use crate::{Arguments, Failure, counts, logs, metrics, spans};

/// The numbers of one line of the host's.
type Account = BTreeMap<String, u64>;

pub(crate) fn run(arguments: &Arguments, directory: &Path) -> Result<Comparison, Failure> {
    let port = free_port()?;
    let start = |name, answers| {
        Collector::start(&arguments.collector, &directory.join(name), port, answers)
    };
    let refusing = start("refusing", Answers::Refused)?;
    let variables = arguments.variables(refusing.endpoint());
    let mut host = Host::start(&arguments.host, &variables, directory)?;
    host.says("refused")?;
    let refused = refusing.stop()?;
    let accepting = start("accepting", Answers::Accepted)?;
    host.tell("go on")?;
    let output = host.finish()?.output;
    print!("{output}");
    let received = accepting.stop()?;

    let compare = |received: &[Value]| {
        let mut comparison = Comparison::default();
        compare(&output, received, arguments.temporality, &mut comparison);
        comparison
    };
    let mut comparison = compare(&received);
    comparison.that("the Collector that refuses", refused.is_empty(), || {
        format!("took {} requests", refused.len())
    });
    if comparison.differences.is_empty() {
        let mut changes = Changes::default();
        changes.of_documents(&received, |changed| !compare(changed).differences.is_empty());
        println!("made {} changes, one at a time", changes.tried);
        comparison.differences.extend(changes.unnoticed);
    }
    Ok(comparison)
}

fn compare(output: &str, received: &[Value], temporality: Temporality, to: &mut Comparison) {
    let known = account(output, "known");
    let numbers = |items: Vec<&Value>| items.into_iter().map(number).collect();
    each_once("spans", numbers(spans::spans(received).collect()), known.get("spans"), to);
    let records = logs::records(received).map(|(_, record)| record);
    each_once("logs", numbers(records.collect()), known.get("logs"), to);
    let ids: BTreeSet<_> = spans::spans(received).map(|span| text(span, "spanId")).collect();
    to.that("spans: ids", ids.len() == spans::spans(received).count(), || {
        format!("{} different ids", ids.len())
    });
    for (name, value, total) in [
        ("recorded.items", "asInt", "items"),
        ("recorded.sizes", "count", "sizes"),
        ("recorded.sizes", "sum", "bytes"),
        ("python_logs_forwarded_total", "asInt", "logs"),
    ] {
        collections(received, (name, value), known.get(total), temporality, to);
    }
    for (signal, found) in ["traces", "metrics", "logs"].into_iter().zip(counts(received)) {
        conserved(signal, &account(output, signal), found as u64, to);
    }
}

/// `name key=number ...`
fn account(output: &str, name: &str) -> Account {
    let line = output.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let pairs = line.unwrap_or("").split(' ').filter_map(|pair| pair.split_once('='));
    pairs.filter_map(|(key, value)| Some((key.to_owned(), value.parse().ok()?))).collect()
}

/// The attribute `number` of a span or log record.
fn number(item: &Value) -> Option<u64> {
    integer(&attributes(item.get("attributes"))["number"]["intValue"])
}

/// They are numbered from 0 on.
fn each_once(place: &str, mut found: Vec<Option<u64>>, count: Option<&u64>, to: &mut Comparison) {
    found.sort_unstable();
    let expected: Vec<_> = (0..*count.unwrap_or(&0)).map(Some).collect();
    to.that(place, !expected.is_empty() && found == expected, || {
        let different: BTreeSet<_> = found.iter().collect();
        format!(
            "{} recorded, {} arrived, {} of them different",
            expected.len(),
            found.len(),
            different.len()
        )
    });
}

/// One series over all collections: the times and values of each fit to the one before, and the total is exact.
fn collections(
    received: &[Value],
    (name, field): (&str, &str),
    total: Option<&u64>,
    temporality: Temporality,
    to: &mut Comparison,
) {
    let place = format!("metric {name}: {field}");
    let of_name = metrics::metrics(received).filter(|(_, metric)| metric["name"] == *name);
    let mut points: Vec<_> = of_name.flat_map(|(_, metric)| metrics::points(metric)).collect();
    points.sort_by_key(|point| time(point, "timeUnixNano"));
    let values: Vec<u64> = points.iter().filter_map(|point| value(&point[field])).collect();
    to.that(&place, points.len() > 2 && values.len() == points.len(), || {
        format!("{} collections, {} of them with a value", points.len(), values.len())
    });
    let (start, end) = ("startTimeUnixNano", "timeUnixNano");
    let begins = |pair: &[&Value]| match temporality {
        Temporality::Cumulative => time(pair[0], start) == time(pair[1], start),
        Temporality::Delta => time(pair[0], end) == time(pair[1], start),
    };
    to.that(&format!("{place}: start times"), points.windows(2).all(begins), || {
        "a collection does not begin where it has to".to_owned()
    });
    // The same collection twice has the same time, and would add nothing to a cumulative sum.
    let follows = |pair: &[&Value]| time(pair[0], end) < time(pair[1], end);
    to.that(&format!("{place}: times"), points.windows(2).all(follows), || {
        "two collections have the same time".to_owned()
    });
    let sum = match temporality {
        Temporality::Cumulative => values.last().copied(),
        Temporality::Delta => Some(values.iter().sum()),
    };
    to.that(&format!("{place}: total"), sum.is_some() && sum == total.copied(), || {
        format!("{total:?} expected, {sum:?} found in {values:?}")
    });
    let is_growing = temporality == Temporality::Delta || values.is_sorted();
    to.that(&format!("{place}: growth"), is_growing, || format!("a sum shrinks: {values:?}"));
}

/// A count or a counter's value, text in OTLP/JSON, or a whole sum.
fn value(of: &Value) -> Option<u64> {
    integer(of).or_else(|| of.as_u64())
}

/// The host's own account of a signal.
fn conserved(signal: &str, account: &Account, found: u64, to: &mut Comparison) {
    let of = |key: &str| account.get(key).copied();
    to.that(&format!("{signal}: delivered"), of("delivered") == Some(found), || {
        format!("{:?} by its own account, the Collector holds {found}", of("delivered"))
    });
    let parts = ["delivered", "rejected", "unconfirmed", "dropped", "waiting", "on_disk"];
    let sum: Option<u64> = parts.into_iter().map(of).sum();
    to.that(&format!("{signal}: conservation"), sum.is_some() && sum == of("recorded"), || {
        format!("{account:?}")
    });
    for answer in ["rejected", "dropped", "unconfirmed"] {
        to.that(&format!("{signal}: {answer}"), of(answer).is_some_and(|n| n == 0), || {
            format!("{:?}", of(answer))
        });
    }
}
