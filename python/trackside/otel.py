"""Exporters for opentelemetry-python's own providers: each goes into its provider as it is.

They need the package ``opentelemetry-sdk``, and speak ``http/protobuf`` or ``grpc``. An export succeeds only once the peer has acknowledged all of it; until
then it is tried again for as long as the timeout, and other threads of Python run meanwhile.
"""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypedDict

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics import Counter as SdkCounter
from opentelemetry.sdk.metrics import Histogram as SdkHistogram
from opentelemetry.sdk.metrics import ObservableCounter
from opentelemetry.sdk.metrics import export as metrics_export
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace import export as trace_export

from ._native import SdkExporter

_log = logging.getLogger("trackside")


class _Given(TypedDict, total=False):
    """What an exporter may be given; the ``OTEL_EXPORTER_OTLP_*`` variables say the rest."""

    endpoint: str | None
    protocol: str | None
    headers: Mapping[str, str] | None
    timeout: float | None
    gzip: bool | None


class _Line:
    """The native exporter of one signal; after a fork the child's own."""

    def __init__(self, signal: str, given: _Given) -> None:
        self._signal = signal
        self._given = given
        self._said = ""
        self.native = self._opened()
        if hasattr(os, "register_at_fork"):
            here = weakref.ref(self)

            def in_child() -> None:
                line = here()
                if line is not None:
                    line._begin_anew()

            os.register_at_fork(after_in_child=in_child)

    def _opened(self) -> SdkExporter:
        given = self._given
        return SdkExporter(
            self._signal,
            endpoint=given.get("endpoint"),
            protocol=given.get("protocol"),
            headers=list((given.get("headers") or {}).items()),
            timeout=given.get("timeout"),
            gzip=given.get("gzip"),
        )

    def _begin_anew(self) -> None:
        # The parent's is kept for ever: its thread and its socket are not this process's to close.
        _inherited.append(self.native)
        self.native = self._opened()

    def export(self, batch: Any) -> bool:
        """Whether all of it was taken; what was wrong is said when it changes."""
        try:
            wrong = self.native.export(batch)
        except Exception as error:
            wrong = f"cannot encode {self._signal}: {error!r}"
        if wrong is not None and wrong != self._said:
            _log.warning("%s", wrong)
        self._said = wrong or ""
        return wrong is None


_inherited: list[SdkExporter] = []


class _Exporter:
    """What the three have in common."""

    _signal: ClassVar[str]

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        protocol: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        gzip: bool | None = None,
    ) -> None:
        given = _Given(
            endpoint=endpoint, protocol=protocol, headers=headers, timeout=timeout, gzip=gzip
        )
        self._line = _Line(self._signal, given)

    def force_flush(self, timeout_millis: float = 30_000) -> bool:
        """Wait for what is under way."""
        return self._line.native.flush()

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Take nothing more."""
        self._line.native.shutdown(timeout_millis / 1000)


class SpanExporter(_Exporter, trace_export.SpanExporter):
    """Spans; where nothing is given, the ``OTEL_EXPORTER_OTLP_*`` variables say it."""

    _signal = "traces"

    def export(self, spans: Sequence[ReadableSpan]) -> trace_export.SpanExportResult:
        """Send spans, and wait for the answer."""
        is_taken = self._line.export(spans)
        results = trace_export.SpanExportResult
        return results.SUCCESS if is_taken else results.FAILURE


class LogExporter(_Exporter, LogRecordExporter):
    """Log records; as ``SpanExporter``."""

    _signal = "logs"

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Send records, and wait for the answer."""
        is_taken = self._line.export(batch)
        return LogRecordExportResult.SUCCESS if is_taken else LogRecordExportResult.FAILURE


class MetricExporter(_Exporter, metrics_export.MetricExporter):
    """Metrics; as ``SpanExporter``. Sums are cumulative unless the environment or the caller prefers another."""

    _signal = "metrics"

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        protocol: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        gzip: bool | None = None,
        preferred_temporality: dict[type, metrics_export.AggregationTemporality] | None = None,
        preferred_aggregation: dict[type, Any] | None = None,
    ) -> None:
        _Exporter.__init__(
            self, endpoint, protocol=protocol, headers=headers, timeout=timeout, gzip=gzip
        )
        if preferred_temporality is None:
            preferred_temporality = _by_environment(self._line.native.temporality)
        metrics_export.MetricExporter.__init__(
            self, preferred_temporality, preferred_aggregation
        )

    def export(
        self,
        metrics_data: metrics_export.MetricsData,
        timeout_millis: float = 10_000,
        **kwargs: Any,
    ) -> metrics_export.MetricExportResult:
        """Send one collection, and wait for the answer."""
        is_taken = self._line.export(metrics_data)
        results = metrics_export.MetricExportResult
        return results.SUCCESS if is_taken else results.FAILURE


def _by_environment(preferred: str) -> dict[type, metrics_export.AggregationTemporality]:
    """``OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE``, in the SDK's words."""
    delta = metrics_export.AggregationTemporality.DELTA
    if preferred == "delta":
        return {SdkCounter: delta, ObservableCounter: delta, SdkHistogram: delta}
    if preferred == "lowmemory":
        return {SdkCounter: delta, SdkHistogram: delta}
    return {}
