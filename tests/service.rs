//! The service is named after the classes that the process registers.
//!
//! The registry belongs to the process, so this program has one test, in one order.

#![cfg(feature = "telemetry")]

mod support;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use support::collector::Collector;
use support::{SOON, assert_conserved, config, record, start};
use trackside::telemetry::{self, TelemetryConfig};

/// Value and origin of `service.name` in the report.
fn service(config: &TelemetryConfig) -> (String, String) {
    let report = config.resolve().to_string();
    let line = report.lines().find(|line| line.starts_with("service.name "));
    let line = line.unwrap_or_else(|| panic!("service.name is not in\n{report}"));
    let words: Vec<_> = line.split_whitespace().collect();
    (words[1].to_owned(), words[2..].join(" "))
}

#[track_caller]
fn assert_service(config: &TelemetryConfig, name: &str, origin: &str) {
    assert_eq!(service(config), (name.to_owned(), origin.to_owned()));
}

/// What names a service wins over classes, however many there are.
#[track_caller]
fn assert_names_win() {
    let listed = ("OTEL_RESOURCE_ATTRIBUTES", "team=rail,service.name=list");
    let named = ("OTEL_SERVICE_NAME", "variable");
    assert_service(&config(&[listed]), "list", "OTEL_RESOURCE_ATTRIBUTES");
    assert_service(&config(&[listed, named]), "variable", "OTEL_SERVICE_NAME");
    let argued = config(&[listed, named]).with_service_name("argument");
    assert_service(&argued, "argument", "argument");
    let report = argued.resolve().to_string();
    let kept = report.lines().any(|line| line.starts_with("team ") && line.contains("rail"));
    assert!(kept, "other attributes are kept:\n{report}");
}

#[test]
fn registered_classes_name_the_service() {
    let process = std::env::current_exe().unwrap();
    let process = process.file_name().unwrap().to_str().unwrap();
    let oaas = || config(&[]).with_fallback_name("oaas");

    assert_service(&config(&[]), &format!("unknown_service:{process}"), "default");
    assert_service(&oaas(), "unknown_service:oaas", "argument");
    assert_names_win();

    telemetry::register_service("shop", "");
    assert_service(&oaas(), "unknown_service:oaas", "argument");

    telemetry::register_service("shop", "Cart");
    telemetry::register_service("shop", "Cart");
    assert_service(&config(&[]), "shop.Cart", "register_service");
    assert_service(&oaas(), "shop.Cart", "register_service");
    assert_names_win();

    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[]);
    telemetry::register_service("", "Till");
    assert_service(&config(&[]), &format!("{process}-multi"), "register_service");
    assert_service(&oaas(), "oaas-multi", "register_service");
    assert_names_win();

    // What runs keeps its name.
    record("item", 1);
    telemetry.shutdown(SOON).unwrap();
    assert_conserved(&telemetry);
    let sent = collector.requests()[0].decode();
    let attributes = &sent.resource_spans[0].resource.as_ref().unwrap().attributes;
    assert_eq!(attributes[0].key, "service.name");
    let value = attributes[0].value.as_ref().unwrap().value.clone();
    assert_eq!(value, Some(Value::StringValue("shop.Cart".to_owned())));
}
