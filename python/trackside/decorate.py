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
        return _of_async_generator(template, function)
    if inspect.iscoroutinefunction(function):
        return _of_coroutine(template, function)
    if inspect.isgeneratorfunction(function):
        return _of_generator(template, function)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with template.again():
            return function(*args, **kwargs)

    return wrapper


def _of_coroutine(template: Span, function: Function) -> Function:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        with template.again():
            return await function(*args, **kwargs)

    return wrapper


def _of_generator(template: Span, function: Function) -> Function:
    # The span is current while the generator runs, not while its caller has the value.
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        span = template.again()
        inner = function(*args, **kwargs)
        step, given = inner.send, None
        while True:
            span.resume()
            try:
                item = step(given)
            except StopIteration as stop:
                span.suspend()
                span.end()
                return stop.value
            except BaseException as error:
                span.suspend()
                span.end(error)
                raise
            span.suspend()
            try:
                step, given = inner.send, (yield item)
            except BaseException as error:
                # `close` comes as GeneratorExit: the generator sees it, too.
                step, given = inner.throw, error

    return wrapper


def _of_async_generator(template: Span, function: Function) -> Function:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        span = template.again()
        inner = function(*args, **kwargs)
        step, given = inner.asend, None
        while True:
            span.resume()
            try:
                item = await step(given)
            except StopAsyncIteration:
                span.suspend()
                span.end()
                return
            except BaseException as error:
                span.suspend()
                span.end(error)
                raise
            span.suspend()
            try:
                step, given = inner.asend, (yield item)
            except BaseException as error:
                step, given = inner.athrow, error

    return wrapper
