//! How much is unanswered at most.

use super::*;
use tokio::task::yield_now;

/// The most bytes in flight, where 40 frames of 1,000 bytes are sent at once and `expected` may be.
async fn most_bytes(credit: Option<[u64; 4]>, expected: usize) -> u64 {
    let receiver = Receiver::start(vec![Step::Hold; 40]).await;
    receiver.script.credit.set(credit);
    let exporter = exporter(&plan(receiver.address));
    let sends: Vec<_> =
        (1..=40).map(|sequence| spawn(&exporter, frame(sequence, vec![1; 1000]))).collect();
    for answered in (0..40).step_by(expected) {
        // The first batch may go before the credit is known, and then the others join it.
        receiver.wait_for((answered + expected).min(40)).await;
        receiver.release();
    }
    for send in sends {
        assert_eq!(send.await.unwrap(), delivered());
    }
    let sequences: Vec<_> = receiver.seen().iter().map(|seen| seen.sequence).collect();
    assert_eq!(sequences, (1..=40).collect::<Vec<_>>(), "in the order in which they came");
    assert_eq!(receiver.script.most.get() as usize, expected);
    receiver.script.most_bytes.get()
}

#[test]
fn the_credit_is_honoured() {
    let table = [
        (None, 8),
        (Some([100, 0, 0, 0]), 8),
        (Some([3, 0, 0, 0]), 3),
        (Some([1, 0, 0, 0]), 1),
        (Some([8, 2500, 0, 0]), 2),
    ];
    for (credit, expected) in table {
        assert_eq!(run(most_bytes(credit, expected)), expected as u64 * 1000, "{credit:?}");
    }
}

/// 8 MiB of our own, whatever is allowed; a larger frame goes alone.
#[test]
fn bytes_are_bounded_by_us() {
    run(async {
        let receiver = Receiver::start(vec![Step::Hold; 7]).await;
        let exporter = exporter(&plan(receiver.address));
        let mut sends: Vec<_> =
            (1..=6).map(|sequence| spawn(&exporter, frame(sequence, vec![1; 3 << 20]))).collect();
        sends.push(spawn(&exporter, frame(7, vec![1; 10 << 20])));
        while sends.iter().any(|send| !send.is_finished()) {
            receiver.release();
            yield_now().await;
        }
        for send in sends {
            assert_eq!(send.await.unwrap(), delivered());
        }
        assert_eq!(receiver.script.most_bytes.get(), 10 << 20);
        assert!(receiver.script.most.get() <= 2, "of 3 MiB");
    });
}

#[test]
fn a_frame_over_the_credit_is_not_sent() {
    run(async {
        let receiver = Receiver::start([]).await;
        for credit in [[8, 0, 5000, 0], [8, 5000, 0, 0], [8, 0, 0, 5000]] {
            receiver.script.credit.set(Some(credit));
            let exporter = exporter(&plan(receiver.address));
            assert_eq!(exporter.send(&frame(1, vec![1; 5000])).await, delivered());
            match exporter.send(&frame(2, vec![1; 5001])).await {
                Outcome::TooLarge { error } => {
                    assert!(error.contains("5001 bytes") && error.contains("5000"), "{error}");
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(receiver.seen().len(), 3);
    });
}

/// The first batch does not wait for the login's answer; a large one does, and arrives.
#[test]
fn the_first_small_batch_follows_the_login() {
    for bytes in [1000, 1 << 20] {
        run(async {
            let receiver = Receiver::start([]).await;
            let exporter = exporter(&plan(receiver.address));
            assert_eq!(exporter.send(&frame(1, vec![1; bytes])).await, delivered());
        });
    }
}

#[test]
fn without_credit_the_next_batch_goes_over_a_new_connection() {
    run(async {
        let receiver = Receiver::start([Step::Hold, Step::Credit(0)]).await;
        let exporter = exporter(&plan(receiver.address));
        let held = spawn(&exporter, frame(1, "held"));
        receiver.wait_for(1).await;
        assert_eq!(exporter.send(&frame(2, "the last one")).await, delivered());
        assert_eq!(exporter.send(&frame(3, "elsewhere")).await, delivered());
        assert!(!held.is_finished(), "finished on the old one");
        receiver.release();
        assert_eq!(held.await.unwrap(), delivered());
        let connections: Vec<_> = receiver.seen().iter().map(|seen| seen.connection).collect();
        assert_eq!(connections, [1, 1, 2]);
        // The old one is closed with a word.
        while receiver.script.closes.get() < 1 {
            yield_now().await;
        }
    });
}

#[test]
fn a_receiver_that_never_gives_credit_is_tried_again_later() {
    run(async {
        let receiver = Receiver::start([]).await;
        receiver.script.credit.set(Some([0, 0, 0, 0]));
        let exporter = exporter(&plan(receiver.address));
        let (error, sent) = retried(exporter.send(&frame(1, vec![1; 100_000])).await);
        assert!(error.contains("takes nothing at present") && !sent, "{error}");
        assert!(receiver.script.connections.get() <= 2, "no storm");
    });
}
