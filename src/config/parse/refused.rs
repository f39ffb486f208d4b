//! Words that the specification knows and this crate deliberately does not, and why.

pub(super) const REFUSED: [(&str, &str); 6] = [
    ("zipkin", "it is deprecated; send OTLP to a collector that speaks it"),
    ("logging", "it is deprecated; use console"),
    ("jaeger_remote", "no strategy is fetched; use traceidratio, or set_sampler while running"),
    (
        "parentbased_jaeger_remote",
        "no strategy is fetched; use parentbased_traceidratio, or set_sampler while running",
    ),
    ("xray", "it is one vendor's; use what the specification has of its own"),
    ("ottrace", "it is deprecated; use tracecontext"),
];
