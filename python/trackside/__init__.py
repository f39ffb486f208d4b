"""Telemetry that a host embeds and forgets: traces, metrics and logs, from a Rust core.

Importing this package does nothing. ``enable_telemetry`` starts what the arguments and the ``OTEL_*``
variables name, and nothing where they name nothing.
"""

from __future__ import annotations

from . import rpc, testing
from ._native import (
    Counter,
    Gauge,
    Histogram,
    Parent,
    Span,
    UpDownCounter,
    __version__,
    counter,
    current_span,
    forward_log,
    gauge,
    histogram,
    init_telemetry,
    shutdown_telemetry,
    span,
    up_down_counter,
)
from .context import attach, current, extract, inject
from .logs import Handler
from .service import service
from .status import Dropped, Signal, Status
from .telemetry import (
    disable,
    enable_telemetry,
    flush,
    inherited,
    report,
    set_log_filter,
    set_sampler,
    shutdown,
    status,
)

__all__ = [
    "Counter",
    "Dropped",
    "Gauge",
    "Handler",
    "Histogram",
    "Parent",
    "Signal",
    "Span",
    "Status",
    "UpDownCounter",
    "__version__",
    "attach",
    "counter",
    "current",
    "current_span",
    "disable",
    "enable_telemetry",
    "extract",
    "flush",
    "forward_log",
    "gauge",
    "histogram",
    "inherited",
    "init_telemetry",
    "inject",
    "report",
    "rpc",
    "service",
    "set_log_filter",
    "set_sampler",
    "shutdown",
    "shutdown_telemetry",
    "span",
    "status",
    "testing",
    "up_down_counter",
]
