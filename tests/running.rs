//! What changes while telemetry runs: the sampler, the filter of log records; and the context of the process.

#![cfg(feature = "telemetry")]

mod support;

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use support::collector::Collector;
use support::{SOON, assert_conserved, config, serial, start};
use trackside::telemetry::{self, Parent, Telemetry};

fn recorded(telemetry: &Telemetry) -> u64 {
    telemetry.status().traces.recorded
}

fn roots(count: usize) {
    (0..count).for_each(|_| drop(telemetry::span("root").with_parent(Parent::root())));
}

#[test]
fn the_next_root_is_sampled_by_the_new_sampler() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[("OTEL_TRACES_SAMPLER", "always_off")]);
    roots(10);
    assert_eq!(recorded(&telemetry), 0);

    let open = telemetry::span("from before");
    telemetry.set_sampler("parentbased_always_on", None).expect("it is one");
    drop(telemetry::span("below what was decided before"));
    drop(open);
    assert_eq!(recorded(&telemetry), 0, "a trace stays as it was decided");
    roots(10);
    assert_eq!(recorded(&telemetry), 10);

    telemetry.set_sampler("traceidratio", Some(0.25)).expect("it is one");
    roots(10_000);
    let sampled = recorded(&telemetry) - 10;
    assert!((2_200..2_800).contains(&sampled), "{sampled} of 10,000 by a ratio of 0.25");

    telemetry.set_sampler("traceidratio", None).expect("it is one");
    let before = recorded(&telemetry);
    roots(10);
    assert_eq!(recorded(&telemetry) - before, 10, "a ratio that is not given is 1");

    for (name, ratio, expected) in [
        ("sometimes", None, "set_sampler(\"sometimes\"): use one of always_on"),
        ("always_on", Some(0.5), "set_sampler(\"always_on, 0.5\"): this sampler takes no ratio"),
        ("traceidratio", Some(f64::NAN), "set_sampler(\"traceidratio, NaN\"): the ratio is"),
    ] {
        let error = telemetry.set_sampler(name, ratio).expect_err(name).to_string();
        assert!(error.contains(expected), "{error}");
    }
    let report = telemetry.report().to_string();
    let line = report.lines().find(|line| line.starts_with("traces.sampler")).expect("a line");
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words, ["traces.sampler", "traceidratio", "1", "set_sampler"]);
    telemetry.shutdown(SOON).expect("all is taken");
    assert_conserved(&telemetry);

    // What is over changes nothing, and what comes after has its own sampler.
    let next = start(&collector.url(), &[("OTEL_TRACES_SAMPLER", "always_off")]);
    telemetry.set_sampler("always_on", None).expect("it is one");
    roots(10);
    assert_eq!(recorded(&next), 0);
    next.shutdown(SOON).expect("there is nothing to send");
}

#[test]
fn it_changes_while_threads_begin_spans() {
    let _turn = serial();
    let collector = Collector::start();
    let telemetry = start(&collector.url(), &[]);
    let (ready, done) = (Barrier::new(5), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                ready.wait();
                while !done.load(Ordering::Relaxed) {
                    roots(10);
                }
            });
        }
        ready.wait();
        for turn in 0..200 {
            let ratio = f64::from(turn % 11) / 10.0;
            telemetry.set_sampler("traceidratio", Some(ratio)).expect("it is one");
            telemetry
                .set_log_filter(if turn % 2 == 0 { "info" } else { "off" })
                .expect("it is one");
        }
        telemetry.set_sampler("always_off", None).expect("it is one");
        done.store(true, Ordering::Relaxed);
    });
    let before = recorded(&telemetry);
    roots(100);
    assert_eq!(recorded(&telemetry), before, "the last one counts, in every thread");
    telemetry.shutdown(SOON).expect("all is taken");
    assert_conserved(&telemetry);
}

#[test]
fn the_filter_decides_by_level_and_logger() {
    let _turn = serial();
    let collector = Collector::start();
    let logs = ("OTEL_LOGS_EXPORTER", "otlp");
    let telemetry = start(&collector.url(), &[logs, ("OTEL_TRACES_EXPORTER", "none")]);
    // The subscriber is the one that `init` has installed.
    let say = || {
        let before = telemetry.status().logs.recorded;
        telemetry::forward_log(10, "debug", "shop.orders", 1, "", &[]);
        telemetry::forward_log(20, "info", "shop.orders", 1, "", &[]);
        telemetry::forward_log(20, "info", "other", 1, "", &[]);
        telemetry::forward_log(40, "error", "other", 1, "", &[]);
        tracing::debug!(target: "events", "debug");
        tracing::info!(target: "events", "info");
        telemetry.status().logs.recorded - before
    };
    assert_eq!(say(), 5, "all but the event of level DEBUG, which the subscriber holds back");
    for (filter, expected) in [
        ("debug", 6),
        ("info", 4),
        ("error", 1),
        ("off", 0),
        ("off,shop=trace", 2),
        ("off,shop.orders=info,events=debug", 3),
        ("error,shop.orders=off", 1),
        ("info,events=off", 3),
        ("trace", 6),
    ] {
        telemetry.set_log_filter(filter).expect(filter);
        assert_eq!(say(), expected, "{filter}");
    }
    let error = telemetry.set_log_filter("loud").expect_err("no level").to_string();
    assert!(error.contains("set_log_filter(\"loud\"): \"loud\" is not one of off"), "{error}");
    assert_eq!(say(), 6, "the former one stays");
    telemetry.shutdown(SOON).expect("all is taken");

    let variables = [logs, ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())];
    let next = config(&variables).with_log_filter("error").with_traces(false).with_metrics(false);
    let next = telemetry::init(next).expect("the configuration is good");
    telemetry::forward_log(30, "warning", "other", 1, "", &[]);
    telemetry::forward_log(40, "error", "other", 1, "", &[]);
    assert_eq!(next.status().logs.recorded, 1);
    let report = next.report().to_string();
    assert!(
        report.lines().any(|line| line.split_whitespace().eq(["logs.filter", "error", "argument"])),
        "{report}"
    );
    next.shutdown(SOON).expect("all is taken");
    let bad = telemetry::init(config(&[]).with_log_filter("shop=")).expect_err("no level");
    assert!(bad.to_string().contains("with_log_filter(\"shop=\")"), "{bad}");
}

#[test]
fn the_context_of_the_process_is_there_to_hang_below() {
    const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let _turn = serial();
    let variables = [("TRACEPARENT", CALLER), ("TRACESTATE", "shop=1"), ("BAGGAGE", "tenant=acme")];
    let telemetry = telemetry::init(config(&variables)).expect("nothing can be wrong");
    let inherited = telemetry.inherited();
    assert_eq!(inherited.trace_id().expect("it is there").to_string(), &CALLER[3..35]);
    assert_eq!(inherited.baggage("tenant"), Some("acme"));
    assert!(telemetry::current().trace_id().is_none(), "nothing hangs below it by itself");
    assert!(!telemetry.report().to_string().contains("acme"), "baggage is another's data");

    // On to a child, whose environment says the same in the same words.
    let mut child = std::process::Command::new("job");
    let told = async { telemetry::inject_into(&mut child) };
    support::block_on(telemetry::in_context(told).with_parent(inherited));
    let given: Vec<_> = child
        .get_envs()
        .map(|(name, value)| {
            let value = value.expect("it is set").to_string_lossy().into_owned();
            (name.to_string_lossy().into_owned(), value)
        })
        .collect();
    let expected = [("BAGGAGE", "tenant=acme"), ("TRACEPARENT", CALLER), ("TRACESTATE", "shop=1")];
    assert_eq!(given, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    telemetry.shutdown(SOON).expect("nothing was started");

    let off = [("TRACEPARENT", CALLER), ("OTEL_PROPAGATORS", "none")];
    let telemetry = telemetry::init(config(&off)).expect("nothing can be wrong");
    assert!(telemetry.inherited().trace_id().is_none(), "no propagator reads it");
    telemetry.shutdown(SOON).expect("nothing was started");
}
