//! What the tests of the `tracing` layer share.

use std::error::Error;
use std::fmt;
use std::io;

use tracing::subscriber::with_default;
use tracing_subscriber::layer::SubscriberExt;
use trackside::LogsAs;
use trackside::testing::{Capture, CapturedValue};

/// Runs with a subscriber that has our layer, and captures what is recorded.
pub(crate) fn recorded(run: impl FnOnce()) -> Capture {
    recorded_as(LogsAs::Records, run)
}

pub(crate) fn recorded_as(logs_as: LogsAs, run: impl FnOnce()) -> Capture {
    let capture = Capture::start();
    let layer = trackside::layer().with_logs_as(logs_as);
    with_default(tracing_subscriber::registry().with(layer), run);
    capture
}

/// Each of these spans is below the next one.
#[track_caller]
pub(crate) fn assert_nested(capture: &Capture, names: &[&str]) {
    for pair in names.windows(2) {
        let (inner, outer) = (capture.span(pair[0]), capture.span(pair[1]));
        assert_eq!(inner.parent, Some(outer.span_id), "{pair:?}");
        assert_eq!(inner.trace_id, outer.trace_id, "{pair:?}");
    }
}

pub(crate) fn attribute<'a>(
    attributes: &'a [(String, CapturedValue)],
    key: &str,
) -> Option<&'a CapturedValue> {
    attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

#[derive(Debug)]
pub(crate) struct Failed(io::Error);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed")
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// An error with a cause.
pub(crate) fn failed() -> Failed {
    Failed(io::Error::other("the disk is full"))
}
