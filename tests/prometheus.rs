//! Metrics that are fetched, read by a parser that forgives nothing.

#![cfg(feature = "prometheus")]

mod support;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use support::{SOON, config, serial, wait_until};
use trackside::telemetry::{self, Telemetry};

/// A port that was free a moment ago.
fn free() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).expect("a port")
}

fn start(at: SocketAddr, more: &[(&str, &str)]) -> Telemetry {
    let port = at.port().to_string();
    let mut variables = vec![
        ("OTEL_METRICS_EXPORTER", "prometheus"),
        ("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", &port),
        ("OTEL_SERVICE_NAME", "shop \"1\""),
    ];
    variables.extend(more);
    let telemetry = telemetry::init(config(&variables)).expect("the configuration is good");
    wait_until("listening", || TcpStream::connect(at).is_ok());
    telemetry
}

/// The head and the body of an answer.
fn ask(at: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(at).expect("it listens");
    stream.set_read_timeout(Some(SOON)).expect("a time-out");
    write!(stream, "{request} HTTP/1.1\r\nHost: test\r\n\r\n").expect("a whole answer");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("a whole answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
    (head.to_owned(), body.to_owned())
}

fn scrape(at: SocketAddr) -> Scrape {
    let (head, body) = ask(at, "GET /metrics");
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(head.contains("application/openmetrics-text; version=1.0.0"), "{head}");
    read(&body)
}

/// What a page says, by its rules.
#[derive(Debug, Default)]
struct Scrape {
    kinds: BTreeMap<String, String>,
    units: BTreeMap<String, String>,
    /// By name and labels as they are written.
    samples: BTreeMap<String, f64>,
}

impl Scrape {
    /// The one sample that begins so and has these labels.
    #[track_caller]
    fn value(&self, name: &str, labels: &[&str]) -> f64 {
        let mut found = self.samples.iter().filter(|(sample, _)| {
            let (this, rest) = sample.split_once('{').unwrap_or((sample.as_str(), ""));
            this == name && labels.iter().all(|label| rest.contains(label))
        });
        let (Some((_, value)), None) = (found.next(), found.next()) else {
            panic!("not one {name} with {labels:?}: {self:#?}")
        };
        *value
    }
}

fn read(page: &str) -> Scrape {
    let body = page.strip_suffix("# EOF\n").expect("the end is marked");
    let mut scrape = Scrape::default();
    let mut family = String::new();
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (what, name) = (
                words.next().expect("a whole answer"),
                words.next().expect("a whole answer").to_owned(),
            );
            let text = words.next().expect("a line about a family has a text").to_owned();
            assert!(is_name(&name), "{line}");
            if name != family {
                assert!(!scrape.kinds.contains_key(&name), "{name} comes twice");
                family.clone_from(&name);
            }
            let known = match what {
                "TYPE" => scrape.kinds.insert(name, text),
                "UNIT" => {
                    assert!(name.ends_with(&format!("_{text}")), "{line}");
                    scrape.units.insert(name, text)
                }
                "HELP" => None,
                _ => panic!("{line}"),
            };
            assert_eq!(known, None, "{line}");
            continue;
        }
        let name = sample(line, &mut scrape);
        let suffixes: &[&str] = match scrape.kinds[&family].as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_sum", "_count"],
            "info" => &["_info"],
            kind => panic!("{kind}"),
        };
        assert!(suffixes.iter().any(|end| name == format!("{family}{end}")), "{line}");
    }
    scrape
}

/// Reads one line; its name.
fn sample(line: &str, scrape: &mut Scrape) -> String {
    let line = line.split(" # ").next().expect("a whole answer");
    let (key, value) = line.rsplit_once(' ').expect("a sample has a value");
    let value = match value {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        value => value.parse().expect("a whole answer"),
    };
    let (name, labels) = key.split_once('{').unwrap_or((key, "}"));
    assert!(is_name(name), "{line}");
    let mut rest = labels.strip_suffix('}').expect("the braces end");
    while !rest.is_empty() {
        let (label, quoted) = rest.split_once("=\"").expect("a label has a value");
        assert!(is_name(label) && !label.contains(':'), "{line}");
        let mut escaped = false;
        let end = quoted.find(|character| {
            let is_end = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            is_end
        });
        rest = &quoted[end.expect("a label ends") + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    assert_eq!(scrape.samples.insert(key.to_owned(), value), None, "{line}");
    name.to_owned()
}

fn is_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':';
    !name.is_empty() && !name.as_bytes()[0].is_ascii_digit() && name.bytes().all(is_part)
}

#[test]
fn a_scrape_has_every_kind_by_the_rules_of_names() {
    let _turn = serial();
    let at = free();
    let telemetry = start(at, &[]);
    telemetry::counter("orders.placed").add(3, &[("shop.name", "a \"b\"\n\\".into())]);
    telemetry::up_down_counter("sessions").with_unit("{session}").add(-2, &[]);
    telemetry::gauge("room").with_unit("Cel").record(21.5, &[]);
    let duration = telemetry::histogram("work.duration").with_unit("ms");
    for value in [1.0, 7.0, 1e9] {
        duration.record(value, &[]);
    }
    let page = scrape(at);
    assert_eq!(page.kinds["orders_placed"], "counter");
    let labels = [r#"shop_name="a \"b\"\n\\""#, "otel_scope_name=\"trackside\""];
    assert_eq!(page.value("orders_placed_total", &labels), 3.0);
    assert_eq!((page.kinds["sessions"].as_str(), page.value("sessions", &[])), ("gauge", -2.0));
    assert_eq!(page.value("room_celsius", &[]), 21.5);
    assert_eq!(page.units["work_duration_milliseconds"], "milliseconds");
    assert_eq!(page.value("work_duration_milliseconds_count", &[]), 3.0);
    assert_eq!(page.value("work_duration_milliseconds_sum", &[]), 1e9 + 8.0);
    let bucket =
        |le: &str| page.value("work_duration_milliseconds_bucket", &[&format!("le=\"{le}\"")]);
    assert_eq!(
        (bucket("0.0"), bucket("10.0"), bucket("10000.0"), bucket("+Inf")),
        (0.0, 2.0, 2.0, 3.0)
    );
    assert_eq!(page.value("target_info", &[r#"service_name="shop \"1\"""#]), 1.0);

    telemetry::counter("orders.placed").add(4, &[("shop.name", "a \"b\"\n\\".into())]);
    assert_eq!(scrape(at).value("orders_placed_total", &labels), 7.0, "since the start");
    telemetry.shutdown(SOON).unwrap();
    assert!(TcpStream::connect(at).is_err(), "nobody listens after the shutdown");
}

#[test]
fn delta_is_refused_with_a_word() {
    let _turn = serial();
    let at = free();
    let delta = ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta");
    let telemetry = start(at, &[delta]);
    let said = telemetry.status().diagnostics.join("\n");
    assert!(said.contains("prometheus takes no delta metrics"), "{said}");
    for _ in 0..2 {
        telemetry::counter("steps").add(1, &[]);
        scrape(at);
    }
    assert_eq!(scrape(at).value("steps_total", &[]), 2.0);
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn other_requests_are_told_so() {
    let _turn = serial();
    let at = free();
    let telemetry = start(at, &[]);
    assert!(ask(at, "GET /").0.starts_with("HTTP/1.1 404"));
    assert!(ask(at, "POST /metrics").0.starts_with("HTTP/1.1 405"));
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn a_port_that_is_taken_is_said() {
    let _turn = serial();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let telemetry = start(taken.local_addr().unwrap(), &[]);
    wait_until("the word", || {
        telemetry.status().diagnostics.iter().any(|line| line.contains("metrics cannot be fetched"))
    });
    telemetry.shutdown(SOON).unwrap();
}
