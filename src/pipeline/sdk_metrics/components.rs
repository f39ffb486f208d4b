//! Which part of the SDK a number is about.

use crate::config::plan::{CapnpPlan, ExporterPlan, OtlpPlan, Protocol, Target};
use crate::encode::view::{Any, Pairs};

/// `otel.component.*`, and where it sends.
pub(super) struct Component {
    kind: String,
    name: String,
    server: Option<(String, u16)>,
}

impl Component {
    fn new(kind: String, index: usize) -> Self {
        Self { name: format!("{kind}/{index}"), kind, server: None }
    }

    pub(super) fn pairs(&self) -> Pairs<'_> {
        let mut pairs = vec![
            ("otel.component.type", Any::Str(&self.kind)),
            ("otel.component.name", Any::Str(&self.name)),
        ];
        if let Some((host, port)) = &self.server {
            pairs.push(("server.address", Any::Str(host)));
            pairs.push(("server.port", Any::I64(i64::from(*port))));
        }
        pairs
    }
}

/// What batches; `noun` is `span`, `log` or `metric`.
pub(super) fn processor(noun: &str, index: usize) -> Component {
    Component::new(format!("batching_{noun}_processor"), index)
}

/// The conventions' words where they have some.
pub(super) fn exporter(plan: &ExporterPlan, noun: &str, index: usize) -> Component {
    let kind = match plan {
        ExporterPlan::Otlp(OtlpPlan { protocol: Protocol::HttpProtobuf, .. }) => "otlp_http",
        ExporterPlan::Otlp(OtlpPlan { protocol: Protocol::HttpJson, .. }) => "otlp_http_json",
        ExporterPlan::Otlp(OtlpPlan { protocol: Protocol::Grpc, .. }) => "otlp_grpc",
        ExporterPlan::Capnp(_) => "capnp",
        ExporterPlan::Foreign(_) => "foreign",
        ExporterPlan::Console { .. } => "console",
        ExporterPlan::File(_) => "otlp_file",
        ExporterPlan::Prometheus(_) => "prometheus_http_text",
    };
    let mut component = Component::new(format!("{kind}_{noun}_exporter"), index);
    component.server = match plan {
        ExporterPlan::Otlp(OtlpPlan { url, .. }) => {
            let usual = if url.scheme_str() == Some("https") { 443 } else { 80 };
            url.host().map(|host| (host.to_owned(), url.port_u16().unwrap_or(usual)))
        }
        ExporterPlan::Capnp(CapnpPlan {
            target: Target::Tcp { host, port } | Target::Tls { host, port },
            ..
        }) => Some((host.clone(), *port)),
        _ => None,
    };
    component
}
