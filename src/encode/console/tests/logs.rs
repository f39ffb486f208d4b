//! Lines of log records.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::encode::console::LogsConsole;
use crate::encode::sample::arbitrary::sample_log;
use crate::encode::sample::{SampleAttributes, SampleLog, SampleValue};

const TIME: u64 = 1_790_000_000_123_456_789;

#[test]
fn a_line_for_each_record() {
    let attributes = [("item", "42"), ("why", "none left")];
    let logs = [
        SampleLog {
            trace: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736,
            span: 7,
            attributes: SampleAttributes { dropped: 2, ..SampleAttributes::from(&attributes[..]) },
            ..log(13, "orders.stock", "stock is low")
        },
        log(9, "", "listening\non \u{1b}[31mport"),
        SampleLog { time: 0, observed: TIME + 1_000_000, ..log(20, "db", &"x".repeat(121)) },
        SampleLog { time: 0, ..log(5, "db", "when?") },
        SampleLog { event_name: "user.login".into(), body: None, ..log(24, "auth", "") },
        SampleLog { severity_text: "notice".into(), ..log(0, "", "") },
        SampleLog {
            body: Some(SampleValue::Array([1, 2].map(SampleValue::I64).to_vec())),
            ..log(1, "", "")
        },
    ];
    let cut = format!("{}…", "x".repeat(120));
    assert_eq!(
        draw(&logs, false),
        format!(
            "\
14:13:20.123 WARN  orders.stock  stock is low  item=42 why=\"none left\" (2 attributes dropped)  trace 4bf92f35
14:13:20.123 INFO  listening\\non \\u{{1b}}[31mport
14:13:20.124 ERROR db  {cut}
--:--:--.--- DEBUG db  when?
14:13:20.123 FATAL auth  user.login
14:13:20.123 notice
14:13:20.123 TRACE [1, 2]

"
        )
    );
}

#[test]
fn colours_tell_the_levels_apart() {
    for (severity, level) in [
        (1, "\u{1b}[2mTRACE\u{1b}[0m"),
        (8, "\u{1b}[2mDEBUG\u{1b}[0m"),
        (12, "\u{1b}[36mINFO \u{1b}[0m"),
        (16, "\u{1b}[33mWARN \u{1b}[0m"),
        (17, "\u{1b}[31mERROR\u{1b}[0m"),
        (21, "\u{1b}[31mFATAL\u{1b}[0m"),
    ] {
        let text = draw(&[log(severity, "db", "slow")], true);
        let expected =
            format!("\u{1b}[2m14:13:20.123\u{1b}[0m {level} \u{1b}[36mdb\u{1b}[0m  slow\n\n");
        assert_eq!(text, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Whatever a record says, it is one line and drives no terminal.
    #[test]
    fn nothing_reaches_the_terminal(logs in vec(sample_log(), 0..8)) {
        let text = draw(&logs, false);
        prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
        prop_assert_eq!(text.lines().count(), logs.len() + usize::from(!logs.is_empty()));
    }
}

fn draw(logs: &[SampleLog], color: bool) -> String {
    let mut encoder = LogsConsole::new(color);
    logs.iter().for_each(|log| encoder.log(log));
    assert_eq!((encoder.logs() as usize, encoder.is_empty()), (logs.len(), logs.is_empty()));
    let text = encoder.finish();
    assert!(encoder.is_empty());
    String::from_utf8(text.to_vec()).unwrap()
}

fn log(severity: u8, scope: &str, message: &str) -> SampleLog {
    SampleLog {
        time: TIME,
        severity,
        scope: scope.into(),
        body: Some(SampleValue::Str(message.into())),
        ..SampleLog::default()
    }
}
