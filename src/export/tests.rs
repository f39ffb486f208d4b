//! The exporter against a collector that misbehaves.

use std::time::Duration;

use bytes::Bytes;

use self::collector::{Collector, Step};
use super::http::HttpExporter;
use super::{Frame, Outcome};
use crate::config::plan::{Coding, OtlpPlan, Protocol, Route};
use crate::tls::Certificates;

#[path = "../../tests/support/collector.rs"]
pub(crate) mod collector;

mod answers;
mod faults;
mod requests;

/// Longer than anything here takes, shorter than a test run may hang.
pub(super) const AMPLE: Duration = Duration::from_secs(20);

pub(super) fn plan(url: &str) -> OtlpPlan {
    let url = format!("{url}/v1/traces").parse().unwrap();
    OtlpPlan {
        url,
        route: Route::Direct,
        headers: Vec::new(),
        timeout: Some(AMPLE),
        coding: Coding::Identity,
        protocol: Protocol::HttpProtobuf,
        certificates: Certificates::default(),
    }
}

pub(super) fn frame(body: impl Into<Bytes>) -> Frame {
    Frame::new(body.into().into(), 10, 1, 1)
}

pub(super) fn run<T>(work: impl AsyncFnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result = runtime.block_on(work());
    assert_eq!(runtime.metrics().num_alive_tasks(), 0);
    result
}

/// What one exporter makes of each of `count` frames in turn.
fn outcomes(plan: &OtlpPlan, count: usize) -> Vec<Outcome> {
    run(async || {
        let mut exporter = HttpExporter::new(plan, None);
        let mut outcomes = Vec::new();
        for _ in 0..count {
            outcomes.push(exporter.send(&frame("some spans")).await);
        }
        outcomes
    })
}

/// What becomes of one frame where the collector performs `step`.
fn outcome(step: Step) -> Outcome {
    let collector = Collector::start();
    collector.script(vec![step]);
    outcomes(&plan(&collector.url()), 1).remove(0)
}

pub(super) fn delivered() -> Outcome {
    Outcome::Delivered { rejected: 0, message: None }
}
