"""The classes that serve, by which the service is named where nothing else names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, overload

from . import _native

_C = TypeVar("_C", bound=type)


@overload
def service(cls: _C, /) -> _C: ...
@overload
def service(*, package: str | None = None, name: str | None = None) -> Callable[[_C], _C]: ...
def service(
    cls: _C | None = None, /, *, package: str | None = None, name: str | None = None
) -> _C | Callable[[_C], _C]:
    """Register a class, before ``enable_telemetry``.

    One class names the service ``<package>.<Class>``; the package is the first part of its module, and left out for
    ``__main__``. Several name it ``<process>-multi``.
    """

    def register(given: _C) -> _C:
        module = given.__module__.partition(".")[0]
        of = package if package is not None else "" if module == "__main__" else module
        _native.register_class(of, name or given.__name__)
        return given

    return register if cls is None else register(cls)
