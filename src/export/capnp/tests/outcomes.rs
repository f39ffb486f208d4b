//! Each answer, and what becomes of the frame.

use super::*;
use crate::schema::ingest_capnp::outcome::Rejection;

/// What one exporter makes of each step in turn, for one frame after the other.
fn outcomes(steps: &[Step]) -> Vec<Outcome> {
    run(async {
        let receiver = Receiver::start(steps.to_vec()).await;
        let exporter = exporter(&plan(receiver.address));
        let mut outcomes = Vec::new();
        for sequence in 1..=steps.len() as u64 {
            outcomes.push(exporter.send(&frame(sequence, "some rows")).await);
        }
        assert_eq!(receiver.script.connections.get(), 1);
        outcomes
    })
}

#[test]
fn a_batch_carries_its_name_and_its_sum() {
    run(async {
        let receiver = Receiver::start([]).await;
        let exporter = exporter(&plan(receiver.address));
        let frame = frame(1, "some rows");
        assert!(!frame.is_sent());
        assert_eq!(exporter.send(&frame).await, delivered());
        assert!(frame.is_sent());
        let seen = receiver.seen().remove(0);
        assert_eq!((seen.exporter.1, seen.sequence, seen.items, seen.signal), (7, 1, 10, 1));
        assert_eq!((&seen.bytes[..], seen.uncompressed), (&b"some rows"[..], 9));
    });
}

#[test]
fn what_was_taken_is_delivered() {
    let steps = [
        Step::Accept,
        Step::AcceptWarning("clock is off"),
        Step::Duplicate,
        Step::Partial(3),
        Step::Partial(99),
    ];
    let said = |rejected, message: &str| Outcome::Delivered {
        rejected,
        message: Some(message.to_owned()),
    };
    let expected = [
        delivered(),
        said(0, "clock is off"),
        delivered(),
        said(3, "too old"),
        said(10, "too old"),
    ];
    assert_eq!(outcomes(&steps), expected);
}

#[test]
fn not_now_is_tried_again_when_it_says() {
    let [now, later, much_later] =
        outcomes(&[Step::Retry(0), Step::Retry(1500), Step::Retry(u32::MAX)]).try_into().unwrap();
    let after = |outcome: &Outcome| match outcome {
        Outcome::Retry { after, sent: false, error } => {
            assert!(error.contains("not now: the queue is full"), "{error}");
            *after
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(after(&now), None);
    assert_eq!(after(&later), Some(Duration::from_millis(1500)));
    assert_eq!(after(&much_later), Some(Duration::from_secs(300)));
}

#[test]
fn rejected_is_for_good() {
    use Rejection::{Malformed, Quota, Unauthorized, Unset, Unsupported};
    let table = [
        (Step::Reject(Malformed), "rejected as malformed: line one line two"),
        (Step::Reject(Unsupported), "rejected as unsupported"),
        (Step::Reject(Unauthorized), "rejected as unauthorized"),
        (Step::Reject(Quota), "rejected as over its quota"),
        (Step::Reject(Unset), "rejected as for no reason it names"),
        (Step::Unset, "an outcome that this version does not know"),
        (
            Step::Raise(capnp::Error::unimplemented("method export".to_owned())),
            "does not implement what was asked of it: method export",
        ),
    ];
    let outcomes = outcomes(&table.clone().map(|(step, _)| step));
    for (outcome, (step, words)) in outcomes.into_iter().zip(table) {
        let error = refused(outcome);
        assert!(error.contains(words), "{step:?}: {error}");
    }
}

#[test]
fn too_large_is_its_own_outcome() {
    let outcome = outcomes(&[Step::Reject(Rejection::TooLarge)]).remove(0);
    assert!(matches!(outcome, Outcome::TooLarge { .. }), "{outcome:?}");
}

#[test]
fn exceptions_are_tried_again_as_their_kind_says() {
    let text = || "of disk".to_owned();
    let steps = [
        Step::Raise(capnp::Error::overloaded(text())),
        Step::Raise(capnp::Error::disconnected(text())),
        Step::Raise(capnp::Error::failed(text())),
    ];
    for (outcome, kind) in
        outcomes(&steps).into_iter().zip(["overloaded", "disconnected", "failed"])
    {
        let (error, sent) = retried(outcome);
        assert!(error.contains(&format!("{kind}: of disk")) && sent, "{error}");
    }
}

#[test]
fn a_frame_that_fails_twice_is_refused() {
    run(async {
        let failed = || Step::Raise(capnp::Error::failed("oops".to_owned()));
        let steps = [failed(), failed(), failed(), Step::Accept];
        let receiver = Receiver::start(steps).await;
        let exporter = exporter(&plan(receiver.address));
        let (first, second) = (frame(1, "first"), frame(2, "second"));
        retried(exporter.send(&first).await);
        // Of another frame it is the first failure.
        retried(exporter.send(&second).await);
        let error = refused(exporter.send(&first).await);
        assert!(error.contains("failed: oops, twice"), "{error}");
        assert_eq!(exporter.send(&second).await, delivered());
    });
}
