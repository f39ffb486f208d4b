//! What the crate has to say: kept for `status()`, handed to the host's callback, and sent to
//! `tracing` or `log`; to standard error only where that was asked for and neither is set. Never
//! through the pipeline, and never more than once a minute for the same thing.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::record::{bridge, local};

const KEPT: usize = 64;
/// Topics whose repeats are counted.
const TOPICS: usize = 256;
const QUIET: Duration = Duration::from_secs(60);

/// The host's callback.
pub(crate) type Hook = Arc<dyn Fn(&str) + Send + Sync>;

/// How serious a diagnostic is; the most serious first. Nothing here is an `Error`: the host goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

/// The road for diagnostics.
pub(crate) struct Diagnostics {
    // A panic in it is caught, and it shares nothing with us.
    hook: Option<AssertUnwindSafe<Hook>>,
    /// What standard error may show.
    on_stderr: Option<Level>,
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    /// The newest `KEPT`, oldest first.
    lines: Vec<String>,
    topics: HashMap<String, Topic>,
}

struct Topic {
    /// When it was last spoken about.
    at: Instant,
    /// How often it was silenced since.
    more: u64,
}

impl Said {
    /// The line to say now, with the sum of what was silenced; `None` within the topic's minute.
    fn line(&mut self, topic: &str, line: &str, now: Instant) -> Option<String> {
        let mut spoken = line.to_owned();
        if let Some(topic) = self.topics.get_mut(topic) {
            if now.saturating_duration_since(topic.at) < QUIET {
                topic.more += 1;
                return None;
            }
            if topic.more > 0 {
                spoken = format!("{line} ({} more like it since)", topic.more);
            }
        } else if self.topics.len() >= TOPICS {
            let oldest = self.topics.iter().min_by_key(|(_, topic)| topic.at);
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                self.topics.remove(&name);
            }
        }
        self.topics.insert(topic.to_owned(), Topic { at: now, more: 0 });
        Some(spoken)
    }

    fn keep(&mut self, line: &str) {
        if self.lines.len() == KEPT {
            self.lines.remove(0);
        }
        self.lines.push(line.to_owned());
    }
}

impl Diagnostics {
    pub(crate) fn new(hook: Option<Hook>, on_stderr: Option<Level>) -> Self {
        Self { hook: hook.map(AssertUnwindSafe), on_stderr, said: Mutex::default() }
    }

    /// Says a line, unless the same topic was spoken about within the last minute: then it is counted,
    /// and false is returned.
    pub(crate) fn say(&self, level: Level, topic: &str, line: &str) -> bool {
        let spoken = {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            let spoken = said.line(topic, line, Instant::now());
            spoken.iter().for_each(|line| said.keep(line));
            spoken
        };
        let Some(line) = spoken else {
            return false;
        };
        // A host's panic, in its callback or in its logger, must not take our thread with it.
        if let Some(hook) = &self.hook {
            let _ = catch_unwind(AssertUnwindSafe(|| hook(&line)));
        }
        self.log(level, &line);
        true
    }

    /// Says what is as it should be: to the logger alone, as seldom.
    pub(crate) fn tell(&self, level: Level, topic: &str, line: &str) {
        let now = Instant::now();
        let spoken =
            self.said.lock().unwrap_or_else(PoisonError::into_inner).line(topic, line, now);
        spoken.iter().for_each(|line| self.log(level, line));
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).lines.clone()
    }

    /// To `tracing` where a subscriber is set, else to `log`, else to standard error if asked for.
    fn log(&self, level: Level, line: &str) {
        // What a logger makes of it must not come back to us as telemetry.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            local::suppressed(|| {
                // Ours shows nothing.
                if tracing::dispatcher::has_been_set() && !bridge::is_installed() {
                    to_tracing(level, line);
                } else if log::max_level() > log::LevelFilter::Off {
                    log::log!(target: "trackside", level.into(), "{line}");
                } else if self.on_stderr.is_some_and(|most| level <= most) {
                    // One write, so that no other line gets between. Where it fails, nobody reads.
                    let text = format!("trackside: {}: {line}\n", level.name());
                    let _ = io::stderr().lock().write_all(text.as_bytes());
                }
            });
        }));
    }
}

fn to_tracing(level: Level, line: &str) {
    match level {
        Level::Error => tracing::error!(target: "trackside", "{line}"),
        Level::Warn => tracing::warn!(target: "trackside", "{line}"),
        Level::Info => tracing::info!(target: "trackside", "{line}"),
        Level::Debug => tracing::debug!(target: "trackside", "{line}"),
    }
}

impl Level {
    /// As `OTEL_LOG_LEVEL` calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl From<Level> for log::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::Error,
            Level::Warn => Self::Warn,
            Level::Info => Self::Info,
            Level::Debug => Self::Debug,
        }
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Diagnostics").field("lines", &self.lines()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_summed_and_said_after_a_minute() {
        let (mut said, start) = (Said::default(), Instant::now());
        let mut say =
            |topic: &str, seconds| said.line(topic, "down", start + Duration::from_secs(seconds));
        assert_eq!(say("a", 0).as_deref(), Some("down"));
        assert_eq!((say("a", 1), say("a", 59)), (None, None));
        assert_eq!(say("b", 59).as_deref(), Some("down"), "another topic has its own minute");
        assert_eq!(say("a", 60).as_deref(), Some("down (2 more like it since)"));
        assert_eq!(say("a", 61), None);
        assert_eq!(say("a", 200).as_deref(), Some("down (1 more like it since)"));
        assert_eq!(say("a", 300).as_deref(), Some("down"), "nothing was silenced");
    }

    #[test]
    fn topics_are_bounded() {
        let (mut said, start) = (Said::default(), Instant::now());
        for topic in 0..2 * TOPICS as u64 {
            let now = start + Duration::from_millis(topic);
            assert!(said.line(&topic.to_string(), "line", now).is_some());
        }
        assert_eq!(said.topics.len(), TOPICS);
        assert!(said.line("511", "line", start + QUIET).is_none(), "the newest are known");
    }
}
