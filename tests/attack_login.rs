//! Rows of the fault matrix on who gets in, and who does not any more.

#![cfg(all(target_os = "linux", feature = "cli"))]

mod hostile;
#[path = "../src/schema/mod.rs"]
#[allow(unused_imports, reason = "generated")]
mod schema;

use std::time::{Duration, Instant};

use capnp::traits::HasTypeId;
use hostile::batches::{Envelope, PLAIN, sound};
use hostile::process::wait_until;
use hostile::receiver::{address, builder, directory};
use hostile::wire::{self, Peer, Said, Target, bootstrap};
use schema::ingest_capnp::session;

#[test]
fn row_095_whoever_does_not_log_in_is_closed_after_five_seconds() {
    let running = builder("idle").start().unwrap();
    let begun = Instant::now();
    let mut silent: Vec<_> = (0..20).map(|_| Peer::dial(&address(&running))).collect();
    // Half of them ask for the first object, and then nothing.
    silent.iter_mut().step_by(2).for_each(|peer| peer.send(&bootstrap(0)).unwrap());
    for peer in &mut silent {
        assert!(peer.is_ended());
    }
    let took = begun.elapsed();
    assert!(took > Duration::from_secs(4) && took < Duration::from_secs(9), "{took:?}");
    wait_until("all are counted", || running.counts().connections.not_logged_in == 20);
}

#[test]
fn row_105_another_interface() {
    let running = builder("interface").start().unwrap();
    let mut peer = Peer::dial(&address(&running));
    peer.send(&bootstrap(wire::BOOTSTRAP)).unwrap();
    assert_eq!(peer.hear(), (wire::BOOTSTRAP, Said::Answered));
    for (question, method) in [(7, (0xdead_beef, 0)), (8, (session::Client::TYPE_ID, 0))] {
        let call = wire::call(question, Target::Answer(wire::BOOTSTRAP), method, |_| {});
        peer.send(&call).unwrap();
        let said = peer.answer(question);
        assert!(matches!(said, Said::Unimplemented(_)), "{said:?}");
    }
    // The connection is as good as before.
    peer.send(&wire::open(wire::OPEN, None)).unwrap();
    assert_eq!(peer.answer(wire::OPEN), Said::Answered);
    assert_eq!(peer.ping(), Said::Answered);
}

#[test]
fn row_106_calls_without_a_log_in() {
    let running = builder("guessed").token("secret").start().unwrap();
    let method = (session::Client::TYPE_ID, 0);
    let mut victim = Peer::known(&address(&running), Some(b"secret"));
    for number in [0, 1, 2, 3, 1000, u32::MAX] {
        for target in [Target::Number(number), Target::Answer(number), Target::Within(number)] {
            let mut peer = Peer::dial(&address(&running));
            let call = wire::call(9, target, method, |_| {});
            peer.send(&[bootstrap(0), call].concat()).unwrap();
            let said = peer.answer(9);
            let is_refused = matches!(
                said,
                Said::Unimplemented(_) | Said::Failed(_) | Said::Aborted(_) | Said::Closed
            );
            assert!(is_refused, "{target:?}: {said:?}");
        }
    }
    let counts = running.counts();
    assert_eq!((counts.traces.announced, counts.connections.panicked), (0, 0));
    assert_eq!(victim.export(|batch| PLAIN.fill(batch, &sound())), Said::Accepted);
}

/// What is under way is answered, what comes later is not taken, and the connection goes.
fn sent_until_refused(peer: &mut Peer) -> (u64, String) {
    let mut taken = 0;
    loop {
        match peer.export(|batch| Envelope::at(taken + 2).fill(batch, &sound())) {
            Said::Accepted => taken += 1,
            // Whoever was too slow for that is told as the connection ends.
            Said::Retry(why) | Said::Aborted(why) => return (taken, why),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn row_108_a_token_that_is_revoked_in_a_session() {
    let file = directory("revoked.tokens");
    std::fs::write(&file, "first\nsecond\n").unwrap();
    let running = builder("revoked").token_file(&file).start().unwrap();
    let address = &address(&running);
    let mut revoked = Peer::known(address, Some(b"first"));
    let mut silent = Peer::known(address, Some(b"first"));
    let mut other = Peer::known(address, Some(b"second"));
    assert_eq!(revoked.export(|batch| PLAIN.fill(batch, &sound())), Said::Accepted);

    std::fs::write(&file, "second\nthird\n").unwrap();
    let begun = Instant::now();
    let (taken, why) = sent_until_refused(&mut revoked);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(why.contains("the token is not taken any more"), "{why}");
    assert!(silent.is_ended(), "whoever says nothing goes too");
    wait_until("it is counted", || running.counts().connections.revoked == 2);
    assert_eq!(other.export(|batch| PLAIN.fill(batch, &sound())), Said::Accepted);
    assert_eq!(running.counts().traces.taken, taken + 2);

    let mut late = Peer::dial(address);
    late.begin(Some(b"first"));
    assert!(!late.began(), "it is not taken any more");
    // Taken without a restart, and with nothing of the one before it.
    let mut fresh = Peer::known(address, Some(b"third"));
    assert_eq!(fresh.export(|batch| PLAIN.fill(batch, &sound())), Said::Accepted);

    std::fs::remove_file(&file).unwrap();
    wait_until("it is said", || running.diagnostics().join("\n").contains("stay in use"));
    assert_eq!(other.ping(), Said::Answered);
    let said = running.diagnostics().join("\n");
    assert!(!said.contains("first") && !said.contains("second"), "{said}");
}

#[test]
fn row_107_guessed_tokens() {
    let running = builder("tokens").token("correct horse").start().unwrap();
    let address = &address(&running);
    // A connection has one try, however many it sends.
    let mut peer = Peer::dial(address);
    let mut guesses = vec![bootstrap(wire::BOOTSTRAP)];
    guesses.extend((1..12).map(|question| wire::open(question, Some(b"battery staple"))));
    let begun = Instant::now();
    peer.send(&guesses.concat()).unwrap();
    let Said::Failed(why) = peer.answer(1) else { panic!("a guess was not refused") };
    assert!(begun.elapsed() >= Duration::from_millis(250), "{:?}", begun.elapsed());
    assert!(why.contains("unauthorized") && !why.contains("battery"), "{why}");
    assert!(peer.is_ended());
    wait_until("it is counted", || running.counts().connections.unauthorized == 1);

    // Many connections: so many are kept waiting, the others get no answer at all.
    let mut guessers: Vec<_> = (0..100).map(|_| Peer::dial(address)).collect();
    let begun = Instant::now();
    guessers.iter_mut().for_each(|peer| peer.begin(Some(b"battery staple")));
    // Meanwhile whoever knows it is not kept waiting.
    let mut known = Peer::known(address, Some(b"correct horse"));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let said: Vec<_> = guessers.iter_mut().map(|peer| peer.answer(wire::OPEN)).collect();
    assert!(begun.elapsed() >= Duration::from_millis(250), "{:?}", begun.elapsed());
    // All are told that they are refused, by the answer or by the end of the connection.
    let answered = said.iter().filter(|said| matches!(said, Said::Failed(_))).count();
    assert!((1..50).contains(&answered), "{answered} answers");
    let ended = said.iter().filter(|said| matches!(said, Said::Aborted(_) | Said::Closed)).count();
    assert_eq!(ended, 100 - answered);
    assert_eq!(known.ping(), Said::Answered);
    wait_until("all are counted", || running.counts().connections.unauthorized == 101);
    // Thousands that do not wait for their answers.
    let mut guessed = 101;
    for _ in 0..20 {
        let mut guessers: Vec<_> = (0..150).map(|_| Peer::dial(address)).collect();
        guessers.iter_mut().for_each(|peer| peer.begin(Some(b"battery staple")));
        guessed += guessers.len() as u64;
        wait_until("all are counted", || running.counts().connections.unauthorized == guessed);
        drop(guessers);
        // All but the one that knows it.
        wait_until("they are gone", || running.counts().connections.open == 1);
    }
    assert_eq!(known.ping(), Said::Answered);
    let said = running.diagnostics().join("\n");
    assert!(said.contains("was refused"), "{said}");
    assert!(!said.contains("battery") && !said.contains("horse"), "{said}");
}
