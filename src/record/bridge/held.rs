//! What a `tracing` span keeps of ours in its extensions.
//!
//! The span itself is here while nobody has it entered. The thread that enters it takes it onto its
//! stack; a second thread gets its context only, and what it writes meanwhile is kept beside it.

use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::context::Parent;
use crate::health::counters;

use super::super::limits::Limits;
use super::super::open::{Open, Role};
use super::super::start::Clock;
use super::super::{current, local};

/// A span, or the place to which it comes back.
#[derive(Debug)]
pub(super) struct Held {
    /// At home: not on any stack.
    open: Option<Box<Open>>,
    /// Written while the span was on another thread's stack.
    beside: Option<Box<Open>>,
    context: Parent,
    role: Role,
    mark: u64,
    /// What is written beside it is written by these.
    limits_and_clock: (Limits, Clock),
    /// It was entered, or others know its context.
    is_seen: bool,
}

impl Held {
    /// A span that is not recorded gives its context all the same.
    pub(super) fn new(mut open: Box<Open>) -> Self {
        open.mark = open.span.max(1);
        Self {
            context: open.as_parent(),
            role: open.role,
            mark: open.mark,
            limits_and_clock: open.limits_and_clock(),
            open: Some(open),
            beside: None,
            is_seen: false,
        }
    }

    /// Another parent, while nobody has seen the first; false where it is too late.
    fn hang_below(&mut self, parent: Parent) -> bool {
        let Some(open) = self.open.as_deref_mut().filter(|_| !self.is_seen) else {
            return false;
        };
        if self.role == Role::Carried {
            return false;
        }
        open.fix_parent();
        local::with(|local| local.hang_below(open, parent));
        open.start_clock();
        (self.context, self.role) = (open.as_parent(), open.role);
        true
    }

    /// Else the entry is the context only, and another one is the span.
    fn is_home_of(&self, open: &Open) -> bool {
        self.open.is_none() && open.role == self.role
    }

    /// The span's context as others see it from now on.
    fn context(&mut self) -> Parent {
        if let Some(open) = &mut self.open {
            open.fix_parent();
        }
        self.is_seen = true;
        self.context.clone()
    }
}

/// The context of a span, for others to hang below.
pub(super) fn context<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Option<Parent> {
    span.extensions_mut().get_mut::<Held>().map(Held::context)
}

/// Gives a span another parent; false where it is too late, or where the span is not ours.
pub(super) fn hang_below<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, parent: Parent) -> bool {
    let mut extensions = span.extensions_mut();
    if let Some(held) = extensions.get_mut::<Held>().filter(|held| held.role != Role::Carried) {
        return held.hang_below(parent);
    }
    // Spans are off: the context passes through.
    let carried = if local::records() { None } else { local::carry(parent) };
    let carried = carried.map(Held::new);
    let is_carried = carried.is_some();
    carried.into_iter().for_each(|held| drop(extensions.replace(held)));
    is_carried
}

/// Makes a span, or its context where another thread has it, the current one.
pub(super) fn enter<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) {
    let mut taken = span.extensions_mut().get_mut::<Held>().and_then(|held| {
        held.is_seen = true;
        held.open.take().or_else(|| {
            let mut carried = local::carry(held.context.clone())?;
            carried.mark = held.mark;
            Some(carried)
        })
    });
    let Some((was_implicit, mark)) = taken.as_ref().map(|open| (open.is_implicit(), open.mark))
    else {
        return;
    };
    current::enter(&mut taken);
    if let Some(open) = taken {
        return give_back(span, open);
    }
    if was_implicit && current::with_top(|open| open.has_moved) == Some(true) {
        let seen = with_entry(mark, |open| (open.as_parent(), open.role));
        if let (Some(seen), Some(held)) = (seen, span.extensions_mut().get_mut::<Held>()) {
            (held.context, held.role) = seen;
        }
    }
}

/// Takes a span off this thread's stack, wherever it is there.
pub(super) fn exit<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) {
    let mut extensions = span.extensions_mut();
    let Some(held) = extensions.get_mut::<Held>() else {
        return;
    };
    let Some(open) = current::remove_marked(held.mark) else {
        return;
    };
    if held.is_home_of(&open) && !open.is_attached {
        held.open = Some(open);
        return;
    }
    // A `Context` may own a span of the host's: nothing is held while it goes.
    drop(extensions);
    give_back(span, current::detached(open));
}

fn give_back<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, open: Box<Open>) {
    if let Some(held) = span.extensions_mut().get_mut::<Held>() {
        if held.is_home_of(&open) {
            held.open = Some(open);
            return;
        }
    }
    local::recycle(open);
}

/// Ends a span that nobody holds any more.
pub(super) fn close<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) {
    let Some(held) = span.extensions_mut().remove::<Held>() else {
        return;
    };
    let beside = held.beside;
    match held.open {
        Some(mut open) => {
            if let Some(beside) = &beside {
                open.absorb_words(beside);
            }
            local::end(open);
        }
        // It was ended with the scope in which it was forgotten.
        None if beside.is_some() => counters::LATE_WRITES.add(1),
        None => {}
    }
    beside.into_iter().for_each(local::recycle);
}

/// Writes to a span, wherever it is; `prepare` runs code of the host, so nothing is held meanwhile.
pub(super) fn write<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, prepare: impl FnOnce(&mut Open)) {
    let (mark, (limits, clock)) = match span.extensions().get::<Held>() {
        Some(held) if held.role == Role::Recording => (held.mark, held.limits_and_clock.clone()),
        _ => return,
    };
    let Some(mut written) = local::with(local::Local::unpool) else {
        return;
    };
    written.beside(limits, clock);
    prepare(&mut written);
    let absorbed = with_entry(mark, |open| {
        let is_ours = open.is_recording();
        if is_ours {
            open.absorb_words(&written);
        }
        is_ours
    });
    if absorbed != Some(true) {
        if let Some(held) = span.extensions_mut().get_mut::<Held>() {
            match held.open.as_mut().or(held.beside.as_mut()) {
                Some(open) => open.absorb_words(&written),
                None => {
                    held.beside = Some(written);
                    return;
                }
            }
        }
    }
    local::recycle(written);
}

fn with_entry<R>(mark: u64, run: impl FnOnce(&mut Open) -> R) -> Option<R> {
    current::with_entry_where(|open| open.mark == mark, run)
}
