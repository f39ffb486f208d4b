"""Records of ``logging``, forwarded to the core."""

from __future__ import annotations

import logging

from . import _native

# What every record has, whatever the version; extras stand behind it.
_STANDARD = len(logging.makeLogRecord({}).__dict__)

# Our own diagnostics are not telemetry: forwarded, they would make more of themselves.
_OWN = "trackside"

_loggers = logging.Logger.manager.loggerDict


class Handler(logging.Handler):
    """Forwards every record that reaches it; it never raises, and never forwards what forwarding logs."""

    def createLock(self) -> None:
        """There is nothing to lock: the core takes records from all threads at once."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Filter a record, and forward what is left."""
        if self.filters:
            # A filter says yes or no, or gives another record.
            kept: bool | logging.LogRecord = self.filter(record)
            if not kept:
                return False
            if isinstance(kept, logging.LogRecord):
                record = kept
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Forward one record."""
        try:
            if record.name != _OWN:
                _native.forward_record(record, _STANDARD)
        except Exception:
            # Logging must not fail where telemetry does, or where its native half is missing.
            return


class RootHandler(Handler):
    """The one on the root logger: what reached standard error without it still does.

    ``logging`` writes warnings to standard error where no handler is set up at all, and this one is none that shows
    anything.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Forward one record."""
        try:
            if record.name != _OWN:
                _native.forward_record(record, _STANDARD)
        except Exception:
            # As above; said twice, since each call counts here.
            pass
        if record.levelno >= logging.WARNING and not _is_shown(record.name):
            last = logging.lastResort
            if last is not None and record.levelno >= last.level:
                last.handle(record)


def _is_shown(name: str) -> bool:
    """Whether a handler besides ours sees this logger's records."""
    logger = _loggers.get(name)
    if not isinstance(logger, logging.Logger):
        logger = logging.root
    while logger is not None:
        for handler in logger.handlers:
            if handler.__class__ is not RootHandler:
                return True
        logger = logger.parent if logger.propagate else None
    return False
