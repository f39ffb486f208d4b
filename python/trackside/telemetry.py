"""Start and end of telemetry."""

from __future__ import annotations

import atexit
import logging
import os
import sys

from . import _native, _logging
from ._native import Parent
from .logs import RootHandler
from .status import Status, signal

# How long the interpreter's exit may wait for what is left.
_EXIT = 5.0

_log = logging.getLogger("trackside")


class _Enabled:
    """What ``enable_telemetry`` has set up in this process."""

    handler: RootHandler | None = None
    is_on = False
    is_registered = False
    # The child of `multiprocessing` whose end was seen to.
    ends_of = 0


def enable_telemetry(
    *,
    traces: bool = True,
    metrics: bool = True,
    logs: bool = True,
    endpoint: str | None = None,
    service_name: str | None = None,
    log_level: int = logging.INFO,
    sampler: str | None = None,
) -> None:
    """Start what the arguments and the ``OTEL_*`` variables name; where they name nothing, start nothing.

    An argument wins over a variable, a variable over the default. ``False`` forces a signal off, ``True`` leaves it to
    the environment. ``endpoint`` stands in for ``OTEL_EXPORTER_OTLP_ENDPOINT``, ``sampler`` for
    ``OTEL_TRACES_SAMPLER``, with its argument behind a colon: ``"traceidratio:0.1"``. Records of ``logging`` from
    ``log_level`` on are forwarded; what a logger's own level holds back is not made at all.

    A second call changes nothing. An argument that cannot be used raises ``ValueError``, and nothing was started. The
    process environment is never modified.
    """
    if _Enabled.is_on:
        return
    _native.init_telemetry(
        traces=traces,
        metrics=metrics,
        logs=logs,
        endpoint=endpoint,
        service_name=service_name,
        sampler=None if sampler is None else _parsed(sampler),
    )
    _Enabled.is_on = True
    native = _native.status_of_telemetry()
    if native["logs"]["on"]:
        _Enabled.handler = RootHandler(log_level)
        _logging.install(_Enabled.handler)
    if any(native[name]["on"] for name in ("traces", "metrics", "logs")):
        _follow_the_process()
        _follow_opentelemetry()
    _say()


def shutdown(timeout: float = _EXIT) -> bool:
    """Flush and stop everything; ``False`` where something was not answered in time. A second call is ``True``."""
    if not _Enabled.is_on:
        return True
    _Enabled.is_on = False
    if _Enabled.handler is not None:
        _logging.remove(_Enabled.handler)
        _Enabled.handler = None
    _native.set_bridge(None)
    is_done = _native.shutdown_telemetry(timeout)
    _say()
    return is_done


def disable() -> None:
    """Stop everything; what is left is sent within five seconds, or counted as lost."""
    shutdown()


def flush(timeout: float = _EXIT) -> bool:
    """Wait until what was recorded before is answered; ``False`` where it was not in time.

    Other threads run meanwhile, and Ctrl-C ends the wait.
    """
    is_done = _native.flush_telemetry(timeout)
    _say()
    return is_done


def status() -> Status:
    """Counts and states, as of now."""
    native = _native.status_of_telemetry()
    for name in ("traces", "metrics", "logs"):
        native[name] = signal(native[name])
    native["diagnostics"] = tuple(native["diagnostics"])
    return Status(**native)


def report() -> str:
    """Each setting, its value and where it came from; empty before ``enable_telemetry``."""
    return _native.report_of_telemetry()


def set_sampler(sampler: str) -> None:
    """Decide by another sampler from here on, written as for ``enable_telemetry``; what runs already stays as it is.

    A ratio that is not given is 1. A sampler that cannot be used raises ``ValueError``, and the former one stays. Where
    nothing is running it changes nothing.
    """
    _native.choose_sampler(*_parsed(sampler))


def set_log_filter(filter: str) -> None:
    """Take log records by another filter from here on: ``"warn,shop.orders=debug"``, by loggers and severities.

    It comes after ``log_level`` and the levels of the loggers, which hold records back before they are made. What is no
    filter raises ``ValueError``, and the former one stays. Where nothing is running it changes nothing.
    """
    _native.set_log_filter(filter)


def inherited() -> Parent:
    """The context that this process was started with: ``TRACEPARENT``, ``TRACESTATE`` and ``BAGGAGE``.

    A root where there was none, and before ``enable_telemetry``. Nothing hangs below it by itself.
    """
    return _native.inherited()


def _parsed(sampler: str) -> tuple[str, float | None]:
    name, colon, ratio = sampler.partition(":")
    if not colon:
        return name, None
    try:
        return name, float(ratio)
    except ValueError:
        raise ValueError(
            f"sampler={sampler!r}: behind the colon stands a ratio from 0 to 1"
        ) from None


def _say() -> None:
    """Hand on what the core had to say, on this thread: its own never waits for Python."""
    for line in _native.take_sayings():
        _log.warning("%s", line)


def _follow_the_process() -> None:
    """See its forks, and its end."""
    _end_with_multiprocessing()
    if _Enabled.is_registered:
        return
    _Enabled.is_registered = True
    atexit.register(shutdown, _EXIT)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_in_child)


def _in_child() -> None:
    """The core forgets by itself what it inherited. What is left is the end of ``multiprocessing``'s children."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None and _Enabled.is_on:
        # They clear their finalizers at the beginning: ours comes after that.
        util.register_after_fork(_Enabled, lambda _: _end_with_multiprocessing())


def _end_with_multiprocessing() -> None:
    """Flush at the end of a child of ``multiprocessing``: it ends without ``atexit``."""
    util = sys.modules.get("multiprocessing.util")
    process = sys.modules.get("multiprocessing.process")
    if util is None or process is None or process.parent_process() is None:
        return
    if _Enabled.ends_of != os.getpid():
        _Enabled.ends_of = os.getpid()
        util.Finalize(None, shutdown, args=(_EXIT,), exitpriority=0)


def _follow_opentelemetry() -> None:
    """Where Python's OpenTelemetry API is in use, its spans are parents, and ours are visible to it."""
    if "opentelemetry.trace" in sys.modules:
        from . import _opentelemetry

        _native.set_bridge(_opentelemetry.Bridge())
