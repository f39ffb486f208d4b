"""Where Python's OpenTelemetry API is in use: who is the parent, and what that API sees of our spans."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Token
from typing import Any

from opentelemetry import context, trace
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags
from opentelemetry.util import types

from ._native import Parent, Span


class Bridge:
    """Called by the native half, around each span that is entered."""

    def parent(self) -> Parent | None:
        """That API's current span, unless it is one of ours: those are entered there when they are entered here."""
        span = trace.get_current_span()
        if isinstance(span, Seen):
            return None
        of = span.get_span_context()
        if not of.is_valid:
            return None
        return Parent.from_ids(
            of.trace_id, of.span_id, int(of.trace_flags), of.is_remote, of.trace_state.to_header()
        )

    def attach(self, span: Span) -> Token[Any] | None:
        """Make our span that API's current one."""
        if span.trace_id is None:
            return None
        return context.attach(trace.set_span_in_context(Seen(span)))

    def detach(self, token: Token[Any]) -> None:
        """Make current there what was so before."""
        context.detach(token)


class Seen(trace.Span):
    """Our span, as that API sees it; its end is ours to say."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._context = SpanContext(
            int(span.trace_id or "0", 16),
            int(span.span_id or "0", 16),
            is_remote=False,
            trace_flags=TraceFlags(TraceFlags.SAMPLED if span.is_recording else 0),
        )

    def get_span_context(self) -> SpanContext:
        """Its ids."""
        return self._context

    def is_recording(self) -> bool:
        """Whether what is set is kept."""
        return self._span.is_recording

    def end(self, end_time: int | None = None) -> None:
        """Nothing: whoever began it ends it."""

    def set_attributes(self, attributes: Mapping[str, types.AttributeValue]) -> None:
        """Set several attributes."""
        for key, value in attributes.items():
            self._span.set(key, value)

    def set_attribute(self, key: str, value: types.AttributeValue) -> None:
        """Set one attribute."""
        self._span.set(key, value)

    def add_event(
        self, name: str, attributes: types.Attributes = None, timestamp: int | None = None
    ) -> None:
        """Add an event, now."""
        self._span.event(name, **dict(attributes or {}))

    def update_name(self, name: str) -> None:
        """Nothing: our spans keep their names."""

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status."""
        code = status.status_code if isinstance(status, Status) else status
        text = status.description if isinstance(status, Status) else description
        if code is StatusCode.OK:
            self._span.ok()
        elif code is StatusCode.ERROR:
            self._span.error("_OTHER", text or "")

    def record_exception(
        self,
        exception: BaseException,
        attributes: types.Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Record what was raised."""
        self._span.record_error(exception)
