//! Handshakes under way: so many at one time. Where more are wanted, one that had its time makes room: the
//! oldest of whoever has most of them.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

/// Nobody has to make room before that: two or three trips to the other end of the world, and their cryptography.
const UNDISTURBED: Duration = Duration::from_secs(1);

pub(super) struct Handshakes {
    free: Semaphore,
    under_way: Mutex<UnderWay>,
}

#[derive(Default)]
struct UnderWay {
    /// The oldest comes first.
    all: VecDeque<One>,
    next: u64,
}

struct One {
    number: u64,
    source: IpAddr,
    begun: Instant,
    given_up: Arc<Notify>,
}

/// The right to shake hands, until it is dropped.
pub(super) struct Turn<'a> {
    handshakes: &'a Handshakes,
    number: u64,
    given_up: Arc<Notify>,
    _held: SemaphorePermit<'a>,
}

impl Handshakes {
    pub(super) fn new(most: usize) -> Self {
        Self { free: Semaphore::new(most), under_way: Mutex::default() }
    }

    /// Waits for a turn; `source` is whose it is. `None` comes at the end of all.
    pub(super) async fn turn(&self, source: IpAddr) -> Option<Turn<'_>> {
        let held = match self.free.try_acquire() {
            Ok(held) => held,
            Err(_) => self.room().await?,
        };
        let given_up = Arc::new(Notify::new());
        let mut under_way = self.under_way();
        under_way.next += 1;
        let number = under_way.next;
        let one = One { number, source, begun: Instant::now(), given_up: Arc::clone(&given_up) };
        under_way.all.push_back(one);
        Some(Turn { handshakes: self, number, given_up, _held: held })
    }

    /// In turn; each that waits gives one up that had its time.
    async fn room(&self) -> Option<SemaphorePermit<'_>> {
        let mut room = pin!(self.free.acquire());
        loop {
            let again = self.give_one_up();
            if let Ok(held) = timeout_at(again, &mut room).await {
                return held.ok();
            }
        }
    }

    /// When to ask again: once the oldest had its time, and also after one was given up, for its room goes to
    /// whoever waits longest, who may have given none up.
    fn give_one_up(&self) -> Instant {
        let (now, mut under_way) = (Instant::now(), self.under_way());
        let Some(oldest) = under_way.all.front() else { return now + UNDISTURBED };
        if oldest.begun + UNDISTURBED > now {
            return oldest.begun + UNDISTURBED;
        }
        let mut counts: HashMap<IpAddr, usize> = HashMap::new();
        for one in &under_way.all {
            *counts.entry(one.source).or_default() += 1;
        }
        let had_their_time = under_way.all.iter().enumerate();
        let had_their_time = had_their_time.take_while(|(_, one)| one.begun + UNDISTURBED <= now);
        let chosen = had_their_time
            .max_by_key(|(place, one)| (counts.get(&one.source).copied(), Reverse(*place)));
        if let Some(one) = chosen.map(|(place, _)| place).and_then(|at| under_way.all.remove(at)) {
            one.given_up.notify_one();
        }
        now + UNDISTURBED
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Ends once others are to have the room.
    pub(super) async fn given_up(&self) {
        self.given_up.notified().await;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.handshakes.under_way().all.retain(|one| one.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));
    const THIRD: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 3));

    /// Whether this one has to make room.
    async fn is_given_up(turn: &Turn<'_>) -> bool {
        timeout_at(Instant::now(), turn.given_up()).await.is_ok()
    }

    /// Polls once.
    async fn is_waiting<T>(mut turn: std::pin::Pin<&mut impl Future<Output = T>>) -> bool {
        std::future::poll_fn(|cx| std::task::Poll::Ready(turn.as_mut().poll(cx).is_pending())).await
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_most_makes_room_once_it_had_its_time() {
        let handshakes = Handshakes::new(4);
        let begun = Instant::now();
        // The other one is the oldest, and has only this.
        let other = handshakes.turn(OTHER).await.unwrap();
        let first = handshakes.turn(ONE).await.unwrap();
        let second = handshakes.turn(ONE).await.unwrap();
        let third = handshakes.turn(ONE).await.unwrap();
        let leaves = async {
            first.given_up().await;
            assert_eq!(begun.elapsed(), UNDISTURBED);
            drop(first);
        };
        let (newcomer, ()) = tokio::join!(handshakes.turn(THIRD), leaves);
        assert_eq!(begun.elapsed(), UNDISTURBED);
        for turn in [&other, &second, &third, &newcomer.unwrap()] {
            assert!(!is_given_up(turn).await);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_that_waits_has_one_given_up() {
        let handshakes = Handshakes::new(3);
        let mut slow = Vec::new();
        for _ in 0..3 {
            slow.push(handshakes.turn(ONE).await.unwrap());
        }
        let leave = async {
            slow[0].given_up().await;
            slow[1].given_up().await;
            assert!(!is_given_up(&slow[2]).await, "nobody waits for this one");
            slow.drain(..2);
        };
        let (one, other, ()) = tokio::join!(handshakes.turn(OTHER), handshakes.turn(THIRD), leave);
        assert!(one.is_some() && other.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_lost_the_room_to_another_asks_again() {
        let handshakes = Handshakes::new(2);
        let first = handshakes.turn(ONE).await.unwrap();
        let second = handshakes.turn(ONE).await.unwrap();
        let mut longest = pin!(handshakes.turn(OTHER));
        assert!(is_waiting(longest.as_mut()).await);
        tokio::time::advance(UNDISTURBED).await;
        // This one has the first given up; its room is for the one that waits longest.
        let mut later = pin!(handshakes.turn(THIRD));
        assert!(is_waiting(later.as_mut()).await);
        first.given_up().await;
        drop(first);
        let _longest = longest.await.unwrap();
        assert!(is_waiting(later.as_mut()).await);
        let leaves = async {
            second.given_up().await;
            drop(second);
        };
        let lost = Instant::now();
        let (later, ()) = tokio::join!(later, leaves);
        assert!(later.is_some() && lost.elapsed() <= UNDISTURBED, "{:?}", lost.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_makes_room_where_there_is_room() {
        let handshakes = Handshakes::new(2);
        let first = handshakes.turn(ONE).await.unwrap();
        tokio::time::sleep(2 * UNDISTURBED).await;
        drop(handshakes.turn(ONE).await.unwrap());
        let _second = handshakes.turn(OTHER).await.unwrap();
        assert!(!is_given_up(&first).await);
    }
}
