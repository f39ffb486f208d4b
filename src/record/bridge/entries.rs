//! Entries and exits of `tracing` spans, and their end: by the table of `parked`, and with more care
//! where a span is not there.

use std::cell::Cell;

use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::super::open::{Mark, Open};
use super::super::{current, local};
use super::held::{Held, Lent, with_held};
use super::parked;

/// Makes a span the current one.
#[inline(always)]
pub(super) fn enter<'a, S: LookupSpan<'a> + 'a>(
    mark: Mark,
    find: impl FnOnce() -> Option<SpanRef<'a, S>>,
) {
    let moved = local::with(|local| {
        if local.is_suppressed() {
            return Some(false);
        }
        parked::lend(mark).map(|open| current::enter_marked(local, open))
    });
    match moved {
        Some(None) => enter_with_care(mark, find),
        Some(Some(true)) => follow(mark, find),
        // The thread may be being torn down.
        Some(Some(false)) | None => {}
    }
}

/// The span may be in its extensions, or another thread has it.
#[cold]
#[inline(never)]
fn enter_with_care<'a, S: LookupSpan<'a> + 'a>(
    mark: Mark,
    find: impl FnOnce() -> Option<SpanRef<'a, S>>,
) {
    let Some(span) = find() else {
        return;
    };
    let lent = match with_held(mark, &span, Held::lend) {
        Some(Lent::Span(open)) => Some(open),
        Some(Lent::Context(context, mark)) => local::carry(context).map(|mut carried| {
            carried.mark = mark;
            carried
        }),
        None => None,
    };
    let Some(open) = lent else {
        return;
    };
    let was_implicit = open.is_implicit();
    let mut taken = Some(open);
    current::enter(&mut taken);
    match taken {
        Some(open) => give_back(mark, open, &span),
        None if was_implicit => follow(mark, || Some(span)),
        None => {}
    }
}

/// Follows a span whose first entry may have found a nearer parent.
#[cold]
#[inline(never)]
fn follow<'a, S: LookupSpan<'a> + 'a>(mark: Mark, find: impl FnOnce() -> Option<SpanRef<'a, S>>) {
    let moved = |open: &mut Open| open.has_moved.then(|| (open.as_parent(), open.role));
    if let (Some(Some((context, role))), Some(span)) = (current::with_top(moved), find()) {
        with_held(mark, &span, |held| (held.context, held.role) = (context.clone(), role));
    }
}

/// Takes a span off this thread's stack.
#[inline(always)]
pub(super) fn exit<'a, S: LookupSpan<'a> + 'a>(
    mark: Mark,
    find: impl Fn() -> Option<SpanRef<'a, S>>,
) {
    let left = local::with(|local| {
        if local.is_suppressed() {
            return true;
        }
        let Some(open) = current::pop_marked(local, mark) else {
            return false;
        };
        if let Some(open) = parked::give_back(mark, open) {
            give_back_with_care(mark, open, &find);
        }
        true
    });
    if left == Some(false) {
        exit_with_care(mark, find);
    }
}

/// Wherever it is there.
#[cold]
#[inline(never)]
fn exit_with_care<'a, S: LookupSpan<'a> + 'a>(
    mark: Mark,
    find: impl FnOnce() -> Option<SpanRef<'a, S>>,
) {
    let Some(span) = find() else {
        return;
    };
    let Some(own) = with_held(mark, &span, |held| held.mark) else {
        return;
    };
    // A `Context` may own a span of the host's: nothing is held while it goes.
    if let Some(open) = current::remove_marked(own) {
        give_back(mark, current::detached(open), &span);
    }
}

#[cold]
#[inline(never)]
fn give_back_with_care<'a, S: LookupSpan<'a> + 'a>(
    mark: Mark,
    open: Box<Open>,
    find: impl FnOnce() -> Option<SpanRef<'a, S>>,
) {
    match find() {
        Some(span) => give_back(mark, open, &span),
        None => local::recycle(open),
    }
}

#[cold]
fn give_back<'a, S: LookupSpan<'a>>(mark: Mark, open: Box<Open>, span: &SpanRef<'a, S>) {
    let open = Cell::new(Some(open));
    with_held(mark, span, |held| open.set(open.take().and_then(|open| held.take_home(open))));
    open.take().into_iter().for_each(local::recycle);
}

/// Ends a span that nobody holds any more.
#[inline(always)]
pub(super) fn close<'a, S: LookupSpan<'a> + 'a>(
    mark: Mark,
    find: impl FnOnce() -> Option<SpanRef<'a, S>>,
) {
    match parked::with(mark, Held::leave) {
        Some(left) => left.end(),
        None => close_with_care(find),
    }
}

#[cold]
#[inline(never)]
fn close_with_care<'a, S: LookupSpan<'a> + 'a>(find: impl FnOnce() -> Option<SpanRef<'a, S>>) {
    let held = find().and_then(|span| span.extensions_mut().remove::<Held>());
    held.into_iter().for_each(|mut held| held.leave().end());
}
