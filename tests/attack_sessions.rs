//! Minutes of mutated sessions at full speed: `scripts/fuzz --session`, by hand.

#![cfg(all(target_os = "linux", feature = "cli"))]

mod hostile;
#[path = "../src/schema/mod.rs"]
#[allow(unused_imports, reason = "generated")]
mod schema;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hostile::process::{alone, measured};
use hostile::random::Random;
use hostile::session::{bystander, whole_session};
use hostile::wire::Peer;

/// How long it is attacked, and how long it is left alone, in turn.
const ROUND: Duration = Duration::from_secs(2);

fn p99(times: &mut [Duration]) -> Duration {
    times.sort();
    times.get(times.len() * 99 / 100).copied().unwrap_or_default()
}

#[test]
#[ignore = "takes minutes; scripts/fuzz --session runs it"]
fn row_112_mutated_sessions_for_minutes() {
    let seconds =
        std::env::var("TRACKSIDE_SESSION_SECONDS").ok().and_then(|text| text.parse().ok());
    let (_turn, mut process) = alone(env!("CARGO_BIN_EXE_trackside"), &[]);
    let address = process.address().to_owned();
    drop(Peer::known(&address, None));
    let (frames, seed) = (whole_session(), u64::from(process.id()));
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(600));
    let (mut quiet, mut attacked, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    let sessions = AtomicU64::new(0);
    let mut random = Random(seed);
    while Instant::now() < end {
        for is_attacked in [false, true] {
            let stop = AtomicBool::new(false);
            let times = std::thread::scope(|scope| {
                let other = scope.spawn(|| bystander(&address, &stop));
                let until = Instant::now() + ROUND;
                while Instant::now() < until {
                    if !is_attacked {
                        std::thread::sleep(Duration::from_millis(10));
                        continue;
                    }
                    let mut frames = frames.clone();
                    let spoilt = random.below(frames.len());
                    random.mutate(&mut frames[spoilt]);
                    let mut peer = Peer::dial(&address);
                    let _ = peer.send(&frames.concat());
                    let _ = peer.stream().shutdown(std::net::Shutdown::Write);
                    assert!(peer.is_ended(), "seed {seed}");
                    sessions.fetch_add(1, Ordering::Relaxed);
                }
                stop.store(true, Ordering::Release);
                other.join().expect("the other connection is served")
            });
            if is_attacked { attacked.extend(times) } else { quiet.extend(times) }
        }
        memory.push(process.memory());
        process.assert_well();
    }
    let (sessions, quiet, attacked) = (sessions.into_inner(), p99(&mut quiet), p99(&mut attacked));
    let ratio = attacked.as_secs_f64() / quiet.as_secs_f64();
    let warm = memory.get(memory.len() / 4).copied().unwrap_or_default();
    let last = memory.last().copied().unwrap_or_default();
    measured(
        "112",
        &format!(
            "seed {seed}: {sessions} sessions; another's p99 {quiet:?} alone, {attacked:?} beside them, {ratio:.2} times; {warm} B, then {last} B"
        ),
    );
    assert!(last < warm + (4 << 20), "it grows: {memory:?}");
}
