//! What comes from many processes: the spans of a trace are kept until it is silent, and drawn as one tree.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::logs::LogsConsole;
use super::metrics::MetricsConsole;
use super::span::Node;
use super::{escape::clip, tree};
use crate::encode::view::{Any, BatchSink, LogView, MetricView, Resource, Scope, SpanView};

/// Spans that may wait; beyond them the trace that was silent for longest is drawn.
const MAX_SPANS: usize = 20_000;
/// A trace that lacks something waits so many times longer.
const PATIENCE: u32 = 5;

/// Batches in, text out once there is something to say.
#[derive(Debug)]
pub(crate) struct Gathering {
    quiet: Duration,
    color: bool,
    traces: HashMap<u128, Trace>,
    spans: usize,
    /// Traces that spans came for since they were last looked at.
    touched: HashSet<u128>,
    /// Of the resource under way.
    service: Arc<str>,
    metrics: MetricsConsole,
    logs: LogsConsole,
    ready: Drawn,
}

/// Text, and how many items are in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Drawn {
    pub(crate) text: String,
    pub(crate) spans: u64,
    pub(crate) points: u64,
    pub(crate) logs: u64,
}

#[derive(Debug)]
struct Trace {
    nodes: Vec<Node>,
    /// When it is drawn if nothing more comes.
    due: Instant,
}

impl Gathering {
    /// A trace is drawn once it has been silent for `quiet`.
    pub(crate) fn new(quiet: Duration, color: bool) -> Self {
        Self {
            quiet,
            color,
            traces: HashMap::new(),
            spans: 0,
            touched: HashSet::new(),
            service: "".into(),
            metrics: MetricsConsole::of("", color),
            logs: LogsConsole::new(color),
            ready: Drawn::default(),
        }
    }

    /// When the next trace is to be drawn; to be asked after `draw`.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.traces.values().map(|trace| trace.due).min()
    }

    /// What there is to show at `now`.
    pub(crate) fn draw(&mut self, now: Instant) -> Drawn {
        self.close();
        self.schedule();
        let is_over = self.spans > MAX_SPANS;
        let due = self.traces.iter().filter(|(_, trace)| is_over || trace.due <= now);
        let mut due: Vec<(Instant, u128)> = due.map(|(id, trace)| (trace.due, *id)).collect();
        due.sort_unstable();
        for (at, id) in due {
            if at <= now || self.spans > MAX_SPANS {
                self.draw_trace(id);
            }
        }
        std::mem::take(&mut self.ready)
    }

    /// All there is.
    pub(crate) fn finish(&mut self) -> Drawn {
        self.close();
        let all: Vec<Node> = self.traces.drain().flat_map(|(_, trace)| trace.nodes).collect();
        self.spans = 0;
        self.touched.clear();
        self.ready.spans += all.len() as u64;
        self.ready.text.push_str(&tree::draw(&all, self.color));
        std::mem::take(&mut self.ready)
    }

    fn draw_trace(&mut self, id: u128) {
        if let Some(trace) = self.traces.remove(&id) {
            self.spans -= trace.nodes.len();
            self.ready.spans += trace.nodes.len() as u64;
            self.ready.text.push_str(&tree::draw(&trace.nodes, self.color));
        }
    }

    /// Takes the text of metrics and logs, which wait for nothing.
    fn close(&mut self) {
        self.ready.points += u64::from(self.metrics.points());
        for text in [self.metrics.finish(), self.logs.finish()] {
            self.ready.text.push_str(&String::from_utf8_lossy(&text));
        }
    }

    /// Says anew when each trace that spans came for is due.
    fn schedule(&mut self) {
        let now = Instant::now();
        for id in self.touched.drain() {
            if let Some(trace) = self.traces.get_mut(&id) {
                let factor = if trace.lacks_something() { PATIENCE } else { 1 };
                trace.due = now + self.quiet * factor;
            }
        }
    }
}

impl Trace {
    /// A span names one as its parent that is not here, or has called somebody of whom nothing came.
    fn lacks_something(&self) -> bool {
        let here: HashSet<u64> = self.nodes.iter().map(|node| node.span).collect();
        let parents: HashSet<u64> = self.nodes.iter().map(|node| node.parent).collect();
        self.nodes.iter().any(|node| {
            (node.parent != 0 && !here.contains(&node.parent))
                || (node.calls && !parents.contains(&node.span))
        })
    }
}

impl BatchSink for Gathering {
    fn begin_resource(&mut self, resource: &Resource<'_>) {
        let name = resource.attributes.iter().find(|(key, _)| *key == "service.name");
        let service = match name {
            Some((_, Any::Str(name))) => clip(name),
            _ => String::new(),
        };
        if *service != *self.service {
            // A table has one service.
            self.close();
            self.service = service.as_str().into();
            self.metrics = MetricsConsole::of(&service, self.color);
        }
    }

    fn begin_scope(&mut self, _: &Scope<'_>) {}

    fn span(&mut self, span: &impl SpanView) {
        let node = Node::new(span, &self.service, self.color);
        let id = node.trace;
        let new = || Trace { nodes: Vec::new(), due: Instant::now() };
        self.traces.entry(id).or_insert_with(new).nodes.push(node);
        self.spans += 1;
        self.touched.insert(id);
    }

    fn log(&mut self, log: &impl LogView) {
        self.logs.log_of(&self.service, log);
        self.ready.logs += 1;
    }

    fn metric(&mut self, metric: &MetricView<'_>) {
        self.metrics.metric(metric);
    }
}
