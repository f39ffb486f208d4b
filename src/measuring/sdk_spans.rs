//! Spans as a processor of the SDK hands them to an exporter, for `benches/instructions`; those of `benches/wire`.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

const METHODS: [&str; 10] =
    ["get", "put", "list", "delete", "watch", "lease", "grant", "revoke", "status", "compact"];

pub(crate) fn resource() -> Resource {
    let attributes = [
        ("service.name", "shop"),
        ("service.version", "1.4.2"),
        ("deployment.environment.name", "production"),
        ("host.name", "node-17.eu-west.example.com"),
        ("os.type", "linux"),
        ("process.runtime.name", "rust"),
    ];
    let attributes = attributes.map(|(key, value)| KeyValue::new(key, value));
    Resource::builder_empty().with_attributes(attributes).build()
}

/// Numbers that are the same each time and look random.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[(self.next() % words.len() as u64) as usize]
    }
}

/// Random ids, names and most values that repeat, some that never do; on each span an event and a link, if told so.
pub(crate) fn batch(count: usize, attributes: usize, with_events: bool) -> Vec<SpanData> {
    let numbers = &mut Numbers(1);
    let scope = InstrumentationScope::builder("shop.rpc").with_version("1.4.2").build();
    (0..count).map(|_| span(attributes, with_events, &scope, numbers)).collect()
}

fn context(numbers: &mut Numbers) -> SpanContext {
    let trace = u128::from(numbers.next()) << 64 | u128::from(numbers.next());
    let (trace, span) = (TraceId::from(trace), SpanId::from(numbers.next() | 1));
    SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE)
}

fn span(
    count: usize,
    with_events: bool,
    scope: &InstrumentationScope,
    numbers: &mut Numbers,
) -> SpanData {
    let method = numbers.of(&METHODS);
    let start = SystemTime::UNIX_EPOCH
        + Duration::from_nanos(1_790_000_000_000_000_000 + numbers.next() % 1_000_000_000);
    let (mut events, mut links) = (SpanEvents::default(), SpanLinks::default());
    if with_events {
        let attributes =
            vec![KeyValue::new("message.type", "SENT"), KeyValue::new("message.id", 1_i64)];
        events.events.push(Event::new("message", start, attributes, 0));
        let attributes = vec![KeyValue::new("link.reason", "retry")];
        links.links.push(Link::new(context(numbers), attributes, 0));
    }
    SpanData {
        span_context: context(numbers),
        parent_span_id: SpanId::from(numbers.next() | 1),
        parent_span_is_remote: false,
        span_kind: SpanKind::Server,
        name: method.into(),
        start_time: start,
        end_time: start + Duration::from_nanos(numbers.next() % 50_000_000),
        attributes: attributes(count, method, numbers),
        dropped_attributes_count: 0,
        events,
        links,
        status: Status::Unset,
        instrumentation_scope: scope.clone(),
    }
}

/// The first `count` of sixteen: 9 texts that repeat, 3 integers, a boolean, a double, 2 texts that hardly do.
fn attributes(count: usize, method: &'static str, numbers: &mut Numbers) -> Vec<KeyValue> {
    let peer = format!("10.0.{}.{}", numbers.next() % 4, numbers.next() % 16);
    let mut all = vec![
        KeyValue::new("rpc.system", "capnp"),
        KeyValue::new("rpc.method", method),
        KeyValue::new("client.address", peer),
        KeyValue::new("rpc.response.status_code", (numbers.next() % 3) as i64),
        KeyValue::new("rpc.service", "shop.Store"),
        KeyValue::new("server.address", "store.internal.example.com"),
        KeyValue::new("server.port", 4319_i64),
        KeyValue::new("network.transport", "tcp"),
        KeyValue::new("network.type", "ipv4"),
        KeyValue::new("request.id", format!("{:016x}-{:016x}", numbers.next(), numbers.next())),
        KeyValue::new("request.bytes", (numbers.next() % 100_000) as i64),
        KeyValue::new("cache.hit", numbers.next() % 2 == 0),
        KeyValue::new("load", (numbers.next() % 1000) as f64 / 1000.0),
        KeyValue::new("user.id", format!("user-{}", numbers.next() % 1000)),
        KeyValue::new("region", numbers.of(&["eu-west-1", "eu-central-1", "us-east-2"])),
        KeyValue::new("tenant", numbers.of(&["acme", "globex", "initech", "umbrella"])),
    ];
    all.truncate(count);
    all
}
