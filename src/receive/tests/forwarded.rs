//! Durability `forwarded`: nothing is acknowledged that the sinks do not have.

use std::time::Duration;

use super::client::{Said, client, run};
use super::delivery::ids;
use super::{SOON, assert_conserved, receiver, wait_until};
use crate::export::tests::collector::{Collector, Step};
use crate::receive::{Builder, Durability};
use crate::schema::ingest_capnp::outcome;

const ACCEPTED: Said = Said::Accepted(outcome::Durability::Forwarded);

fn forwarding(collector: &Collector) -> Builder {
    receiver().forward(&collector.url()).durability(Durability::Forwarded)
}

#[test]
fn accepted_means_that_the_sink_has_it() {
    let collector = Collector::start();
    let running = forwarding(&collector).start().unwrap();
    run(async || {
        let client = client(&running.addresses()[0]).await;
        assert_eq!(client.export(1, 1, &[1]).await, ACCEPTED);
        assert_eq!(ids(&collector), [1]);
    });
    assert_conserved(&running.shutdown(SOON).unwrap());
}

#[test]
fn a_sink_that_is_down_is_never_answered_for() {
    let collector = Collector::start();
    let gate = collector.gate();
    collector.script(vec![Step::Hold(gate.clone(), Box::new(Step::status(200)))]);
    let running = forwarding(&collector).answer_timeout(Duration::from_millis(20)).start().unwrap();
    run(async || {
        let client = client(&running.addresses()[0]).await;
        for _ in 0..3 {
            let said = client.export(1, 1, &[1]).await;
            assert!(matches!(said, Said::Retry(_)), "{said:?}");
        }
        assert_eq!(running.counts().traces.taken, 1, "it waits, and is not queued again");
        gate.release();
        loop {
            match client.export(1, 1, &[1]).await {
                Said::Retry(_) => {}
                said => break assert_eq!(said, Said::Duplicate),
            }
        }
    });
    let counts = running.shutdown(SOON).unwrap();
    assert_conserved(&counts);
    assert_eq!(ids(&collector), [1], "once");
}

#[test]
fn what_the_sink_refuses_is_passed_on() {
    let collector = Collector::start();
    // `rejected_spans` 1 with `error_message` "no".
    let partial = vec![0x0a, 6, 0x08, 1, 0x12, 2, b'n', b'o'];
    let answer = |status, body| Step::Answer { status, headers: Vec::new(), body };
    collector.script(vec![
        answer(200, partial),
        Step::status(400),
        Step::status(413),
        Step::status(503),
    ]);
    let running = forwarding(&collector).start().unwrap();
    run(async || {
        let client = client(&running.addresses()[0]).await;
        assert_eq!(client.export(1, 1, &[1, 2]).await, Said::Partial(1, "no".into()));
        let said = client.export(1, 2, &[3]).await;
        assert!(
            matches!(said, Said::Rejected(outcome::Rejection::Malformed, _)),
            "400 is for good: {said:?}"
        );
        let said = client.export(1, 3, &[4]).await;
        assert!(matches!(said, Said::Rejected(outcome::Rejection::TooLarge, _)), "{said:?}");
        assert_eq!(client.export(1, 4, &[5]).await, ACCEPTED, "503 is tried again");
    });
    running.shutdown(SOON).unwrap_err();
    let counts = running.counts();
    assert_conserved(&counts);
    let flow = counts.sinks[0].traces;
    assert_eq!((flow.forwarded, flow.rejected, flow.dropped.too_large), (2, 2, 1));
}

#[test]
fn a_cancelled_call_is_handed_over_all_the_same() {
    let collector = Collector::start();
    let gate = collector.gate();
    collector.script(vec![Step::Hold(gate.clone(), Box::new(Step::status(200)))]);
    let running = forwarding(&collector).start().unwrap();
    run(async || {
        let client = client(&running.addresses()[0]).await;
        let sending = client.export(1, 1, &[1]);
        tokio::select! {
            said = sending => panic!("the sink holds it: {said:?}"),
            () = async { while running.counts().traces.taken == 0 { tokio::task::yield_now().await } } => {}
        }
        gate.release();
        assert_eq!(client.export(1, 1, &[1]).await, Said::Duplicate);
    });
    wait_until("it is forwarded", || running.counts().sinks[0].traces.forwarded == 1);
    assert_eq!(ids(&collector), [1]);
}

#[test]
fn at_the_end_what_is_not_acknowledged_is_still_the_exporters() {
    let collector = Collector::start();
    collector.script(vec![Step::NeverAnswer]);
    let running = forwarding(&collector).start().unwrap();
    let address = running.addresses()[0].clone();
    let said = std::thread::scope(|scope| {
        let sending =
            scope.spawn(|| run(async || client(&address).await.try_export(1, 1, &[1]).await));
        wait_until("it is taken", || running.counts().traces.taken == 1);
        let counts = running.shutdown(Duration::from_millis(100)).unwrap();
        assert_conserved(&counts);
        assert_eq!((counts.sinks[0].traces.sent_back, counts.lost()), (1, 0));
        sending.join().unwrap()
    });
    if let Ok((said, _)) = said {
        assert!(matches!(said, Said::Retry(_)), "nothing was acknowledged: {said:?}");
    }
}
