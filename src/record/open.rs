//! An open span: ids, times, and buffers that keep their capacity from span to span.

use std::backtrace::Backtrace;
use std::error::Error;
use std::fmt::{self, Write};
use std::sync::Arc;

use crate::context::{Extra, Parent};
use crate::telemetry::{Kind, Value};

use super::attributes::AttributeBuffer;
use super::exception::Exception;
use super::limits::Limits;
use super::packed::{self, Head};
use super::start::{Clock, flags};

/// A pooled span keeps at most this much of each buffer.
const KEEP: usize = 4096;

/// What an entry on a thread's stack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Recorded, and sent when it ends.
    Recording,
    /// Sampled out: ids only.
    Unsampled,
    /// Not a span of this place: a context that was carried here.
    Carried,
}

/// How a span gets its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KindRule {
    /// As it was set.
    Fixed,
    /// Server where the parent is another process's span, else Internal.
    Dispatch,
    /// Server, but Internal below a span that is the server span already.
    ServerCall,
}

/// A name: text of the program, or made at run time.
#[derive(Clone, Debug)]
enum Name {
    Static(&'static str),
    Made(String),
}

/// One entry of a thread's stack; the future owns it between polls.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) role: Role,
    pub(crate) trace: u128,
    pub(crate) span: u64,
    pub(crate) flags: u8,
    /// The span itself is another process's (carried only).
    pub(crate) remote: bool,
    pub(crate) extra: Option<Arc<Extra>>,
    pub(crate) kind: Kind,
    kind_rule: KindRule,
    /// The parent was not given: the first poll may find a nearer one.
    is_implicit: bool,
    /// Names this entry on its stack; ids do not, since a carried context repeats them.
    pub(crate) ticket: u64,
    /// The entry that was current when this one was entered.
    pub(crate) below: Option<Box<Self>>,
    parent: u64,
    parent_is_remote: bool,
    /// 0 until the first poll.
    start: u64,
    clock: Clock,
    limits: Limits,
    name: Name,
    status: u8,
    message: String,
    attributes: AttributeBuffer,
    events: Vec<u8>,
    links: Vec<u8>,
    event_count: u32,
    link_count: u32,
    dropped_events: u32,
    dropped_links: u32,
    /// For the attributes of one event or link.
    scratch: AttributeBuffer,
}

impl Default for Open {
    fn default() -> Self {
        Self {
            role: Role::Carried,
            trace: 0,
            span: 0,
            flags: 0,
            remote: false,
            extra: None,
            kind: Kind::Internal,
            kind_rule: KindRule::Fixed,
            is_implicit: false,
            ticket: 0,
            below: None,
            parent: 0,
            parent_is_remote: false,
            start: 0,
            clock: Clock::Ticks,
            limits: Limits::NONE,
            name: Name::Static(""),
            status: 0,
            message: String::new(),
            attributes: AttributeBuffer::default(),
            events: Vec::new(),
            links: Vec::new(),
            event_count: 0,
            link_count: 0,
            dropped_events: 0,
            dropped_links: 0,
            scratch: AttributeBuffer::default(),
        }
    }
}

impl Open {
    /// Makes a cleared box a span; `hang` follows.
    pub(crate) fn begin(&mut self, name: &'static str, limits: Limits, clock: Clock) {
        self.name = Name::Static(name);
        self.limits = limits;
        self.clock = clock;
    }

    /// Hangs the span below a parent, in its trace or in a new one.
    pub(crate) fn hang(&mut self, parent: &Parent, trace: u128, sampled: bool) {
        self.role = if sampled { Role::Recording } else { Role::Unsampled };
        self.trace = trace;
        self.parent = parent.span;
        self.parent_is_remote = parent.remote;
        self.flags = flags(parent, sampled);
        self.extra.clone_from(&parent.extra);
        if self.kind_rule == KindRule::Dispatch {
            self.set_kind_rule(KindRule::Dispatch);
        }
    }

    /// The parent may still change at the first poll.
    pub(crate) fn make_implicit(&mut self) {
        self.is_implicit = true;
    }

    /// Whether a nearer parent is current at the first poll than there was when the span was made:
    /// a wrapper around it, made after it, or any other span of the same trace.
    pub(crate) fn takes_over(&mut self, top: Option<&Self>) -> bool {
        if self.kind_rule == KindRule::ServerCall {
            self.kind_rule = KindRule::Fixed;
            let is_served = top.is_some_and(Self::is_served);
            self.kind = if is_served { Kind::Internal } else { Kind::Server };
        }
        std::mem::take(&mut self.is_implicit)
            && top.is_some_and(|top| {
                let is_other = top.span != 0 && top.span != self.parent;
                is_other && (top.trace == self.trace || self.parent == 0)
            })
    }

    /// Forgets everything but the capacity.
    pub(crate) fn clear(&mut self) {
        self.extra = None;
        self.kind = Kind::Internal;
        self.kind_rule = KindRule::Fixed;
        self.is_implicit = false;
        self.remote = false;
        self.start = 0;
        self.clock = Clock::Ticks;
        self.name = Name::Static("");
        self.status = 0;
        self.message.clear();
        for buffer in [&mut self.events, &mut self.links] {
            buffer.clear();
            buffer.shrink_to(KEEP);
        }
        for attributes in [&mut self.attributes, &mut self.scratch] {
            attributes.clear();
            attributes.shrink(KEEP);
        }
        self.message.shrink_to(KEEP);
        (self.event_count, self.link_count) = (0, 0);
        (self.dropped_events, self.dropped_links) = (0, 0);
    }

    pub(crate) fn is_recording(&self) -> bool {
        self.role == Role::Recording
    }

    /// Starts the clock, once.
    pub(crate) fn start_clock(&mut self) {
        if self.start == 0 && self.is_recording() {
            self.start = self.clock.now();
        }
    }

    /// It was polled at least once.
    pub(crate) const fn has_started(&self) -> bool {
        self.start != 0
    }

    pub(crate) fn rename(&mut self, name: String) {
        self.name = Name::Made(name);
    }

    /// This span as the parent of others.
    pub(crate) fn as_parent(&self) -> Parent {
        Parent {
            trace: self.trace,
            span: self.span,
            flags: self.flags,
            remote: self.remote,
            extra: self.extra.clone(),
        }
    }

    pub(crate) fn set(&mut self, key: &str, value: Value<'_>) {
        self.attributes.set(key, value, self.limits.attributes, self.limits.value_length);
    }

    pub(crate) fn event(&mut self, name: &str, attributes: &[(&str, Value<'_>)]) {
        if self.event_count >= self.limits.events {
            self.dropped_events += 1;
            return;
        }
        self.event_count += 1;
        self.scratch.clear();
        for (key, value) in attributes {
            let limits = &self.limits;
            self.scratch.set(key, *value, limits.event_attributes, limits.value_length);
        }
        let (now, scratch) = (self.clock.now(), &self.scratch);
        packed::pack_event(&mut self.events, now, name, scratch.bytes(), scratch.dropped());
    }

    pub(crate) fn link(&mut self, to: &Parent) {
        if !to.has_span() {
            return;
        }
        if self.link_count >= self.limits.links {
            self.dropped_links += 1;
            return;
        }
        self.link_count += 1;
        packed::pack_link(&mut self.links, to, &[], 0);
    }

    /// Status Ok is final, as the specification says.
    pub(crate) fn ok(&mut self) {
        self.status = 1;
        self.message.clear();
    }

    pub(crate) fn error(&mut self, kind: &str, description: &dyn fmt::Display) {
        self.set("error.type", Value::Str(kind));
        self.fail(description);
    }

    /// Status Error alone.
    fn fail(&mut self, description: &dyn fmt::Display) {
        if self.status != 1 {
            self.status = 2;
            self.message.clear();
            // A `Display` that fails leaves what it has written.
            let _ = write!(self.message, "{description}");
        }
    }

    pub(crate) fn record_error(
        &mut self,
        error: &(dyn Error + 'static),
        backtrace: Option<&Backtrace>,
    ) {
        let exception = Exception::new(error, backtrace);
        let attributes: Vec<_> = exception.attributes().collect();
        self.event("exception", &attributes);
        if !self.attributes.contains("error.type") {
            self.set("error.type", Value::Str("_OTHER"));
        }
        self.fail(&exception.message);
    }

    /// Takes over what was written beside this span while it stayed current.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.attributes.absorb(&other.attributes, self.limits.attributes);
        let room = self.limits.events.saturating_sub(self.event_count);
        self.dropped_events += other.dropped_events + other.event_count.saturating_sub(room);
        self.event_count += packed::copy_events(&mut self.events, &other.events, room);
        let room = self.limits.links.saturating_sub(self.link_count);
        self.dropped_links += other.dropped_links + other.link_count.saturating_sub(room);
        self.link_count += packed::copy_links(&mut self.links, &other.links, room);
        match other.status {
            0 => {}
            1 => self.ok(),
            _ => self.fail(&other.message),
        }
    }

    /// Takes over what a builder had prepared, when the span starts again below another parent.
    pub(crate) fn inherit(&mut self, old: &Self) {
        self.name = old.name.clone();
        self.kind = old.kind;
        self.set_kind_rule(old.kind_rule);
        self.absorb(old);
    }

    /// Whether this or an entry below it is the server span of the request: what a client calls in
    /// the same place is served anew.
    fn is_served(&self) -> bool {
        let mut next = Some(self);
        while let Some(open) = next {
            match open.kind {
                Kind::Server => return true,
                Kind::Client => return false,
                _ => next = open.below.as_deref(),
            }
        }
        false
    }

    pub(crate) fn set_kind_rule(&mut self, rule: KindRule) {
        self.kind_rule = rule;
        self.kind = match rule {
            KindRule::Fixed => self.kind,
            KindRule::Dispatch if !self.parent_is_remote => Kind::Internal,
            KindRule::Dispatch | KindRule::ServerCall => Kind::Server,
        };
    }

    /// Prepares an empty span for `absorb`: the same limits and clock.
    pub(crate) fn beside(&mut self, limits: Limits, clock: Clock) {
        self.role = Role::Recording;
        self.limits = limits;
        self.clock = clock;
    }

    pub(crate) fn limits_and_clock(&self) -> (Limits, Clock) {
        (self.limits, self.clock.clone())
    }

    /// Ends the span and lends its record in pieces.
    pub(crate) fn finish<R>(&mut self, send: impl FnOnce(&[&[u8]]) -> R) -> R {
        let end = self.clock.now();
        let name = match &self.name {
            Name::Static(name) => name,
            Name::Made(name) => name.as_str(),
        };
        let trace_state = self.extra.as_ref().map_or("", |extra| &extra.trace_state);
        let sections: [&[u8]; 6] = [
            name.as_bytes(),
            self.attributes.bytes(),
            &self.events,
            &self.links,
            self.message.as_bytes(),
            trace_state.as_bytes(),
        ];
        let head = packed::pack_head(
            &Head {
                trace: self.trace,
                span: self.span,
                parent: self.parent,
                start: self.start,
                end,
                kind: self.kind,
                status: self.status,
                trace_flags: self.flags,
                parent_is_remote: self.parent_is_remote,
                dropped: [self.attributes.dropped(), self.dropped_events, self.dropped_links],
            },
            &sections,
        );
        let [name, attributes, events, links, message, trace_state] = sections;
        send(&[&head, name, attributes, events, links, message, trace_state])
    }
}
