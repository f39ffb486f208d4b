//! A batch as a server of calls has it: names and most values repeat, an id in each does not.

use super::{SampleAttributes, SampleEvent, SampleSpan, SampleStatus, SampleValue};
use crate::telemetry::Kind;

const SERVICES: [&str; 4] = [
    "acme.orders.v1.OrderService",
    "acme.inventory.v1.StockService",
    "acme.billing.v2.InvoiceService",
    "acme.users.v1.ProfileService",
];
const METHODS: [&str; 5] = ["Get", "List", "Create", "Update", "BatchGet"];
const HOSTS: [&str; 4] = [
    "orders-7f9c.prod.svc.local",
    "stock-55d8.prod.svc.local",
    "billing-6b7d.prod.svc.local",
    "users-9c4e.prod.svc.local",
];
const BASE: u64 = 1_790_000_000_000_000_000;

/// Numbers that are the same each time and look random.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }
}

pub(crate) fn resource() -> Vec<(String, String)> {
    let pairs = [
        ("service.name", "order-service"),
        ("service.version", "1.42.7"),
        ("service.namespace", "acme"),
        ("host.name", "node-17.eu-west-1.internal"),
        ("k8s.pod.name", "order-service-7f9c6b7d55-x2x9q"),
        ("k8s.namespace.name", "prod"),
        ("telemetry.sdk.name", "opentelemetry"),
        ("telemetry.sdk.language", "rust"),
        ("telemetry.sdk.version", "0.33.1"),
        ("deployment.environment.name", "production"),
    ];
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()
}

/// Four spans to a trace, ten attributes to a span, two events to every twentieth.
pub(crate) fn batch(count: usize) -> Vec<SampleSpan> {
    let mut numbers = Numbers(0x0123_4567);
    let mut trace = 0;
    (0..count as u64)
        .map(|index| {
            let is_first = index % 4 == 0;
            if is_first {
                trace = u128::from(numbers.next()) << 64 | u128::from(numbers.next());
            }
            let parent = if is_first { 0 } else { numbers.next() };
            span(&mut numbers, index, trace, parent)
        })
        .collect()
}

fn span(numbers: &mut Numbers, index: u64, trace: u128, parent: u64) -> SampleSpan {
    let (service, method) = (numbers.below(4) as usize, numbers.below(5) as usize);
    let start = BASE + index * 40_000 + numbers.below(30_000);
    let has_failed = numbers.below(20) == 0;
    let text = |text: &str| SampleValue::Str(text.to_owned());
    let (a, b, c) = (numbers.below(4), numbers.below(16), numbers.below(250));
    let (d, e) = (numbers.next(), numbers.next());
    let request = format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        d as u32,
        (d >> 32) as u16,
        (d >> 48) & 0xfff,
        e >> 52,
        e & 0xffff_ffff_ffff
    );
    let pairs = [
        ("rpc.system", text("grpc")),
        ("rpc.service", text(SERVICES[service])),
        ("rpc.method", text(METHODS[method])),
        ("rpc.grpc.status_code", SampleValue::I64(if has_failed { 13 } else { 0 })),
        ("server.address", text(HOSTS[service])),
        ("server.port", SampleValue::I64(8443)),
        ("client.address", SampleValue::Str(format!("10.{a}.{b}.{c}"))),
        ("network.peer.port", SampleValue::I64(30_000 + numbers.below(30_000) as i64)),
        ("request.id", SampleValue::Str(request)),
        ("rpc.request.size", SampleValue::I64(numbers.below(20_000) as i64)),
    ];
    let has_events = numbers.below(20) == 0;
    let events = ["retry", "exception"].map(|name| SampleEvent {
        time: start + 5000,
        name: name.to_owned(),
        attributes: SampleAttributes {
            pairs: vec![
                ("exception.type".to_owned(), text("Unavailable")),
                ("retry.attempt".to_owned(), SampleValue::I64(2)),
            ],
            dropped: 0,
        },
    });
    SampleSpan {
        trace,
        span: numbers.next(),
        parent,
        trace_flags: 1,
        name: format!("{}/{}", SERVICES[service], METHODS[method]),
        kind: Kind::Server,
        start,
        end: start + 100_000 + numbers.below(9_000_000),
        status: if has_failed {
            SampleStatus::Error("unavailable".to_owned())
        } else {
            SampleStatus::Unset
        },
        attributes: SampleAttributes {
            pairs: pairs.map(|(key, value)| (key.to_owned(), value)).to_vec(),
            dropped: 0,
        },
        events: if has_events { events.to_vec() } else { Vec::new() },
        ..SampleSpan::default()
    }
}
