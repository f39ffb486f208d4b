//! How connections and receivers end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::client::{Said, client, run};
use super::delivery::ids;
use super::{PANICS, SOON, assert_conserved, receiver, unique, wait_until};
use crate::export::tests::collector::{Collector, Step};
use crate::receive::Sink;

#[test]
fn an_old_connection_gets_no_more_credit_and_goes() {
    let running = receiver()
        .sink(Sink::files(unique("age")))
        .max_connection_age(Duration::from_millis(50))
        .start()
        .unwrap();
    run(async || {
        let client = client(&running.addresses()[0]).await;
        assert_eq!(client.credit, 8);
        let mut sequence = 0;
        loop {
            sequence += 1;
            let (said, credit) = client.try_export(1, sequence, &[sequence]).await.unwrap();
            assert!(matches!(said, Said::Accepted(_)), "{said:?}");
            if credit == 0 {
                break;
            }
        }
        client.handle.over().await;
        assert_eq!(running.counts().traces.taken, sequence, "what was sent was answered");
    });
    assert_eq!(running.counts().connections.aged, 1);
}

#[test]
fn a_shutdown_under_load_loses_nothing_that_was_accepted() {
    let collector = Collector::start();
    let running = receiver().threads(2).forward(&collector.url()).start().unwrap();
    let address = running.addresses()[0].clone();
    let is_over = AtomicBool::new(false);
    let (accepted, counts) = std::thread::scope(|scope| {
        let senders: Vec<_> = (1..=3_u64)
            .map(|exporter| {
                let (address, is_over) = (&address, &is_over);
                scope.spawn(move || {
                    run(async || {
                        let mut accepted = Vec::new();
                        let client = client(address).await;
                        for sequence in 1.. {
                            let id = exporter << 32 | sequence;
                            match client.try_export(exporter, sequence, &[id]).await {
                                Ok((Said::Accepted(_), credit)) => {
                                    accepted.push(id);
                                    // As a client does that is asked to go.
                                    if credit == 0 {
                                        break;
                                    }
                                }
                                Ok(_) | Err(_) => break,
                            }
                            if is_over.load(Ordering::Acquire) {
                                break;
                            }
                        }
                        accepted
                    })
                })
            })
            .collect();
        wait_until("it is under load", || running.counts().traces.taken > 100);
        let counts = running.shutdown(SOON).unwrap();
        is_over.store(true, Ordering::Release);
        let accepted = senders.into_iter().flat_map(|sender| sender.join().unwrap());
        let mut accepted: Vec<u64> = accepted.collect();
        accepted.sort_unstable();
        (accepted, counts)
    });
    assert_conserved(&counts);
    assert_eq!((counts.lost(), counts.sinks[0].traces.waiting), (0, 0));
    let forwarded = ids(&collector);
    assert!(accepted.iter().all(|id| forwarded.binary_search(id).is_ok()));
    // Whoever was answered too late sends again elsewhere: taken may be more than acknowledged.
    assert_eq!(counts.traces.taken, forwarded.len() as u64);
    assert!(TcpStream::connect(super::tcp(&address)).is_err(), "nobody listens any more");
}

#[test]
fn what_is_left_at_the_deadline_is_counted() {
    let collector = Collector::start();
    collector.script(vec![Step::NeverAnswer; 4]);
    let running = receiver().forward(&collector.url()).start().unwrap();
    run(async || {
        let client = client(&running.addresses()[0]).await;
        for sequence in 1..=10 {
            client.export(1, sequence, &[sequence]).await;
        }
    });
    collector.wait_for(4, SOON);
    let start = Instant::now();
    let error = running.shutdown(Duration::from_millis(100)).unwrap_err().to_string();
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(error.contains("10 items"), "{error}");
    let counts = running.counts();
    assert_conserved(&counts);
    let flow = counts.sinks[0].traces;
    assert_eq!((flow.unconfirmed, flow.dropped.shutdown), (4, 6));
}

#[test]
fn a_second_receiver_finds_the_port_again() {
    let directory = unique("again");
    let first = receiver().sink(Sink::files(&directory)).start().unwrap();
    let address = first.addresses()[0].clone();
    run(async || {
        let client = client(&address).await;
        client.export(1, 1, &[1]).await;
        // In the middle of a connection: whoever is connected notices.
        let handle = client.handle.clone();
        std::thread::spawn(move || drop(first));
        handle.over().await;
    });
    let listen = super::tcp(&address).to_string();
    let again = || crate::receive::Receiver::builder().listen(&listen).threads(1);
    wait_until("the port is free", || again().sink(Sink::files(&directory)).start().is_ok());
}

#[test]
fn a_panic_costs_one_connection_and_loses_no_batch() {
    const DOOMED: u64 = 0xd00d;
    let running = receiver().sink(Sink::files(unique("panic"))).start().unwrap();
    let address = &running.addresses()[0];
    run(async || {
        // Both are served by the one thread.
        let (doomed, other) = (client(address).await, client(address).await);
        PANICS.store(DOOMED, Ordering::Release);
        assert!(doomed.try_export(DOOMED, 1, &[1]).await.is_err());
        wait_until("it is counted", || running.counts().connections.panicked == 1);
        assert!(matches!(other.export(1, 1, &[2]).await, Said::Accepted(_)));
        let again = client(address).await;
        assert!(matches!(again.export(DOOMED, 1, &[1]).await, Said::Accepted(_)));
        assert_eq!(running.counts().connections.open, 2);
    });
    let lines = running.diagnostics().join("\n");
    assert!(lines.contains("a connection panicked and was closed: "), "{lines}");
    let counts = running.shutdown(SOON).unwrap();
    assert_conserved(&counts);
    assert_eq!((counts.traces.announced, counts.traces.taken), (2, 2));
    assert_eq!(counts.connections.panicked, 1);
}

#[test]
fn a_full_queue_is_no_place_for_more_work() {
    let collector = Collector::start();
    let gate = collector.gate();
    collector.script(vec![Step::Hold(gate.clone(), Box::new(Step::status(200))); 4]);
    let sink = Sink::forward(&collector.url()).with_queue_bytes(70_000);
    let running = receiver().sink(sink).start().unwrap();
    run(async || {
        let client = client(&running.addresses()[0]).await;
        // Two of them have no room together, and one alone is no reason to worry.
        let batch: Vec<u64> = (1..=250).collect();
        assert!(matches!(client.export(1, 1, &batch).await, Said::Accepted(_)));
        assert_eq!(running.not_ready(), None);
        let Said::Retry(why) = client.export(1, 2, &batch).await else { panic!("there was room") };
        assert!(why.contains("is full"), "{why}");
        let why = running.not_ready().unwrap();
        assert!(why.starts_with("the queue of http://") && why.ends_with("is full"), "{why}");
        gate.release();
        wait_until("there is room again", || running.not_ready().is_none());
        assert!(matches!(client.export(1, 2, &batch).await, Said::Accepted(_)));
    });
    let counts = running.shutdown(SOON).unwrap();
    assert_conserved(&counts);
    assert_eq!((counts.traces.taken, counts.traces.sent_back), (500, 250));
}

/// One that answers 503, and one that does not answer at all.
#[test]
fn a_stuck_sink_is_no_place_for_more_work() {
    let failing = Collector::start();
    failing.script(vec![Step::status(503); 10_000]);
    let hanging = Collector::start();
    hanging.script(vec![Step::NeverAnswer]);
    for collector in [failing, hanging] {
        let mut builder = receiver().forward(&collector.url());
        builder.limits.stuck = Duration::from_millis(50);
        let running = builder.start().unwrap();
        run(async || client(&running.addresses()[0]).await.export(1, 1, &[1]).await);
        wait_until("it is stuck", || running.not_ready().is_some());
        let why = running.not_ready().unwrap();
        assert!(why.contains("has taken nothing for"), "{why}");
        running.shutdown(Duration::from_millis(10)).unwrap_err();
    }
}

#[test]
fn health_says_what_is_wrong() {
    let running =
        receiver().sink(Sink::files(unique("health"))).health("127.0.0.1:0").start().unwrap();
    let get = |path: &str| {
        let mut stream = TcpStream::connect(running.health_address().unwrap()).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(get("/healthz").starts_with("HTTP/1.1 200 "));
    assert!(get("/readyz").starts_with("HTTP/1.1 200 "));
    assert!(get("/").starts_with("HTTP/1.1 404 "));
    running.shutdown(SOON).unwrap();
    assert!(running.not_ready().unwrap().contains("shutting down"));
}

/// Attack row 118.
#[test]
fn row_118_a_panic_is_counted_and_said_and_the_next_connection_works() {
    let running = receiver().sink(Sink::files(unique("panic"))).start().unwrap();
    let shared = running.shared();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let mut open = tokio::task::JoinSet::new();
        open.spawn_local(async { panic!("a handler") });
        open.spawn_local(async {});
        while let Some(end) = open.join_next().await {
            crate::receive::event_loop::ended(&shared, end);
        }
    });
    assert_eq!(running.counts().connections.panicked, 1);
    assert!(running.diagnostics().join("\n").contains("a connection panicked"));
    run(async || client(&running.addresses()[0]).await.export(1, 1, &[1]).await);
    assert_eq!(running.counts().traces.taken, 1);
}
