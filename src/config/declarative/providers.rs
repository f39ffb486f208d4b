//! The three providers: what is recorded, how it is batched, and to whom it goes.

use super::reader::{Kind, Leaf, Reader, below, child, has};
use super::yaml::{Node, Value};

/// A signal, as a file and as variables name it.
#[derive(Clone, Copy)]
pub(super) struct Signal {
    provider: &'static str,
    /// The list below it.
    list: &'static str,
    /// In the names of variables.
    pub(super) name: &'static str,
    batch: &'static [Leaf],
    limits: &'static [Leaf],
}

const TRACES: Signal = Signal {
    provider: "tracer_provider",
    list: "processors",
    name: "TRACES",
    batch: &[
        ("schedule_delay", Kind::Integer, "OTEL_BSP_SCHEDULE_DELAY"),
        ("export_timeout", Kind::Integer, "OTEL_BSP_EXPORT_TIMEOUT"),
        ("max_queue_size", Kind::Integer, "OTEL_BSP_MAX_QUEUE_SIZE"),
        ("max_export_batch_size", Kind::Integer, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"),
    ],
    limits: &[
        ("attribute_value_length_limit", Kind::Integer, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
        ("attribute_count_limit", Kind::Integer, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"),
        ("event_count_limit", Kind::Integer, "OTEL_SPAN_EVENT_COUNT_LIMIT"),
        ("link_count_limit", Kind::Integer, "OTEL_SPAN_LINK_COUNT_LIMIT"),
        ("event_attribute_count_limit", Kind::Integer, "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT"),
        ("link_attribute_count_limit", Kind::Integer, "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"),
    ],
};

const METRICS: Signal = Signal {
    provider: "meter_provider",
    list: "readers",
    name: "METRICS",
    batch: &[
        ("interval", Kind::Integer, "OTEL_METRIC_EXPORT_INTERVAL"),
        ("timeout", Kind::Integer, "OTEL_METRIC_EXPORT_TIMEOUT"),
    ],
    limits: &[],
};

const LOGS: Signal = Signal {
    provider: "logger_provider",
    list: "processors",
    name: "LOGS",
    batch: &[
        ("schedule_delay", Kind::Integer, "OTEL_BLRP_SCHEDULE_DELAY"),
        ("export_timeout", Kind::Integer, "OTEL_BLRP_EXPORT_TIMEOUT"),
        ("max_queue_size", Kind::Integer, "OTEL_BLRP_MAX_QUEUE_SIZE"),
        ("max_export_batch_size", Kind::Integer, "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE"),
    ],
    limits: &[
        (
            "attribute_value_length_limit",
            Kind::Integer,
            "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        ),
        ("attribute_count_limit", Kind::Integer, "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT"),
    ],
};

impl Reader {
    pub(super) fn providers(&mut self, root: &Node) {
        for signal in [TRACES, METRICS, LOGS] {
            let variable = format!("OTEL_{}_EXPORTER", signal.name);
            let Some(node) = child(root, signal.provider) else {
                // Without a provider nothing is recorded.
                self.give(&variable, "none", 0, signal.provider);
                continue;
            };
            let others: &[&str] = match signal.name {
                "TRACES" => &["processors", "limits", "sampler"],
                "METRICS" => &["readers", "exemplar_filter"],
                _ => &["processors", "limits"],
            };
            let leaf: &[Leaf] = match signal.name {
                "METRICS" => &[("exemplar_filter", Kind::Text, "OTEL_METRICS_EXEMPLAR_FILTER")],
                _ => &[],
            };
            self.leaves(node, signal.provider, leaf, others, &["views", "id_generator"]);
            if let Some(limits) = child(node, "limits") {
                let path = below(signal.provider, "limits");
                self.leaves(limits, &path, signal.limits, &[], &[]);
            }
            if let Some(sampler) = child(node, "sampler") {
                self.sampler(sampler);
            }
            let exporters = self.processors(signal, node);
            let exporters =
                if exporters.is_empty() { "none".to_owned() } else { exporters.join(",") };
            let path = below(signal.provider, signal.list);
            self.give(&variable, exporters, node.line, &path);
        }
    }

    /// The names of their exporters. A signal has one batch, so the first that says how counts.
    fn processors(&mut self, signal: Signal, node: &Node) -> Vec<String> {
        let mut exporters: Vec<String> = Vec::new();
        let (mut is_batched, mut has_endpoint) = (false, false);
        let items = self.list(node, signal.provider, signal.list);
        for (index, item) in items.into_iter().enumerate() {
            let path = format!("{}.{}[{index}]", signal.provider, signal.list);
            let Some(entry) = self.only(item, &path) else { continue };
            let path = below(&path, &entry.key);
            let leaves = match (entry.key.as_str(), signal.name) {
                ("batch", "TRACES" | "LOGS") | ("periodic", "METRICS") if !is_batched => {
                    is_batched = true;
                    signal.batch
                }
                ("batch", "TRACES" | "LOGS") | ("periodic", "METRICS") => {
                    let keys = signal.batch.iter().any(|(key, ..)| has(&entry.node, key));
                    if keys {
                        let why = "a signal has one batch, as its first processor says; ignored";
                        self.note(entry.line, &path, why);
                    }
                    &[]
                }
                ("simple", "TRACES" | "LOGS") => {
                    let why = "nothing is exported one by one; the signal's batch is used";
                    self.note(entry.line, &path, why);
                    &[]
                }
                ("pull", "METRICS") => &[],
                _ => {
                    let known = match signal.name {
                        "METRICS" => "periodic, pull",
                        _ => "batch, simple",
                    };
                    let why = format!("not known; ignored; known are {known}");
                    self.note(entry.line, &path, &why);
                    continue;
                }
            };
            let mut others = vec!["exporter"];
            if leaves.is_empty() {
                others.extend(signal.batch.iter().map(|(key, ..)| *key));
            }
            let unsupported = ["producers", "cardinality_limits"];
            self.leaves(&entry.node, &path, leaves, &others, &unsupported);
            let Some(exporter) = child(&entry.node, "exporter") else {
                self.note(entry.line, &path, "its exporter is missing; ignored");
                continue;
            };
            let name =
                self.exporter(signal, exporter, &below(&path, "exporter"), &mut has_endpoint);
            exporters.extend(name.filter(|name| !exporters.contains(name)));
        }
        exporters
    }

    fn sampler(&mut self, node: &Node) {
        let path = "tracer_provider.sampler";
        let Some(entry) = self.only(node, path) else { return };
        let (name, ratio) = if entry.key == "parent_based" {
            let path = below(path, "parent_based");
            let decided = [
                ("remote_parent_sampled", "always_on"),
                ("remote_parent_not_sampled", "always_off"),
                ("local_parent_sampled", "always_on"),
                ("local_parent_not_sampled", "always_off"),
            ];
            let mut others = vec!["root"];
            others.extend(decided.map(|(key, _)| key));
            self.leaves(&entry.node, &path, &[], &others, &[]);
            for (key, usual) in decided {
                let Some(sampler) = child(&entry.node, key) else { continue };
                if !has(sampler, usual) {
                    let why = format!("only {usual} is supported here, and is used");
                    self.note(sampler.line, &below(&path, key), &why);
                }
            }
            let root = child(&entry.node, "root");
            let (name, ratio) = match root {
                Some(root) => match self.root_sampler(root, &below(&path, "root")) {
                    Some(found) => found,
                    None => return,
                },
                None => ("always_on", None),
            };
            (format!("parentbased_{name}"), ratio)
        } else {
            match self.root_sampler(node, path) {
                Some((name, ratio)) => (name.to_owned(), ratio),
                None => return,
            }
        };
        self.give("OTEL_TRACES_SAMPLER", name, entry.line, path);
        if let Some((ratio, line)) = ratio {
            let path = below(path, "ratio");
            self.give("OTEL_TRACES_SAMPLER_ARG", ratio, line, &path);
        }
    }

    /// A sampler that asks nobody, and its ratio.
    fn root_sampler(
        &mut self,
        node: &Node,
        path: &str,
    ) -> Option<(&'static str, Option<(String, usize)>)> {
        let entry = self.only(node, path)?;
        let path = below(path, &entry.key);
        match entry.key.as_str() {
            "always_on" => Some(("always_on", None)),
            "always_off" => Some(("always_off", None)),
            "trace_id_ratio_based" => {
                self.leaves(&entry.node, &path, &[], &["ratio"], &[]);
                let ratio = child(&entry.node, "ratio");
                let ratio = ratio.and_then(|node| {
                    let value = self.value(node, &below(&path, "ratio"), Kind::Number)?;
                    Some((value, node.line))
                });
                Some(("traceidratio", ratio))
            }
            _ => {
                let known = "always_on, always_off, trace_id_ratio_based, parent_based";
                let why = format!("not supported by this version; ignored; known are {known}");
                self.note(entry.line, &path, &why);
                None
            }
        }
    }
}

impl Signal {
    /// A variable of this signal alone.
    pub(super) fn variable(self, setting: &str) -> String {
        format!("OTEL_EXPORTER_OTLP_{}_{setting}", self.name)
    }
}

/// An empty mapping says as much as nothing.
pub(super) fn is_empty(node: &Node) -> bool {
    matches!(&node.value, Value::Null) || matches!(&node.value, Value::Map(map) if map.is_empty())
}
