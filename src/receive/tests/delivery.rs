//! What arrives, and what is told of it.

use std::fs;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, KeyValueList, any_value};
use opentelemetry_proto::tonic::trace::v1::TracesData;

use super::client::{Said, client, fill, request, rows, run};
use super::{SOON, assert_conserved, receiver, unique, wait_until};
use crate::export::tests::collector::{Collector, Step};
use crate::receive::Sink;
use crate::schema::ingest_capnp::batch::Signal;
use crate::schema::ingest_capnp::frame::Format;
use crate::schema::ingest_capnp::outcome::{self, Durability, Rejection};

const ACCEPTED: Said = Said::Accepted(Durability::Memory);

/// The ids of all spans that the collector has taken, in order.
pub(super) fn ids(collector: &Collector) -> Vec<u64> {
    let id = |bytes: Vec<u8>| u64::from_be_bytes(bytes.try_into().unwrap());
    let mut ids: Vec<u64> = collector.spans().into_iter().map(|span| id(span.span_id)).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn two_exporters_at_once_get_everything_through() {
    let collector = Collector::start();
    let running = receiver().threads(2).forward(&collector.url()).start().unwrap();
    let address = &running.addresses()[0];
    std::thread::scope(|scope| {
        for exporter in 1..=2_u64 {
            scope.spawn(move || {
                run(async || {
                    let client = client(address).await;
                    for batch in 1..=50 {
                        let first = exporter * 10_000 + batch * 10;
                        let spans: Vec<u64> = (first..first + 10).collect();
                        assert_eq!(client.export(exporter, batch, &spans).await, ACCEPTED);
                    }
                });
            });
        }
    });
    let counts = running.shutdown(SOON).unwrap();
    assert_conserved(&counts);
    assert_eq!((counts.traces.taken, counts.sinks[0].traces.forwarded), (1000, 1000));
    let mut expected: Vec<u64> = (10_010..10_510).collect();
    expected.extend(20_010..20_510);
    assert_eq!(ids(&collector), expected);
}

#[test]
fn a_batch_is_taken_once_however_often_it_comes() {
    let collector = Collector::start();
    let running = receiver().forward(&collector.url()).start().unwrap();
    run(async || {
        let first = client(&running.addresses()[0]).await;
        assert_eq!(first.export(1, 1, &[1, 2]).await, ACCEPTED);
        assert_eq!(first.export(1, 1, &[1, 2]).await, Said::Duplicate);
        let second = client(&running.addresses()[0]).await;
        assert_eq!(second.export(1, 1, &[1, 2]).await, Said::Duplicate);
        assert_eq!(second.export(2, 1, &[3]).await, ACCEPTED);
        let closed = second.session.close_request().send().promise.await.unwrap();
        assert_eq!(closed.get().unwrap().get_accepted_batches(), 2);
    });
    let counts = running.shutdown(SOON).unwrap();
    assert_conserved(&counts);
    assert_eq!((counts.traces.announced, counts.traces.taken, counts.traces.duplicate), (7, 3, 4));
    assert_eq!(ids(&collector), [1, 2, 3]);
}

#[test]
fn a_count_is_a_sink_that_nothing_stands_behind() {
    let running = receiver().sink(Sink::counting()).start().unwrap();
    run(async || {
        let client = client(&running.addresses()[0]).await;
        assert_eq!(client.export(1, 1, &[1, 2]).await, ACCEPTED);
        assert_eq!(client.export(1, 2, &[3]).await, ACCEPTED);
        assert_eq!(client.export(1, 2, &[3]).await, Said::Duplicate);
    });
    let counts = running.shutdown(SOON).unwrap();
    assert_conserved(&counts);
    assert_eq!(counts.sinks[0].name, "the count");
    assert_eq!((counts.traces.taken, counts.sinks[0].traces.forwarded), (3, 3));
}

#[test]
fn what_is_malformed_is_refused_and_the_connection_stays() {
    let running = receiver().sink(Sink::files(unique("malformed"))).start().unwrap();
    run(async || {
        let client = client(&running.addresses()[0]).await;
        let good = rows(&request("shop", &[1]));
        let wrong = [
            (Rejection::Malformed, client.send(|batch| fill(batch, 1, 1, 2, &good)).await),
            (Rejection::Malformed, client.send(|batch| fill(batch, 1, 1, 1, &good[8..])).await),
            (Rejection::Malformed, client.send(|batch| fill(batch, 1, 1, 1, b"")).await),
            (Rejection::Malformed, client.send(|_| {}).await),
            (
                Rejection::Malformed,
                client
                    .send(|mut batch| {
                        fill(batch.reborrow(), 1, 1, 1, &good);
                        batch.set_signal(Signal::Logs);
                    })
                    .await,
            ),
            (
                Rejection::Unsupported,
                client
                    .send(|mut batch| {
                        fill(batch.reborrow(), 1, 1, 1, &good);
                        let Ok(crate::schema::ingest_capnp::batch::body::Frame(frame)) =
                            batch.get_body().which()
                        else {
                            panic!("it has a frame")
                        };
                        frame.unwrap().set_format(Format::OtlpProtobuf);
                    })
                    .await,
            ),
        ];
        for (number, (expected, answer)) in wrong.into_iter().enumerate() {
            let Said::Rejected(reason, detail) = answer.unwrap().0 else {
                panic!("{number} was not refused")
            };
            assert_eq!(reason, expected, "{number}: {detail}");
            assert!(!detail.is_empty());
        }
        // The same sequence, now right: what was refused is not remembered.
        assert_eq!(client.export(1, 1, &[1]).await, ACCEPTED);
    });
    let counts = running.shutdown(SOON).unwrap();
    assert_conserved(&counts);
    assert_eq!((counts.traces.taken, counts.traces.refused, counts.logs.refused), (1, 5, 1));
    assert_eq!(counts.connections.failed, 0);
}

#[test]
fn what_lies_too_deep_is_left_out_counted_and_said() {
    let collector = Collector::start();
    let running = receiver().forward(&collector.url()).start().unwrap();
    let mut deep = request("shop", &[1]);
    let spans = &mut deep.resource_spans[0].scope_spans[0].spans;
    let inner = AnyValue { value: Some(any_value::Value::IntValue(1)) };
    let value = (0..30).fold(inner, |inner, _| {
        let entry = KeyValue { key: "k".into(), value: Some(inner), ..KeyValue::default() };
        let map = KeyValueList { values: vec![entry] };
        AnyValue { value: Some(any_value::Value::KvlistValue(map)) }
    });
    let pair = KeyValue { key: "deep".into(), value: Some(value), ..KeyValue::default() };
    spans[0].attributes.push(pair);
    let warning = run(async || {
        let client = client(&running.addresses()[0]).await;
        let mut request = client.session.export_request();
        fill(request.get().init_batch(), 1, 1, 1, &rows(&deep));
        let answer = request.send().promise.await.unwrap();
        let outcome = answer.get().unwrap().get_outcome().unwrap();
        assert!(matches!(outcome.which(), Ok(outcome::Accepted(()))));
        outcome.get_warning().unwrap().to_string().unwrap()
    });
    let cut = running.shutdown(SOON).unwrap().traces.cut_values;
    // The check counts what it walks through: 30 maps of three messages each, of which 64 are read.
    assert_eq!(cut, 9);
    assert!(warning.starts_with("9 arrays and maps were left out of the spans"), "{warning}");
    assert_eq!(ids(&collector), [1], "the span itself has arrived");
}

#[test]
fn json_lines_are_what_was_sent() {
    let directory = unique("json");
    let running = receiver().sink(Sink::files(&directory)).start().unwrap();
    run(async || {
        let client = client(&running.addresses()[0]).await;
        client.export(1, 1, &[1, 2]).await;
        client.export(1, 2, &[3]).await;
    });
    running.shutdown(SOON).unwrap();
    let text = fs::read_to_string(directory.join("traces.jsonl")).unwrap();
    let lines: Vec<TracesData> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    for (line, spans) in lines.iter().zip([&[1, 2][..], &[3]]) {
        assert_eq!(line.resource_spans, request("shop", spans).resource_spans);
    }
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn one_sink_that_is_down_does_not_hold_up_another() {
    let (up, down) = (Collector::start(), Collector::start());
    let gate = down.gate();
    down.script(vec![Step::Hold(gate.clone(), Box::new(Step::status(200)))]);
    let running = receiver().forward(&up.url()).forward(&down.url()).start().unwrap();
    run(async || {
        let client = client(&running.addresses()[0]).await;
        for batch in 1..=20 {
            assert_eq!(client.export(1, batch, &[batch]).await, ACCEPTED);
        }
    });
    wait_until("one has all", || running.counts().sinks[0].traces.forwarded == 20);
    assert_ne!(running.counts().sinks[1].traces.waiting, 0);
    gate.release();
    let counts = running.shutdown(SOON).unwrap();
    assert_conserved(&counts);
    assert_eq!(ids(&up), ids(&down));
}

#[test]
fn a_full_queue_sends_back_and_an_optional_sink_drops_and_counts() {
    let (required, optional) = (Collector::start(), Collector::start());
    let gates = [required.gate(), optional.gate()];
    for (collector, gate) in [&required, &optional].into_iter().zip(&gates) {
        let hold = Step::Hold(gate.clone(), Box::new(Step::status(200)));
        collector.script(vec![hold; 8]);
    }
    let small = |url: &str| Sink::forward(url).with_queue_bytes(4096);
    let running = receiver()
        .sink(small(&required.url()))
        .sink(Sink::forward(&optional.url()).with_queue_bytes(1).required(false))
        .start()
        .unwrap();
    let (mut taken, mut sent_back) = (0, 0);
    run(async || {
        let client = client(&running.addresses()[0]).await;
        while sent_back == 0 {
            match client.export(1, taken + 1, &[taken + 1]).await {
                Said::Retry(reason) => {
                    assert!(reason.contains("full"), "{reason}");
                    sent_back += 1;
                }
                said => {
                    assert_eq!(said, ACCEPTED);
                    taken += 1;
                }
            }
        }
        gates.iter().for_each(|gate| gate.release());
        // It comes again under the same name once there is room.
        while client.export(1, taken + 1, &[taken + 1]).await != ACCEPTED {
            sent_back += 1;
        }
    });
    let error = running.shutdown(SOON).unwrap_err().to_string();
    assert!(error.contains("lost"), "what the optional sink dropped is lost: {error}");
    let counts = running.counts();
    assert_conserved(&counts);
    assert_eq!((counts.traces.taken, counts.traces.sent_back), (taken + 1, sent_back));
    assert_eq!(ids(&required), (1..=taken + 1).collect::<Vec<_>>());
    assert_ne!(counts.sinks[1].traces.dropped.queue_full, 0);
}
