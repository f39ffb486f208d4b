"""A span around each request of a WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from . import _native
from .context import extract

Environment = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environment, StartResponse], Iterable[bytes]]


class Middleware:
    """``app = trackside.wsgi.Middleware(app)``: each request, body included, in the trace of its caller."""

    def __init__(self, app: Application) -> None:
        self.app = app

    def __call__(self, environ: Environment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        method = environ.get("REQUEST_METHOD", "")
        span = _native.span(
            method,
            **{
                "http.request.method": method,
                "url.path": environ.get("PATH_INFO", ""),
                "url.scheme": environ.get("wsgi.url_scheme", ""),
            },
        )
        span.with_kind("server").with_parent(extract(_headers(environ)))

        def started(status: str, *rest: Any) -> Any:
            code = int(status.partition(" ")[0])
            span.set("http.response.status_code", code)
            if code >= 500:
                span.error(str(code), "")
            return start_response(status, *rest)

        span.resume()
        try:
            body = self.app(environ, started)
        except BaseException as error:
            span.suspend()
            span.end(error)
            raise
        span.suspend()
        return _Body(span, body)


class _Body:
    """The answer's body; the span is current while a part of it is made, and ends with it."""

    def __init__(self, span: _native.Span, body: Iterable[bytes]) -> None:
        self._span = span
        self._body = body
        self._parts: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._span.resume()
        try:
            if self._parts is None:
                self._parts = iter(self._body)
            return next(self._parts)
        except StopIteration:
            raise
        except BaseException as error:
            self._span.end(error)
            raise
        finally:
            self._span.suspend()

    def close(self) -> None:
        """Called by the server, whatever happened."""
        close = getattr(self._body, "close", None)
        try:
            if close is not None:
                close()
        finally:
            self._span.end()


def _headers(environ: Environment) -> list[tuple[str | bytes, str | bytes]]:
    """WSGI's names of headers, as they were."""
    return [
        (name[5:].replace("_", "-").lower(), value)
        for name, value in environ.items()
        if name.startswith("HTTP_") and isinstance(value, str)
    ]
