//! What a person would see.

mod logs;
mod metrics;

use proptest::collection::vec;
use proptest::prelude::*;

use super::ConsoleEncoder;
use crate::encode::sample::arbitrary::sample_span;
use crate::encode::sample::{
    SampleAttributes, SampleEvent, SampleLink, SampleSpan, SampleStatus, SampleValue,
};
use crate::telemetry::Kind;

const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
const START: u64 = 1_790_000_000_000_000_000;
const US: u64 = 1_000;

#[test]
fn a_nested_trace() {
    let long = format!("db.query.text={}…", "x".repeat(120));
    let expected = format!(
        "\
trace 4bf92f3577b34da6a3ce929d0e0e4736 · checkout · 12.4 ms · 5 spans · 1 error
  12.4 ms ━━━━━━━━━━━━━━━━━━━━ POST /orders (server)  parent 00f067aa0ba902b7 (remote)  http.route=/orders
  8.80 ms  ━━━━━━━━━━━━━━━━    ├─ store order
  8.10 ms   ━━━━━━━━━━━━━━     │  ├─ db.query (client)  ✗ deadlock found\\nretry
                               │  │      db.system.name=postgresql
                               │  │      {long}
 +6.00 ms            •         │  │    • exception (1 attribute dropped)  exception.type=\"Dead\\u{{0}}lock\\u{{1b}}[31m\"
                               │  │    (3 attributes, 1 event dropped)
   360 µs                ━━    │  └─ db.commit
   950 µs                   ━━ └─ render
                                    → trace 0af7651916cd43dd8448eb211c80319c span b7ad6b7169203331 (remote)
                                      why=\"batched with\"

"
    );
    assert_eq!(draw(&nested(), false), expected);
}

#[test]
fn details_stand_beside_the_line_to_the_children() {
    let mut root = span(1, 0, "root", 0, 1000);
    root.events = vec![SampleEvent { time: START - 1, name: "early".into(), ..Default::default() }];
    root.status = SampleStatus::Ok;
    assert_eq!(
        draw(&[span(2, 1, "child", 999, 1000), root], false),
        "\
trace 4bf92f3577b34da6a3ce929d0e0e4736 · checkout · 1.00 ms · 2 spans
  1.00 ms ━━━━━━━━━━━━━━━━━━━━ root  ✓
    -1 ns •                    │ • early
  1.00 µs                    ━ └─ child

"
    );
}

#[test]
fn a_tree_for_each_trace_and_a_mark_for_a_parent_elsewhere() {
    let other = SampleSpan { trace: 7, ..span(9, 8, "late", 5, 4) };
    assert_eq!(
        draw(&[other, span(2, 1, "orphan", 1, 3), span(3, 2, "child", 2, 3)], false),
        "\
trace 4bf92f3577b34da6a3ce929d0e0e4736 · checkout · 2.00 µs · 2 spans
  2.00 µs ━━━━━━━━━━━━━━━━━━━━ … orphan
  1.00 µs           ━━━━━━━━━━ └─ child

trace 00000000000000000000000000000007 · checkout · 0 ns · 1 span
 -1.00 µs ━                    … late

"
    );
}

#[test]
fn wrong_parents_neither_loop_nor_lose_a_span() {
    let spans = [
        span(1, 3, "one", 0, 9),
        span(2, 1, "two", 1, 9),
        span(3, 2, "three", 2, 9),
        span(4, 4, "self", 3, 9),
        span(2, 0, "two again", 4, 9),
    ];
    let names: Vec<String> =
        draw(&spans, false).lines().skip(1).map(|line| line.chars().skip(31).collect()).collect();
    assert_eq!(names, ["… self", "two again", "… one", "└─ two", "   └─ three", ""]);
}

#[test]
fn colours_only_if_asked_for() {
    let colored = draw(&nested(), true);
    assert!(colored.contains("\u{1b}[1mPOST /orders\u{1b}[0m\u{1b}[36m (server)\u{1b}[0m"));
    assert!(colored.contains("\u{1b}[31m  ✗ deadlock found\\nretry\u{1b}[0m"));
    let mut bare = colored;
    for code in ["0", "1", "2", "31", "36"] {
        bare = bare.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(bare, draw(&nested(), false));
    assert!(!bare.contains('\u{1b}'));
}

#[test]
fn every_kind_of_value() {
    let show = |value: SampleValue| {
        let attributes = SampleAttributes { pairs: vec![("k".into(), value)], dropped: 0 };
        let text = draw(&[SampleSpan { attributes, ..span(1, 0, "s", 0, 1) }], false);
        text.split_once("k=").unwrap().1.trim_end().to_owned()
    };
    let text = |text: &str| show(SampleValue::Str(text.into()));
    assert_eq!(show(SampleValue::Bool(false)), "false");
    assert_eq!(show(SampleValue::I64(i64::MIN)), "-9223372036854775808");
    assert_eq!(show(SampleValue::F64(f64::NAN)), "NaN");
    assert_eq!(show(SampleValue::F64(-0.0)), "-0.0");
    assert_eq!(show(SampleValue::Bytes(vec![0, 255])), "0x00ff");
    assert_eq!(text("a\u{9b}b\u{202e}c\u{7f}"), "a\\u{9b}b\\u{202e}c\\u{7f}");
    assert_eq!(text("say \"a=b\""), "\"say \\\"a=b\\\"\"");
    assert_eq!(text(""), "\"\"");
    assert_eq!(text(&"ä".repeat(120)), "ä".repeat(120));
    assert_eq!(text(&"ä".repeat(121)), "ä".repeat(120) + "…");
    let pair = || SampleValue::Array(vec![SampleValue::I64(1), SampleValue::Str("a,b".into())]);
    assert_eq!(show(SampleValue::Array(vec![pair(), pair()])), "[[1, \"a,b\"], [1, \"a,b\"]]");
    let deep = (0..500).fold(pair(), |inner, _| SampleValue::Array(vec![inner]));
    assert_eq!(show(deep), "[".repeat(120) + "…");
}

#[test]
fn durations_have_three_digits() {
    let show = |nanos: u64| super::time::duration(0, nanos);
    for (nanos, expected) in [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1.00 µs"),
        (9_994, "9.99 µs"),
        (9_996, "10.0 µs"),
        (99_940, "99.9 µs"),
        (99_960, "100 µs"),
        (999_499, "999 µs"),
        (999_500, "1.00 ms"),
        (12_345_678, "12.3 ms"),
        (59_900_000_000, "59.9 s"),
        (7_200_000_000_000, "120 min"),
        (u64::MAX, "213504 d"),
    ] {
        assert_eq!(show(nanos), expected);
    }
    assert_eq!(super::time::duration(1_500, 0), "-1.50 µs");
    assert_eq!(super::time::offset(0, 0), "+0 ns");
}

#[test]
fn a_deep_chain_stays_readable() {
    let chain: Vec<SampleSpan> = (1..5_000).map(|id| span(id, id - 1, "call", id, 5_000)).collect();
    let text = draw(&chain, false);
    assert_eq!(text.matches("call").count(), chain.len());
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert_eq!(widest, Some(31 + 3 * 32 + "call".len()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Whatever a span says, it takes part in one line of text and drives no terminal.
    #[test]
    fn nothing_reaches_the_terminal(mut spans in vec(sample_span(), 0..8), parents in vec(0..9_u64, 8)) {
        for (id, span) in spans.iter_mut().enumerate() {
            span.trace = id as u128 % 2;
            span.span = id as u64 % 5;
            span.parent = parents[id];
        }
        let text = draw(&spans, false);
        prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
        let rows: usize = spans.iter().map(|span| 1 + span.events.len() + span.links.len()).sum();
        prop_assert!(text.lines().count() >= rows);
    }
}

fn draw(spans: &[SampleSpan], color: bool) -> String {
    let resource = [("service.name".into(), "checkout".into()), ("a".into(), "b".into())];
    let mut encoder = ConsoleEncoder::new(&resource, color);
    for span in spans {
        encoder.span(span);
    }
    assert_eq!(encoder.spans() as usize, spans.len());
    assert_eq!(encoder.is_empty(), spans.is_empty());
    let text = encoder.finish();
    assert_eq!((encoder.spans(), encoder.len()), (0, 0));
    String::from_utf8(text.to_vec()).unwrap()
}

/// A span that starts and ends so many microseconds after `START`.
fn span(id: u64, parent: u64, name: &str, start: u64, end: u64) -> SampleSpan {
    SampleSpan {
        trace: TRACE,
        span: id,
        parent,
        name: name.into(),
        start: START + start * US,
        end: START + end * US,
        ..SampleSpan::default()
    }
}

fn attributes(pairs: &[(&str, &str)]) -> SampleAttributes {
    SampleAttributes::from(pairs)
}

/// Finished innermost first, as spans are.
fn nested() -> Vec<SampleSpan> {
    vec![
        SampleSpan {
            kind: Kind::Client,
            status: SampleStatus::Error("deadlock found\nretry".into()),
            attributes: SampleAttributes {
                dropped: 3,
                ..attributes(&[
                    ("db.system.name", "postgresql"),
                    ("db.query.text", &"x".repeat(130)),
                ])
            },
            events: vec![SampleEvent {
                time: START + 7_400 * US,
                name: "exception".into(),
                attributes: SampleAttributes {
                    dropped: 1,
                    ..attributes(&[("exception.type", "Dead\0lock\u{1b}[31m")])
                },
            }],
            dropped_events: 1,
            ..span(3, 2, "db.query", 1_400, 9_500)
        },
        SampleSpan {
            links: vec![SampleLink {
                trace: 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c,
                span: 0xb7ad_6b71_6920_3331,
                is_remote: true,
                attributes: attributes(&[("why", "batched with")]),
                ..SampleLink::default()
            }],
            ..span(5, 1, "render", 11_450, 12_400)
        },
        span(4, 2, "db.commit", 9_600, 9_960),
        span(2, 1, "store order", 1_200, 10_000),
        SampleSpan {
            kind: Kind::Server,
            parent_is_remote: true,
            attributes: attributes(&[("http.route", "/orders")]),
            ..span(1, 0x00f0_67aa_0ba9_02b7, "POST /orders", 0, 12_400)
        },
    ]
}
