//! An error as the `exception.*` attributes of the semantic conventions.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::error::Error;
use std::fmt::{self, Write};
use std::{env, io, net, num, string, sync, time};

use crate::telemetry::Value;

/// A chain may be a circle, so it ends somewhere.
const CAUSES: usize = 32;
/// A `Display` may go on for ever, so texts end somewhere, in bytes.
const MESSAGE: usize = 16 * 1024;
const STACKTRACE: usize = 64 * 1024;

/// What there is to say about an error.
pub(super) struct Exception {
    kind: Option<&'static str>,
    pub(super) message: String,
    stacktrace: String,
}

impl Exception {
    pub(super) fn new(error: &(dyn Error + 'static), backtrace: Option<&Backtrace>) -> Self {
        let mut message = Bounded::new(MESSAGE);
        message.put(format_args!("{error}"));
        let mut stacktrace = Bounded::new(STACKTRACE);
        stacktrace.put(format_args!("{}", message.text));
        let mut cause = error.source();
        for _ in 0..CAUSES {
            let Some(error) = cause else {
                break;
            };
            stacktrace.put(format_args!("\ncaused by: {error}"));
            cause = error.source();
        }
        if cause.is_some() {
            stacktrace.put(format_args!("\ncaused by: ..."));
        }
        if let Some(backtrace) =
            backtrace.filter(|backtrace| backtrace.status() == BacktraceStatus::Captured)
        {
            stacktrace.put(format_args!("\n{backtrace}"));
        }
        Self { kind: standard_type(error), message: message.text, stacktrace: stacktrace.text }
    }

    /// By their standard names.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&'static str, Value<'_>)> {
        [
            ("exception.type", self.kind),
            ("exception.message", Some(&*self.message)),
            ("exception.stacktrace", Some(&*self.stacktrace)),
        ]
        .into_iter()
        .filter_map(|(key, text)| Some((key, Value::Str(text?))))
    }
}

/// The name of an error of the standard library. Others do not tell: a `dyn Error` has no name, and
/// its `Debug` begins with a variant, a field or free text as often as with its type.
fn standard_type(error: &(dyn Error + 'static)) -> Option<&'static str> {
    macro_rules! first_of {
        ($($type:ty => $name:literal),* $(,)?) => {
            $(if error.is::<$type>() { return Some($name); })*
        };
    }
    first_of! {
        io::Error => "std::io::Error",
        fmt::Error => "std::fmt::Error",
        num::ParseIntError => "std::num::ParseIntError",
        num::ParseFloatError => "std::num::ParseFloatError",
        num::TryFromIntError => "std::num::TryFromIntError",
        std::str::Utf8Error => "std::str::Utf8Error",
        string::FromUtf8Error => "std::string::FromUtf8Error",
        env::VarError => "std::env::VarError",
        net::AddrParseError => "std::net::AddrParseError",
        sync::mpsc::RecvError => "std::sync::mpsc::RecvError",
        time::SystemTimeError => "std::time::SystemTimeError",
    }
    None
}

/// A text that is cut where it gets too long.
struct Bounded {
    text: String,
    most: usize,
}

impl Bounded {
    const fn new(most: usize) -> Self {
        Self { text: String::new(), most }
    }

    fn put(&mut self, text: fmt::Arguments<'_>) {
        // Full, or a `Display` that fails: what is written stays.
        let _ = self.write_fmt(text);
    }
}

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut end = text.len().min(self.most - self.text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.text.push_str(&text[..end]);
        // What comes after a cut must not follow it.
        if end < text.len() {
            self.most = self.text.len();
            return Err(fmt::Error);
        }
        Ok(())
    }
}
