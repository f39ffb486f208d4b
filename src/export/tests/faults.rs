//! What becomes of a frame where the transport fails.

use std::net::TcpListener;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::super::Outcome;
use super::super::http::HttpExporter;
use super::collector::{Collector, Step};
use super::{AMPLE, delivered, frame, outcome, outcomes, plan, run};
use crate::config::plan::OtlpPlan;

#[test]
fn a_broken_transport_is_tried_again() {
    let cut = |text: &str| {
        let raw = Step::Raw(text.as_bytes().to_vec());
        Step::ThenClose(Box::new(raw))
    };
    let table = [
        ("reset in mid-frame", Step::Reset(100)),
        ("no answer", cut("")),
        ("cut head", cut("HTTP/1.1 200 OK\r\nContent-Le")),
        ("cut body", cut("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")),
        ("another protocol", cut("220 mail.example.org ESMTP\r\n")),
    ];
    for (name, step) in table {
        let collector = Collector::start();
        collector.script(vec![step]);
        run(async || {
            let mut exporter = HttpExporter::new(&plan(&collector.url()), None);
            let spans = frame(vec![1; 100_000]);
            match exporter.send(&spans).await {
                Outcome::Retry { after: None, sent: true, error } => {
                    assert!(error.starts_with("127.0.0.1:"), "{name}: {error}");
                }
                other => panic!("{name}: {other:?}"),
            }
            assert_eq!(exporter.send(&spans).await, delivered(), "{name}");
        });
        assert_eq!(collector.connections(), 2, "{name}");
        assert_eq!(collector.requests().last().unwrap().body, vec![1; 100_000], "{name}");
    }
}

#[test]
fn a_connection_closed_right_after_accept_is_tried_again() {
    let Outcome::Retry { after: None, .. } = outcome(Step::Close) else { panic!() };
}

#[test]
fn an_answer_before_the_end_of_the_body_is_seen() {
    let collector = Collector::start();
    collector.script(vec![Step::Early(100, Box::new(Step::status(413)))]);
    run(async || {
        let mut exporter = HttpExporter::new(&plan(&collector.url()), None);
        // More than the buffers of both sockets hold.
        match exporter.send(&frame(vec![1; 32 * 1024 * 1024])).await {
            Outcome::TooLarge { error } => assert!(error.contains("answered 413"), "{error}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(exporter.send(&frame("next")).await, delivered());
    });
    assert_eq!(collector.connections(), 2);
}

#[test]
fn a_refused_connection_says_so_and_sends_nothing() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let plan = plan(&format!("http://user:secret@{address}"));
    let Outcome::Retry { error, after: None, sent: false } = outcomes(&plan, 1).remove(0) else {
        panic!()
    };
    let expected = format!("{address}: cannot connect to {address}: Connection refused");
    assert!(error.starts_with(&expected), "{error}");
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn a_name_that_does_not_resolve_is_tried_again() {
    let plan = plan("http://collector.invalid:4318");
    match outcomes(&plan, 1).remove(0) {
        Outcome::Retry { error, after: None, sent: false } => {
            let expected = "collector.invalid:4318: cannot look up the host: ";
            assert!(error.starts_with(expected), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_shorter_limit_ends_an_attempt() {
    let limit = Duration::from_millis(500);
    let raw = |text: &str| Step::Raw(text.as_bytes().to_vec());
    let failed = |error: &str, after, sent| {
        let error = error.to_owned();
        Outcome::Retry { error, after, sent }
    };
    let table = [
        (Step::NeverAnswer, failed("no answer within 500ms", None, true)),
        (Step::NeverRead, failed("no answer within 500ms", None, true)),
        (raw("HTTP/1.1 200"), failed("no answer within 500ms", None, true)),
        (
            raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
            failed("answered 200 OK, but the answer broke off: it did not end in time", None, true),
        ),
        (
            raw("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 9\r\n\r\nhalf"),
            failed("answered 503 Service Unavailable: half", Some(Duration::from_secs(7)), false),
        ),
    ];
    for (timeout, attempt_limit) in [(Some(limit), Some(AMPLE)), (None, Some(limit))] {
        for (step, expected) in &table {
            let collector = Collector::start();
            collector.script(vec![step.clone()]);
            let plan = OtlpPlan { timeout, ..plan(&collector.url()) };
            run(async || {
                let mut exporter = HttpExporter::new(&plan, attempt_limit);
                let started = Instant::now();
                // Only what nobody reads must be more than the sockets hold: the rest is quick.
                let unread = matches!(step, Step::NeverRead);
                let length = if unread { 16 * 1024 * 1024 } else { 1 };
                let mut outcome = exporter.send(&frame(vec![1; length])).await;
                assert!(started.elapsed() >= limit, "{step:?}");
                assert!(started.elapsed() < AMPLE / 2, "{step:?}");
                if let Outcome::Retry { error, .. } = &mut outcome {
                    *error = error.split_once(": ").unwrap().1.to_owned();
                }
                assert_eq!(outcome, *expected, "{step:?}");
                assert_eq!(exporter.send(&frame("next")).await, delivered(), "{step:?}");
            });
            assert_eq!(collector.connections(), 2, "{step:?}");
        }
    }
}

#[test]
fn an_attempt_can_be_given_up_at_any_point() {
    let collector = Collector::start();
    collector.script(vec![Step::NeverAnswer]);
    let given_up = frame("given up");
    run(async || {
        let plan = OtlpPlan { timeout: None, ..plan(&collector.url()) };
        let mut exporter = HttpExporter::new(&plan, None);
        {
            let mut sending = pin!(exporter.send(&given_up));
            while collector.requests().is_empty() {
                let moment = Duration::from_millis(5);
                assert!(timeout(moment, sending.as_mut()).await.is_err());
            }
        }
        assert_eq!(exporter.send(&frame("next")).await, delivered());
    });
    let requests = collector.requests();
    let connections: Vec<_> = requests.iter().map(|request| request.connection).collect();
    assert_eq!(connections, [1, 2]);
}
