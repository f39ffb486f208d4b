//! Plain data, one copy for both twins: what a host writes down, whatever the mode.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::SystemTime;

/// A borrowed attribute value; `format_args!` and references make one without allocating.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Value<'a> {
    /// True or false.
    Bool(bool),
    /// A signed integer; a `u64` above `i64::MAX` saturates.
    I64(i64),
    /// A floating-point number; NaN and infinities are carried as they are.
    F64(f64),
    /// Text.
    Str(&'a str),
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// Text that is written out only where it is recorded.
    Format(fmt::Arguments<'a>),
    /// Several values.
    Array(&'a [Self]),
}

macro_rules! value_from {
    ($($from:ty => |$value:ident| $make:expr;)*) => { $(
        impl<'a> From<$from> for Value<'a> {
            #[inline]
            fn from($value: $from) -> Self {
                $make
            }
        }
    )* };
}
value_from! {
    bool => |v| Value::Bool(v);
    i32 => |v| Value::I64(v.into());
    i64 => |v| Value::I64(v);
    u32 => |v| Value::I64(v.into());
    u64 => |v| Value::I64(i64::try_from(v).unwrap_or(i64::MAX));
    usize => |v| Value::I64(i64::try_from(v).unwrap_or(i64::MAX));
    f64 => |v| Value::F64(v);
    &'a str => |v| Value::Str(v);
    &'a String => |v| Value::Str(v);
    &'a [u8] => |v| Value::Bytes(v);
    fmt::Arguments<'a> => |v| Value::Format(v);
    &'a [Value<'a>] => |v| Value::Array(v);
}

/// OpenTelemetry's span kind; `Internal` unless said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Work inside one process.
    #[default]
    Internal,
    /// The serving side of a call.
    Server,
    /// The calling side of a call.
    Client,
    /// Hands a message to a queue.
    Producer,
    /// Takes a message from a queue.
    Consumer,
}

/// Which names the ready-made metrics of calls leave under; those of payloads, storage, sessions and
/// handlers have one name, and leave under it in every case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricNames {
    /// Both sets.
    #[default]
    Both,
    /// The semantic conventions' `rpc.{server,client}.call.duration`, in seconds.
    Semconv,
    /// `rpc_requests_total`, `rpc_errors_total` and `rpc_request_duration_ms`, of the serving side.
    Classic,
}

/// What the resource says by itself of the place where the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Detector {
    /// `telemetry.distro.name` and `.version`.
    Distro,
    /// `service.instance.id`: a random one for each process.
    Instance,
    /// `host.name`, on Linux, and `host.arch`.
    Host,
    /// `host.id`, by which a machine can be told again; off unless asked for.
    HostId,
    /// `os.type`, and on Linux `os.name`, `.version` and `.description`.
    Os,
    /// `process.pid` and `process.executable.name`.
    Process,
    /// `process.command_line` and `process.executable.path`, which may hold secrets; off unless asked for.
    CommandLine,
    /// `container.id`, on Linux.
    Container,
    /// `k8s.*`, from the variables of the downward API.
    Kubernetes,
}

/// How often batches leave, and how a failing endpoint is tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pace {
    /// The specification's schedule (5 s for spans, 1 s for logs, or what the variables say); retries wait 250 ms,
    /// doubled up to 30 s, with full jitter.
    #[default]
    Prompt,
    /// Spans and logs every 10 s where no variable says otherwise; retries wait 10 s, doubled up to 300 s, plus or
    /// minus 25 %.
    Patient,
}

/// When the current span of this crate is attached as OpenTelemetry's `Context`, at each poll and entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtelContext {
    /// From the moment on that `trackside::otel::layer()` has made the stock layer.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// A trace id; displays as 32 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(pub u128);

/// A span id; displays as 16 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanId(pub u64);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What became of every item, per signal, and what went wrong on the way.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Status {
    /// Spans.
    pub traces: Signal,
    /// Metrics; an item is one exported data point.
    pub metrics: Signal,
    /// Log records.
    pub logs: Signal,
    /// Spans whose guard was leaked or held beyond its poll; ended with that poll, or with the
    /// thread. Spans of `tracing` that were open when their layer went. Counted for the process.
    pub forgotten_spans: u64,
    /// Attributes and events for a span that had ended, or that belongs to another thread; thrown
    /// away. Counted for the process.
    pub late_writes: u64,
    /// What the configuration and the exporters had to say, oldest first: the newest 64.
    pub diagnostics: Vec<String>,
}

/// One signal's ledger.
///
/// At every quiet moment
/// `recorded == delivered + rejected + unconfirmed + dropped.total() + waiting + on_disk`.
/// Where a signal has several exporters, an item counts once for each of them.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Signal {
    /// Whether the signal is exported.
    pub on: bool,
    /// Why it is on or off, in a few words.
    pub why: Cow<'static, str>,
    /// Items since `init`: spans that ended, log records, data points at their collection.
    pub recorded: u64,
    /// Items that the peer acknowledged.
    pub delivered: u64,
    /// Items that the peer refused for good, by its status or in a partial success.
    pub rejected: u64,
    /// Items sent, not answered, and given up: at a shutdown, or by a foreign exporter.
    pub unconfirmed: u64,
    /// Items thrown away here, by cause.
    pub dropped: Dropped,
    /// Items in memory.
    pub waiting: u64,
    /// Items in the spool; 0 in this version, which has none.
    pub on_disk: u64,
    /// When the peer last acknowledged something.
    pub last_success: Option<SystemTime>,
    /// What last went wrong.
    pub last_error: Option<String>,
}

/// Drops by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// The recording thread's buffer was full, or the memory limit was reached there.
    pub ring_full: u64,
    /// The exporter's queue was full, by items or by the memory limit.
    pub queue_full: u64,
    /// The request was larger than the exporter (64 MiB) or the peer (status 413) takes.
    pub too_large: u64,
    /// Recorded after the shutdown, or left over at its deadline and never sent.
    pub shutdown: u64,
    /// Recorded, but the sampler said not to export; 0 in this version, no sampler says so.
    pub not_exported: u64,
}

impl Dropped {
    /// All causes together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.ring_full + self.queue_full + self.too_large + self.shutdown + self.not_exported
    }
}

/// A carrier that headers are written to.
///
/// Ready for `Vec<(String, String)>`, `HashMap<String, String>`, `BTreeMap<String, String>`,
/// `std::process::Command` and, with the feature `http`, `http::HeaderMap`.
pub trait Inject {
    /// Sets `name`, replacing a value under the same name in any case.
    fn set(&mut self, name: &str, value: &str);
}

/// A carrier that headers are read from; ready for the same types as [`Inject`], but for `Command`.
pub trait Extract {
    /// The first value under `name`, in any case.
    fn get(&self, name: &str) -> Option<&str>;

    /// Every value under `name`: `tracestate` and `baggage` may stand on several lines.
    fn each(&self, name: &str, take: &mut dyn FnMut(&str)) {
        if let Some(value) = self.get(name) {
            take(value);
        }
    }
}

/// The environment that a child process is given: the names in upper case, with `_` for what a variable has not.
///
/// ```
/// use std::process::Command;
/// use trackside::telemetry;
///
/// let mut job = Command::new("job");
/// telemetry::inject_into(&mut job); // TRACEPARENT and the like
/// ```
impl Inject for std::process::Command {
    fn set(&mut self, name: &str, value: &str) {
        let mut variable: String = name
            .chars()
            .map(|letter| match letter {
                'a'..='z' | 'A'..='Z' | '0'..='9' => letter.to_ascii_uppercase(),
                _ => '_',
            })
            .collect();
        if variable.starts_with(|first: char| first.is_ascii_digit()) || variable.is_empty() {
            variable.insert(0, '_');
        }
        self.env(variable, value);
    }
}

impl Inject for Vec<(String, String)> {
    fn set(&mut self, name: &str, value: &str) {
        // Any further value goes: two `traceparent`s would be as good as none.
        let mut found = false;
        self.retain_mut(|(n, old)| {
            if !n.eq_ignore_ascii_case(name) {
                return true;
            }
            if !found {
                value.clone_into(old);
            }
            !std::mem::replace(&mut found, true)
        });
        if !found {
            self.push((name.to_owned(), value.to_owned()));
        }
    }
}

impl Extract for Vec<(String, String)> {
    fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn each(&self, name: &str, take: &mut dyn FnMut(&str)) {
        self.iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .for_each(|(_, value)| take(value));
    }
}

macro_rules! map_carrier {
    ($map:ty, $($state:ident)?) => {
        impl$(<$state: std::hash::BuildHasher>)? Inject for $map {
            fn set(&mut self, name: &str, value: &str) {
                self.retain(|n, _| n == name || !n.eq_ignore_ascii_case(name));
                match self.get_mut(name) {
                    Some(old) => value.clone_into(old),
                    None => drop(self.insert(name.to_owned(), value.to_owned())),
                }
            }
        }

        impl$(<$state: std::hash::BuildHasher>)? Extract for $map {
            fn get(&self, name: &str) -> Option<&str> {
                self.get(name)
                    .or_else(|| {
                        self.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
                    })
                    .map(String::as_str)
            }

            fn each(&self, name: &str, take: &mut dyn FnMut(&str)) {
                self.iter()
                    .filter(|(n, _)| n.eq_ignore_ascii_case(name))
                    .for_each(|(_, value)| take(value));
            }
        }
    };
}
map_carrier!(HashMap<String, String, S>, S);
map_carrier!(BTreeMap<String, String>,);

/// Whether an output is a failure; every `Result` whose error can be displayed says so by itself.
///
/// ```
/// use trackside::telemetry::rpc::Outcome;
///
/// struct Reply { error: Option<String> }
///
/// impl Outcome for Reply {
///     type Error = String;
///
///     fn error(&self) -> Option<&String> {
///         self.error.as_ref()
///     }
/// }
/// ```
pub trait Outcome {
    /// What failed.
    type Error: fmt::Display;

    /// The failure, if this is one.
    fn error(&self) -> Option<&Self::Error>;
}

impl<T, E: fmt::Display> Outcome for Result<T, E> {
    type Error = E;

    fn error(&self) -> Option<&E> {
        self.as_ref().err()
    }
}

/// Which way a payload went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Received: `direction=IN`.
    In,
    /// Sent: `direction=OUT`.
    Out,
}
