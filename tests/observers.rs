//! Values that are asked for at each collection. They are for the rest of the process, hence this file.

#![cfg(feature = "telemetry")]

mod support;

use support::collector::Collector;
use support::metrics::{METRICS, collect};
use support::{SOON, serial, start};
use trackside::telemetry;

#[test]
fn a_callback_that_panics_costs_its_own_value() {
    let _turn = serial();
    telemetry::gauge("observed.good").observe(|| 1.5);
    telemetry::gauge("observed.bad").observe(|| panic!("a host's mistake"));
    telemetry::counter("observed.count").bind(&[("k", "v".into())]).observe(|| 3);
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &METRICS);
    for _ in 0..2 {
        let all = collect(&telemetry, &collector);
        assert_eq!((all["observed.good{}"], all["observed.count{k=v}"]), (1.5, 3.0));
        assert!(!all.keys().any(|key| key.contains("bad")), "{all:?}");
    }
    let said = telemetry.status().diagnostics;
    assert_eq!(said.iter().filter(|line| line.contains("observed.bad")).count(), 1, "{said:?}");
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn a_callback_that_measures_something_else_stops_nobody() {
    let _turn = serial();
    static MADE_INSIDE: telemetry::Counter = telemetry::counter("made.inside");
    telemetry::gauge("observed.nosy").observe(|| {
        MADE_INSIDE.add(1, &[]);
        2.5
    });
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &METRICS);
    assert_eq!(collect(&telemetry, &collector)["observed.nosy{}"], 2.5);
    assert_eq!(collect(&telemetry, &collector)["observed.nosy{}"], 2.5);
    telemetry.shutdown(SOON).unwrap();
}
