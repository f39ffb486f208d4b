"""Records of `logging`: what arrives of them, and that nothing about them ever reaches the host."""

from __future__ import annotations

import logging
import logging.config
import sys
import threading
import time
from typing import Any

import pytest
import trackside
from conftest import Collector, attributes
from trackside import testing


def test_a_record_arrives_whole(collector: Collector) -> None:
    trackside.enable_telemetry(endpoint=collector.url)
    before = time.time()
    with trackside.span("around") as span:
        logging.getLogger("shop.orders").warning(
            "queue of %d", 9, extra={"user": "ada", "tries": 3, "share": 0.5, "is_new": True}
        )
    line = sys._getframe().f_lineno - 3
    assert trackside.flush()
    [(logger, record)] = collector.logs
    assert logger == "shop.orders"
    assert record.body.string_value == "queue of 9"
    assert (record.severity_number, record.severity_text) == (13, "WARN")
    assert before <= record.time_unix_nano / 1e9 + 1e-6 <= time.time() + 1e-3
    assert record.trace_id.hex() == span.trace_id
    assert record.span_id.hex() == span.span_id
    given = attributes(record)
    assert given["python.module"] == "test_logs"
    assert given["python.line"] == given["code.line.number"]
    assert abs(given["python.line"] - line) <= 3
    assert given["thread.name"] == threading.current_thread().name
    assert given["code.function.name"] == "test_a_record_arrives_whole"
    assert (given["user"], given["tries"], given["share"], given["is_new"]) == (
        "ada", 3, 0.5, True
    )  # fmt: skip
    assert set(given) == {
        "python.module", "python.line", "code.line.number", "code.file.path",
        "code.function.name", "thread.name", "user", "tries", "share", "is_new",
    }  # fmt: skip


def test_levels_are_not_shifted() -> None:
    rows = [(10, 5), (20, 9), (30, 13), (40, 17), (50, 21), (5, 1), (15, 5), (25, 9), (35, 13)]
    with testing.capture(logging.NOTSET) as captured:
        logger = logging.getLogger("levels")
        logger.setLevel(1)
        for level, _ in rows:
            logger.log(level, "text")
        logger.setLevel(logging.NOTSET)
    # Of a capture that has stopped nothing is left.
    assert captured.logs == []
    with testing.capture(logging.NOTSET) as captured:
        logger.setLevel(1)
        for level, _ in rows:
            logger.log(level, "text")
        logger.setLevel(logging.NOTSET)
        assert [log.severity for log in captured.logs] == [severity for _, severity in rows]


def test_the_level_filters_before_anything_crosses(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    crossed: list[int] = []

    class Noting(trackside.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            crossed.append(record.levelno)
            return super().handle(record)

    monkeypatch.setattr("trackside.telemetry.RootHandler", Noting)
    trackside.enable_telemetry(endpoint=collector.url, log_level=logging.ERROR)
    logging.getLogger().setLevel(logging.DEBUG)
    for level in (10, 20, 30, 40, 50):
        logging.getLogger("any").log(level, "text")
    assert crossed == [40, 50]
    assert trackside.status().logs.recorded == 2


def test_filters_and_subclasses_are_those_of_logging() -> None:
    def none_of_bob(record: logging.LogRecord) -> bool:
        return getattr(record, "user", "") != "bob"

    class Shouting(trackside.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            record.msg = record.msg.upper()
            super().emit(record)

    class Deaf(trackside.Handler):
        def filter(self, record: logging.LogRecord) -> bool:
            return False

    with testing.capture() as captured:
        logger = logging.getLogger("filtered")
        for handler, texts in [
            (trackside.Handler(logging.ERROR), []),
            (trackside.Handler(), ["text"]),
            (Shouting(), ["TEXT"]),
            (Deaf(), []),
        ]:
            seen = len(captured.logs)
            assert isinstance(handler, logging.Handler)
            handler.addFilter(none_of_bob)
            logger.addHandler(handler)
            for user in ("ada", "bob"):
                logger.warning("text", extra={"user": user})
            logger.removeHandler(handler)
            assert [log.body for log in captured.logs[seen:]] == texts
            handler.removeFilter(none_of_bob)
        assert not Deaf().handle(logging.makeLogRecord({}))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="filters give records from 3.12 on")
def test_a_filter_may_give_another_record() -> None:
    def other(record: logging.LogRecord) -> Any:
        return logging.makeLogRecord(record.__dict__ | {"msg": "other"})

    with testing.capture(logging.INFO) as captured:
        handler = next(h for h in logging.getLogger().handlers if isinstance(h, trackside.Handler))
        handler.addFilter(other)
        logging.getLogger("any").warning("text")
        assert [log.body for log in captured.logs] == ["other"]


def test_a_records_own_getmessage_is_its_message(monkeypatch: pytest.MonkeyPatch) -> None:
    class Braces(logging.LogRecord):
        def getMessage(self) -> str:
            return str(self.msg).format(*(self.args or ()))

    stock = logging.getLogRecordFactory()
    with testing.capture(logging.INFO) as captured:
        logging.setLogRecordFactory(Braces)
        try:
            logging.getLogger("any").warning("{} of {}", 1, 2)
        finally:
            logging.setLogRecordFactory(stock)
        monkeypatch.setattr(logging.LogRecord, "getMessage", lambda _: "everybody's")
        logging.getLogger("any").warning("text")
        monkeypatch.undo()
        logging.getLogger("any").warning("%(one)s", {"one": 1})
        assert [log.body for log in captured.logs] == ["1 of 2", "everybody's", "1"]


def test_forwarded_records_are_counted_by_level(collector: Collector) -> None:
    trackside.enable_telemetry(endpoint=collector.url)
    logging.getLogger().setLevel(logging.INFO)
    for level in (20, 20, 30):
        logging.getLogger("any").log(level, "text")
    assert trackside.flush()
    points = collector.metric("python_logs_forwarded_total").sum.data_points
    assert {attributes(point)["level"]: point.as_int for point in points} == {"INFO": 2, "WARN": 1}


def test_an_exception_arrives_by_the_conventions() -> None:
    with testing.capture(logging.INFO) as captured:
        try:
            raise KeyError("missing")
        except KeyError:
            logging.getLogger("any").exception("cannot")
        [log] = captured.logs
    assert log.attributes["exception.type"] == "KeyError"
    assert log.attributes["exception.message"] == "'missing'"
    assert "raise KeyError" in log.attributes["exception.stacktrace"]
    assert log.body == "cannot"


class Rude:
    """Says nothing."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


class Chatty:
    """Logs while it is asked what it is."""

    def __str__(self) -> str:
        logging.getLogger("chatty").warning("inner %s", self)
        return "chatty"


def test_bad_input_reaches_nobody() -> None:
    cyclic: dict[str, Any] = {}
    cyclic["self"] = cyclic
    endless: list[Any] = []
    endless.append(endless)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    bad: list[Any] = [
        "\ud800 lone", "nul \0 inside", 10**100, 10**10_000, -(2**63), cyclic, endless, deep,
        Rude(), float("nan"), b"\xff\xfe", bytearray(b"x"), object(), None, {1, 2}, (1, (2, (3,))),
        "x" * 10_000_000, Chatty(), ["\ud800"], [Rude()], {"\ud800": Rude()}, type, Rude,
    ]  # fmt: skip
    with testing.capture(logging.INFO) as captured:
        before = trackside.status().python
        for value in bad:
            logging.getLogger("bad").warning(value)
            logging.getLogger("bad").warning("%s", value)
            logging.getLogger("bad").warning("text", extra={"given": value, "\ud800": 1})
            logging.getLogger("bad").warning("%d and %d", value)
            with trackside.span("bad", given=value) as span:
                span.set("again", value).event("bad", given=value).error("kind", value)
            with trackside.span(value):
                pass
        logs = [log for log in captured.logs if log.logger == "bad"]
        assert len(logs) == 4 * len(bad)
        assert len(captured.spans) == 2 * len(bad)
        bodies = [log.body for log in logs]
        assert "\ufffd" in bodies[0] or "?" in bodies[0]
        assert "nul \0 inside" in bodies
        assert "<unprintable Rude>" in bodies
        assert max(len(body) for body in bodies) == 1024 * 1024
        after = trackside.status().python
        assert after["unprintable"] > before["unprintable"]
        assert after["cut_values"] > before["cut_values"]
        assert after["nested_logs"] > before["nested_logs"]
        assert after["failed_logs"] == before["failed_logs"]


def test_an_interrupt_within_a_text_is_the_hosts() -> None:
    class Interrupted:
        def __str__(self) -> str:
            raise KeyboardInterrupt

    with testing.capture(logging.INFO), pytest.raises(KeyboardInterrupt):
        logging.getLogger("any").warning(Interrupted())


def test_what_cannot_be_forwarded_harms_nobody() -> None:
    class Slotted:
        """No record at all: it has no dictionary."""

        __slots__ = ()

    bad: list[Any] = [Slotted(), 7, logging.makeLogRecord({"levelno": "many"})]
    with testing.capture(logging.INFO) as captured:
        before = trackside.status().python["failed_logs"]
        for record in bad:
            assert trackside.Handler().handle(record)
        assert trackside.status().python["failed_logs"] == before + len(bad)
        assert captured.logs == []
        # None of this is there; what is there goes through.
        assert trackside.Handler().handle(logging.makeLogRecord({"msg": "bare", "lineno": -1}))
        assert [log.body for log in captured.logs] == ["bare"]


def test_extras_are_found_wherever_they_stand() -> None:
    record = logging.makeLogRecord({"levelno": logging.WARNING, "message": "left", "one": 1, "two": 2})
    last = list(logging.makeLogRecord({}).__dict__)[-1]
    with testing.capture(logging.INFO) as captured:
        logging.getLogger().handle(record)
        setattr(record, last, record.__dict__.pop(last))
        logging.getLogger().handle(record)
        for log in captured.logs:
            given = {k: v for k, v in log.attributes.items() if "." not in k}
            assert given == {"one": 1, "two": 2}
        assert len(captured.logs) == 2


def test_a_text_that_changes_what_is_read_harms_nobody() -> None:
    class Meddling:
        def __init__(self, extra: dict[str, Any]) -> None:
            self.extra = extra

        def __str__(self) -> str:
            self.extra[f"more {len(self.extra)}"] = 1
            return "meddling"

    given: dict[str, Any] = {}
    given |= {"one": Meddling(given), "two": Meddling(given)}
    record = logging.makeLogRecord({"msg": "text", "levelno": logging.WARNING})
    record.__dict__ |= {"one": Meddling(record.__dict__), "two": Meddling(record.__dict__)}
    with testing.capture(logging.INFO) as captured:
        logging.getLogger().handle(record)
        trackside.forward_log(40, "text", extras=given)
        with trackside.span("load", **given):
            pass
        for log in captured.logs:
            assert (log.attributes["one"], log.attributes["two"]) == ("meddling", "meddling")
        assert len(captured.logs) == 2


def test_what_fails_is_not_forwarded_again() -> None:
    trackside.enable_telemetry(endpoint="http://127.0.0.1:9")
    logging.getLogger("host").warning("one")
    for _ in range(3):
        assert not trackside.flush(0.2)
    logs = trackside.status().logs
    assert logs.recorded == 1


def test_other_handlers_are_set_up_as_if_ours_were_not_there(
    collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    trackside.enable_telemetry(endpoint=collector.url)
    logging.basicConfig(format="basic %(message)s", stream=sys.stdout)
    logging.getLogger("any").warning("shown")
    assert capsys.readouterr().out == "basic shown\n"
    logging.config.dictConfig(
        {
            "version": 1,
            "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
            "root": {"handlers": ["out"], "level": "INFO"},
        }
    )
    logging.getLogger("other").warning("again")
    assert capsys.readouterr().out == "again\n"
    trackside.shutdown()
    assert [record.body.string_value for _, record in collector.logs] == ["shown", "again"]
    assert not hasattr(logging.basicConfig, "__wrapped__")


def test_many_threads_log_at_once(collector: Collector) -> None:
    trackside.enable_telemetry(endpoint=collector.url)
    start = threading.Barrier(4)

    def work(number: int) -> None:
        start.wait()
        for index in range(250):
            logging.getLogger(f"thread.{number}").warning("%d", index)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trackside.flush()
    assert len(collector.logs) == 1000
    assert len({(name, record.body.string_value) for name, record in collector.logs}) == 1000


def test_forward_log_by_hand() -> None:
    with testing.capture() as captured:
        trackside.forward_log(
            40, "text", "shop", 17, "worker-1", extras={"n": 1, "list": [1, "two"]}, time=12.5
        )
        [log] = captured.logs
    assert (log.severity, log.body, log.logger, log.time) == (17, "text", "shop", 12.5)
    assert log.attributes == {
        "code.line.number": 17, "thread.name": "worker-1", "n": 1, "list": [1, "two"]
    }  # fmt: skip
