//! Records of the `log` crate, and what must become of them on any road.

use trackside::telemetry;
use trackside::testing::{Capture, CapturedLog};

use super::layer::attribute;

mod orders {
    pub(super) const MODULE: &str = module_path!();

    /// One record under its module's name and one under another; both lines are given back.
    pub(super) fn place() -> [u32; 2] {
        log::warn!("{} items are missing", 3);
        let first = line!() - 1;
        log::error!(target: "shop::stock", "none is left");
        [first, line!() - 1]
    }
}

/// Each record arrives once, from where it was said, on the span of the moment.
pub(crate) fn assert_each_arrives_once() {
    let capture = Capture::start();
    let guard = telemetry::span("order");
    let lines = orders::place();
    drop(guard);
    let span = capture.span("order");
    let logs = capture.logs();
    let expected = [
        (orders::MODULE, "3 items are missing", 13, lines[0]),
        ("shop::stock", "none is left", 17, lines[1]),
    ];
    assert_eq!(logs.len(), expected.len(), "{logs:#?}");
    for (log, (target, body, severity, line)) in logs.iter().zip(expected) {
        assert_eq!((&*log.scope, &*log.body, log.severity), (target, body, severity));
        assert_eq!((log.trace_id, log.span_id), (Some(span.trace_id), Some(span.span_id)));
        assert_place(log, line);
    }
}

fn assert_place(log: &CapturedLog, line: u32) {
    let found = |key| attribute(&log.attributes, key);
    assert_eq!(found("code.file.path"), Some(&file!().into()));
    assert_eq!(found("code.line.number"), Some(&i64::from(line).into()));
    let of_log = log.attributes.iter().filter(|(key, _)| key.starts_with("log."));
    assert_eq!(of_log.count(), 0, "{log:?}");
}
