//! What a peer can cost.

use super::*;
use capnp::message::Builder;
use capnp_rpc::rpc_capnp::message;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Resident pages of this process, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn claiming(bytes: u32) -> [u8; 8] {
    let mut claim = [0; 8];
    claim[4..].copy_from_slice(&(bytes / 8).to_le_bytes());
    claim
}

/// Attack row 98: before a login the claim alone ends the connection; after it, it is not believed.
#[test]
fn eight_bytes_claiming_64_mib_cost_under_1_mib() {
    // So many that what other tests hold meanwhile does not matter.
    const CONNECTIONS: usize = 400;
    const CLAIM: u32 = 64 << 20;
    run(async {
        let mut peers = Vec::new();
        let before = resident();
        for _ in 0..CONNECTIONS {
            let ((one, mut other), budget) = (duplex(64), Budget::new(CLAIM as usize + 8));
            let handle = server(split(one), &Limits::server(), &budget, Echo::default());
            handle.raise(CLAIM as usize);
            other.write_all(&claiming(CLAIM)).await.unwrap();
            // The claim is read: it holds its permit.
            while budget.held() == 0 {
                tokio::task::yield_now().await;
            }
            peers.push((handle, other));
        }
        let cost = resident().saturating_sub(before);
        assert!(cost < CONNECTIONS << 20, "{cost} bytes for {CONNECTIONS} claims");
        drop(peers);

        let ((one, mut other), budget) = (duplex(4096), Budget::new(1 << 20));
        let handle = server(split(one), &Limits::server(), &budget, Echo::default());
        other.write_all(&claiming(CLAIM)).await.unwrap();
        let why = handle.over().await.unwrap();
        assert_eq!(why.cause, Cause::TooLarge, "{why}");
        assert!(why.detail.contains("65536 bytes"), "{why}");
        assert_eq!(budget.held(), 0);
    });
}

#[test]
fn a_frame_over_the_whole_budget_is_refused() {
    run(async {
        let ((one, other), budget) = (pipe(), Budget::new(50_000));
        let handle = server(one, &Limits::server(), &budget, Echo::default());
        handle.raise(1 << 20);
        let (client, _) = client(other);
        let error = export(&client, 100_000).await.unwrap_err();
        assert!(error.extra.contains("may hold 50000"), "{error}");
        assert_eq!(handle.over().await.map(|why| why.cause), Some(Cause::TooLarge));
    });
}

/// Calls hold their parameters; a `Finish` that waited for the same memory would never free it.
#[test]
fn small_frames_pass_while_the_budget_is_out() {
    run(async {
        let ((one, other), budget) = (pipe(), Budget::new(12_000));
        let gate = Rc::new(Notify::new());
        let echo = Echo { gate: Some(Rc::clone(&gate)), ..Echo::default() };
        let begun = Rc::clone(&echo.begun);
        server(one, &Limits::server(), &budget, echo).raise(64 * 1024);
        let (client, _) = client(other);
        let held = spawn_local({
            let client = client.clone();
            async move { export(&client, 10_000).await }
        });
        while begun.get() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(budget.held() > 10_000);
        assert_eq!(ping(&client, 1).await.unwrap(), 1);
        // Cancelled: its Finish frees what it held, and the next one gets it.
        held.abort();
        assert!(held.await.unwrap_err().is_cancelled());
        let next = spawn_local({
            let client = client.clone();
            async move { export(&client, 10_000).await }
        });
        while begun.get() == 1 {
            tokio::task::yield_now().await;
        }
        gate.notify_waiters();
        assert_eq!(next.await.unwrap().unwrap(), 10_000);
    });
}

fn bootstrap(question: u32) -> Vec<u8> {
    let mut message = Builder::new_default();
    let root: message::Builder = message.init_root();
    root.init_bootstrap().set_question_id(question);
    capnp::serialize::write_message_to_words(&message)
}

fn finish(question: u32) -> Vec<u8> {
    let mut message = Builder::new_default();
    let root: message::Builder = message.init_root();
    root.init_finish().set_question_id(question);
    capnp::serialize::write_message_to_words(&message)
}

/// An answer costs memory until its peer is done with it.
#[test]
fn only_so_many_questions_are_open() {
    for (is_known, most) in [(false, 16), (true, 256)] {
        run(async {
            let ((one, mut other), budget) = (duplex(1 << 20), Budget::new(1 << 20));
            let handle = server(split(one), &Limits::server(), &budget, Echo::default());
            if is_known {
                handle.raise(1 << 16);
            }
            for question in 0..most {
                other.write_all(&bootstrap(question)).await.unwrap();
            }
            // Those that are finished make room.
            other.write_all(&[finish(0), bootstrap(0)].concat()).await.unwrap();
            let mut some = [0; 64];
            other.read_exact(&mut some).await.unwrap();
            assert!(handle.closed().is_none());
            other.write_all(&bootstrap(most)).await.unwrap();
            let why = handle.over().await.unwrap();
            assert_eq!(why.cause, Cause::Flood, "{why}");
        });
    }
}

/// Each question costs an answer that nobody reads.
#[test]
fn a_flood_of_questions_is_not_read_without_end() {
    run(async {
        let limits = Limits {
            queue_bytes: 64 * 1024,
            stall: Duration::from_millis(300),
            write: Duration::from_secs(15),
            ..Limits::server()
        };
        let ((one, other), budget) = (duplex(4096), Budget::new(1 << 20));
        let handle = server(split(one), &limits, &budget, Echo::default());
        let (_unread, mut write) = split(other);
        let flood = spawn_local(async move {
            for question in 0.. {
                let both = [bootstrap(question), finish(question)].concat();
                if write.write_all(&both).await.is_err() {
                    break;
                }
            }
        });
        while handle.closed().is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let why = handle.closed().unwrap();
        assert_eq!(why.cause, Cause::Stalled, "{why}");
        let read = handle.traffic().bytes_in;
        assert!(read < 256 * 1024, "{read} bytes were read");
        flood.abort();
    });
}

#[test]
fn a_peer_that_takes_nothing_is_given_up() {
    run(async {
        let limits = Limits { write: Duration::from_millis(200), ..Limits::server() };
        let ((one, other), budget) = (duplex(4096), Budget::new(1 << 20));
        let handle = server(split(one), &limits, &budget, Echo::default());
        handle.raise(1 << 16);
        let (_unread, mut write) = split(other);
        for question in 0..200 {
            write.write_all(&bootstrap(question)).await.unwrap();
        }
        let why = handle.over().await.unwrap();
        assert_eq!(why.cause, Cause::Stalled, "{why}");
    });
}

#[test]
fn half_a_frame_is_waited_for_only_so_long() {
    let limits = Limits {
        header: Duration::from_millis(100),
        body: Duration::from_millis(100),
        ..Limits::server()
    };
    // A part of the table, a table without its body, a byte of the body.
    for part in [&[0][..], &claiming(1024), &[0, 0, 0, 0, 9, 0, 0, 0, 1]] {
        run(async {
            let ((one, mut other), budget) = (duplex(4096), Budget::new(1 << 20));
            let handle = server(split(one), &limits, &budget, Echo::default());
            other.write_all(part).await.unwrap();
            let why = handle.over().await.unwrap();
            assert_eq!(why.cause, Cause::Slow, "{why}");
            assert_eq!(budget.held(), 0);
            // It is told so, and the connection is closed.
            let mut rest = Vec::new();
            other.read_to_end(&mut rest).await.unwrap();
            let said = String::from_utf8_lossy(&rest);
            assert!(said.contains("did not send the rest"), "{said}");
        });
    }
}
