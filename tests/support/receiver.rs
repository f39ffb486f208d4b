//! A receiver of ours in front of a collector.

use std::time::Duration;

use trackside::receive::{Builder, Durability, Receiver, Running, Sink};

use super::SOON;

/// At a free port, or at the given address: what it accepts, the collector has.
pub(crate) fn forwarding(address: &str, collector: &str) -> Builder {
    let sink = Sink::forward(collector).with_timeout(Duration::from_secs(5));
    Receiver::builder().listen(address).sink(sink).durability(Durability::Forwarded).threads(1)
}

pub(crate) fn start(collector: &str) -> Running {
    forwarding("127.0.0.1:0", collector).start().expect("a receiver")
}

/// The endpoint that leads there.
pub(crate) fn endpoint(receiver: &Running) -> String {
    receiver.addresses()[0].to_string()
}

pub(crate) fn end(receiver: &Running) {
    let counts = receiver.shutdown(SOON).expect("in time");
    assert_eq!(counts.lost(), 0, "{counts:#?}");
}
