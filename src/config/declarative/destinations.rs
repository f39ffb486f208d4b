//! One exporter: its name, and what it needs to know.

use super::providers::{Signal, is_empty};
use super::reader::{Kind, Reader, below, child};
use super::resource::encoded;
use super::yaml::Node;
use crate::config::parse;

impl Reader {
    /// The exporter's name, as `OTEL_<SIGNAL>_EXPORTER` calls it. A signal has one endpoint, which the first
    /// exporter takes that has one.
    pub(super) fn exporter(
        &mut self,
        signal: Signal,
        node: &Node,
        path: &str,
        has_endpoint: &mut bool,
    ) -> Option<String> {
        let entry = self.only(node, path)?;
        let path = below(path, &entry.key);
        let node = &entry.node;
        let name = match entry.key.as_str() {
            "otlp_http" | "otlp_grpc" => "otlp",
            "capnp" => "capnp",
            "console" => {
                if !is_empty(node) {
                    self.leaves(node, &path, &[], &[], &["temporality_preference"]);
                }
                return Some("console".to_owned());
            }
            "otlp_file/development" | "otlp_file" => return self.file(node, &path),
            "prometheus/development" | "prometheus" => {
                let leaves = [
                    ("host", Kind::Text, "OTEL_EXPORTER_PROMETHEUS_HOST"),
                    ("port", Kind::Integer, "OTEL_EXPORTER_PROMETHEUS_PORT"),
                ];
                let unsupported = [
                    "without_scope_info",
                    "without_target_info",
                    "with_resource_constant_labels",
                    "translation_strategy",
                ];
                self.leaves(node, &path, &leaves, &[], &unsupported);
                return Some("prometheus".to_owned());
            }
            _ => {
                let known = "otlp_http, otlp_grpc, capnp, console, otlp_file/development, prometheus/development";
                let why = format!("not known; ignored; known are {known}");
                self.note(entry.line, &path, &why);
                return None;
            }
        };
        if std::mem::replace(has_endpoint, true) {
            let why = "a signal has one endpoint, which an exporter before this one has; ignored";
            self.note(entry.line, &path, why);
            return None;
        }
        self.connected(signal, &entry.key, node, &path);
        Some(name.to_owned())
    }

    /// What the exporters with an endpoint have in common, and what is one's own.
    fn connected(&mut self, signal: Signal, key: &str, node: &Node, path: &str) {
        let others = [
            "endpoint",
            "tls",
            "headers",
            "headers_list",
            "compression",
            "timeout",
            "encoding",
            "temporality_preference",
            "default_histogram_aggregation",
        ];
        let others = if signal.name == "METRICS" { &others[..] } else { &others[..7] };
        self.leaves(node, path, &[], others, &[]);
        for (key, kind, setting) in [
            ("endpoint", Kind::Text, "ENDPOINT"),
            ("compression", Kind::Text, "COMPRESSION"),
            ("timeout", Kind::Integer, "TIMEOUT"),
            ("default_histogram_aggregation", Kind::Text, "DEFAULT_HISTOGRAM_AGGREGATION"),
        ] {
            self.own(signal, node, path, (key, kind, setting));
        }
        if let Some(preference) = child(node, "temporality_preference") {
            let path = below(path, "temporality_preference");
            if let Some(text) = self.value(preference, &path, Kind::Text) {
                let variable = signal.variable("TEMPORALITY_PREFERENCE");
                self.give(&variable, text.replace('_', ""), preference.line, &path);
            }
        }
        if let Some(tls) = child(node, "tls") {
            let path = below(path, "tls");
            let known = ["ca_file", "key_file", "cert_file", "insecure"];
            self.leaves(
                tls,
                &path,
                &[],
                if key == "otlp_http" { &known[..3] } else { &known },
                &[],
            );
            for leaf in [
                ("ca_file", Kind::Text, "CERTIFICATE"),
                ("key_file", Kind::Text, "CLIENT_KEY"),
                ("cert_file", Kind::Text, "CLIENT_CERTIFICATE"),
                ("insecure", Kind::Boolean, "INSECURE"),
            ] {
                self.own(signal, tls, &path, leaf);
            }
        }
        self.headers(signal, node, path);
        let encoding = child(node, "encoding");
        let encoding =
            encoding.and_then(|node| self.value(node, &below(path, "encoding"), Kind::Text));
        let protocol = match (key, encoding.as_deref()) {
            ("otlp_grpc", _) => "grpc".to_owned(),
            ("capnp", _) => return,
            (_, Some("json")) => "http/json".to_owned(),
            (_, None | Some("protobuf")) => "http/protobuf".to_owned(),
            // It is refused by its rule, and named.
            (_, Some(other)) => format!("http/{other}"),
        };
        self.give(&signal.variable("PROTOCOL"), protocol, node.line, path);
    }

    /// A leaf that stands for a variable of the signal.
    fn own(
        &mut self,
        signal: Signal,
        node: &Node,
        path: &str,
        (key, kind, setting): (&str, Kind, &str),
    ) {
        let Some(leaf) = child(node, key) else { return };
        let path = below(path, key);
        if let Some(text) = self.value(leaf, &path, kind) {
            self.give(&signal.variable(setting), text, leaf.line, &path);
        }
    }

    /// `headers` over `headers_list`, both as the one variable. No value is shown.
    fn headers(&mut self, signal: Signal, node: &Node, path: &str) {
        let mut pairs = Vec::new();
        if let Some(list) = child(node, "headers_list") {
            let path = below(path, "headers_list");
            if let Some(text) = self.value(list, &path, Kind::Text) {
                let mut complaints = Vec::new();
                let found = parse::headers(&text, &mut complaints).unwrap_or_default();
                complaints.iter().for_each(|complaint| self.note(list.line, &path, complaint));
                let text = |(name, value): (http::HeaderName, http::HeaderValue)| {
                    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    (name.as_str().to_owned(), value)
                };
                pairs.extend(found.into_iter().map(text));
            }
        }
        for (index, item) in self.list(node, path, "headers").into_iter().enumerate() {
            let path = format!("{path}.headers[{index}]");
            self.leaves(item, &path, &[], &["name", "value"], &[]);
            let part = |reader: &mut Self, key| {
                let node = child(item, key)?;
                reader.value(node, &below(&path, key), Kind::Text)
            };
            let (name, value) = (part(self, "name"), part(self, "value"));
            let (Some(name), Some(value)) = (name, value) else {
                self.note(item.line, &path, "a header needs a name and a value; ignored");
                continue;
            };
            parse::put(&mut pairs, name.to_ascii_lowercase(), value);
        }
        if !pairs.is_empty() {
            let text: Vec<_> =
                pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
            let path = below(path, "headers");
            self.give(&signal.variable("HEADERS"), text.join(","), node.line, &path);
        }
    }

    /// A file's directory is the host's to choose.
    fn file(&mut self, node: &Node, path: &str) -> Option<String> {
        self.leaves(node, path, &[], &["output_stream"], &[]);
        let stream = child(node, "output_stream");
        let stream =
            stream.and_then(|node| self.value(node, &below(path, "output_stream"), Kind::Text));
        match stream.as_deref() {
            None | Some("stdout") => Some("otlp/stdout".to_owned()),
            Some(_) => {
                let why = "only stdout is supported here; ignored; the host names a directory by with_file_directory";
                self.note(node.line, path, why);
                None
            }
        }
    }
}
