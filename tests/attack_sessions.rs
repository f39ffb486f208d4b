//! Minutes of mutated sessions at full speed: `scripts/fuzz --session`, by hand.

#![cfg(all(target_os = "linux", feature = "cli"))]

mod hostile;
#[path = "../src/schema/mod.rs"]
#[allow(unused_imports, reason = "generated")]
mod schema;

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hostile::process::{alone, is_optimized, measured};
use hostile::random::Random;
use hostile::session::{bystander, whole_session};
use hostile::wire::Peer;

/// How long these last, in turn: what else the machine does falls on all of them alike.
const ROUND: Duration = Duration::from_secs(2);

/// What another connection has beside it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Beside {
    Nothing,
    /// Sessions at full speed.
    Mutated,
    /// As many, at full speed, with nothing wrong in them: what load alone does.
    Sound,
}

const ALL: [Beside; 3] = [Beside::Nothing, Beside::Mutated, Beside::Sound];

/// What that connection sees, in microseconds.
#[derive(Default)]
struct Seen {
    times: Vec<u32>,
    /// The p99 of each round.
    rounds: Vec<u32>,
    sessions: u64,
}

/// The value that so many percent are not above.
fn percentile(times: &mut [u32], percent: usize) -> u32 {
    times.sort_unstable();
    times.get(times.len() * percent / 100).copied().unwrap_or_default()
}

impl Seen {
    fn add(&mut self, times: Vec<Duration>, sessions: u64) {
        let mut times: Vec<u32> = times.iter().map(|time| time.as_micros() as u32).collect();
        self.rounds.push(percentile(&mut times, 99));
        self.times.extend(times);
        self.sessions += sessions;
    }
}

/// Sessions one after the other: so many of them, or until the time is over.
fn sessions(
    address: &str,
    beside: Beside,
    goal: Option<u64>,
    frames: &[Vec<u8>],
    random: &mut Random,
) -> u64 {
    let (begun, mut count) = (Instant::now(), 0);
    while goal.map_or_else(|| begun.elapsed() < ROUND, |goal| count < goal) {
        if beside == Beside::Nothing {
            std::thread::sleep(Duration::from_millis(10));
            continue;
        }
        let mut frames = frames.to_vec();
        if beside == Beside::Mutated {
            let spoilt = random.below(frames.len());
            random.mutate(&mut frames[spoilt]);
        }
        let mut peer = Peer::dial(address);
        let _ = peer.send(&frames.concat());
        let _ = peer.stream().shutdown(std::net::Shutdown::Write);
        assert!(peer.is_ended(), "it is not closed");
        count += 1;
    }
    count
}

#[test]
#[ignore = "takes minutes; scripts/fuzz --session runs it"]
fn row_112_mutated_sessions_for_minutes() {
    let seconds =
        std::env::var("TRACKSIDE_SESSION_SECONDS").ok().and_then(|text| text.parse().ok());
    let seconds: u64 = seconds.unwrap_or(600);
    let (_turn, mut process) = alone(env!("CARGO_BIN_EXE_trackside"), &[]);
    let address = process.address().to_owned();
    drop(Peer::known(&address, None));
    let (frames, seed) = (whole_session(), u64::from(process.id()));
    let mut random = Random(seed);
    let mut seen: [Seen; 3] = Default::default();
    let mut memory = vec![process.memory()];
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        let mut mutated = 0;
        for (beside, seen) in ALL.into_iter().zip(&mut seen) {
            let stop = AtomicBool::new(false);
            let (times, count) = std::thread::scope(|scope| {
                let other = scope.spawn(|| bystander(&address, &stop));
                let attack = scope.spawn(|| {
                    let goal = (beside == Beside::Sound).then_some(mutated);
                    sessions(&address, beside, goal, &frames, &mut random)
                });
                let count = attack.join().unwrap_or_else(|_| panic!("seed {seed}"));
                stop.store(true, Ordering::Release);
                (other.join().expect("the other connection is served"), count)
            });
            seen.add(times, count);
            mutated = count;
        }
        memory.push(process.memory());
        process.assert_well();
    }
    let mut rows = String::new();
    let (begin, last) = (memory[0], memory[memory.len() - 1]);
    for (beside, seen) in ALL.into_iter().zip(&mut seen) {
        let (middle, p99) = (percentile(&mut seen.times, 50), percentile(&mut seen.times, 99));
        let round = percentile(&mut seen.rounds, 50);
        measured(
            "112",
            &format!(
                "{beside:?}, seed {seed}: {} sessions beside {} pings of another; p50 {middle} us, \
                 p99 {p99} us, p99 of the middle round {round} us; {begin} B, then {last} B",
                seen.sessions,
                seen.times.len()
            ),
        );
        rows.push_str(&format!(
            "{beside:?},{seconds},{seed},{},{},{middle},{p99},{round},{},{}\n",
            seen.sessions,
            seen.times.len(),
            begin / 1024,
            last / 1024
        ));
    }
    record(&rows.to_lowercase());
    // What stays after the first quarter stays for good.
    let warm = memory[memory.len() / 4];
    assert!(last < warm + (4 << 20), "it grows: {memory:?}");
}

/// Appends to a dated record, where one is wanted.
fn record(rows: &str) {
    let Ok(path) = std::env::var("TRACKSIDE_SESSION_RECORD") else { return };
    let is_new = !std::path::Path::new(&path).exists();
    let mut file =
        std::fs::OpenOptions::new().create(true).append(true).open(path).expect("a record");
    if is_new {
        let head = "machine,load,build,beside,seconds,seed,sessions,pings,p50_us,p99_us,\
                    p99_of_the_middle_round_us,resident_first_kib,resident_last_kib\n";
        file.write_all(head.as_bytes()).expect("it is written");
    }
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo");
    let name = processor.lines().find(|line| line.starts_with("model name"));
    let name = name.and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    let build = if is_optimized() { "release" } else { "debug" };
    for row in rows.lines() {
        writeln!(file, "{name} x {cores} cores,{load},{build},{row}").expect("it is written");
    }
}
