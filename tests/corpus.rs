//! The inputs that the fuzz targets begin with, in `fuzz/corpus/`. `TRACKSIDE_UPDATE_CORPUS=1` writes them anew.

#![cfg(all(feature = "receive", feature = "zstd"))]

mod hostile;
#[path = "../src/schema/mod.rs"]
#[allow(unused_imports, reason = "generated")]
mod schema;

use std::path::PathBuf;
use std::{env, fs};

use capnp::message::{Builder, ReaderOptions};
use capnp::serialize;
use capnp::traits::HasTypeId as _;
use hostile::batches::{Envelope, PLAIN, crc, gzipped, sound};
use hostile::wire::{self, SESSION, Target, bootstrap, export, finish, frame, open, ping};
use schema::ingest_capnp::batch::{self, Signal};
use schema::ingest_capnp::{rows, session};

/// The signals by the first byte of a batch.
const SIGNALS: [(&str, Signal, u8); 3] =
    [("traces", Signal::Traces, 3), ("metrics", Signal::Metrics, 12), ("logs", Signal::Logs, 3)];

/// As it is written here, or, where another release of a compressor may write it otherwise, as it once was.
#[derive(Clone, Copy, PartialEq)]
enum Written {
    Always,
    Once,
}

fn seed(target: &str, name: &str, bytes: &[u8], written: Written) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fuzz/corpus", target, name].iter().collect();
    if env::var_os("TRACKSIDE_UPDATE_CORPUS").is_some() {
        fs::write(&path, bytes).expect("it is written");
    }
    let committed = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let is_same = written == Written::Once || committed == bytes;
    assert!(is_same, "{target}/{name} is another; TRACKSIDE_UPDATE_CORPUS=1 if it may");
}

fn golden(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/wire/{name}.rows", env!("CARGO_MANIFEST_DIR"));
    fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The signal, the form, the items and the size that is announced, then the frame.
fn envelope(signal: usize, form: u8, items: u8, plain: usize, data: &[u8]) -> Vec<u8> {
    let [low, middle, high, _] = (plain as u32).to_le_bytes();
    [&[signal as u8, form, items, low, middle, high], data].concat()
}

fn packed(message: &[u8]) -> Vec<u8> {
    let read = serialize::read_message(message, ReaderOptions::new()).expect("a frame");
    let mut message = Builder::new_default();
    let rows = read.get_root::<rows::Reader<'_>>().expect("rows");
    message.set_root(rows).expect("they fit");
    let mut out = Vec::new();
    capnp::serialize_packed::write_message(&mut out, &message).expect("memory takes all");
    out
}

#[test]
fn batches() {
    for (number, (name, _, items)) in SIGNALS.into_iter().enumerate() {
        let rows = golden(name);
        let whole = |form, data: &[u8]| envelope(number, form, items, rows.len(), data);
        seed("batch", name, &whole(0, &rows), Written::Always);
        seed("batch", &format!("{name}.packed"), &whole(1, &packed(&rows)), Written::Always);
        seed("batch", &format!("{name}.gzip"), &whole(2, &gzipped(&rows)), Written::Once);
        let zstd = zstd::bulk::compress(&rows, 3).unwrap();
        seed("batch", &format!("{name}.zstd"), &whole(3, &zstd), Written::Once);
    }
    let small = sound();
    seed("batch", "small", &envelope(0, 0, 1, small.len(), &small), Written::Always);
    let zeros = [0; 200_000];
    let bomb = envelope(0, 2, 1, zeros.len(), &gzipped(&zeros));
    seed("batch", "zeros.gzip", &bomb, Written::Once);
    seed("batch", "zeros.packed", &envelope(0, 1, 1, 0, &[0, 255].repeat(200)), Written::Always);
}

#[test]
fn tables() {
    let table = |ends: &[u16], blob: &[u8]| {
        let ends = ends.iter().flat_map(|end| end.to_be_bytes());
        let count = [(ends.clone().count() / 2) as u8];
        count.into_iter().chain(ends).chain(blob.iter().copied()).collect::<Vec<u8>>()
    };
    for (name, table) in [
        ("sound", table(&[0, 5, 10, 12], "\x02hellwörld".as_bytes())),
        ("decreasing", table(&[0, 2, 1], b"ab")),
        ("beyond", table(&[0, 9], b"ab")),
        ("within_a_character", table(&[0, 1, 3], "äb".as_bytes())),
        ("no_text", table(&[0, 2], b"a\xff")),
        ("first_not_empty", table(&[1], b"a")),
        ("none", table(&[], b"")),
    ] {
        seed("strings", name, &table, Written::Always);
    }
}

#[test]
fn contexts() {
    let span = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (name, lines) in [
        ("headers", [span, "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7", "user=ann%20b;p=1,n=7"]),
        ("tenant", [span, "fw529a3039@dt=FfffFFff , a=b", " k = v ; a ; b = c , ü=%C3%BC"]),
        ("later_version", [&format!("cc{}-what", &span[2..]), "a=1", "a=1,a=2"]),
    ] {
        seed("context", name, lines.join("\n").as_bytes(), Written::Always);
    }
    let mut message = Builder::new_default();
    let mut context = message.init_root::<schema::context_capnp::trace_context::Builder<'_>>();
    context.set_trace_id_high(7);
    context.set_span_id(9);
    context.set_flags(1);
    context.set_trace_state("congo=t61rcWkgMzE");
    context.set_baggage("user=ann");
    let bytes = serialize::write_message_to_words(&message);
    seed("context", "message", &bytes, Written::Always);
}

/// With the flags of the target before them.
#[test]
fn connections() {
    let call = wire::call(9, Target::Number(1), (session::Client::TYPE_ID, 0), |_| {});
    let settled = frame(|root| {
        let mut finish = root.init_finish();
        finish.set_question_id(wire::OPEN);
        finish.set_release_result_caps(false);
    });
    for (name, flags, frames) in [
        ("login", 0, vec![bootstrap(0), open(1, None), ping(2, SESSION)]),
        ("token", 2, vec![bootstrap(0), open(1, Some(b"secret")), ping(2, SESSION)]),
        ("wrong_token", 2, vec![bootstrap(0), open(1, Some(b"guess")), ping(2, SESSION)]),
        ("no_token", 3, vec![ping(2, SESSION)]),
        ("guessed", 0, vec![bootstrap(0), call.clone()]),
        ("known", 1, vec![settled, call, ping(2, Target::Number(1))]),
        ("http", 0, vec![b"POST / HTTP/1.1\r\n\r\n".to_vec()]),
        ("tls", 0, vec![vec![0x16, 3, 1, 2, 0, 1]]),
        ("claim", 1, vec![vec![0, 0, 0, 0, 0, 0, 0x20, 0]]),
        ("segments", 0, vec![vec![2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0], vec![0; 24]]),
    ] {
        seed("frame", name, &[&[flags], &*frames.concat()].concat(), Written::Always);
    }
}

/// Each message as its length in words and then its segment.
fn messages(frames: &[Vec<u8>]) -> Vec<u8> {
    let one = |frame: &Vec<u8>| {
        assert_eq!(frame[..4], [0; 4], "it has one segment");
        [&frame[4..6], &frame[8..]].concat()
    };
    frames.iter().flat_map(one).collect()
}

fn rows_in_the_call(mut batch: batch::Builder<'_>, signal: Signal, items: u8, rows: &[u8]) {
    batch.set_signal(signal);
    batch.set_item_count(items.into());
    let message = serialize::read_message(rows, ReaderOptions::new()).expect("a frame");
    let rows = message.get_root::<rows::Reader<'_>>().expect("rows");
    batch.init_body().set_rows(rows).expect("they fit");
}

#[test]
fn sessions() {
    let mut frames = vec![];
    for (question, (name, signal, items)) in (2..).zip(SIGNALS) {
        let data = golden(name);
        let call = export(question, SESSION, |mut batch| {
            Envelope { items: items.into(), ..PLAIN }.fill(batch.reborrow(), &data);
            batch.set_signal(signal);
        });
        seed("session", name, &messages(&[call, finish(question)]), Written::Always);
        let call = export(question, SESSION, |batch| rows_in_the_call(batch, signal, items, &data));
        seed("session", &format!("{name}.rows"), &messages(&[call]), Written::Always);
        let small = export(question, SESSION, |batch| {
            let sequence = u64::from(question) / 2;
            Envelope { sequence, ..PLAIN }.fill(batch, &sound());
        });
        frames.extend([small, ping(question + 20, SESSION)]);
    }
    frames.push(finish(3));
    seed("session", "small", &messages(&frames), Written::Always);

    let close = wire::call(4, SESSION, (session::Client::TYPE_ID, 2), |_| {});
    seed(
        "session",
        "close",
        &messages(&[ping(3, SESSION), close, ping(5, SESSION)]),
        Written::Always,
    );
    let release = frame(|root| {
        let mut release = root.init_release();
        release.set_id(1);
        release.set_reference_count(1);
    });
    let resolve = frame(|root| {
        let mut resolve = root.init_resolve();
        resolve.set_promise_id(1);
        resolve.init_cap().set_receiver_hosted(1);
    });
    let disembargo = frame(|root| {
        let mut disembargo = root.init_disembargo();
        disembargo.reborrow().init_target().set_imported_cap(1);
        disembargo.init_context().set_sender_loopback(1);
    });
    let answer = frame(|root| {
        let mut answer = root.init_return();
        answer.set_answer_id(0);
        answer.init_results().init_cap_table(1).get(0).set_receiver_hosted(0);
    });
    let all = [resolve, disembargo, answer, release, finish(wire::OPEN), finish(wire::BOOTSTRAP)];
    seed("session", "protocol", &messages(&all), Written::Always);
    // Of the same seed as the frames: what they are checked with here is what the crate has.
    assert_eq!(crc(b"123456789"), 0xe306_9283);
}
