//! Names that the core wants for the life of the process: each is kept once, and there is a bound.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::counts;

/// Names of metrics and of their attributes are few in a program; more than these are a mistake.
const LIMIT: usize = 4096;
const LONGEST: usize = 256;

static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);

/// The same text, for ever; `None`, and counted, beyond the bound.
pub(crate) fn keep(name: &str) -> Option<&'static str> {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let names = names.get_or_insert_default();
    if let Some(known) = names.get(name) {
        return Some(known);
    }
    if names.len() >= LIMIT || name.len() > LONGEST {
        counts::REFUSED_NAMES.add(1);
        return None;
    }
    let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(kept);
    Some(kept)
}
