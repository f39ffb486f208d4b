//! gRPC, sockets, proxies and zstd, a row a case.

use super::signals::{Row, SIGNALS, Signal, coding, exporters, new, protocol};
use super::with;
use crate::config::TelemetryConfig;
use crate::config::declarative::SUPPORTED as FILES;
use crate::config::plan::{Plan, Protocol, Route};
use crate::export::{HAS_GRPC as GRPC, HAS_ZSTD as ZSTD};
use crate::tls::SUPPORTED as TLS;

const PROTOCOL: (&str, &str) = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
const NAMED: (&str, &str) = ("OTEL_SIGNAL_EXPORTER", "otlp");
const AT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4317");
const NO_GRPC: &str = "off: OTEL_EXPORTER_OTLP_PROTOCOL: \"grpc\": this build has no gRPC, which is the feature `grpc`; \
     switch it on, or use http/protobuf or http/json, on port 4318";

const fn of_grpc(text: &'static str) -> &'static str {
    if GRPC { text } else { NO_GRPC }
}

const fn said_of_grpc(text: &'static str) -> &'static str {
    if GRPC { text } else { "the feature `grpc`" }
}

fn route(signal: &Signal, plan: &Plan) -> String {
    match &signal.otlp(plan).expect("an OTLP exporter").route {
        Route::Direct => "direct".to_owned(),
        Route::Unix(path) => format!("unix {}", path.display()),
        Route::Proxy(proxy) => {
            let authorization = proxy.authorization.as_ref();
            let authorization = authorization.map(|value| value.to_str().unwrap().to_owned());
            format!("proxy {proxy} {}", authorization.unwrap_or_default()).trim_end().to_owned()
        }
    }
}

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    (new, &[PROTOCOL, AT], exporters, of_grpc("http://h:4317"), said_of_grpc("")),
    (new, &[("OTEL_EXPORTER_OTLP_PROTOCOL", "GRPC"), NAMED], exporters, if GRPC { "http://localhost:4317" } else { "off: OTEL_EXPORTER_OTLP_PROTOCOL: \"GRPC\": this build has no gRPC, which is the feature `grpc`; switch it on, or use http/protobuf or http/json, on port 4318" }, said_of_grpc("")),
    (new, &[PROTOCOL, ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318")], exporters, of_grpc("http://h:4318"), said_of_grpc("port 4318 is usually OTLP over HTTP, but gRPC is sent")),
    (new, &[PROTOCOL, ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4317/v1/traces")], exporters, of_grpc("http://h:4317"), said_of_grpc("OTEL_EXPORTER_OTLP_ENDPOINT: gRPC has no paths; end it after the port")),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_PROTOCOL", "http/json"), PROTOCOL, AT], protocol, "http/json", said_of_grpc("")),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_PROTOCOL", "http/protobuf"), PROTOCOL, ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318")], exporters, "http://h:4318/v1/signal", said_of_grpc("port 4318 is usually OTLP over HTTP")),
    (|_| TelemetryConfig::default().with_protocol("http/json"), &[("OTEL_EXPORTER_OTLP_SIGNAL_PROTOCOL", "http/protobuf"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318")], protocol, "http/json", ""),

    // Without a scheme it is TLS, unless it is said that there is none.
    (new, &[("OTEL_EXPORTER_OTLP_INSECURE", "true"), PROTOCOL, ("OTEL_EXPORTER_OTLP_ENDPOINT", "h:4317")], exporters, of_grpc("http://h:4317"), said_of_grpc("")),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_INSECURE", "true"), ("OTEL_EXPORTER_OTLP_INSECURE", "false"), PROTOCOL, ("OTEL_EXPORTER_OTLP_SIGNAL_ENDPOINT", "h:4317")], exporters, of_grpc("http://h:4317"), said_of_grpc("")),
    (new, &[PROTOCOL, ("OTEL_EXPORTER_OTLP_ENDPOINT", "h:4317")], exporters, if TLS { of_grpc("https://h:4317") } else if GRPC { "off: OTEL_EXPORTER_OTLP_ENDPOINT: \"h:4317\": without a scheme it means TLS, and this build has none, which is the feature `tls`; switch it on, write http://, or set OTEL_EXPORTER_OTLP_INSECURE=true" } else { NO_GRPC }, if TLS { said_of_grpc("") } else if GRPC { "the feature `tls`" } else { "the feature `grpc`" }),
    (new, &[("OTEL_EXPORTER_OTLP_INSECURE", "true"), PROTOCOL, AT], exporters, of_grpc("http://h:4317"), said_of_grpc("OTEL_EXPORTER_OTLP_INSECURE: not used: the endpoint's scheme says whether there is TLS")),

    (new, &[("OTEL_EXPORTER_OTLP_COMPRESSION", "Zstd"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318")], coding, if ZSTD { "zstd" } else { "none" }, if ZSTD { "" } else { "OTEL_EXPORTER_OTLP_COMPRESSION: this build has no zstd, which is the feature `zstd`" }),

    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http+unix:/run/otel.sock")], exporters, "http+unix:/run/otel.sock /v1/signal", ""),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "unix:///run/otel.sock")], route, "unix /run/otel.sock", ""),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_ENDPOINT", "unix:/run/otel.sock")], exporters, "http+unix:/run/otel.sock /v1/signal", ""),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http+unix://%2Frun%2Fotel.sock/base")], exporters, "http+unix:/run/otel.sock /base/v1/signal", ""),
    (new, &[("OTEL_EXPORTER_OTLP_SIGNAL_ENDPOINT", "http+unix://%2Frun%2Fotel.sock/whole")], exporters, "http+unix:/run/otel.sock /whole", ""),
    (new, &[PROTOCOL, ("OTEL_EXPORTER_OTLP_ENDPOINT", "unix:/run/otel.sock")], exporters, of_grpc("unix:/run/otel.sock"), said_of_grpc("")),
    (new, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "unix:otel.sock")], exporters, "off: OTEL_EXPORTER_OTLP_ENDPOINT: \"unix:otel.sock\": not the absolute path of a socket; write it as capnp+unix:/path or unix:/path", "not the absolute path"),
    (|_| TelemetryConfig::default().with_endpoint("unix:/run/otel.sock"), &[], route, "unix /run/otel.sock", ""),

    (new, &[("OTEL_CONFIG_FILE", "/no/such.yaml"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318")], exporters, if FILES { "off: OTEL_CONFIG_FILE: /no/such.yaml: there is no such file; correct the path" } else { "off: OTEL_CONFIG_FILE: this build reads no file of configuration, which is the feature `config-file`; switch it on, or leave the variable out" }, "OTEL_CONFIG_FILE"),

    (new, &[("HTTP_PROXY", "http://p:3128"), ("http_proxy", "http://q:1"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318")], route, "proxy p:3128", ""),
    (new, &[("http_proxy", "q"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318")], route, "proxy q:80", ""),
    (new, &[("http_proxy", "u:p%20w@q:3128"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318")], route, "proxy q:3128 Basic dTpwIHc=", ""),
    (new, &[("HTTPS_PROXY", "http://p:3128"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318")], route, "direct", ""),
    (new, &[("https_proxy", "http://p:3128"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318")], route, "direct", ""),
    (new, &[("HTTP_PROXY", "http://p:3128"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318")], route, "direct", ""),
    (new, &[("HTTP_PROXY", "http://p:3128"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1]:4318")], route, "direct", ""),
    (new, &[("HTTP_PROXY", "socks5://p:1080"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")], route, "direct", ""),
    (new, &[("HTTP_PROXY", "http://p:3128"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "unix:/run/otel.sock")], route, "unix /run/otel.sock", ""),
    (new, &[("NO_PROXY", "a.example,h"), ("HTTP_PROXY", "http://p:3128"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318")], route, "direct", ""),
    (new, &[("no_proxy", "*"), ("HTTP_PROXY", "http://p:3128"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318")], route, "direct", ""),
    (new, &[("HTTP_PROXY", "socks5://p:1080"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318")], exporters, "off: HTTP_PROXY: \"socks5://p:1080\": only proxies of plain HTTP can be used; write it as http://host:port", "HTTP_PROXY"),
    (new, &[("http_proxy", "socks5://p:1080"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318")], exporters, "off: http_proxy: \"socks5://p:1080\": only proxies of plain HTTP can be used; write it as http://host:port", "http_proxy"),
];

#[test]
fn each_row_comes_out_as_written_for_each_signal() {
    super::signals::check(ROWS);
}

#[test]
fn https_goes_through_its_own_proxy() {
    if !TLS {
        return;
    }
    let variables =
        [("HTTPS_PROXY", "http://p:3128"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://h")];
    let resolved = with(TelemetryConfig::default(), &variables);
    for signal in &SIGNALS {
        assert_eq!(route(signal, &resolved.plan), "proxy p:3128");
        assert!(signal.otlp(&resolved.plan).unwrap().is_tunneled());
    }
    assert!(resolved.report.to_string().contains("traces.otlp.proxy"), "{}", resolved.report);
    for name in ["HTTPS_PROXY", "https_proxy"] {
        let variables = [(name, "socks5://p:1080"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://h")];
        let resolved = with(TelemetryConfig::default(), &variables);
        let said = resolved.report.diagnostics();
        let expected = format!("{name}: \"socks5://p:1080\": only proxies of plain HTTP");
        assert!(said.iter().any(|line| line.starts_with(&expected)), "{said:?}");
    }
}

#[test]
fn each_signal_is_a_service_of_its_own() {
    if !GRPC {
        return;
    }
    let resolved = with(TelemetryConfig::default(), &[PROTOCOL, AT]);
    let paths = SIGNALS.each_ref().map(|signal| {
        let plan = signal.otlp(&resolved.plan).unwrap();
        assert_eq!(plan.protocol, Protocol::Grpc);
        plan.url.path().to_owned()
    });
    assert_eq!(
        paths,
        [
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        ]
    );
}

#[test]
fn what_an_argument_asks_for_and_cannot_have_is_an_error() {
    let refused = |config: TelemetryConfig| {
        config.with_variables(Vec::new()).plan().map(drop).map_err(|error| error.to_string())
    };
    let config = TelemetryConfig::default;
    let error = refused(config().with_protocol("http/thrift")).unwrap_err();
    let expected =
        "with_protocol: \"http/thrift\" is not a protocol; use http/protobuf, grpc or http/json";
    assert!(error.ends_with(expected), "{error}");
    let grpc = refused(config().with_protocol("grpc").with_endpoint("http://h:4317"));
    let bare = refused(config().with_protocol("grpc").with_endpoint("h:4317"));
    if GRPC {
        assert_eq!((grpc, bare), (Ok(()), Ok(())));
    } else {
        let error = grpc.unwrap_err();
        assert!(error.contains("this build has no gRPC, which is the feature `grpc`"), "{error}");
        assert!(bare.is_err());
    }
    let error = refused(config().with_endpoint("h:4318")).unwrap_err();
    assert!(error.contains("not a URL"), "{error}");
}
