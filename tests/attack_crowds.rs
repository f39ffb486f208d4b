//! Rows of the fault matrix for thousands of connections, one after the other or together: a real process, one test at a time.

#![cfg(all(target_os = "linux", feature = "cli"))]

mod hostile;
#[path = "../src/schema/mod.rs"]
#[allow(unused_imports, reason = "generated")]
mod schema;

use hostile::batches::{Envelope, PLAIN, sound};
use hostile::process::{Process, alone, grown, is_optimized, may_open, measured};
use hostile::random::Random;
use hostile::session::{bystander, whole_session};
use hostile::wire::{self, Peer, Said, Target, bootstrap};
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;

fn receiver(arguments: &[&str]) -> (MutexGuard<'static, ()>, Process) {
    alone(env!("CARGO_BIN_EXE_trackside"), arguments)
}

/// So many that are logged in.
fn known(process: &Process, count: usize) -> Vec<Peer> {
    let mut peers: Vec<Peer> = Vec::with_capacity(count);
    while peers.len() < count {
        // Fewer at a time than the system holds for a listener.
        let from = peers.len();
        for _ in from..count.min(from + 500) {
            let mut peer = Peer::dial(process.address());
            peer.begin(None);
            peers.push(peer);
        }
        for peer in &mut peers[from..] {
            assert!(peer.began(), "a log-in failed");
            peer.settle();
        }
    }
    peers
}

const CROWD: usize = 10_000;

/// One crowd for both: to log in is what takes the time.
#[test]
fn rows_095_and_096_ten_thousand_connections_idle_and_then_active() {
    let (_turn, mut process) = receiver(&[]);
    let files = CROWD as u64 + 500;
    if !may_open(std::process::id(), files) || !may_open(process.id(), files) {
        return;
    }
    let before = process.memory();
    let mut crowd = known(&process, CROWD / 10);
    let tenth = process.memory();
    crowd.extend(known(&process, CROWD - CROWD / 10));
    let all = process.memory();
    let begun = Instant::now();
    let mut another = Peer::known(process.address(), None);
    assert_eq!(another.export(|batch| PLAIN.fill(batch, &sound())), Said::Accepted);
    let newcomer = begun.elapsed();
    measured(
        "95",
        &format!(
            "{before} B at rest, {tenth} B at 1,000, {all} B at 10,000 idle; a new one is served in {newcomer:?}"
        ),
    );
    active(&process, &mut crowd);
    // Without optimizations the futures of a connection are larger, and the program is: 118 MB were seen.
    let slack = if is_optimized() { 0 } else { 48 * 1_000_000 };
    assert!(tenth <= 64 * MIB, "{tenth} bytes at 1,000");
    assert!(all <= 80 * 1_000_000 + slack, "{all} bytes at 10,000");
    assert!(newcomer < Duration::from_secs(1), "{newcomer:?} for a new connection");
    process.assert_well();
}

/// Each has something to say; two hundred at a time.
fn active(process: &Process, crowd: &mut [Peer]) {
    let data = sound();
    let (mut longest, mut answered) = (Duration::ZERO, 0);
    let begun = Instant::now();
    for (group, peers) in crowd.chunks_mut(200).enumerate() {
        let mut asked = Vec::new();
        for (place, peer) in peers.iter_mut().enumerate() {
            // Not the exporter of the newcomer.
            let exporter = 2 + (group * 200 + place) as u64;
            let question = peer.next();
            let envelope = Envelope { exporter, ..PLAIN };
            let call = wire::export(question, peer.session(), |batch| envelope.fill(batch, &data));
            peer.send(&call).expect("it is read");
            asked.push((question, Instant::now()));
        }
        for (peer, (question, at)) in peers.iter_mut().zip(asked) {
            assert_eq!(peer.answer(question), Said::Accepted);
            longest = longest.max(at.elapsed());
            answered += 1;
        }
    }
    let (took, memory) = (begun.elapsed(), process.memory());
    measured("96", &format!("{answered} answers in {took:?}, the longest {longest:?}; {memory} B"));
    assert_eq!(answered, CROWD);
    assert!(longest < Duration::from_secs(1), "{longest:?}");
    // Windows of 10,000 exporters are among it. Without optimizations 130 MB were seen.
    let most = if is_optimized() { 128 * MIB } else { 160 * 1_000_000 };
    assert!(memory < most, "{memory} bytes");
}

/// The most memory while a thousand connections say this and are closed for it.
fn ended(process: &Process, says: &[u8], because: &str) -> u64 {
    let mut peers: Vec<_> = (0..1000).map(|_| Peer::dial(process.address())).collect();
    process.forget_peak();
    for peer in &mut peers {
        peer.send(says).expect("it is read");
    }
    for peer in &mut peers {
        let Said::Aborted(why) = peer.last() else { panic!("closed without a reason") };
        assert!(why.contains(because), "{why}");
    }
    process.peak()
}

#[test]
fn row_098_a_thousand_connections_that_claim_64_mib() {
    let (_turn, mut process) = receiver(&[]);
    drop(Peer::known(process.address(), None));
    let files = 3000;
    assert!(may_open(std::process::id(), files) && may_open(process.id(), files));
    // Each connection that speaks costs a little: what a thousand cost that say nothing of a size.
    let silent = [0xff; 8];
    let mut claim = [0; 8];
    claim[4..].copy_from_slice(&((64 * MIB / 8) as u32).to_le_bytes());
    let begin = process.memory();
    // So that what the allocator keeps of a crowd is there.
    ended(&process, &silent, "more than 8 segments");
    // How many are there at once is the system's affair, and can only add to a claim's cost: the least counts.
    let rounds = (0..5).map(|_| {
        let spoken = ended(&process, &silent, "more than 8 segments");
        (spoken, ended(&process, &claim, "65536 bytes"))
    });
    let cost = |(spoken, claimed): &(u64, u64)| claimed.saturating_sub(*spoken);
    let (spoken, claimed) = rounds.min_by_key(cost).expect("five rounds");
    let cost = claimed.saturating_sub(spoken);
    measured(
        "98",
        &format!(
            "{} B for 1,000 connections that speak, {cost} B more where they claim 64 MiB each",
            spoken.saturating_sub(begin)
        ),
    );
    assert!(cost < MIB, "{cost} bytes");
    assert!(claimed.saturating_sub(begin) < 24 * MIB, "{claimed} bytes after {begin}");

    // Known peers may send so much; the claim alone is not believed either.
    let mut peers = known(&process, 100);
    let before = process.memory();
    claim[4..].copy_from_slice(&((16 * MIB / 8) as u32).to_le_bytes());
    peers.iter_mut().take(15).for_each(|peer| peer.send(&claim).unwrap());
    assert_eq!(peers[99].ping(), Said::Answered);
    assert_eq!(peers[99].export(|batch| PLAIN.fill(batch, &sound())), Said::Accepted);
    let cost = grown(&process, before);
    measured("98", &format!("{cost} B for 15 known connections that claim 16 MiB each"));
    assert!(cost < 4 * MIB, "{cost} bytes");
    process.assert_well();
}

/// Strangers hold what they may hold, all at once.
#[test]
fn a_thousand_strangers_at_their_worst() {
    let (_turn, mut process) = receiver(&[]);
    drop(Peer::known(process.address(), None));
    process.forget_peak();
    let mut peers: Vec<_> = (0..1000).map(|_| Peer::dial(process.address())).collect();
    for peer in &mut peers {
        peer.send(&bootstrap(0)).unwrap();
        // Calls on an answer that will not come, and the beginning of a frame as large as may be.
        for question in 1..12 {
            let text = "x".repeat(3000);
            let waiting = wire::call(question, Target::Within(question + 1), (1, 1), |params| {
                let mut text_of = params.init_content().initn_as::<capnp::text::Builder<'_>>(3000);
                text_of.push_str(&text);
            });
            if peer.send(&waiting).is_err() {
                break;
            }
        }
        let _ = peer.send(&[0, 0, 0, 0, 0, 0x1f, 0, 0]);
    }
    let mut other = Peer::known(process.address(), None);
    assert_eq!(other.export(|batch| PLAIN.fill(batch, &sound())), Said::Accepted);
    let peak = process.peak();
    measured("98", &format!("{peak} B with 1,000 strangers at their worst"));
    assert!(peak < 64 * MIB, "{peak} bytes");
    process.assert_well();
}

#[test]
fn row_112_random_bytes_and_mutated_sessions() {
    let (_turn, mut process) = receiver(&[]);
    drop(Peer::known(process.address(), None));
    let (seed, stop) = (
        Instant::now().elapsed().as_nanos() as u64 ^ u64::from(process.id()),
        AtomicBool::new(false),
    );
    measured("112", &format!("seed {seed}"));
    let (address, frames) = (process.address().to_owned(), whole_session());
    let mut random = Random(seed);
    let end = Instant::now() + Duration::from_secs(4);
    let (mut sessions, mut half) = (0, 0);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| bystander(&address, &stop));
        while Instant::now() < end {
            let mut peer = Peer::dial(&address);
            let length = random.below(400);
            let bytes = match random.below(8) {
                0 => random.bytes(length),
                _ => {
                    let mut frames = frames.clone();
                    let spoilt = random.below(frames.len());
                    random.mutate(&mut frames[spoilt]);
                    frames.concat()
                }
            };
            let _ = peer.send(&bytes);
            let _ = peer.stream().shutdown(std::net::Shutdown::Write);
            assert!(peer.is_ended(), "seed {seed}, session {sessions}");
            sessions += 1;
            if sessions == 200 {
                half = process.memory();
            }
        }
        stop.store(true, Ordering::Release);
        let mut times = other.join().unwrap();
        times.sort();
        let (worst, middle) = (times[times.len() * 99 / 100], times[times.len() / 2]);
        let grown = process.memory().saturating_sub(half);
        measured(
            "112",
            &format!(
                "{sessions} sessions, {grown} B after the first 200; another's ping: {middle:?}, p99 {worst:?}"
            ),
        );
        assert!(sessions > 200, "{sessions}");
        assert!(grown < 4 * MIB, "{grown} bytes");
        assert!(worst < Duration::from_secs(1), "{worst:?}");
    });
    process.assert_well();
}
