"""Records of ``logging``, forwarded to the core."""

from __future__ import annotations

import logging

from . import _native


class Handler(_native.NativeHandler, logging.Handler):
    """Forwards every record that reaches it; it never raises, and never forwards what forwarding logs."""

    _is_silent = False

    def createLock(self) -> None:
        """There is nothing to lock: the core takes records from all threads at once."""
        self.lock = None


class RootHandler(Handler):
    """The one on the root logger: what reached standard error without it still does."""

    _is_silent = True
