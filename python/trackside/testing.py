"""For tests: what crossed into Rust, without a network."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from . import _native
from .logs import Handler


@dataclass(frozen=True, slots=True)
class CapturedSpan:
    """A finished span."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent: str | None
    parent_is_remote: bool
    trace_state: str
    start: float
    duration: float
    status: str
    description: str
    attributes: dict[str, Any]
    events: list[dict[str, Any]]
    links: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class CapturedLog:
    """A log record."""

    time: float
    severity: int
    severity_text: str
    body: str
    logger: str
    trace_id: str | None
    span_id: str | None
    attributes: dict[str, Any]


class Capture:
    """Spans and log records that began on the thread which made it, and all below them."""

    def __init__(self) -> None:
        self._native = _native.NativeCapture()

    @property
    def spans(self) -> list[CapturedSpan]:
        """The spans that have ended, in the order of their ends."""
        return [CapturedSpan(**span) for span in self._native.spans()]

    @property
    def logs(self) -> list[CapturedLog]:
        """The log records, in their order."""
        return [CapturedLog(**log) for log in self._native.logs()]

    def span(self, name: str) -> CapturedSpan:
        """The one span with this name."""
        found = [span for span in self.spans if span.name == name]
        if len(found) != 1:
            names = [span.name for span in self.spans]
            raise AssertionError(f"{len(found)} spans are named {name!r}; captured: {names}")
        return found[0]

    def stop(self) -> None:
        """Capture nothing more; what was captured is gone."""
        self._native.stop()


@contextmanager
def capture(log_level: int | None = None) -> Iterator[Capture]:
    """Capture what is recorded inside; with ``log_level``, records of ``logging`` from that level on, too."""
    captured = Capture()
    root = logging.getLogger()
    handler = None if log_level is None else Handler(log_level)
    if handler is not None:
        root.addHandler(handler)
    try:
        yield captured
    finally:
        if handler is not None:
            root.removeHandler(handler)
        captured.stop()
