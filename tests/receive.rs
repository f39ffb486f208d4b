//! The receiver as its users have it: the library behind this crate's own exporter, and the binary.

#![cfg(all(unix, feature = "cli"))]

mod support;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use trackside::receive::{Durability, Receiver};
use trackside::telemetry::{self, Telemetry};

use support::collector::Collector;
use support::{SOON, assert_conserved, record, serial, start, wait_until};

/// `trackside receive`, killed with its handle.
struct Program {
    child: Child,
    out: BufReader<ChildStdout>,
    address: String,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trackside"));
        command.arg("receive").args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_")) {
            command.env_remove(name);
        }
        let mut child = command.spawn().expect("the binary starts");
        let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        out.read_line(&mut line).expect("it says where it listens");
        let address = line.trim().strip_prefix("listening at ").unwrap_or_default().to_owned();
        let mut program = Self { child, out, address };
        assert!(!program.address.is_empty(), "{line:?} {}", program.errors());
        program
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(sent.expect("there is a kill").success());
    }

    /// Its exit code, and what it has printed.
    fn end(mut self) -> (Option<i32>, String) {
        let end = Instant::now() + SOON;
        let code = loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                break status.code();
            }
            assert!(Instant::now() < end, "it did not end within {SOON:?}");
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut text = String::new();
        self.out.read_to_string(&mut text).expect("it prints text");
        (code, text)
    }

    /// Of a program that has ended.
    fn errors(&mut self) -> String {
        let mut text = String::new();
        if let Some(mut errors) = self.child.stderr.take() {
            let _ = errors.read_to_string(&mut text);
        }
        text
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Telemetry whose spans go to a receiver.
fn sending(address: &str) -> Telemetry {
    let room = ("OTEL_BSP_MAX_QUEUE_SIZE", "10000");
    start(address, &[("OTEL_BSP_SCHEDULE_DELAY", "10"), room])
}

fn unique(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("trackside-receive-{}-{name}", std::process::id()))
}

#[test]
fn an_exporter_a_receiver_and_a_collector() {
    let _serial = serial();
    let collector = Collector::start();
    let receiver = Receiver::builder()
        .listen("127.0.0.1:0")
        .forward(&collector.url())
        .durability(Durability::Forwarded)
        .start()
        .unwrap();
    let telemetry = sending(&receiver.addresses()[0].to_string());
    record("work", 500);
    telemetry.shutdown(SOON).unwrap();
    assert_eq!(assert_conserved(&telemetry).delivered, 500);
    assert_eq!(collector.spans().len(), 500, "delivered means that the collector has it");
    let counts = receiver.shutdown(SOON).unwrap();
    assert_eq!((counts.traces.taken, counts.sinks[0].traces.forwarded), (500, 500));
}

#[test]
fn a_receiver_that_drains_while_it_is_sent_to_loses_nothing() {
    let _serial = serial();
    let collector = Collector::start();
    let socket = unique("drain");
    let receiver = || {
        Receiver::builder()
            .listen(&format!("unix:{}", socket.display()))
            .forward(&collector.url())
            .start()
            .unwrap()
    };
    let mut running = receiver();
    let telemetry = sending(&running.addresses()[0].to_string());
    for round in 1..=3 {
        record("work", 300);
        wait_until("some were taken", || running.counts().traces.taken > 0);
        record("work", 300);
        running.shutdown(SOON).unwrap();
        running = receiver();
        wait_until("the rest is delivered", || telemetry.status().traces.delivered == 600 * round);
    }
    telemetry.shutdown(SOON).unwrap();
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.delivered, traces.recorded), (1800, 1800));
    running.shutdown(SOON).unwrap();
    // What was accepted by one receiver and not answered comes again to the next, which has a new window.
    let mut ids: Vec<_> = collector.spans().into_iter().map(|span| span.span_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1800);
}

/// Over a port and over a socket file, which the one that was killed has left behind.
#[test]
fn a_receiver_that_is_killed_under_load_loses_nothing() {
    const KILLS: usize = 5;
    let _serial = serial();
    let socket = unique("killed");
    for listen in ["127.0.0.1:0".to_owned(), format!("unix:{}", socket.display())] {
        let collector = Collector::start();
        let url = collector.url();
        let arguments = |listen: &str| {
            ["--listen", listen, "--forward", &url, "--durability", "forwarded"].map(str::to_owned)
        };
        let mut program = Program::start(&arguments(&listen).each_ref().map(String::as_str));
        let address = program.address.clone();
        let place = address.replace("capnp://", "").replace("capnp+unix:", "unix:");
        let small = [("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "20"), ("OTEL_BSP_SCHEDULE_DELAY", "1")];
        let telemetry = start(&address, &small);
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            // As fast as it goes while something arrives, and never more than there is room for.
            scope.spawn(|| {
                while !is_over.load(Ordering::Acquire) {
                    if telemetry.status().traces.waiting < 1000 {
                        record("work", 20);
                    } else {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
            });
            // Whatever a wait in here makes of it, the other thread ends.
            let _over = Over(&is_over);
            for _ in 0..KILLS {
                let before = collector.requests().len();
                wait_until("it is at work", || collector.requests().len() > before + 5);
                program.signal("KILL");
                let _ = program.child.wait();
                program = Program::start(&arguments(&place).each_ref().map(String::as_str));
                assert_eq!(program.address, address);
            }
        });
        telemetry.shutdown(SOON).unwrap();
        let traces = assert_conserved(&telemetry);
        assert_eq!((traces.waiting, traces.unconfirmed, traces.rejected), (0, 0, 0), "{traces:?}");
        assert_eq!(traces.delivered + traces.dropped.total(), traces.recorded, "{traces:?}");
        // What the killed one had passed on and not answered has come twice, and is one span.
        let mut ids: Vec<_> = collector.spans().into_iter().map(|span| span.span_id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len() as u64, traces.delivered, "{traces:?}");
        assert_eq!(traces.dropped.total(), 0, "{traces:?}");
        program.signal("TERM");
        assert_eq!(program.end().0, Some(0));
    }
}

/// Says so when it is dropped.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn the_program_prints_trees_and_ends_with_zero() {
    let _serial = serial();
    let directory = unique("program");
    let file = directory.display().to_string();
    let program = Program::start(&[
        "--listen",
        "127.0.0.1:0",
        "--console",
        "--console-quiet",
        "600",
        "--file",
        &file,
    ]);
    let telemetry = sending(&program.address);
    drop(telemetry::span("outer").with(|_| drop(telemetry::span("inner"))));
    telemetry.shutdown(SOON).unwrap();
    program.signal("TERM");
    let (code, text) = program.end();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("outer"), "{text}");
    let lines = std::fs::read_to_string(directory.join("traces.jsonl")).unwrap();
    assert!(lines.contains("\"name\":\"outer\""), "{lines}");
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn the_program_counts() {
    let _serial = serial();
    let program = Program::start(&["--listen", "127.0.0.1:0", "--count"]);
    let telemetry = sending(&program.address);
    (0..100).for_each(|_| drop(telemetry::span("counted")));
    telemetry.shutdown(SOON).unwrap();
    program.signal("TERM");
    let (code, text) = program.end();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("counted 100 spans, 0 points"), "{text}");
}

#[test]
fn what_cannot_be_used_is_said_in_a_sentence() {
    let forward = ["--forward", "http://127.0.0.1:4318"];
    for (arguments, words) in [
        (vec![], "nowhere to send to"),
        (vec!["--listen", "0.0.0.0:4319"], "a token has to be set"),
        (vec!["--listen", "127.0.0.1"], "port is missing"),
        (vec!["--durability", "disk"], "there is no spool yet"),
        (
            vec!["--token-file", "/nowhere/at/all"],
            "token_file(\"/nowhere/at/all\"): cannot be read",
        ),
        (vec!["--drain", "soon"], "not a number of seconds"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trackside"));
        command.arg("receive").args(&arguments);
        if !arguments.is_empty() {
            command.args(forward);
        }
        let ended = command.output().expect("the binary starts");
        let errors = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success() && errors.contains(words), "{arguments:?}: {errors}");
    }
}
