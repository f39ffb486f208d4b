"""The current context, and headers to carry it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager

from . import _native
from ._native import Parent, Span

Headers = Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]


def current() -> Parent:
    """The context of this place: Python's current span, or a newer one of the Rust below."""
    return _native.current_parent()


def inject(
    headers: MutableMapping[str, str] | None = None, parent: Parent | Span | None = None
) -> MutableMapping[str, str]:
    """Write the current context, or ``parent``, into headers; what stood under these names is replaced."""
    written = _native.inject_headers(parent)
    if headers is None:
        return written
    for name in [name for name in headers if name.lower() in written]:
        del headers[name]
    headers.update(written)
    return headers


def extract(headers: Headers) -> Parent:
    """Read a context; malformed or absent is a root.

    A mapping, or pairs of names and values, texts or bytes; names in any case.
    """
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return _native.extract_headers(pairs)


@contextmanager
def attach(parent: Parent | Span) -> Iterator[None]:
    """Make a context the current one, for what is recorded inside."""
    before = _native.held_context()
    place = parent.parent if isinstance(parent, Span) else parent
    _native.hold_context(place)
    try:
        yield
    finally:
        if _native.held_context() is place:
            _native.hold_context(before)
