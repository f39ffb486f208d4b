"""Spans: what they say, where they hang, and what carries them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import gc
import threading
from collections.abc import AsyncGenerator, Generator

import pytest
import trackside
from conftest import Collector, attributes
from trackside import _native, testing


def test_a_span_arrives_whole(collector: Collector) -> None:
    trackside.enable_telemetry(endpoint=collector.url)
    other = trackside.Parent.from_ids(7, 9)
    with trackside.span("load", rows=3, **{"db.table": "orders"}).with_kind("client") as span:
        span.set("late", [1.5, 2.5]).event("hit", key="a").link(other).ok()
    assert trackside.flush()
    [arrived] = collector.spans
    assert (arrived.name, arrived.kind) == ("load", 3)
    assert arrived.trace_id.hex() == span.trace_id and arrived.span_id.hex() == span.span_id
    assert attributes(arrived) == {"rows": 3, "db.table": "orders", "late": [1.5, 2.5]}
    assert arrived.events[0].name == "hit" and attributes(arrived.events[0]) == {"key": "a"}
    assert int(arrived.links[0].trace_id.hex(), 16) == 7
    assert arrived.status.code == 1
    assert arrived.end_time_unix_nano >= arrived.start_time_unix_nano


def test_spans_nest_and_siblings_do_not() -> None:
    with testing.capture() as captured:
        with trackside.span("outer") as outer:
            with trackside.span("first"):
                pass
            with trackside.span("second") as second:
                assert trackside.current_span() is second
            assert trackside.current_span() is outer
        assert trackside.current_span() is None
        for name in ("first", "second"):
            assert captured.span(name).parent == outer.span_id
            assert captured.span(name).trace_id == outer.trace_id
        assert captured.span("outer").parent is None


def test_an_exception_is_recorded_and_goes_on() -> None:
    with testing.capture() as captured:
        with pytest.raises(ValueError, match="bad"), trackside.span("fails"):
            raise ValueError("bad")
        span = captured.span("fails")
    assert (span.status, span.description) == ("error", "ValueError: bad")
    assert span.attributes["error.type"] == "ValueError"
    [event] = span.events
    assert event["name"] == "exception"
    assert event["attributes"]["exception.message"] == "bad"
    assert "raise ValueError" in event["attributes"]["exception.stacktrace"]


def test_functions_of_every_kind_have_a_span_for_each_call() -> None:
    @trackside.span("plain", a=1)
    def plain(x: int) -> int:
        """Doubles."""
        return 2 * x

    @trackside.span("coroutine")
    async def coroutine() -> str:
        await asyncio.sleep(0)
        with trackside.span("inner"):
            return "done"

    @trackside.span("fails")
    async def fails() -> None:
        raise OSError("gone")

    with testing.capture() as captured:
        assert [plain(1), plain(2)] == [2, 4]
        assert (plain.__name__, plain.__doc__) == ("plain", "Doubles.")
        assert asyncio.run(coroutine()) == "done"
        with pytest.raises(OSError, match="gone"):
            asyncio.run(fails())
        names = [span.name for span in captured.spans]
        assert names == ["plain", "plain", "inner", "coroutine", "fails"]
        assert len({span.trace_id for span in captured.spans if span.name == "plain"}) == 2
        assert captured.span("inner").parent == captured.span("coroutine").span_id
        assert captured.span("fails").status == "error"


def test_a_generators_span_is_current_only_while_it_runs() -> None:
    @trackside.span("numbers")
    def numbers() -> Generator[int, str, str]:
        with trackside.span("first"):
            pass
        given = yield 1
        with trackside.span(given):
            pass
        try:
            yield 2
        except KeyError:
            with trackside.span("thrown"):
                pass
        return "end"

    with testing.capture() as captured:
        generator = numbers()
        assert captured.spans == []
        assert next(generator) == 1
        assert trackside.current_span() is None
        with trackside.span("between"):
            pass
        assert generator.send("second") == 2
        with pytest.raises(StopIteration) as stop:
            generator.throw(KeyError("x"))
        assert stop.value.value == "end"
        own = captured.span("numbers")
        assert captured.span("between").parent is None
        for name in ("first", "second", "thrown"):
            assert captured.span(name).parent == own.span_id
        assert own.status == "unset" and own.attributes == {}
    with testing.capture() as captured:
        generator = numbers()
        next(generator)
        generator.close()
        assert captured.span("numbers").attributes == {"cancelled": True}


def test_an_async_generators_span_is_current_only_while_it_runs() -> None:
    @trackside.span("numbers")
    async def numbers() -> AsyncGenerator[int, None]:
        for index in range(2):
            await asyncio.sleep(0)
            with trackside.span(f"make {index}"):
                pass
            yield index

    async def main() -> list[int]:
        taken = []
        async for number in numbers():
            assert trackside.current_span() is None
            with trackside.span(f"take {number}"):
                taken.append(number)
        return taken

    with testing.capture() as captured:
        assert asyncio.run(main()) == [0, 1]
        own = captured.span("numbers")
        for index in range(2):
            assert captured.span(f"make {index}").parent == own.span_id
            assert captured.span(f"take {index}").parent is None


def test_tasks_keep_their_own_contexts() -> None:
    async def work(number: int) -> None:
        with trackside.span(f"task {number}"):
            for _ in range(5):
                await asyncio.sleep(0)
                with trackside.span(f"step {number}"):
                    await asyncio.sleep(0)

    async def main() -> None:
        with trackside.span("main"):
            await asyncio.gather(*(work(number) for number in range(4)))

    with testing.capture() as captured:
        asyncio.run(main())
        root = captured.span("main")
        for number in range(4):
            task = captured.span(f"task {number}")
            assert task.parent == root.span_id
            steps = [span for span in captured.spans if span.name == f"step {number}"]
            assert len(steps) == 5
            assert all(step.parent == task.span_id for step in steps)


def test_a_cancelled_task_is_no_error() -> None:
    async def work() -> None:
        with trackside.span("work"):
            await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with testing.capture() as captured:
        asyncio.run(main())
        span = captured.span("work")
        assert (span.status, span.attributes) == ("unset", {"cancelled": True})


def test_threads_and_executors_get_what_contextvars_give_them() -> None:
    def work(name: str) -> None:
        with trackside.span(name):
            pass

    with testing.capture() as captured, trackside.span("outer") as outer:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            pool.submit(contextvars.copy_context().run, work, "carried").result()

        async def main() -> None:
            await asyncio.to_thread(work, "to_thread")

        asyncio.run(main())
        place = trackside.current()

        def attached() -> None:
            with trackside.attach(place):
                work("attached")

        thread = threading.Thread(target=attached)
        thread.start()
        thread.join()
        for name in ("carried", "to_thread", "attached"):
            assert captured.span(name).parent == outer.span_id


def test_a_span_may_end_on_another_thread_and_be_forgotten() -> None:
    with testing.capture() as captured, trackside.span("outer"):
        span = trackside.span("elsewhere").start()
        thread = threading.Thread(target=span.end)
        thread.start()
        thread.join()
        lost = trackside.span("lost").start()
        del lost
        gc.collect()
        assert captured.span("elsewhere").status == "unset"
        assert captured.span("lost").attributes == {"cancelled": True}
    before = trackside.status().python["late_writes"]
    span.set("late", 1)
    assert trackside.status().python["late_writes"] == before + 1


def test_headers_carry_a_context_through_rust() -> None:
    trackside.enable_telemetry()
    with testing.capture() as captured:
        with trackside.span("client") as client:
            headers = trackside.inject()
        assert headers["traceparent"] == f"00-{client.trace_id}-{client.span_id}-03"
        for carrier in (
            headers,
            {"Traceparent": headers["traceparent"]},
            [(b"traceparent", headers["traceparent"].encode())],
        ):
            place = trackside.extract(carrier)
            assert (place.trace_id, place.span_id) == (client.trace_id, client.span_id)
            with trackside.span("server").with_parent(place):
                pass
        servers = [span for span in captured.spans if span.name == "server"]
        assert [span.parent for span in servers] == [client.span_id] * 3
        assert all(span.parent_is_remote for span in servers)
        with trackside.attach(place), trackside.span("attached"):
            pass
        assert captured.span("attached").parent == client.span_id
    for bad in ({}, {"traceparent": "no"}, [("a",)], 7, [(1, 2)], {"traceparent": "\ud800"}):
        assert trackside.extract(bad).trace_id is None  # type: ignore[arg-type]
    carrier = {"TraceParent": "old", "other": "kept"}
    with testing.capture(), trackside.span("again") as again:
        trackside.inject(carrier)
    assert set(carrier) == {"other", "traceparent"} and again.span_id
    assert again.span_id in carrier["traceparent"]


def test_baggage_goes_along() -> None:
    trackside.enable_telemetry()
    place = trackside.Parent.root().with_baggage("tenant", "acme")
    with testing.capture(), trackside.span("a").with_parent(place), trackside.span("b"):
        assert trackside.current().baggage("tenant") == "acme"
        assert trackside.inject()["baggage"] == "tenant=acme"


def test_python_and_rust_are_in_one_trace() -> None:
    def callback() -> int:
        with trackside.span("python.callback"), trackside.span("python.inner"):
            return 5

    async def main() -> int:
        with trackside.span("python.outer"):
            return await _native.await_in_rust()

    with testing.capture() as captured:
        with trackside.span("python.call"):
            assert _native.call_in_rust("x", callback) == 5
        call, rust = captured.span("python.call"), captured.span("rust.call")
        back, inner = captured.span("python.callback"), captured.span("python.inner")
        assert rust.parent == call.span_id
        assert back.parent == rust.span_id
        assert inner.parent == back.span_id
        assert asyncio.run(main()) == 7
        assert captured.span("rust.future").parent == captured.span("python.outer").span_id


def test_a_span_left_in_another_context_disturbs_nobody() -> None:
    with testing.capture() as captured:
        span = trackside.span("crossing")
        contextvars.copy_context().run(span.__enter__)
        with trackside.span("here"):
            span.__exit__()
            assert trackside.current_span() is not span
            with trackside.span("below"):
                pass
        assert captured.span("below").parent == captured.span("here").span_id


def test_what_is_wrong_with_a_call_is_said() -> None:
    with pytest.raises(ValueError, match="sideways"):
        trackside.span("a").with_kind("sideways")
    with pytest.raises(TypeError, match="parent"):
        trackside.span("a").with_parent(3)  # type: ignore[arg-type]


def test_calls_are_spans_and_metrics(collector: Collector) -> None:
    trackside.enable_telemetry(endpoint=collector.url)

    class Busy(Exception):
        pass

    @trackside.rpc.server("echo", cls_id="Echo", error_kind=lambda error: "busy")
    @trackside.rpc.handler()
    def echo(fails: bool) -> str:
        trackside.rpc.payload("in", 10)
        with trackside.rpc.storage("get"), trackside.rpc.session():
            pass
        if fails:
            raise Busy("later")
        return "ok"

    assert echo(False) == "ok"
    with pytest.raises(Busy):
        echo(True)
    with trackside.rpc.client("echo", cls_id="Echo", object_id="7"), trackside.rpc.dispatch():
        pass
    assert trackside.flush()
    calls = [span for span in collector.spans if span.name == "rpc.call"]
    assert [span.kind for span in calls] == [2, 2, 3]
    assert attributes(calls[1])["error.type"] == "busy"
    assert attributes(calls[2]) == {"method": "echo", "cls_id": "Echo", "object_id": "7"}
    points = collector.metric("rpc_requests_total").sum.data_points
    assert {attributes(p)["success"]: p.as_int for p in points} == {True: 1, False: 1}
    [point] = collector.metric("rpc_errors_total").sum.data_points
    assert attributes(point) == {"method": "echo", "cls_id": "Echo", "error_kind": "busy"}
    assert collector.metric("rpc_payload_bytes").histogram.data_points[0].sum == 20
    assert collector.metric("storage_op_latency_ms").histogram.data_points[0].count == 2
    assert collector.metric("active_sessions").sum.data_points[0].as_int == 0
    assert collector.metric("active_handlers").sum.data_points[0].as_int == 0
