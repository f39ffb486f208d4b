//! A session as exporters have it, and one that goes on beside others.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::batches::{Envelope, sound};
use super::wire::{self, Peer, Said, bootstrap, finish};

/// Pings until it is told to stop: the time of each.
pub(crate) fn bystander(address: &str, stop: &AtomicBool) -> Vec<Duration> {
    let mut peer = Peer::known(address, None);
    let mut times = Vec::new();
    while !stop.load(Ordering::Acquire) {
        let begun = Instant::now();
        assert_eq!(peer.ping(), Said::Answered);
        times.push(begun.elapsed());
    }
    times
}

/// Frame by frame.
pub(crate) fn whole_session() -> Vec<Vec<u8>> {
    let mut frames = vec![bootstrap(wire::BOOTSTRAP), wire::open(wire::OPEN, None)];
    for question in 2..5 {
        let envelope = Envelope::at(question.into());
        frames.push(wire::export(question, wire::SESSION, |batch| envelope.fill(batch, &sound())));
    }
    frames.extend([
        wire::ping(5, wire::SESSION),
        finish(2),
        wire::ping(6, wire::SESSION),
        finish(wire::OPEN),
    ]);
    frames
}
