//! What the crate has to say: kept for `status()`, handed to the host's callback, and sent to
//! `tracing` or `log`; to standard error only where that was asked for and neither is set. Never
//! through the pipeline, and never more than once a minute for the same thing.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// Silenced lines of topics that had to make room.
    forgotten: u64,
}

struct Topic {
    /// When it was last spoken about.
    at: Instant,
    /// How often it was silenced since.
    more: u64,
    /// The newest of those, and who hears it.
    silenced: String,
    level: Level,
    audience: Audience,
}

/// Who hears a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    /// `status()`, the callback and the logger.
    All,
    Logger,
}

impl Said {
    /// The line to say now, with the sum of what was silenced; `None` within the topic's minute.
    fn line(
        &mut self,
        (audience, level): (Audience, Level),
        topic: &str,
        line: &str,
        now: Instant,
    ) -> Option<String> {
        let mut spoken = line.to_owned();
        if let Some(topic) = self.topics.get_mut(topic) {
            if now.saturating_duration_since(topic.at) < QUIET {
                topic.more += 1;
                (topic.audience, topic.level) = (audience, level);
                line.clone_into(&mut topic.silenced);
                return None;
            }
            if topic.more > 0 {
                spoken = format!("{line} ({} more like it since)", topic.more);
            }
        } else if self.topics.len() >= TOPICS {
            let oldest = self.topics.iter().min_by_key(|(_, topic)| topic.at);
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                self.forgotten += self.topics.remove(&name).map_or(0, |topic| topic.more);
            }
        }
        let silenced = String::new();
        let spoken_about = Topic { at: now, more: 0, silenced, level, audience };
        self.topics.insert(topic.to_owned(), spoken_about);
        Some(spoken)
    }

    /// What was silenced and not said since, in the order in which its topics were last spoken about.
    fn rest(&mut self) -> Vec<(Audience, Level, String)> {
        let mut silenced: Vec<_> =
            self.topics.values_mut().filter(|topic| topic.more > 0).collect();
        silenced.sort_by_key(|topic| topic.at);
        let sum = |topic: &mut Topic| {
            let (line, more) = (std::mem::take(&mut topic.silenced), topic.more);
            topic.more = 0;
            let sum = match more {
                1 => format!("{line} (not said until now)"),
                _ => format!("{line} (the newest of {more} that were not said until now)"),
            };
            (topic.audience, topic.level, sum)
        };
        let mut rest: Vec<_> = silenced.into_iter().map(sum).collect();
        let forgotten = std::mem::take(&mut self.forgotten);
        if forgotten > 0 {
            let line = format!("{forgotten} more lines about other things were not shown");
            rest.push((Audience::All, Level::Warn, line));
        }
        rest
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
        self.say_to(Audience::All, level, topic, line)
    }

    /// Says what is as it should be: to the logger alone, as seldom.
    pub(crate) fn tell(&self, level: Level, topic: &str, line: &str) {
        self.say_to(Audience::Logger, level, topic, line);
    }

    /// Says what was silenced and only counted, for nothing may follow that would say it.
    pub(crate) fn say_the_rest(&self) {
        let rest = self.said().rest();
        for (audience, level, line) in rest {
            self.speak(audience, level, &line);
        }
    }

    fn say_to(&self, audience: Audience, level: Level, topic: &str, line: &str) -> bool {
        let spoken = self.said().line((audience, level), topic, line, Instant::now());
        spoken.iter().for_each(|line| self.speak(audience, level, line));
        spoken.is_some()
    }

    fn speak(&self, audience: Audience, level: Level, line: &str) {
        if audience == Audience::All {
            self.said().keep(line);
            // A host's panic, in its callback or in its logger, must not take our thread with it.
            if let Some(hook) = &self.hook {
                let _ = catch_unwind(AssertUnwindSafe(|| hook(line)));
            }
        }
        self.log(level, line);
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.said().lines.clone()
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

    const LOUD: (Audience, Level) = (Audience::All, Level::Warn);

    #[test]
    fn repeats_are_summed_and_said_after_a_minute() {
        let (mut said, start) = (Said::default(), Instant::now());
        let mut say = |topic: &str, seconds| {
            said.line(LOUD, topic, "down", start + Duration::from_secs(seconds))
        };
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
            assert!(said.line(LOUD, &topic.to_string(), "line", now).is_some());
        }
        assert_eq!(said.topics.len(), TOPICS);
        assert!(said.line(LOUD, "511", "line", start + QUIET).is_none(), "the newest are known");
    }

    #[test]
    fn what_was_silenced_is_said_in_the_end_once() {
        let (mut said, start) = (Said::default(), Instant::now());
        let debug = (Audience::Logger, Level::Debug);
        said.line(debug, "b", "sent", start);
        for (seconds, line) in [(1, "down"), (2, "down again"), (3, "still down")] {
            said.line(LOUD, "a", line, start + Duration::from_secs(seconds));
        }
        said.line(debug, "b", "sent 2", start);
        said.line(LOUD, "c", "said", start);
        let expected = [
            (debug.0, debug.1, "sent 2 (not said until now)".to_owned()),
            (
                LOUD.0,
                LOUD.1,
                "still down (the newest of 2 that were not said until now)".to_owned(),
            ),
        ];
        assert_eq!(said.rest(), expected);
        assert_eq!(said.rest(), []);
        // What had to make room is in the sum of all others.
        said.line(LOUD, "a", "down", start + Duration::from_secs(4));
        for topic in 0..TOPICS {
            said.line(LOUD, &topic.to_string(), "line", start + QUIET);
        }
        let line = "1 more lines about other things were not shown".to_owned();
        assert_eq!(said.rest(), [(LOUD.0, LOUD.1, line)]);
    }
}
