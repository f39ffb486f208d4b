//! Rows of the fault matrix that are judged by what the receiver says and counts.

#![cfg(all(target_os = "linux", feature = "cli"))]

mod hostile;
#[path = "../src/schema/mod.rs"]
#[allow(unused_imports, reason = "generated")]
mod schema;

use std::time::{Duration, Instant};

use hostile::batches::{Envelope, PLAIN, gzipped, rows, sound, table};
use hostile::process::{Process, wait_until};
use hostile::random::Random;
use hostile::receiver::{address, builder, directory};
use hostile::wire::{self, Peer, Said, bootstrap, finish};
use schema::ingest_capnp::frame::{Compression, Format};
use schema::ingest_capnp::outcome::Rejection;

/// One byte now and then, until the receiver has enough of it.
fn trickle(peer: &mut Peer, head: &[u8]) -> Duration {
    let begun = Instant::now();
    peer.stream().set_read_timeout(Some(Duration::from_millis(200))).expect("the socket is open");
    if peer.send(head).is_err() {
        return begun.elapsed();
    }
    while begun.elapsed() < Duration::from_secs(30) {
        if peer.is_ended() || peer.send(&[0]).is_err() {
            return begun.elapsed();
        }
    }
    panic!("it is still read after {:?}", begun.elapsed());
}

#[test]
fn row_097_slow_senders() {
    let running = builder("slow").start().unwrap();
    let address = &address(&running);
    std::thread::scope(|scope| {
        let stranger = scope.spawn(|| trickle(&mut Peer::dial(address), &[0]));
        let header = scope.spawn(|| trickle(&mut Peer::known(address, None), &[0, 0, 0, 0, 1]));
        // 8 MiB, of which the first 100,000 bytes come quickly.
        let body = scope.spawn(|| {
            let mut head = vec![0, 0, 0, 0, 0, 0, 16, 0];
            head.resize(100_000, 0);
            trickle(&mut Peer::known(address, None), &head)
        });
        let times = [stranger, header, body].map(|slow| slow.join().unwrap());
        // 5 s to log in; 5 s for a header; 10 s for a body and what its bytes take at 16 KiB a second.
        for (took, most) in times.into_iter().zip([9, 9, 23]) {
            assert!(took < Duration::from_secs(most), "{took:?}, {most} s at most");
        }
    });
    let ended = || {
        let counts = running.counts().connections;
        counts.failed + counts.not_logged_in == 3
    };
    wait_until("all are counted", ended);
}

#[test]
fn row_101_texts_that_are_named_again_and_again() {
    let running = builder("again").start().unwrap();
    let mut peer = Peer::known(&address(&running), None);
    let long = "x".repeat(1_000_000);
    let bomb = rows(&["key", &long], |span| {
        let mut pairs = span.init_attributes(1000);
        for index in 0..1000 {
            let mut pair = pairs.reborrow().get(index);
            pair.set_key(1);
            pair.set_string(2);
        }
    });
    let begun = Instant::now();
    let said = peer.export(|batch| PLAIN.fill(batch, &bomb));
    assert!(matches!(&said, Said::Rejected(Rejection::TooLarge, _)), "{said:?}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(peer.ping(), Said::Answered, "the connection is kept");
    assert_eq!(running.counts().traces.refused, 1);
}

#[test]
fn row_102_tables_of_texts() {
    let running = builder("table").start().unwrap();
    let mut peer = Peer::known(&address(&running), None);
    let name = |index| move |mut span: schema::trace_capnp::span::Builder<'_>| span.set_name(index);
    let cases = [
        ("ends that decrease", table(&[0, 2, 1], b"ab", name(1))),
        ("an end beyond the blob", table(&[0, 9], b"ab", name(1))),
        ("an end inside a character", table(&[0, 1, 3], "äb".as_bytes(), name(1))),
        ("a first text that is not empty", table(&[1], b"a", name(0))),
        ("bytes that are no text", table(&[0, 2], b"a\xff", name(1))),
        ("an index out of range", table(&[0, 2], b"ab", name(2))),
        ("the largest index", table(&[0, 2], b"ab", name(u32::MAX))),
    ];
    for (sequence, (what, data)) in (1..).zip(cases) {
        let said = peer.export(|batch| Envelope::at(sequence).fill(batch, &data));
        assert!(matches!(said, Said::Rejected(Rejection::Malformed, _)), "{what}: {said:?}");
        assert_eq!(peer.ping(), Said::Answered, "the connection is kept");
    }
    assert_eq!((running.counts().traces.refused, running.counts().traces.taken), (7, 0));
}

#[test]
fn row_104_sums_sizes_and_counts_that_are_wrong() {
    let name = "wrong";
    let running = builder(name).start().unwrap();
    let mut peer = Peer::known(&address(&running), None);
    let (data, gzip) = (sound(), gzipped(&sound()));
    let size = data.len() as u32;
    let compressed = Envelope { compression: Compression::Gzip, ..PLAIN };
    let cases = [
        ("a wrong checksum", Envelope { crc32c: Some(7), ..PLAIN }, &data),
        ("a size that is too small", Envelope { uncompressed: Some(size - 8), ..PLAIN }, &data),
        ("a size that is too large", Envelope { uncompressed: Some(size + 8), ..PLAIN }, &data),
        ("the same, compressed", Envelope { uncompressed: Some(size - 8), ..compressed }, &gzip),
        ("the same, compressed", Envelope { uncompressed: Some(size + 8), ..compressed }, &gzip),
        ("more items than there are", Envelope { items: 2, ..PLAIN }, &data),
        ("fewer items than there are", Envelope { items: 0, ..PLAIN }, &data),
        ("another format", Envelope { format: Format::RowsPacked, ..PLAIN }, &data),
    ];
    for (what, envelope, data) in cases {
        let said = peer.export(|batch| envelope.fill(batch, data));
        assert!(matches!(said, Said::Rejected(..)), "{what}: {said:?}");
    }
    // The same batch as it should be: nothing was remembered of the others.
    assert_eq!(peer.export(|batch| PLAIN.fill(batch, &data)), Said::Accepted);
    let counts = running.shutdown(hostile::SOON).unwrap();
    assert_eq!((counts.traces.taken, counts.sinks[0].traces.forwarded), (1, 1));
    let stored = std::fs::read_to_string(directory(name).join("traces.jsonl")).unwrap();
    assert_eq!(stored.lines().count(), 1);
}

#[test]
fn row_111_messages_at_random() {
    let running = builder("random").start().unwrap();
    let address = &address(&running);
    let mut bystander = Peer::known(address, None);
    let seed = u64::from(std::process::id());
    let mut random = Random(seed);
    for round in 0..150 {
        let mut peer = Peer::dial(address);
        let mut frames = vec![bootstrap(wire::BOOTSTRAP), wire::open(wire::OPEN, None)];
        for _ in 0..random.below(12) {
            // Mostly numbers that exist.
            let number = match random.below(4) {
                0 => random.next() as u32,
                few => few as u32 - 1,
            };
            frames.push(match random.below(7) {
                0 => finish(number),
                1 => wire::frame(|root| {
                    let mut release = root.init_release();
                    release.set_id(number);
                    release.set_reference_count(random.next() as u32 % 4);
                }),
                2 => wire::frame(|root| {
                    let mut resolve = root.init_resolve();
                    resolve.set_promise_id(number);
                    resolve.init_cap().set_receiver_hosted(number);
                }),
                3 => wire::frame(|root| {
                    let mut answer = root.init_return();
                    answer.set_answer_id(number);
                    answer.set_canceled(());
                }),
                4 => wire::frame(|root| {
                    let mut disembargo = root.init_disembargo();
                    disembargo.reborrow().init_target().set_imported_cap(number);
                    let mut context = disembargo.init_context();
                    match number % 2 {
                        0 => context.set_sender_loopback(number),
                        _ => context.set_receiver_loopback(number),
                    }
                }),
                5 => wire::frame(|root| {
                    let mut answer = root.init_return();
                    answer.set_answer_id(number);
                    let mut caps = answer.init_results().init_cap_table(2);
                    caps.reborrow().get(0).set_sender_promise(number);
                    caps.get(1).set_receiver_hosted(number);
                }),
                _ => wire::ping(number, wire::SESSION),
            });
        }
        let _ = peer.send(&frames.concat());
        let _ = peer.stream().shutdown(std::net::Shutdown::Write);
        assert!(peer.is_ended(), "seed {seed}, round {round}");
        if round % 10 == 0 {
            assert_eq!(bystander.ping(), Said::Answered, "seed {seed}, round {round}");
        }
    }
    assert_eq!(bystander.export(|batch| PLAIN.fill(batch, &sound())), Said::Accepted);
    assert_eq!(running.counts().connections.panicked, 0, "{:?}", running.diagnostics());
    wait_until("all are gone", || running.counts().connections.open == 1);
}

#[test]
fn row_115_another_clients_exporter_id() {
    let running = builder("forged").token("one").token("other").start().unwrap();
    let mut thief = Peer::known(&address(&running), Some(b"other"));
    for sequence in 1..50 {
        assert_eq!(
            thief.export(|batch| Envelope::at(sequence).fill(batch, &sound())),
            Said::Accepted
        );
    }
    let mut owner = Peer::known(&address(&running), Some(b"one"));
    for sequence in 1..50 {
        assert_eq!(
            owner.export(|batch| Envelope::at(sequence).fill(batch, &sound())),
            Said::Accepted
        );
    }
    assert_eq!(owner.export(|batch| Envelope::at(49).fill(batch, &sound())), Said::Duplicate);
}

#[test]
fn row_119_a_clock_that_is_a_year_off() {
    let process = Process::start(env!("CARGO_BIN_EXE_trackside"), &[]);
    let mut peer = Peer::known(process.address(), None);
    let year = 365 * 24 * 3600 * 1_000_000_000_u64;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = now.as_nanos() as u64;
    let times = [0, 1, now - year, now + year, u64::MAX];
    for (sequence, time) in (1..).zip(times) {
        let data = rows(&["work"], |mut span| {
            span.set_name(1);
            span.set_trace_id_low(7);
            span.set_span_id(9);
            span.set_start_time_unix_nano(time);
            // Ends before it begins, where that can be.
            span.set_end_time_unix_nano(time / 2);
        });
        let send = |peer: &mut Peer| peer.export(|batch| Envelope::at(sequence).fill(batch, &data));
        assert_eq!(send(&mut peer), Said::Accepted, "{time}");
        assert_eq!(send(&mut peer), Said::Duplicate, "{time}");
    }
    wait_until("all are stored as they came", || {
        let stored = process.spans();
        times.iter().skip(1).all(|time| stored.contains(&format!("\"{time}\"")))
    });
    assert_eq!(process.spans().lines().count(), times.len());
}
