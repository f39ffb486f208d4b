//! The scripted collector itself, over a bare socket: what the other tests believe must be true.
#![cfg(feature = "telemetry")]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use flate2::{Compression, write::GzEncoder};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use support::collector::{Collector, Step};

const AMPLE: Duration = Duration::from_secs(20);

fn spans(name: &str) -> Vec<u8> {
    let span = Span { name: name.to_owned(), ..Span::default() };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

fn post(stream: &mut TcpStream, encoding: &str, body: &[u8]) {
    let length = body.len();
    let head = format!("POST /p HTTP/1.1\r\n{encoding}Content-Length: {length}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).expect("the collector reads");
}

fn answered(stream: &mut TcpStream, expected: &str) {
    let mut answer = vec![0; expected.len()];
    stream.read_exact(&mut answer).expect("the collector answers");
    assert_eq!(String::from_utf8_lossy(&answer), expected);
}

#[test]
fn records_decodes_and_answers_by_script() {
    let collector = Collector::start();
    let gate = collector.gate();
    let held = Step::Hold(gate.clone(), Box::new(Step::status(503)));
    collector.script(vec![held]);

    let address = collector.url().replace("http://", "");
    let mut stream = TcpStream::connect(address).unwrap();
    post(&mut stream, "", &spans("refused"));
    let received = collector.wait_for(1, AMPLE);
    assert_eq!((received[0].path.as_str(), received[0].status), ("/p", Some(503)));
    gate.release();
    answered(&mut stream, "HTTP/1.1 503 Scripted\r\nContent-Length: 0\r\n\r\n");

    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&spans("accepted")).unwrap();
    let compressed = gzip.finish().unwrap();
    post(&mut stream, "Content-Encoding: gzip\r\n", &compressed);
    answered(&mut stream, "HTTP/1.1 200 Scripted\r\nContent-Length: 0\r\n\r\n");

    let received = collector.wait_for(2, AMPLE);
    assert_eq!(received[1].body, spans("accepted"));
    assert_eq!(received[1].raw_length, compressed.len());
    assert_eq!(received[1].connection, 1);
    let names: Vec<_> = collector.spans().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["accepted"]);
}

#[test]
#[should_panic(expected = "0 of 1 requests within")]
fn waiting_for_too_much_fails() {
    Collector::start().wait_for(1, Duration::from_millis(10));
}
