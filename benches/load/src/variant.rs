//! The same server, four times.

/// One way to run the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    pub name: &'static str,
    /// By the build with the feature `telemetry`.
    pub is_compiled_in: bool,
    /// The sampling ratio where `init` is called.
    pub sampling: Option<&'static str>,
}

/// What the others are compared with.
pub const WITHOUT: &str = "compiled out";
/// What the aims are about.
pub const FULL: &str = "on at 1.0";

pub const VARIANTS: [Variant; 4] = [
    Variant { name: WITHOUT, is_compiled_in: false, sampling: None },
    Variant { name: "init not called", is_compiled_in: true, sampling: None },
    Variant { name: "on at 0", is_compiled_in: true, sampling: Some("0") },
    Variant { name: FULL, is_compiled_in: true, sampling: Some("1.0") },
];

/// Spans of a sampled request: the call and its handler.
pub const SPANS: u64 = 2;
/// What every call adds to, sampled or not. `active_handlers` goes up and down beside them.
pub const METRICS: [&str; 3] =
    ["rpc_requests_total", "rpc_request_duration_ms", "rpc.server.call.duration"];

impl Variant {
    pub fn spans(&self) -> u64 {
        if self.sampling == Some("1.0") { SPANS } else { 0 }
    }

    pub fn metric_records(&self) -> u64 {
        if self.sampling.is_some() { METRICS.len() as u64 } else { 0 }
    }

    /// What the server finds in its environment; all else is trackside's default.
    pub fn variables(&self, sink: &str) -> Vec<(&'static str, String)> {
        let Some(ratio) = self.sampling else { return Vec::new() };
        vec![
            ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{sink}")),
            ("OTEL_SERVICE_NAME", "load".to_owned()),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio".to_owned()),
            ("OTEL_TRACES_SAMPLER_ARG", ratio.to_owned()),
            // More often than by default, so that every measurement pays for some collections.
            ("OTEL_METRIC_EXPORT_INTERVAL", "1000".to_owned()),
        ]
    }
}
