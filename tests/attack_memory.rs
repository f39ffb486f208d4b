//! Rows of the fault matrix that are judged by the memory of a receiver, or by how long others wait:
//! real processes, one test at a time.

#![cfg(all(target_os = "linux", feature = "cli"))]

mod hostile;
#[path = "../src/schema/mod.rs"]
#[allow(unused_imports, reason = "generated")]
mod schema;

use std::io::Read as _;
use std::net::TcpListener;
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use hostile::batches::{Envelope, PLAIN, gzipped_zeros, rows, sound};
use hostile::process::{Process, alone, grown, is_optimized, measured};
use hostile::wire::{self, Peer, Said, bootstrap, finish};
use schema::ingest_capnp::frame::{Compression, Format};
use schema::ingest_capnp::outcome::Rejection;

const MIB: u64 = 1 << 20;

fn receiver(arguments: &[&str]) -> (MutexGuard<'static, ()>, Process) {
    alone(env!("CARGO_BIN_EXE_trackside"), arguments)
}

#[test]
fn row_099_tables_of_segments() {
    let (_turn, mut process) = receiver(&[]);
    drop(Peer::known(process.address(), None));
    let (before, mut worst) = (process.memory(), 0);
    let table = |segments: u32, words: &[u32]| {
        let numbers = [&[segments.wrapping_sub(1)], words].concat();
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    };
    let cases = [
        ("a frame over the cap", table(1, &[8193]), "65536 bytes"),
        ("512 segments", table(512, &[1; 512]), "more than 8 segments"),
        ("2^32 - 1 segments", table(u32::MAX, &[1]), "more than 8 segments"),
        ("2^32 segments", table(0, &[1]), "more than 8 segments"),
        ("segments of no length", table(8, &[0; 8]), ""),
        ("a sum that overflows", table(3, &[u32::MAX, u32::MAX, 2]), "65536 bytes"),
        ("a sum over the cap", table(2, &[8000, 200]), "65536 bytes"),
    ];
    for (what, bytes, words) in cases {
        for _ in 0..20 {
            let mut peer = Peer::dial(process.address());
            peer.send(&bytes).unwrap();
            let said = peer.last();
            assert!(matches!(&said, Said::Aborted(why) if why.contains(words)), "{what}: {said:?}");
        }
        worst = worst.max(grown(&process, before));
    }
    measured("99", &format!("{worst} B for 140 frames with impossible tables"));
    assert!(worst < 2 * MIB, "{worst} bytes");
    process.assert_well();
}

/// A word that points to a list, with everything in the first segment.
fn list_pointer(offset: i32, size: u32, count: u32) -> [u8; 8] {
    let (low, high) = ((offset << 2) as u32 | 1, count << 3 | size);
    let mut word = [0; 8];
    word[..4].copy_from_slice(&low.to_le_bytes());
    word[4..].copy_from_slice(&high.to_le_bytes());
    word
}

#[test]
fn row_100_bombs_of_pointers() {
    let (_turn, mut process) = receiver(&[]);
    drop(Peer::known(process.address(), None));
    let nested = |depth: u32| {
        rows(&["key"], |span| {
            let pair = span.init_attributes(1).get(0);
            let mut value = pair.init_array(1).get(0);
            for _ in 0..depth {
                value = value.init_array(1).get(0);
            }
        })
    };
    let widest = rows(&["key"], |span| {
        span.init_events(3000);
    });
    // Every event's attributes are those of the next place that looks like a list of them.
    let mut shared = rows(&["key"], |span| {
        span.init_events(1500).get(0).init_attributes(1500);
    });
    let is_list = |word: &[u8]| word[0] & 3 == 1 && word[4] & 7 == 7;
    // The list of events and that of the attributes have as many words each.
    let words = (1500 * 3_u32) << 3 | 7;
    let attributes = (0..shared.len() / 8)
        .filter(|at| is_list(&shared[8 * at..8 * at + 8]))
        .filter(|at| shared[8 * at + 4..8 * at + 8] == words.to_le_bytes())
        .nth(1)
        .expect("the attributes' pointer");
    let target: [u8; 8] = shared[8 * attributes..8 * attributes + 8].try_into().unwrap();
    let offset = i32::from_le_bytes(target[..4].try_into().unwrap()) >> 2;
    for event in 1..1500 {
        let at = attributes + 3 * event;
        let pointer = ((offset - 3 * event as i32) << 2 | 1) as u32;
        shared[8 * at..8 * at + 4].copy_from_slice(&pointer.to_le_bytes());
        shared[8 * at + 4..8 * at + 8].copy_from_slice(&target[4..]);
    }
    let voids = {
        let mut bytes = sound();
        let at = (2..bytes.len() / 8).find(|at| is_list(&bytes[8 * at..8 * at + 8])).unwrap();
        bytes[8 * at..8 * at + 8].copy_from_slice(&list_pointer(0, 0, 1 << 29));
        bytes
    };
    let cycle = {
        let mut bytes = nested(3);
        for at in 2..bytes.len() / 8 {
            if is_list(&bytes[8 * at..8 * at + 8]) {
                // Back to where it stands.
                bytes[8 * at..8 * at + 4]
                    .copy_from_slice(&((-1_i32 << 2) as u32 | 1).to_le_bytes());
            }
        }
        bytes
    };
    // Debug builds are as slow as they like to be.
    let slow = if is_optimized() { 1 } else { 6 };
    let mut peer = Peer::known(process.address(), None);
    let bombs = [
        ("nesting", nested(3000)),
        ("events", widest),
        ("one list from many places", shared),
        ("2^29 voids", voids),
        ("a cycle", cycle),
    ];
    let mut sequence = 1;
    for (what, bomb) in bombs {
        let before = process.processor();
        const TIMES: u32 = 4;
        for _ in 0..TIMES {
            sequence += 1;
            let said = peer.export(|batch| Envelope::at(sequence).fill(batch, &bomb));
            let is_fine = match what {
                "events" => said == Said::Accepted,
                _ => matches!(said, Said::Rejected(Rejection::Malformed | Rejection::TooLarge, _)),
            };
            assert!(is_fine, "{what}: {said:?}");
        }
        let each = (process.processor() - before) / TIMES;
        measured("100", &format!("{each:?} of processor time for {what}, {} bytes", bomb.len()));
        assert!(each < Duration::from_millis(50) * slow, "{what}: {each:?}");
    }
    assert_eq!(peer.ping(), Said::Answered, "the connection is kept");

    // The same in the call itself, from a stranger: a struct that contains itself.
    let before = process.processor();
    let mut stranger = Peer::dial(process.address());
    let mut frame = bootstrap(0);
    let last = frame.len() - 8;
    frame[last..].copy_from_slice(&[0xfc, 0xff, 0xff, 0xff, 1, 0, 1, 0]);
    stranger.send(&frame).unwrap();
    stranger.stream().shutdown(std::net::Shutdown::Write).unwrap();
    assert!(stranger.is_ended());
    assert!(process.processor() - before < Duration::from_millis(50) * slow);
    process.assert_well();
}

#[test]
fn row_103_bombs_of_compression() {
    let (_turn, mut process) = receiver(&[]);
    let mut peer = Peer::known(process.address(), None);
    assert_eq!(peer.export(|batch| PLAIN.fill(batch, &sound())), Said::Accepted);
    let before = process.memory();
    process.forget_peak();
    let mut inflated = Vec::new();
    let made = gzipped_zeros(2);
    flate2::read::GzDecoder::new(&made[..]).read_to_end(&mut inflated).expect("it is gzip");
    assert_eq!(inflated.len() as u64, 2 * MIB, "what is made is a bomb");
    let (gzip, packed) = (gzipped_zeros(64), [0, 255].repeat(40_000));
    #[allow(unused_mut, reason = "without zstd")]
    let mut bombs = vec![
        ("packed", Format::RowsPacked, Compression::None, packed),
        ("gzip", Format::RowsStandard, Compression::Gzip, gzip),
    ];
    #[cfg(feature = "zstd")]
    {
        let zstd = zstd::bulk::compress(&vec![0; 64 * MIB as usize], 1).unwrap();
        bombs.push(("zstd", Format::RowsStandard, Compression::Zstd, zstd));
    }
    let mut sequence = 1;
    for (what, format, compression, data) in &bombs {
        for (uncompressed, most, reasons) in [
            // Honest about too much, then a lie about little.
            (u32::MAX, 2, &[Rejection::TooLarge][..]),
            (4096, 2, &[Rejection::TooLarge, Rejection::Malformed]),
        ] {
            if *what == "packed" && uncompressed == 4096 {
                continue;
            }
            sequence += 1;
            let envelope = Envelope {
                format: *format,
                compression: *compression,
                uncompressed: Some(uncompressed),
                ..Envelope::at(sequence)
            };
            process.forget_peak();
            let said = peer.export(|batch| envelope.fill(batch, data));
            let Said::Rejected(reason, _) = &said else { panic!("{what}: {said:?}") };
            assert!(reasons.contains(reason), "{what}: {said:?}");
            let cost = process.peak().saturating_sub(before);
            measured(
                "103",
                &format!(
                    "{cost} B for {} bytes of {what} that announce {uncompressed}",
                    data.len()
                ),
            );
            assert!(cost < most * MIB, "{what}: {cost} bytes");
        }
    }
    // Packed says nothing of its size before: it stops at the absolute cap of 64 MiB.
    let (format, data) = (Format::RowsPacked, [0, 255].repeat(40_000));
    process.forget_peak();
    let envelope = Envelope { format, ..Envelope::at(99) };
    let said = peer.export(|batch| envelope.fill(batch, &data));
    assert!(matches!(said, Said::Rejected(Rejection::TooLarge, _)), "{said:?}");
    let cost = process.peak().saturating_sub(before);
    measured("103", &format!("{cost} B for packed zeros that unpack to 80 MiB"));
    assert!(cost < 136 * MIB, "{cost} bytes: 64 MiB, twice while they grow");
    assert_eq!(peer.ping(), Said::Answered, "the connection is kept");
    process.assert_well();
}

#[test]
fn row_109_questions_whose_answers_nobody_reads() {
    let (_turn, mut process) = receiver(&[]);
    drop(Peer::known(process.address(), None));
    let before = process.memory();
    process.forget_peak();
    let address = process.address().to_owned();
    // 48 MB would cost the stock network 1 GB.
    let flood = |with_finish: bool| {
        let mut peer = Peer::dial(&address);
        peer.stream().set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        let mut sent = 0;
        for question in 0..1_000_000_u32 {
            let mut bytes = bootstrap(question);
            if with_finish {
                bytes.extend(finish(question));
            }
            if peer.send(&bytes).is_err() {
                break;
            }
            sent += bytes.len();
        }
        (sent, peer.is_ended())
    };
    std::thread::scope(|scope| {
        let floods: Vec<_> =
            (0..16).map(|number| scope.spawn(move || flood(number % 2 == 0))).collect();
        let others = Instant::now();
        let mut other = Peer::known(process.address(), None);
        assert_eq!(other.ping(), Said::Answered);
        let others = others.elapsed();
        for flood in floods {
            let (sent, is_ended) = flood.join().unwrap();
            assert!(is_ended, "{sent} bytes were sent and the connection is still open");
        }
        let cost = process.peak().saturating_sub(before);
        measured(
            "109",
            &format!(
                "{cost} B for 16 floods of questions; a newcomer's log-in and ping took {others:?}"
            ),
        );
        assert!(cost < 8 * MIB, "{cost} bytes");
        assert!(others < Duration::from_secs(1), "{others:?}");
    });
    process.assert_well();
}

#[test]
fn row_110_a_flood_of_calls_to_a_slow_sink() {
    // Takes connections, and never says a word.
    let sink = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", sink.local_addr().unwrap());
    let (_turn, mut process) = receiver(&["--durability", "forwarded", "--forward", &url]);
    drop(Peer::known(process.address(), None));
    let before = process.memory();
    process.forget_peak();
    let address = process.address().to_owned();
    let text = "x".repeat(16 * 1024);
    let data = rows(&[&text], |mut span| span.set_name(1));
    let flood = |exporter: u64| {
        let mut peer = Peer::known(&address, None);
        peer.stream().set_write_timeout(Some(Duration::from_secs(1))).unwrap();
        let mut sent = 0;
        // 330 MB would cost the stock network 380 MB.
        for sequence in 1..=20_000 {
            let question = peer.next();
            let envelope = Envelope { exporter, sequence, ..PLAIN };
            let call = wire::export(question, wire::SESSION, |batch| envelope.fill(batch, &data));
            if peer.send(&call).is_err() {
                break;
            }
            sent += call.len();
        }
        sent
    };
    std::thread::scope(|scope| {
        let floods: Vec<_> = (0..4).map(|number| scope.spawn(move || flood(number))).collect();
        let mut other = Peer::known(&address, None);
        let mut longest = Duration::ZERO;
        let end = Instant::now() + Duration::from_secs(2);
        while Instant::now() < end {
            let begun = Instant::now();
            assert_eq!(other.ping(), Said::Answered);
            longest = longest.max(begun.elapsed());
        }
        let sent: usize = floods.into_iter().map(|flood| flood.join().unwrap()).sum();
        let cost = process.peak().saturating_sub(before);
        measured(
            "110",
            &format!(
                "{cost} B for floods of calls that got {sent} bytes rid; another's ping took {longest:?} at most"
            ),
        );
        assert!(cost < 96 * MIB, "{cost} bytes");
        assert!(longest < Duration::from_secs(1), "{longest:?}");
    });
    process.assert_well();
    drop(sink);
}

#[test]
fn row_114_repetitions_gaps_and_jumps() {
    let (_turn, mut process) = receiver(&[]);
    let mut peer = Peer::known(process.address(), None);
    let data = sound();
    let mut said = |exporter, sequence| {
        peer.export(|batch| Envelope { exporter, sequence, ..PLAIN }.fill(batch, &data))
    };
    for (sequence, expected) in [
        (1, Said::Accepted),
        (1, Said::Duplicate),
        (3, Said::Accepted),
        (2, Said::Accepted),
        (3, Said::Duplicate),
        (4096, Said::Accepted),
        (1, Said::Duplicate),
        (5000, Said::Accepted),
        // Older than the window: at least once, never lost.
        (1, Said::Accepted),
        (u64::MAX, Said::Accepted),
        (u64::MAX, Said::Duplicate),
        (5000, Said::Accepted),
        (0, Said::Accepted),
    ] {
        assert_eq!(said(1, sequence), expected, "{sequence}");
    }
    let before = process.memory();
    for jump in 0..1500_u64 {
        said(1, jump.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }
    let jumps = grown(&process, before);
    for exporter in 2..1002 {
        assert_eq!(said(exporter, u64::MAX), Said::Accepted);
    }
    let exporters = grown(&process, before);
    measured(
        "114",
        &format!(
            "{jumps} B for 1,500 jumps of one exporter, {exporters} B with 1,000 exporters more"
        ),
    );
    assert!(jumps < MIB, "{jumps} bytes");
    assert!(exporters < 3 * MIB, "{exporters} bytes");
    process.assert_well();
}
