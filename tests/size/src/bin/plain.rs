//! Work without telemetry.

use std::future::Future;
use std::num::ParseIntError;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

fn double(number: u32) -> u32 {
    number * 2
}

async fn parse(request: &str) -> Result<u32, ParseIntError> {
    request.parse().map(double)
}

async fn serve(request: &str) -> Result<u32, ParseIntError> {
    parse(request).await
}

fn main() {
    let request = std::env::args().nth(1).unwrap_or_default();
    let mut work = pin!(serve(&request));
    let mut context = Context::from_waker(Waker::noop());
    if let Poll::Ready(Ok(number)) = work.as_mut().poll(&mut context) {
        println!("{number}");
    }
}
