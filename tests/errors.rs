//! Errors as `exception.*`, on spans and on log records, whatever the error does.

#![cfg(feature = "telemetry")]

use std::backtrace::Backtrace;
use std::error::Error;
use std::fmt;
use std::io;

use trackside::telemetry;
use trackside::testing::{Capture, CapturedStatus, CapturedValue};

/// An error of a host: what it says, and what is behind it.
struct Failed(Says, Behind);

enum Says {
    This(&'static str),
    Nothing,
    Without(char),
}

enum Behind {
    Error(Box<dyn Error + Send + Sync>),
    Itself,
    Nobody,
}

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoTypeOfMine(1)")
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Says::This(text) => f.write_str(text),
            Says::Nothing => {
                f.write_str("half")?;
                Err(fmt::Error)
            }
            // Without an end, were there no limit.
            Says::Without(letter) => loop {
                write!(f, "{letter}")?;
            },
        }
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.1 {
            Behind::Error(error) => Some(&**error),
            Behind::Itself => Some(self),
            Behind::Nobody => None,
        }
    }
}

/// `exception.type`, `.message` and `.stacktrace` of the event; the status has the message, too.
fn recorded(error: &(dyn Error + 'static), backtrace: Option<&Backtrace>) -> [Option<String>; 3] {
    let capture = Capture::start();
    drop(telemetry::span("work").with(|span| {
        match backtrace {
            Some(backtrace) => span.record_error_with(error, backtrace),
            None => span.record_error(error),
        };
    }));
    let span = capture.span("work");
    assert_eq!(span.events.len(), 1);
    assert_eq!(span.events[0].name, "exception");
    let fields = fields(&span.events[0].attributes);
    assert_eq!(span.status, CapturedStatus::Error(fields[1].clone().expect("there is a message")));
    fields
}

fn fields(attributes: &[(String, CapturedValue)]) -> [Option<String>; 3] {
    ["type", "message", "stacktrace"].map(|field| {
        let key = format!("exception.{field}");
        attributes.iter().find(|(found, _)| *found == key).map(|(_, value)| match value {
            CapturedValue::Str(text) => text.clone(),
            other => panic!("{key} is no text: {other:?}"),
        })
    })
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn the_chain_is_there_and_the_type_where_it_is_known() {
    let io = io::Error::new(io::ErrorKind::NotFound, "no such file");
    let error = Failed(Says::This("cannot load"), Behind::Error(Box::new(io)));
    let chain = "cannot load\ncaused by: no such file";
    assert_eq!(recorded(&error, None), [None, text("cannot load"), text(chain)]);

    let error = io::Error::other("disk gone");
    let [kind, ..] = recorded(&error, None);
    assert_eq!(kind, text("std::io::Error"));
    let error = "many".parse::<u32>().expect_err("no number");
    let [kind, message, stacktrace] = recorded(&error, None);
    assert_eq!(kind, text("std::num::ParseIntError"));
    assert_eq!(message, stacktrace, "an error without causes is its own chain");
}

#[test]
fn a_backtrace_is_added_if_it_was_captured() {
    let error = io::Error::other("disk gone");
    let [_, message, stacktrace] = recorded(&error, Some(&Backtrace::force_capture()));
    let stacktrace = stacktrace.expect("there is a chain");
    assert_eq!(message, text("disk gone"));
    assert!(stacktrace.starts_with("disk gone\n"), "{stacktrace}");
    assert!(stacktrace.contains("a_backtrace_is_added_if_it_was_captured"), "{stacktrace}");
    assert!(stacktrace.len() <= 64 * 1024);

    let [_, _, stacktrace] = recorded(&error, Some(&Backtrace::disabled()));
    assert_eq!(stacktrace, text("disk gone"));
}

#[test]
fn an_error_without_an_end_has_one_here() {
    let circle = Failed(Says::This("round"), Behind::Itself);
    let [_, _, stacktrace] = recorded(&circle, None);
    let stacktrace = stacktrace.expect("there is a chain");
    assert_eq!(stacktrace.matches("\ncaused by: round").count(), 32);
    assert!(stacktrace.ends_with("\ncaused by: ..."), "{stacktrace}");

    // 16 KiB is no multiple of three bytes: the letter that does not fit is left out whole.
    let [_, message, _] = recorded(&Failed(Says::Without('€'), Behind::Itself), None);
    let message = message.expect("there is a message");
    assert_eq!(message.len(), 16 * 1024 / 3 * 3);
    let long = Failed(Says::Without('x'), Behind::Error(Box::new(circle)));
    let [_, message, stacktrace] = recorded(&long, None);
    assert_eq!(message.map(|text| text.len()), Some(16 * 1024));
    assert!(stacktrace.is_some_and(|text| text.contains("x\ncaused by: round\n")));
    let long = Failed(Says::Without('x'), Behind::Error(Box::new(long)));
    let [_, _, stacktrace] = recorded(&long, None);
    assert_eq!(stacktrace.map(|text| text.len()), Some(64 * 1024));
}

#[test]
fn a_display_that_fails_leaves_what_it_wrote() {
    let error = Failed(Says::Nothing, Behind::Nobody);
    assert_eq!(recorded(&error, None), [None, text("half"), text("half")]);
}

#[test]
fn a_log_record_tells_of_an_error_on_its_span() {
    let capture = Capture::start();
    let guard = telemetry::span("work");
    let span = telemetry::current().span_id();
    let error = io::Error::other(Failed(Says::This("disk gone"), Behind::Nobody));
    telemetry::log_error(40, "cannot save", "shop.orders", 17, "worker-1", &error);
    drop(guard);
    let [log] = &capture.logs()[..] else { panic!("one record") };
    let expected = [text("std::io::Error"), text("disk gone"), text("disk gone")];
    assert_eq!(fields(&log.attributes), expected);
    assert_eq!((log.severity_text.as_str(), log.body.as_str()), ("ERROR", "cannot save"));
    assert_eq!((log.scope.as_str(), log.span_id), ("shop.orders", span));
    assert!(log.attributes.contains(&("thread.name".to_owned(), "worker-1".into())));
    assert!(capture.span("work").events.is_empty(), "the span is left alone");
}

#[test]
fn a_log_record_has_the_backtrace_that_was_captured() {
    let capture = Capture::start();
    let io = io::Error::new(io::ErrorKind::NotFound, "no such file");
    let error = Failed(Says::This("cannot load"), Behind::Error(Box::new(io)));
    for backtrace in [Backtrace::force_capture(), Backtrace::disabled()] {
        telemetry::log_error_with(50, "lost", "shop", 1, "", &error, &backtrace);
    }
    let [with, without] = &capture.logs()[..] else { panic!("two records") };
    let chain = "cannot load\ncaused by: no such file";
    let [_, message, stacktrace] = fields(&with.attributes);
    let stacktrace = stacktrace.expect("there is a chain");
    assert_eq!(message, text("cannot load"));
    assert!(stacktrace.starts_with(&format!("{chain}\n")), "{stacktrace}");
    let here = "a_log_record_has_the_backtrace_that_was_captured";
    assert!(stacktrace.contains(here), "{stacktrace}");
    assert_eq!(fields(&without.attributes), [None, text("cannot load"), text(chain)]);
}
