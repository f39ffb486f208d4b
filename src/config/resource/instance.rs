//! Which of a service's processes this is.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use super::Claim;

/// A random UUID, the same for the life of the process; a fork is another process.
static OF_PROCESS: Mutex<Option<(u32, String)>> = Mutex::new(None);

pub(super) fn detect(claim: &mut Claim<'_>) {
    let mut known = OF_PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    let id = match known.take() {
        Some((of, id)) if of == process => id,
        _ => uuid(),
    };
    claim("service.instance.id", &id);
    *known = Some((process, id));
}

/// In the child of a fork: the number and the id that were its parent's become its own.
pub(crate) fn renew(resource: &mut [(String, String)], parent: u32) {
    let known = OF_PROCESS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let parents_id = known.filter(|(of, _)| *of == parent).map(|(_, id)| id);
    let parent = parent.to_string();
    for (key, value) in resource {
        match key.as_str() {
            "process.pid" if *value == parent => *value = std::process::id().to_string(),
            "service.instance.id" if parents_id.as_ref() == Some(value) => {
                detect(&mut |_, id| id.clone_into(value));
            }
            _ => {}
        }
    }
}

/// Version 4. The system seeds each `RandomState`.
fn uuid() -> String {
    let random = || RandomState::new().hash_one(std::process::id());
    let (high, low) = (random(), random());
    let versioned = high & !0xf000 | 0x4000;
    let variant = low >> 2 | 1 << 63;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        versioned >> 32,
        versioned >> 16 & 0xffff,
        versioned & 0xffff,
        variant >> 48,
        variant & 0xffff_ffff_ffff,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_random_uuid_and_stays() {
        let read = || {
            let mut found = String::new();
            detect(&mut |key, value| {
                assert_eq!(key, "service.instance.id");
                value.clone_into(&mut found);
            });
            found
        };
        assert_eq!(read(), read());
        let ids: Vec<_> = (0..100).map(|_| uuid()).collect();
        for id in &ids {
            let parts: Vec<_> = id.split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
            assert!(id.as_bytes()[14] == b'4' && b"89ab".contains(&id.as_bytes()[19]), "{id}");
        }
        assert!(ids.iter().enumerate().all(|(at, id)| !ids[..at].contains(id)));
    }
}
