//! What each answer means for the frame.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message as _;

use super::super::Outcome;
use super::collector::{Collector, Step};
use super::{AMPLE, delivered, outcome, outcomes, plan};

fn answer(status: u16, headers: &[(&'static str, &str)], body: impl Into<Vec<u8>>) -> Step {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Step::Answer { status, headers, body: body.into() }
}

fn partial(rejected_spans: i64, error_message: &str) -> Vec<u8> {
    let error_message = error_message.to_owned();
    let partial_success = Some(ExportTracePartialSuccess { rejected_spans, error_message });
    ExportTraceServiceResponse { partial_success }.encode_to_vec()
}

#[test]
fn a_status_decides_what_becomes_of_a_frame() {
    let table = [
        (200, "delivered"),
        (202, "delivered"),
        (204, "delivered"),
        (301, "refused"),
        (307, "refused"),
        (400, "refused"),
        (401, "refused"),
        (403, "refused"),
        (404, "refused"),
        (408, "refused"),
        (413, "too large"),
        (429, "retry"),
        (500, "refused"),
        (501, "refused"),
        (502, "retry, perhaps sent"),
        (503, "retry"),
        (504, "retry, perhaps sent"),
        (505, "refused"),
    ];
    let collector = Collector::start();
    collector.script(table.iter().map(|(status, _)| Step::status(*status)).collect());
    let outcomes = outcomes(&plan(&collector.url()), table.len());
    for ((status, expected), outcome) in table.into_iter().zip(outcomes) {
        let (found, error) = match outcome {
            Outcome::Delivered { rejected: 0, message: None } => ("delivered", None),
            Outcome::Delivered { .. } => ("delivered in part", None),
            Outcome::Retry { error, after: None, sent: false } => ("retry", Some(error)),
            Outcome::Retry { error, after: None, sent: true } => {
                ("retry, perhaps sent", Some(error))
            }
            Outcome::Retry { error, .. } => ("retry later", Some(error)),
            Outcome::Refused { error } => ("refused", Some(error)),
            Outcome::TooLarge { error } => ("too large", Some(error)),
            Outcome::Unconfirmed { error } => ("unconfirmed", Some(error)),
        };
        assert_eq!(found, expected, "{status}");
        if let Some(error) = error {
            let address = collector.url().replace("http://", "");
            assert!(error.starts_with(&format!("{address}: answered {status} ")), "{error}");
        }
    }
    assert_eq!(collector.requests().len(), table.len(), "nothing is sent twice or redirected");
    assert_eq!(collector.connections(), 1, "each of these answers leaves the connection good");
}

#[test]
fn retry_after_is_honoured_in_both_forms() {
    let date = |offset: i64| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        http_date(now.checked_add_signed(offset).unwrap())
    };
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let table = [
        ("7".to_owned(), seconds(7)),
        ("300".to_owned(), seconds(300)),
        ("301".to_owned(), seconds(300)),
        ("99999999999999999999999999".to_owned(), seconds(300)),
        ("0".to_owned(), None),
        ("-7".to_owned(), None),
        ("1.5".to_owned(), None),
        ("soon".to_owned(), None),
        (String::new(), None),
        (date(-60), None),
        (date(60), seconds(60)),
        (date(365 * 86_400), seconds(300)),
    ];
    for status in [429, 503] {
        let collector = Collector::start();
        let steps = table.iter().map(|(text, _)| answer(status, &[("Retry-After", text)], ""));
        collector.script(steps.collect());
        let outcomes = outcomes(&plan(&collector.url()), table.len());
        for ((text, expected), outcome) in table.iter().zip(outcomes) {
            let Outcome::Retry { after, error, .. } = outcome else { panic!("{outcome:?}") };
            match (after, expected) {
                // Time passes between writing and reading a date.
                (Some(after), Some(expected)) => {
                    let late = expected.saturating_sub(after);
                    assert!(after <= *expected && late < AMPLE, "{text}: {after:?}");
                }
                (after, expected) => assert_eq!(after, *expected, "{text}"),
            }
            let capped = matches!(text.as_str(), "301") || text.len() == 26;
            assert!(!capped || error.contains("gets 300 s"), "{error}");
        }
    }
}

/// An IMF-fixdate by counting days, unlike the parser.
fn http_date(seconds: u64) -> String {
    let (mut year, mut month, mut day) = (1970, 0, 1);
    for _ in 0..seconds / 86_400 {
        let leap = year % 4 == 0;
        let length = [31, 28 + u64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month];
        day += 1;
        if day > length {
            (month, day) = (month + 1, 1);
        }
        if month == 12 {
            (year, month) = (year + 1, 0);
        }
    }
    let month =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][month];
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("Mon, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

#[test]
fn partial_success_is_read() {
    let long = format!("{}\u{e9}\u{e9}", "x".repeat(255));
    let table = [
        (partial(3, "no thanks"), 3, Some("no thanks")),
        (partial(0, "careful"), 0, Some("careful")),
        (partial(3, ""), 3, None),
        (partial(11, ""), 10, None),
        (partial(-1, ""), 0, None),
        (partial(0, &long), 0, Some(&long[..255])),
        (partial(1, "a\r\n\u{1b}[31mb\u{85}"), 1, Some("a   [31mb")),
        ([partial(3, "a"), partial(4, "")].concat(), 4, Some("a")),
        ([&b"\x78\x01"[..], &partial(2, "")].concat(), 2, None),
        (b"".to_vec(), 0, None),
        (b"{\"partialSuccess\":{\"rejectedSpans\":3}}".to_vec(), 0, None),
        (b"<html>welcome</html>".to_vec(), 0, None),
        ([partial(3, "cut"), b"\x0a\x7f".to_vec()].concat(), 0, None),
        (vec![0xff; 100_000], 0, None),
    ];
    let collector = Collector::start();
    collector.script(table.iter().map(|(body, ..)| answer(200, &[], body.clone())).collect());
    let outcomes = outcomes(&plan(&collector.url()), table.len());
    for ((body, rejected, message), outcome) in table.into_iter().zip(outcomes) {
        let message = message.map(str::to_owned);
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]);
        assert_eq!(outcome, Outcome::Delivered { rejected, message }, "{shown}");
    }
}

#[test]
fn an_error_carries_the_words_of_the_peer() {
    let status =
        |message: &str| [&[8, 3, 18, message.len() as u8][..], message.as_bytes()].concat();
    let table = [
        (status("no such tenant"), ": no such tenant"),
        (b"plain\twords\n".to_vec(), ": plain words"),
        (vec![8, 3], ""),
        (b"\r\n".to_vec(), ""),
        (vec![b'x'; 3_000], &format!(": {}", "x".repeat(1024))),
        (vec![b'y'; 10_000_000], &format!(": {}", "y".repeat(1024))),
    ];
    for (body, expected) in table {
        let Outcome::Refused { error } = outcome(answer(400, &[], body)) else { panic!() };
        assert!(error.ends_with(&format!("answered 400 Bad Request{expected}")), "{error}");
    }
}

#[test]
fn an_answer_of_success_is_read_up_to_4_mib() {
    const MIB: usize = 1024 * 1024;
    assert_eq!(outcome(answer(200, &[], vec![0xff; 4 * MIB])), delivered());
    let Outcome::Refused { error } = outcome(answer(200, &[], vec![0xff; 10 * MIB])) else {
        panic!()
    };
    assert!(error.contains("more than 4194304 bytes"), "{error}");
}
