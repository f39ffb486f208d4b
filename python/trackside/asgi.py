"""A span around each request of an ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from . import _native
from .context import extract

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Middleware:
    """``app = trackside.asgi.Middleware(app)``: requests over HTTP and WebSocket, in the trace of their caller."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        method = scope.get("method", "WEBSOCKET")
        span = _native.span(
            method,
            **{
                "http.request.method": method,
                "url.path": scope.get("path", ""),
                "url.scheme": scope.get("scheme", ""),
            },
        )
        span.with_kind("server").with_parent(extract(scope.get("headers", ())))

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                _answered(span, message["status"])
            await send(message)

        with span:
            await self.app(scope, receive, sent)


def _answered(span: _native.Span, status: int) -> None:
    """The status by the conventions: what is the server's fault is an error."""
    span.set("http.response.status_code", status)
    if status >= 500:
        span.error(str(status), "")
