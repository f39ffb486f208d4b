//! The work of `plain`, with telemetry at each step.

use std::future::Future;
use std::num::ParseIntError;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use trackside::telemetry::rpc::{self, Call};
use trackside::telemetry::{self, Counter, Parent, TelemetryConfig};

static REQUESTS: Counter = telemetry::counter("requests");

fn double(number: u32) -> u32 {
    let _span = telemetry::span("double").with(|span| {
        span.set("number", number);
    });
    number * 2
}

async fn parse(request: &str) -> Result<u32, ParseIntError> {
    telemetry::current().set("request", request);
    request.parse().map(double)
}

async fn serve(request: &str) -> Result<u32, ParseIntError> {
    REQUESTS.add(1, &[("kind", "number".into())]);
    let parent = telemetry::extract(|_| None);
    let parsing = telemetry::instrument(parse(request), "parse").with_parent(parent).errors();
    rpc::server(Call::method("serve"), parsing).await
}

fn main() {
    let telemetry = telemetry::init(TelemetryConfig::default()).unwrap();
    let request = std::env::args().nth(1).unwrap_or_default();
    let mut work = pin!(telemetry::in_context(serve(&request)));
    let mut context = Context::from_waker(Waker::noop());
    if let Poll::Ready(Ok(number)) = work.as_mut().poll(&mut context) {
        telemetry::forward_log(20, "done", "size", line!(), "main", &[]);
        println!("{number}");
    }
    telemetry::inject(|_, _| {});
    drop(telemetry::span("end").with_parent(Parent::current()));
    telemetry.shutdown(Duration::ZERO).unwrap();
}
