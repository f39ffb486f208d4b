//! Connections: shared, lost, made anew.

use super::*;
use tokio::net::TcpListener;

#[test]
fn a_thousand_batches_take_one_connection() {
    run(async {
        let receiver = Receiver::start([]).await;
        let links = Links::new();
        let plan = plan(receiver.address);
        let all = [Signal::Traces, Signal::Metrics, Signal::Logs]
            .map(|signal| Rc::new(CapnpExporter::new(&plan, signal, None, &links)));
        let mut sends = Vec::new();
        for sequence in 1..=334 {
            sends.extend(all.iter().map(|exporter| spawn(exporter, frame(sequence, "rows"))));
        }
        for send in sends {
            assert_eq!(send.await.unwrap(), delivered());
        }
        let seen = receiver.seen();
        assert_eq!(seen.len(), 1002);
        assert_eq!((receiver.script.connections.get(), receiver.script.logins.get()), (1, 1));
        let process = seen[0].exporter.0;
        assert!(process != 0 && seen.iter().all(|seen| seen.exporter.0 == process));
        assert!(links.link(&plan).is_direct(), "each call goes by the RPC system");
        links.close().await;
        assert_eq!(receiver.script.closes.get(), 1);
    });
}

#[test]
fn another_token_is_another_connection() {
    run(async {
        let receiver = Receiver::start([]).await;
        let links = Links::new();
        let one = plan(receiver.address);
        let other = CapnpPlan { token: Some(Token::new(Bytes::from_static(b"t"))), ..one.clone() };
        assert!(!Rc::ptr_eq(&links.link(&one), &links.link(&other)));
        let (first, again) = (links.link(&one), links.link(&one));
        assert!(Rc::ptr_eq(&first, &again));
    });
}

/// What was in flight comes again under its name, over a new connection.
#[test]
fn a_receiver_killed_in_mid_call_gets_the_frame_again() {
    run(async {
        let receiver = Receiver::start([Step::Hold, Step::Hold]).await;
        let exporter = exporter(&plan(receiver.address));
        let frames = [frame(1, "one"), frame(2, vec![2; 1 << 20])];
        let sends = frames.clone().map(|frame| spawn(&exporter, frame));
        receiver.wait_for(2).await;
        let (address, script) = receiver.kill().await;
        for send in sends {
            let (error, sent) = retried(send.await.unwrap());
            assert!(sent, "{error}");
        }
        let (error, sent) = retried(exporter.send(&frames[0]).await);
        assert!(error.contains("Connection refused") && !sent, "{error}");

        let receiver = Receiver::over(TcpListener::bind(address).await.unwrap(), script);
        for frame in &frames {
            assert_eq!(exporter.send(frame).await, delivered());
        }
        let seen = receiver.seen();
        let names: Vec<_> = seen.iter().map(|seen| (seen.exporter, seen.sequence)).collect();
        assert_eq!(names[..2], names[2..]);
        assert_eq!(receiver.script.connections.get(), 2);
    });
}

#[test]
fn a_connection_that_breaks_without_a_word_fails_what_is_in_flight() {
    run(async {
        let receiver = Receiver::start([Step::Kill]).await;
        let exporter = exporter(&plan(receiver.address));
        let (error, sent) = retried(exporter.send(&frame(1, "rows")).await);
        assert!(sent, "{error}");
        assert_eq!(exporter.send(&frame(1, "rows")).await, delivered());
    });
}

#[test]
fn a_call_that_is_never_answered_ends_in_time() {
    run(async {
        let receiver = Receiver::start([Step::Hang]).await;
        let limit = Duration::from_millis(300);
        let plan = CapnpPlan { timeout: Some(limit), ..plan(receiver.address) };
        let exporter = exporter(&plan);
        let started = std::time::Instant::now();
        let (error, sent) = retried(exporter.send(&frame(1, "rows")).await);
        assert!(started.elapsed() >= limit);
        assert!(error.contains("no answer within 300ms") && sent, "{error}");
        // It is cancelled over there, and the connection is as good as before.
        while receiver.script.in_flight.get() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(exporter.send(&frame(1, "rows")).await, delivered());
        assert_eq!(receiver.script.connections.get(), 1);
    });
}

/// A connection whose peer is gone without a word looks like one that is idle.
#[test]
fn a_peer_that_answers_no_ping_either_is_left() {
    run(async {
        let receiver = Receiver::start([Step::Hang, Step::Hang]).await;
        receiver.script.ping_hangs.set(true);
        let limit = Duration::from_millis(200);
        let limited = CapnpPlan { timeout: Some(limit), ..plan(receiver.address) };
        let links = Links::new();
        let patient = CapnpPlan { timeout: None, ..plan(receiver.address) };
        let [hurried, patient] = [limited, patient]
            .map(|plan| Rc::new(CapnpExporter::new(&plan, Signal::Traces, None, &links)));
        let late = spawn(&hurried, frame(1, "rows"));
        receiver.wait_for(1).await;
        // Without a limit of its own it ends with the connection.
        let other = spawn(&patient, frame(2, "rows"));
        let (error, sent) = retried(late.await.unwrap());
        assert!(error.contains("no answer within 200ms") && sent, "{error}");
        let (error, sent) = retried(other.await.unwrap());
        assert!(error.contains("did not answer a ping within 200ms") && sent, "{error}");
        assert_eq!(receiver.script.pings.get(), 1);
        assert_eq!(patient.send(&frame(2, "rows")).await, delivered());
        assert_eq!(receiver.script.connections.get(), 2);
    });
}

#[test]
fn the_shorter_limit_counts() {
    run(async {
        let receiver = Receiver::start([Step::Hang]).await;
        let limit = Some(Duration::from_millis(100));
        let exporter =
            CapnpExporter::new(&plan(receiver.address), Signal::Logs, limit, &Links::new());
        let (error, _) = retried(exporter.send(&frame(1, "rows")).await);
        assert!(error.contains("within 100ms"), "{error}");
    });
}

#[test]
fn a_call_can_be_given_up_at_any_point() {
    run(async {
        let receiver = Receiver::start([Step::Hold]).await;
        let exporter = exporter(&plan(receiver.address));
        let (first, second) = (frame(1, "given up"), frame(2, "kept"));
        let given_up = spawn(&exporter, first.clone());
        receiver.wait_for(1).await;
        given_up.abort();
        assert!(given_up.await.unwrap_err().is_cancelled());
        assert!(first.is_sent());
        assert_eq!(exporter.send(&second).await, delivered());
    });
}
