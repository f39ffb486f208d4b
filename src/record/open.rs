//! An open span: ids, times, and buffers that keep their capacity from span to span.

mod absorb;
mod details;
mod finish;
mod given;
mod measured;
mod place;
mod set;

use std::backtrace::Backtrace;
use std::error::Error;
use std::fmt::{self, Write};
use std::sync::Arc;

use crate::context::{Extra, Parent, Place, RANDOM, SAMPLED};
use crate::pipeline::clock;
use crate::telemetry::{Kind, Value};

use super::attributes::AttributeBuffer;
use super::exception::Exception;
use super::limits::Limits;
use super::start::{Clock, flags};

use details::Details;
pub(crate) use given::Set;
pub(crate) use place::Mark;

/// What an entry on a thread's stack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Recorded, and sent when it ends.
    Recording,
    /// Sampled out: ids only.
    Unsampled,
    /// Not a span of this place: a context that was carried here.
    Carried,
    /// Nothing yet, on a thread that no test captures: below a parent that is given, one still may.
    Waiting,
    /// Never on a stack: stands for the entry there with the same ticket.
    Ticket,
}

/// What is said of a span whose future is dropped before it finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancel {
    Silent,
    /// The attribute `cancelled`.
    Attribute,
    /// The error `cancelled`.
    Call,
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

/// One entry of a thread's stack; the future owns it between polls.
///
/// In this order, so that what is written or copied together is one run of memory: the head of a
/// record from `trace` to `end`, and the flags that `reset` sets.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Open {
    /// The entry that was current when this one was entered.
    pub(crate) below: Option<Box<Self>>,
    /// Names this entry on its stack; ids do not, since a carried context repeats them.
    pub(crate) ticket: u64,
    /// The span of OpenTelemetry's `Context` when this one was entered: only another is newer.
    pub(crate) seen: u64,
    pub(crate) extra: Option<Arc<Extra>>,
    pub(crate) trace: u128,
    pub(crate) span: u64,
    parent: u64,
    /// 0 until the first poll.
    start: u64,
    /// 0 for now.
    end: u64,
    name: &'static str,
    pub(crate) kind: Kind,
    status: u8,
    pub(crate) flags: u8,
    parent_is_remote: bool,
    pub(crate) role: Role,
    /// The span itself is another process's (carried only).
    pub(crate) remote: bool,
    kind_rule: KindRule,
    /// The parent was not given: the first poll may find a nearer one.
    is_implicit: bool,
    /// The first entry is still to come.
    pub(crate) is_new: bool,
    /// The first entry found a nearer parent.
    pub(crate) has_moved: bool,
    pub(crate) cancel: Cancel,
    /// A panic was under way when the ticket was made.
    pub(crate) in_panic: bool,
    /// It is attached as OpenTelemetry's `Context`.
    pub(crate) is_attached: bool,
    /// Something is in `details`.
    has_details: bool,
    limits: Limits,
    attributes: AttributeBuffer,
    pub(crate) mark: Mark,
    details: Details,
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
            is_new: false,
            has_moved: false,
            mark: Mark::NONE,
            ticket: 0,
            seen: 0,
            is_attached: false,
            cancel: Cancel::Silent,
            in_panic: false,
            below: None,
            parent: 0,
            parent_is_remote: false,
            start: 0,
            end: 0,
            limits: Limits::NONE,
            name: "",
            status: 0,
            attributes: AttributeBuffer::default(),
            has_details: false,
            details: Details::default(),
        }
    }
}

impl Open {
    /// Makes a reset box a span; `hang` follows.
    #[inline]
    pub(crate) fn begin(&mut self, name: &'static str, limits: Limits) {
        self.limits = limits;
        self.name = name;
        self.is_new = true;
    }

    /// Another clock than the process's.
    pub(crate) fn set_clock(&mut self, clock: Clock) {
        if let Clock::Manual(_) = clock {
            self.details_mut().clock = clock;
        }
    }

    /// What most spans do not have; from here on this one does.
    fn details_mut(&mut self) -> &mut Details {
        self.has_details = true;
        &mut self.details
    }

    #[inline]
    fn now(&self) -> u64 {
        if self.has_details { self.details.clock.now() } else { clock::ticks() }
    }

    /// `hang` of a span that was just begun, where nothing else hangs at the place. Where there is no span,
    /// the place's flags are those of our own trace ids.
    #[inline(always)]
    pub(crate) fn hang_at_once(&mut self, below: Place, trace: u128, sampled: bool) {
        self.trace = trace;
        self.parent = below.span;
        self.parent_is_remote = below.remote;
        self.flags = below.flags & RANDOM | if sampled { SAMPLED } else { 0 };
        self.role = if sampled { Role::Recording } else { Role::Unsampled };
    }

    /// Hangs the span below a place, in its trace or in a new one.
    #[inline(always)]
    pub(crate) fn hang(
        &mut self,
        below: Place,
        extra: Option<&Arc<Extra>>,
        trace: u128,
        sampled: bool,
    ) {
        self.role = if sampled { Role::Recording } else { Role::Unsampled };
        self.trace = trace;
        self.parent = below.span;
        self.parent_is_remote = below.remote;
        self.flags = flags(below, sampled);
        if self.extra.is_some() || extra.is_some() {
            self.extra = extra.cloned();
        }
        if self.kind_rule == KindRule::Dispatch {
            self.set_kind_rule(KindRule::Dispatch);
        }
    }

    /// The parent may still change at the first poll.
    pub(crate) fn make_implicit(&mut self) {
        self.is_implicit = true;
    }

    /// The parent stays, because somebody has seen it.
    pub(crate) fn fix_parent(&mut self) {
        self.is_implicit = false;
    }

    /// Whether the parent may still change.
    pub(crate) const fn is_implicit(&self) -> bool {
        self.is_implicit
    }

    /// What every span begins with, in a box that was `release`d, and so has no details.
    #[inline(always)]
    pub(crate) fn reset(&mut self) {
        (self.start, self.end) = (0, 0);
        self.kind = Kind::Internal;
        self.status = 0;
        self.remote = false;
        self.kind_rule = KindRule::Fixed;
        self.is_implicit = false;
        self.is_new = false;
        self.has_moved = false;
        self.cancel = Cancel::Silent;
        self.in_panic = false;
        self.is_attached = false;
        self.attributes.reset();
        self.mark = Mark::NONE;
    }

    /// Gives back what it has on the heap, but for what the next span may use.
    #[inline(always)]
    pub(crate) fn release(&mut self) {
        if !self.is_light() {
            self.release_all();
        }
    }

    /// Nothing is to be released or detached.
    #[inline(always)]
    pub(crate) fn is_light(&self) -> bool {
        // Both flags by one look.
        let flags = u16::from_ne_bytes([self.is_attached.into(), self.has_details.into()]);
        flags == 0 && self.extra.is_none() && self.attributes.is_small()
    }

    #[cold]
    fn release_all(&mut self) {
        self.extra = None;
        self.attributes.release();
        if self.has_details {
            self.has_details = false;
            self.details.clear();
        }
    }

    #[inline]
    pub(crate) fn is_recording(&self) -> bool {
        self.role == Role::Recording
    }

    /// Starts the clock, once.
    #[inline]
    pub(crate) fn start_clock(&mut self) {
        if self.start == 0 && self.is_recording() {
            self.start = self.now();
        }
    }

    /// It was polled at least once.
    pub(crate) const fn has_started(&self) -> bool {
        self.start != 0
    }

    /// `has_started`, and not before that tick: with 0, it is the same.
    pub(crate) const fn has_started_after(&self, tick: u64) -> bool {
        self.start > tick
    }

    pub(crate) const fn static_name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn rename(&mut self, name: String) {
        self.details_mut().name = Some(name);
    }

    /// Where others hang that are below this span.
    #[inline]
    pub(crate) const fn place(&self) -> Place {
        Place { trace: self.trace, span: self.span, flags: self.flags, remote: self.remote }
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

    pub(crate) fn event(&mut self, name: &str, attributes: &[(&str, Value<'_>)]) {
        self.event_with(|set| {
            for (key, value) in attributes {
                set(key, *value);
            }
            name
        });
    }

    /// An event whose attributes and name come in no particular order.
    pub(crate) fn event_with<N: AsRef<str>>(
        &mut self,
        write: impl FnOnce(&mut dyn FnMut(&str, Value<'_>)) -> N,
    ) {
        let limits = self.limits;
        let details = self.details_mut();
        if !details.takes_event(limits.events) {
            return;
        }
        let name = details.write_scratch(limits.event_attributes, limits.value_length, write);
        let time = details.clock.now();
        details.pack_event(time, name.as_ref(), 0);
    }

    pub(crate) fn link(&mut self, to: &Parent) {
        self.link_with(to, 0, |_| {});
    }

    /// Status Ok is final, as the specification says.
    pub(crate) fn ok(&mut self) {
        self.status = 1;
        self.details.message.clear();
    }

    pub(crate) fn error(&mut self, kind: &str, description: &dyn fmt::Display) {
        self.set("error.type", Value::Str(kind));
        self.fail(description);
    }

    /// Nothing was said about the outcome, and it would be recorded.
    pub(crate) fn lacks_status(&self) -> bool {
        self.status == 0 && self.is_recording()
    }

    /// Status Error alone, unless there is a status already.
    pub(crate) fn fail_if_unset(&mut self, description: &dyn fmt::Display) {
        if self.status == 0 {
            self.fail(description);
        }
    }

    /// Status Error alone.
    pub(crate) fn fail(&mut self, description: &dyn fmt::Display) {
        if self.status != 1 {
            self.status = 2;
            let message = &mut self.details_mut().message;
            message.clear();
            // A `Display` that fails leaves what it has written.
            let _ = write!(message, "{description}");
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

    pub(crate) fn set_kind_rule(&mut self, rule: KindRule) {
        self.kind_rule = rule;
        self.kind = match rule {
            KindRule::Fixed => self.kind,
            KindRule::Dispatch if !self.parent_is_remote => Kind::Internal,
            KindRule::Dispatch | KindRule::ServerCall => Kind::Server,
        };
    }
}
