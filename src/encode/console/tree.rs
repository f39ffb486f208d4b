//! Who stands below whom, and the lines that show it.

use std::collections::HashMap;

use super::paint::{Style, Text};
use super::span::{Moment, Node, counted};
use super::time::{Timeline, duration, offset};
use crate::telemetry::{SpanId, TraceId};

/// Attributes that would go beyond this stand on lines of their own.
const WIDTH: usize = 120;
/// Durations and offsets are right-aligned in this.
const TIME_WIDTH: usize = 9;
/// Spans below this depth are no longer indented.
const MAX_DEPTH: usize = 32;

/// All traces, the one that began first on top.
pub(super) fn draw(nodes: &[Node], color: bool) -> String {
    let mut sorted: Vec<&Node> = nodes.iter().collect();
    sorted.sort_by_key(|node| node.start);
    let mut traces: Vec<Vec<&Node>> = Vec::new();
    let mut index_of: HashMap<u128, usize> = HashMap::new();
    for node in sorted {
        let index = *index_of.entry(node.trace).or_insert(traces.len());
        if index == traces.len() {
            traces.push(Vec::new());
        }
        traces[index].push(node);
    }
    let mut drawing = Drawing { out: String::new(), color, service: "" };
    for trace in &traces {
        drawing.trace(trace);
    }
    drawing.out
}

/// Where a span stands in its tree.
struct Place {
    /// Which span.
    index: usize,
    /// 0 at the top.
    depth: usize,
    is_last_child: bool,
    has_children: bool,
}

/// The spans of one trace from top to bottom. Each appears once, whatever ids and parents say.
fn places(nodes: &[&Node]) -> Vec<Place> {
    let mut index_of: HashMap<u64, usize> = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        index_of.entry(node.span).or_insert(index);
    }
    let mut tops = Vec::new();
    let mut children = vec![Vec::new(); nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        match index_of.get(&node.parent) {
            Some(&parent) if node.parent != 0 && parent != index => children[parent].push(index),
            _ => tops.push(index),
        }
    }
    let mut places = Vec::new();
    let mut placed = vec![false; nodes.len()];
    // Spans that are their own ancestors hang from no top: the earliest of them becomes one.
    for top in tops.into_iter().chain(0..nodes.len()) {
        if placed[top] {
            continue;
        }
        placed[top] = true;
        let mut next = vec![(top, 0, true)];
        while let Some((index, depth, is_last_child)) = next.pop() {
            let mut below = std::mem::take(&mut children[index]);
            below.retain(|child| !std::mem::replace(&mut placed[*child], true));
            places.push(Place { index, depth, is_last_child, has_children: !below.is_empty() });
            let last = below.last().copied();
            let below = below.into_iter().rev();
            next.extend(below.map(|child| (child, depth + 1, Some(child) == last)));
        }
    }
    places
}

struct Drawing<'a> {
    out: String,
    color: bool,
    /// The service of the trace's first span: others are named where they stand.
    service: &'a str,
}

impl<'a> Drawing<'a> {
    fn trace(&mut self, nodes: &[&'a Node]) {
        let start = nodes.iter().map(|node| node.start).min().unwrap_or(0);
        let end = nodes.iter().map(|node| node.end.max(node.start)).max().unwrap_or(0);
        let timeline = Timeline { start, end };
        let places = places(nodes);
        self.service = places.first().map_or("", |place| &nodes[place.index].service);
        self.header(nodes, timeline);
        // For each level above the current span: whether a line runs on to a later sibling.
        let mut runs_on = Vec::new();
        for place in places {
            runs_on.truncate(place.depth);
            self.span(nodes[place.index], &place, &runs_on, timeline);
            runs_on.push(!place.is_last_child);
        }
        self.out.push('\n');
    }

    fn header(&mut self, nodes: &[&Node], timeline: Timeline) {
        let mut line = self.text(Style::Plain, "trace ");
        line.push(Style::Bold, &TraceId(nodes[0].trace).to_string());
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let failed = nodes.iter().filter(|node| node.failed).count();
        let errors = (failed != 0).then(|| counted(count(failed), "error"));
        let parts = [
            (Style::Cyan, self.service.to_owned()),
            (Style::Plain, duration(timeline.start, timeline.end)),
            (Style::Plain, counted(count(nodes.len()), "span")),
            (Style::Red, errors.unwrap_or_default()),
        ];
        for (style, part) in parts.iter().filter(|(_, part)| !part.is_empty()) {
            line.push(Style::Dim, " · ");
            line.push(*style, part);
        }
        self.line(&line);
    }

    fn span(&mut self, node: &Node, place: &Place, runs_on: &[bool], timeline: Timeline) {
        let levels = runs_on.iter().skip(1).take(MAX_DEPTH - 1);
        let mut above: String = levels.map(|runs| if *runs { "│  " } else { "   " }).collect();
        let is_orphan = place.depth == 0 && node.parent != 0;
        let branch = match (place.depth, place.is_last_child) {
            (0, _) if is_orphan && !node.parent_is_remote => "… ",
            (0, _) => "",
            (..=MAX_DEPTH, false) => "├─ ",
            (..=MAX_DEPTH, true) => "└─ ",
            (_, false) => "├┄ ",
            (_, true) => "└┄ ",
        };
        let first_gutter = self.text(Style::Dim, &format!("{above}{branch}"));
        if place.depth > 0 {
            above.push_str(if place.is_last_child { "   " } else { "│  " });
        }
        above.push_str(if place.has_children { "│ " } else { "  " });
        let gutter = self.text(Style::Dim, &above);
        let mut margin = self.columns(node, Moment::None, timeline);
        margin.append(&gutter);

        let remote_parent = (is_orphan && node.parent_is_remote).then(|| {
            let note = format!("parent {} (remote)", SpanId(node.parent));
            self.text(Style::Dim, &note)
        });
        for (index, row) in node.rows.iter().enumerate() {
            let is_span = index == 0;
            let mut line = self.columns(node, row.moment, timeline);
            line.append(if is_span { &first_gutter } else { &gutter });
            line.append(&row.head);
            if is_span && *node.service != *self.service {
                line.push(Style::Dim, " · ");
                line.push(Style::Cyan, &node.service);
            }
            let note = remote_parent.iter().filter(|_| is_span);
            let attributes: Vec<&Text> = note.chain(&row.attributes).collect();
            self.row(line, &margin, &attributes);
        }
    }

    /// `line` with `attributes` behind it, or below it in lines that begin with `margin`.
    fn row(&mut self, mut line: Text, margin: &Text, attributes: &[&Text]) {
        let behind = attributes.iter().map(|text| 2 + text.width());
        let width = line.width() + behind.sum::<usize>();
        let mut is_first_line = true;
        for text in attributes {
            let is_full = is_first_line || line.width() + 2 + text.width() > WIDTH;
            if width > WIDTH && is_full {
                self.line(&line);
                line.clone_from(margin);
                is_first_line = false;
            }
            line.push(Style::Plain, "  ");
            line.append(text);
        }
        self.line(&line);
    }

    /// What stands left of the tree.
    fn columns(&self, node: &Node, moment: Moment, timeline: Timeline) -> Text {
        let (time, (before, bar, behind)) = match moment {
            Moment::Span => (duration(node.start, node.end), timeline.span(node.start, node.end)),
            Moment::Event(time) => (offset(node.start, time), timeline.event(time)),
            Moment::None => (String::new(), Timeline::nothing()),
        };
        let mut line = self.text(Style::Plain, &format!("{time:>TIME_WIDTH$} {before}"));
        line.push(if node.failed { Style::Red } else { Style::Cyan }, &bar);
        line.push(Style::Plain, &behind);
        line.push(Style::Plain, " ");
        line
    }

    fn text(&self, style: Style, part: &str) -> Text {
        let mut text = Text::new(self.color);
        text.push(style, part);
        text
    }

    fn line(&mut self, line: &Text) {
        self.out.push_str(line.as_str().trim_end());
        self.out.push('\n');
    }
}
