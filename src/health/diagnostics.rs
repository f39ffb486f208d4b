//! What the crate has to say: kept for `status()`, handed to the host's callback, and sent to
//! `tracing` or `log`. Never to a stream, and never more than once a minute for the same thing.

use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::record::bridge;

const KEPT: usize = 64;
const QUIET: Duration = Duration::from_secs(60);

/// The host's callback.
pub(crate) type Hook = Arc<dyn Fn(&str) + Send + Sync>;

/// How serious a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Warn,
    Info,
}

/// The road for diagnostics.
pub(crate) struct Diagnostics {
    // A panic in it is caught, and it shares nothing with us.
    hook: Option<AssertUnwindSafe<Hook>>,
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    /// The newest `KEPT`, oldest first.
    lines: Vec<String>,
    /// When a topic was last spoken about.
    topics: HashMap<String, Instant>,
}

impl Diagnostics {
    pub(crate) fn new(hook: Option<Hook>) -> Self {
        Self { hook: hook.map(AssertUnwindSafe), said: Mutex::default() }
    }

    /// Says a line, unless the same topic was spoken about within the last minute.
    pub(crate) fn say(&self, level: Level, topic: &str, line: &str) {
        {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let is_recent = |at: &Instant| now.duration_since(*at) < QUIET;
            if said.topics.get(topic).is_some_and(is_recent) {
                return;
            }
            said.topics.retain(|_, at| is_recent(at));
            said.topics.insert(topic.to_owned(), now);
            if said.lines.len() == KEPT {
                said.lines.remove(0);
            }
            said.lines.push(line.to_owned());
        }
        // A host's panic, in its callback or in its logger, must not take our thread with it.
        if let Some(hook) = &self.hook {
            let _ = catch_unwind(AssertUnwindSafe(|| hook(line)));
        }
        let _ = catch_unwind(|| log_line(level, line));
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).lines.clone()
    }
}

/// To `tracing` where the host has set a subscriber, else to `log`.
fn log_line(level: Level, line: &str) {
    if tracing::dispatcher::has_been_set() && !bridge::is_installed() {
        match level {
            Level::Warn => tracing::warn!(target: "trackside", "{line}"),
            Level::Info => tracing::info!(target: "trackside", "{line}"),
        }
    } else {
        match level {
            Level::Warn => log::warn!(target: "trackside", "{line}"),
            Level::Info => log::info!(target: "trackside", "{line}"),
        }
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Diagnostics").field("lines", &self.lines()).finish_non_exhaustive()
    }
}
