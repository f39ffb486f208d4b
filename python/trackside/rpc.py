"""The ready-made RPC set: one wrapper gives the span, the metrics and the context of a call.

Each of ``server``, ``client``, ``handler`` and ``dispatch`` is used with ``with``, or as a decorator.
"""

from __future__ import annotations

from ._native import client, dispatch, handler, payload, server, session, storage

__all__ = ["client", "dispatch", "handler", "payload", "server", "session", "storage"]
