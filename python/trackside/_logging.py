"""Our handler on the root logger, so that nobody else's set-up of ``logging`` is disturbed by it, or disturbs it."""

from __future__ import annotations

import functools
import logging
import logging.config
from collections.abc import Callable
from typing import Any

_installed: list[logging.Handler] = []
_wrapped: list[tuple[Any, str, Callable[..., Any], Callable[..., Any]]] = []


def install(handler: logging.Handler) -> None:
    """Put the handler on the root logger, once."""
    if handler in _installed:
        return
    _installed.append(handler)
    logging.getLogger().addHandler(handler)
    if not _wrapped:
        # `basicConfig` does nothing where there is a handler, and the other two take all handlers away.
        for module, name in (
            (logging, "basicConfig"),
            (logging.config, "dictConfig"),
            (logging.config, "fileConfig"),
        ):
            _wrap(module, name)


def remove(handler: logging.Handler) -> None:
    """Take the handler away again, and all that came with it."""
    if handler in _installed:
        _installed.remove(handler)
    logging.getLogger().removeHandler(handler)
    if not _installed:
        for module, name, original, ours in _wrapped:
            # Somebody else may have put another one there meanwhile.
            if getattr(module, name) is ours:
                setattr(module, name, original)
        _wrapped.clear()


def _wrap(module: Any, name: str) -> None:
    original = getattr(module, name)

    @functools.wraps(original)
    def beside(*args: Any, **kwargs: Any) -> Any:
        root = logging.getLogger()
        for handler in _installed:
            root.removeHandler(handler)
        try:
            return original(*args, **kwargs)
        finally:
            for handler in _installed:
                root.addHandler(handler)

    setattr(module, name, beside)
    _wrapped.append((module, name, original, beside))
