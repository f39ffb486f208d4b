//! Wrong tokens cost time, and more of it each time: a limit for each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Addresses that are remembered; the one that failed longest ago makes room.
const ADDRESSES: usize = 4096;
/// The wait after the first wrong token, doubled by each further one.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(4);
/// An address that did nothing wrong for so long begins anew.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// Answers that one address may be waiting for.
const WAITING: u32 = 16;

/// What addresses got wrong lately. Whoever has the right token is never kept waiting by others who
/// share its address.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<HashMap<IpAddr, Record>>);

#[derive(Debug)]
struct Record {
    failures: u32,
    waiting: u32,
    last: Instant,
}

impl Attempts {
    /// A wrong token came from `address`: how long the answer has to wait, or `None` where too many
    /// wait already and none is given.
    pub(super) fn failed(&self, address: IpAddr) -> Option<Duration> {
        self.failed_at(network(address), Instant::now())
    }

    fn failed_at(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() >= ADDRESSES && !records.contains_key(&address) {
            let oldest = records.iter().min_by_key(|(_, record)| record.last);
            if let Some(oldest) = oldest.map(|(address, _)| *address) {
                records.remove(&oldest);
            }
        }
        let new = Record { failures: 0, waiting: 0, last: now };
        let record = records.entry(address).or_insert(new);
        if now.saturating_duration_since(record.last) > FORGOTTEN {
            record.failures = 0;
        }
        record.last = now;
        if record.waiting >= WAITING {
            return None;
        }
        record.waiting += 1;
        let wait = FIRST.saturating_mul(1 << record.failures.min(16)).min(LONGEST);
        record.failures = record.failures.saturating_add(1);
        Some(wait)
    }

    /// An answer was given after its wait.
    pub(super) fn answered(&self, address: IpAddr) {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(record) = records.get_mut(&network(address)) {
            record.waiting = record.waiting.saturating_sub(1);
        }
    }
}

/// Whoever has one address of version 6 has a whole network of them.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn each_wrong_token_waits_longer_until_a_minute_has_passed() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..6 {
            waits.push(attempts.failed_at(HERE, start).unwrap().as_millis());
            attempts.answered(HERE);
        }
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 4000]);
        let later = start + FORGOTTEN + Duration::from_secs(1);
        assert_eq!(attempts.failed_at(HERE, later), Some(FIRST));
    }

    #[test]
    fn an_address_has_so_many_answers_to_wait_for() {
        let attempts = Attempts::default();
        let given = (0..100).filter(|_| attempts.failed(HERE).is_some()).count();
        assert_eq!(given, WAITING as usize);
        attempts.answered(HERE);
        assert!(attempts.failed(HERE).is_some());
        assert!(attempts.failed([10, 0, 0, 1].into()).is_some(), "others are not affected");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let attempts = Attempts::default();
        for number in 0..2 * ADDRESSES as u32 {
            attempts.failed(IpAddr::from(number.to_be_bytes()));
        }
        assert_eq!(attempts.0.lock().unwrap().len(), ADDRESSES);
    }
}
