//! Traces of many processes.

use std::time::{Duration, Instant};

use crate::encode::console::{Drawn, Gathering};
use crate::encode::sample::{SampleAttributes, SampleLog, SampleSpan};
use crate::encode::view::{Any, BatchSink, Resource, Scope};
use crate::telemetry::Kind;

const QUIET: Duration = Duration::from_secs(2);

fn lend(to: &mut Gathering, service: &str, spans: &[SampleSpan]) {
    let attributes = vec![("service.name", Any::Str(service))];
    to.begin_resource(&Resource { attributes, ..Resource::default() });
    to.begin_scope(&Scope::default());
    spans.iter().for_each(|span| to.span(span));
}

fn span(id: u64, parent: u64, kind: Kind) -> SampleSpan {
    SampleSpan {
        trace: 0xabc,
        span: id,
        parent,
        name: format!("span {id}"),
        kind,
        start: id * 1_000_000,
        end: 9_000_000,
        attributes: SampleAttributes::default(),
        ..SampleSpan::default()
    }
}

#[test]
fn spans_of_several_processes_are_one_tree() {
    let mut gathering = Gathering::new(QUIET, false);
    lend(&mut gathering, "shop", &[span(1, 0, Kind::Internal), span(2, 1, Kind::Client)]);
    assert_eq!(gathering.draw(Instant::now()), Drawn::default(), "it waits for more");
    lend(&mut gathering, "stock", &[span(3, 2, Kind::Server)]);
    assert_eq!(gathering.draw(Instant::now()), Drawn::default());
    let due = gathering.due().unwrap();
    assert!(due <= Instant::now() + QUIET, "nothing is missing");
    let drawn = gathering.draw(due);
    assert_eq!((drawn.spans, gathering.due()), (3, None));
    let lines: Vec<&str> = drawn.text.lines().collect();
    assert!(lines[0].contains("· shop ·") && lines[0].contains("3 spans"), "{}", drawn.text);
    assert!(lines[2].ends_with("└─ span 2 (client)"), "{}", drawn.text);
    assert!(lines[3].ends_with("└─ span 3 (server) · stock"), "{}", drawn.text);
}

#[test]
fn what_lacks_something_waits_longer() {
    for spans in
        [vec![span(3, 2, Kind::Server)], vec![span(1, 0, Kind::Internal), span(2, 1, Kind::Client)]]
    {
        let mut gathering = Gathering::new(QUIET, false);
        lend(&mut gathering, "shop", &spans);
        let before = Instant::now();
        gathering.draw(before);
        assert!(gathering.due().unwrap() >= before + QUIET * 5);
        assert_eq!(gathering.finish().spans, spans.len() as u64, "the end waits for nothing");
    }
}

#[test]
fn waiting_spans_are_bounded() {
    let mut gathering = Gathering::new(QUIET, false);
    let spans: Vec<SampleSpan> = (1..=30_000)
        .map(|id| SampleSpan { trace: id.into(), ..span(id, 0, Kind::Internal) })
        .collect();
    lend(&mut gathering, "shop", &spans);
    let drawn = gathering.draw(Instant::now());
    assert_eq!(drawn.spans, 10_000);
    assert_eq!(gathering.finish().spans, 20_000);
}

#[test]
fn logs_name_their_service_and_wait_for_nothing() {
    let mut gathering = Gathering::new(QUIET, false);
    lend(&mut gathering, "shop", &[]);
    gathering.log(&SampleLog { severity: 9, event_name: "sold".into(), ..SampleLog::default() });
    let drawn = gathering.draw(Instant::now());
    assert_eq!((drawn.logs, drawn.spans), (1, 0));
    assert!(drawn.text.contains("INFO  shop  sold"), "{}", drawn.text);
}
