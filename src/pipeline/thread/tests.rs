use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::*;

/// Within this, whatever is tested here happens.
const SOON: Duration = Duration::from_secs(20);

fn set(thread: Option<Thread>) {
    *THREAD.lock().unwrap() = thread;
}

/// In one test, since there is one thread.
#[test]
fn the_thread_comes_and_goes_with_its_guests() {
    // What the child of a fork sees: a thread that takes guests and never runs.
    let (guests, arrivals) = unbounded_channel();
    let process = process::id() + 1;
    set(Some(Thread { guests, handle: Arc::default(), process }));
    let (sender, answers) = mpsc::channel();
    let answer = sender.clone();
    let stay = run(|_| async move { answer.send(is_here()).unwrap() }).unwrap();
    assert!(answers.recv_timeout(SOON).unwrap(), "it runs on a thread of this process");
    assert!(!is_here() && arrivals.is_empty());
    stay.join(Instant::now() + SOON);
    assert!(THREAD.lock().unwrap().is_none(), "the thread is gone, and joined");

    // A guest that panics costs itself.
    let (release, held) = tokio::sync::oneshot::channel::<()>();
    let staying = run(|_| async move { drop(held.await) }).unwrap();
    let panicking = run(|_| async { panic!("a guest") }).unwrap();
    panicking.join(Instant::now() + SOON);
    assert_eq!(panicking.is_over(), Some(false), "the other one stays");
    let answer = sender.clone();
    run(|_| async move { answer.send(is_here()).unwrap() }).unwrap();
    assert!(answers.recv_timeout(SOON).unwrap(), "the thread is still there");
    // Nobody waits longer than the deadline for a guest that stays.
    staying.join(Instant::now());
    assert_eq!(staying.is_over(), None);
    release.send(()).unwrap();
    staying.join(Instant::now() + SOON);
    assert_eq!(staying.is_over(), Some(true));

    // A thread that has died is replaced.
    let (guests, _) = unbounded_channel();
    set(Some(Thread { guests, handle: Arc::default(), process: process::id() }));
    run(|_| async move { sender.send(is_here()).unwrap() }).unwrap();
    assert!(answers.recv_timeout(SOON).unwrap());
}
