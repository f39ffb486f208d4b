"""Spans around functions of every kind; each call has a span of its own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

from ._native import Span

Function = Callable[..., Any]


def wrap(template: Span, function: Function) -> Function:
    """The function, with a span like ``template`` around each call."""
    if inspect.isasyncgenfunction(function):
        wrapper = _of_async_generator(template, function)
    elif inspect.iscoroutinefunction(function):
        wrapper = _of_coroutine(template, function)
    elif inspect.isgeneratorfunction(function):
        wrapper = _of_generator(template, function)
    else:
        wrapper = _of_function(template, function)
    return functools.wraps(function)(wrapper)


def _of_function(template: Span, function: Function) -> Function:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with template.again():
            return function(*args, **kwargs)

    return wrapper


def _of_coroutine(template: Span, function: Function) -> Function:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        with template.again():
            return await function(*args, **kwargs)

    return wrapper


class _Steps:
    """Current while the generator runs, not while its caller has the value; it ends with the generator."""

    def __init__(self, span: Span, ended: type[Exception]) -> None:
        self._span = span
        self._ended = ended

    def __enter__(self) -> None:
        self._span.resume()

    def __exit__(self, _: object, raised: BaseException | None, __: object) -> None:
        self._span.suspend()
        if isinstance(raised, self._ended):
            self._span.end()
        elif raised is not None:
            self._span.end(raised)


def _of_generator(template: Span, function: Function) -> Function:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        inner = function(*args, **kwargs)
        steps = _Steps(template.again(), StopIteration)
        step, given = inner.send, None
        while True:
            try:
                with steps:
                    item = step(given)
            except StopIteration as stop:
                return stop.value
            try:
                step, given = inner.send, (yield item)
            except BaseException as error:
                # `close` comes as GeneratorExit: the generator sees it, too.
                step, given = inner.throw, error

    return wrapper


def _of_async_generator(template: Span, function: Function) -> Function:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        inner = function(*args, **kwargs)
        steps = _Steps(template.again(), StopAsyncIteration)
        step, given = inner.asend, None
        while True:
            try:
                with steps:
                    item = await step(given)
            except StopAsyncIteration:
                return
            try:
                step, given = inner.asend, (yield item)
            except BaseException as error:
                step, given = inner.athrow, error

    return wrapper
