"""Requests of ASGI and WSGI applications."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import trackside
from trackside import asgi, testing, wsgi

CALLER = "00-0000000000000000000000000000000a-000000000000000b-01"


async def served(app: asgi.Application, path: str = "/a") -> list[Any]:
    """What one request is answered."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": path, "scheme": "http",
        "headers": [(b"traceparent", CALLER.encode())],
    }  # fmt: skip
    await app(scope, receive, send)
    return sent


def test_a_request_of_asgi_is_a_span_in_its_callers_trace() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/fails":
            raise RuntimeError("no")
        with trackside.span("inside"):
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    trackside.enable_telemetry()
    with testing.capture() as captured:
        wrapped = asgi.Middleware(app)
        assert len(asyncio.run(served(wrapped))) == 2
        span = captured.span("GET")
        assert (span.kind, span.parent, span.parent_is_remote) == ("server", f"{11:016x}", True)
        assert span.trace_id == f"{10:032x}"
        assert span.attributes == {
            "http.request.method": "GET", "url.path": "/a", "url.scheme": "http",
            "http.response.status_code": 200,
        }  # fmt: skip
        assert captured.span("inside").parent == span.span_id
        with pytest.raises(RuntimeError):
            asyncio.run(served(wrapped, "/fails"))
        assert captured.spans[-1].status == "error"


def test_a_request_of_wsgi_ends_with_its_body() -> None:
    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("503 Service Unavailable", [])
        for index in range(2):
            with trackside.span(f"part {index}"):
                pass
            yield b"part"

    trackside.enable_telemetry()
    with testing.capture() as captured:
        environ = {
            "REQUEST_METHOD": "POST", "PATH_INFO": "/b", "wsgi.url_scheme": "https",
            "HTTP_TRACEPARENT": CALLER,
        }  # fmt: skip
        body = wsgi.Middleware(app)(environ, lambda *_: None)
        assert captured.spans == []
        assert next(iter(body)) == b"part"
        assert trackside.current_span() is None
        assert list(body) == [b"part"]
        assert [span.name for span in captured.spans] == ["part 0", "part 1"]
        body.close()  # type: ignore[attr-defined]
        span = captured.span("POST")
        assert (span.kind, span.parent, span.status) == ("server", f"{11:016x}", "error")
        assert span.attributes["error.type"] == "503"
        assert {captured.span(f"part {index}").parent for index in range(2)} == {span.span_id}
