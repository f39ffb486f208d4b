//! A receiver over real sockets, and clients that speak its protocol by hand.

mod bad_input;
mod client;
mod delivery;
mod ending;
mod evolution;
mod forwarded;
mod login;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Address, Builder, Counts, Flow, Receiver};
pub(crate) use client::request;

/// Longer than anything here takes, shorter than a test run may hang.
const SOON: Duration = Duration::from_secs(20);

/// One that listens at a free port, with one thread.
fn receiver() -> Builder {
    Receiver::builder().listen("127.0.0.1:0").threads(1)
}

/// A name that no other test has.
pub(super) fn unique(name: &str) -> std::path::PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("trackside-{}-{number}-{name}", std::process::id()))
}

/// The exporter whose next batch makes the receiver panic.
static PANICS: AtomicU64 = AtomicU64::new(0);

pub(super) fn panic_if_asked(exporter: u64) {
    let asked = PANICS.compare_exchange(exporter, 0, Ordering::AcqRel, Ordering::Acquire);
    assert!(exporter == 0 || asked.is_err(), "a test asked for it");
}

#[track_caller]
fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + SOON;
    while !holds() {
        assert!(Instant::now() < end, "{what} did not happen within {SOON:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The law: nothing arrived or was taken that is not in exactly one place.
#[track_caller]
fn assert_conserved(counts: &Counts) {
    let arrived = [counts.traces, counts.metrics, counts.logs];
    for sink in &counts.sinks {
        for (flow, arrived) in [sink.traces, sink.metrics, sink.logs].into_iter().zip(arrived) {
            let Flow { received, forwarded, rejected, unconfirmed, dropped, sent_back, waiting } =
                flow;
            let known = forwarded + rejected + unconfirmed + dropped.total() + sent_back + waiting;
            assert_eq!(received, known, "{counts:#?}");
            assert_eq!(received, arrived.taken, "{counts:#?}");
        }
    }
}

fn tcp(address: &Address) -> std::net::SocketAddr {
    match address {
        Address::Tcp(address) | Address::Tls(address) => *address,
        Address::Unix(path) => panic!("{path:?} is no address of TCP"),
    }
}
