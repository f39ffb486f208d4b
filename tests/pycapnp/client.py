"""pycapnp sends all three signals to `trackside receive`, which forwards them to a Collector; the same is then
posted to that Collector as OTLP/JSON. What it holds of both ways must be equal, line by line.

Arguments: the Collector's binary, trackside's binary, a directory to work in.
"""

import asyncio
import functools
import gzip
import json
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import capnp
from rows import crc32c, ingest, write_rows

COLLECTOR = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:{port}'}}}}}}}}
exporters: {{file: {{path: '{file}'}}}}
service:
  telemetry: {{metrics: {{level: none}}, logs: {{level: error}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [file]}}
    metrics: {{receivers: [otlp], exporters: [file]}}
    logs: {{receivers: [otlp], exporters: [file]}}
"""
# Of each signal: so many that a message of more than 1 MiB comes out, in many segments.
COUNT = 2200
BEGIN = 1_700_000_000_000_000_000


def attributes(number):
    nested = {"kvlistValue": {"values": [
        {"key": "inner", "value": {"arrayValue": {"values": [{"intValue": "-9223372036854775808"}, {}]}}},
        {"key": "empty", "value": {"kvlistValue": {"values": []}}},
    ]}}  # fmt: skip
    return [
        {"key": "text", "value": {"stringValue": f"värde {number} ⏱"}},
        {"key": "no text", "value": {"stringValue": ""}},
        {"key": "flag", "value": {"boolValue": number % 2 == 0}},
        {"key": "number", "value": {"intValue": str(number * 1_000_003)}},
        {"key": "ratio", "value": {"doubleValue": number / 7}},
        {"key": "bytes", "value": {"bytesValue": "AAH/"}},
        {"key": "nested", "value": nested},
        {"key": "nothing", "value": {}},
    ]


def span_id(number):
    return f"{number + 1:016x}"


def time_of(number):
    return str(BEGIN + number * 1000)


TRACE = "5b8efff798038103d269b633813fc60c"
SCOPE = {"name": "scope", "version": "1.2", "attributes": attributes(1)[:2], "droppedAttributesCount": 3}
RESOURCE = {"attributes": [{"key": "service.name", "value": {"stringValue": "pycapnp"}}], "droppedAttributesCount": 1}


def span(number):
    return {
        "traceId": TRACE, "spanId": span_id(number), "parentSpanId": span_id(number - 1) if number else "",
        "traceState": "a=b", "flags": 257, "name": f"span {number % 10}", "kind": number % 6,
        "startTimeUnixNano": time_of(number), "endTimeUnixNano": time_of(number + 5),
        "attributes": attributes(number), "droppedAttributesCount": number % 3,
        "events": [{"timeUnixNano": time_of(number), "name": "event", "attributes": attributes(number)[:1],
                    "droppedAttributesCount": 2}],
        "droppedEventsCount": 4,
        "links": [{"traceId": TRACE, "spanId": span_id(9), "flags": 769, "traceState": "c=d",
                   "attributes": attributes(number)[3:4], "droppedAttributesCount": 1}],
        "droppedLinksCount": 5, "status": {"code": number % 3, "message": "why" if number % 3 == 2 else ""},
    }  # fmt: skip


def log(number):
    return {
        "timeUnixNano": time_of(number), "observedTimeUnixNano": time_of(number + 1), "traceId": TRACE,
        "spanId": span_id(number), "flags": 1, "severityNumber": number % 25, "severityText": "WARN",
        "eventName": "event", "body": attributes(number)[number % 8]["value"], "attributes": attributes(number),
        "droppedAttributesCount": 1,
    }  # fmt: skip


def point(number, **more):
    times = {"startTimeUnixNano": time_of(0), "timeUnixNano": time_of(number)}
    return {**times, "flags": number % 2, "attributes": attributes(number), **more}


def metrics():
    exemplars = [
        {"timeUnixNano": time_of(1), "traceId": TRACE, "spanId": span_id(1), "asDouble": 0.5,
         "filteredAttributes": attributes(3)[:1]},
        {"timeUnixNano": time_of(2), "traceId": TRACE, "spanId": span_id(2), "asInt": "-3"},
    ]  # fmt: skip
    many = [point(number, asInt=str(number), exemplars=exemplars) for number in range(COUNT)]
    histogram = point(1, count="3", sum=6.5, min=0.5, max=4.0, bucketCounts=["1", "0", "2"], explicitBounds=[1.0, 2.5])
    bare = point(2, count="0", bucketCounts=[], explicitBounds=[])
    exponential = point(
        3, count="6", sum=1.0, scale=-2, zeroCount="1", zeroThreshold=0.25, exemplars=exemplars,
        positive={"offset": -1, "bucketCounts": ["1", "2"]}, negative={"offset": 3, "bucketCounts": ["0", "2"]},
    )  # fmt: skip
    summary = point(4, count="2", sum=3.5, quantileValues=[{"quantile": 0.5, "value": 1.0}, {"quantile": 1.0, "value": 2.5}])
    described = {"description": "words", "unit": "By", "metadata": attributes(2)[:2]}
    return [
        {"name": "gauge", **described, "gauge": {"dataPoints": [point(1, asDouble=-0.5), point(2, asInt="7")]}},
        {"name": "sum", **described, "sum": {"dataPoints": many, "aggregationTemporality": 2, "isMonotonic": True}},
        {"name": "histogram", **described, "histogram": {"dataPoints": [histogram, bare], "aggregationTemporality": 1}},
        {"name": "exponential", **described,
         "exponentialHistogram": {"dataPoints": [exponential], "aggregationTemporality": 2}},
        {"name": "summary", **described, "summary": {"dataPoints": [summary]}},
    ]  # fmt: skip


def request(resources, scopes, items, values):
    """Two resources, one of them with two scopes."""
    scope = {"schemaUrl": "https://example.com/scope", "scope": SCOPE, items: values}
    other = {"scope": {"name": "other"}, items: values[:1]}
    group = {"schemaUrl": "https://example.com/resource", "resource": RESOURCE, scopes: [scope, other]}
    return {resources: [group, {"resource": {}, scopes: [other]}]}


# The request of each signal, and how many items it holds.
REQUESTS = {
    "traces": (request("resourceSpans", "scopeSpans", "spans", [span(number) for number in range(COUNT)]), COUNT + 2),
    "logs": (request("resourceLogs", "scopeLogs", "logRecords", [log(number) for number in range(COUNT)]), COUNT + 2),
    "metrics": (request("resourceMetrics", "scopeMetrics", "metrics", metrics()), COUNT + 6 + 2 * 2),
}


def fill_rows(body, signal, what):
    write_rows(body.init("rows"), signal, what)


@functools.cache
def message_of(signal):
    """As it is, and packed."""
    rows = ingest.Rows.new_message()
    write_rows(rows, signal, REQUESTS[signal][0])
    assert len(rows.to_segments()) > 1
    plain = rows.to_bytes()
    assert len(plain) > 1 << 20, f"{signal}: {len(plain)} bytes"
    rows.clear_write_flag()
    return plain, rows.to_bytes_packed()


def fill_frame(packed, squeezed):
    def fill(body, signal, _):
        plain = message_of(signal)[packed]
        frame = body.init("frame")
        frame.format = "rowsPacked" if packed else "rowsStandard"
        frame.compression = "gzip" if squeezed else "none"
        frame.uncompressedBytes = len(plain)
        data = gzip.compress(plain, 1) if squeezed else plain
        frame.data, frame.crc32c = data, crc32c(data)

    return fill


# Each way that a batch can be sent.
WAYS = {
    "typed rows": fill_rows,
    "a frame": fill_frame(False, False),
    "a packed frame": fill_frame(True, False),
    "a frame in gzip": fill_frame(False, True),
}


async def send(place):
    host, _, port = place.removeprefix("capnp://").rpartition(":")
    client = capnp.TwoPartyClient(await capnp.AsyncIoStream.create_connection(host, int(port)))
    gateway = client.bootstrap().cast_as(ingest.Gateway)
    # Newer than the receiver is: it works all the same.
    opened = await gateway.open(hello={"protocolMinor": 99, "name": "pycapnp"}, credential={"anonymous": None})
    assert opened.hello.name == "trackside" and opened.credit.maxInFlightBatches > 0
    sequence = 0
    for signal, (what, count) in REQUESTS.items():
        for name, fill in WAYS.items():
            sequence += 1
            call = opened.session.export_request()
            batch = call.init("batch")
            batch.exporterHigh, batch.exporterLow, batch.sequence = 1 << 63, 7, sequence
            batch.signal, batch.itemCount = signal, count
            fill(batch.body, signal, what)
            outcome = (await call.send()).outcome
            assert outcome.which() == "accepted", f"{signal}, {name}: {outcome}"
            assert outcome.durability == "forwarded", f"{signal}, {name}: {outcome}"
    # What was taken once is known.
    again = opened.session.export_request()
    batch = again.init("batch")
    batch.exporterHigh, batch.exporterLow, batch.sequence = 1 << 63, 7, sequence
    assert (await again.send()).outcome.which() == "duplicate"
    assert (await opened.session.ping(nonce=42)).nonce == 42
    assert (await opened.session.close()).acceptedBatches == sequence + 1
    return sequence


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def listens(port, process, name):
    end = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert process.poll() is None and time.monotonic() < end, f"{name} does not listen"
            time.sleep(0.01)


def post(port, signal, what):
    headers = {"Content-Type": "application/json"}
    # No proxy is asked.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    body = json.dumps(what).encode()
    with opener.open(urllib.request.Request(f"http://127.0.0.1:{port}/v1/{signal}", body, headers)) as answer:
        assert answer.status == 200, answer.status


def stop(process, name):
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0, f"{name} ended with {process.returncode}"


def main(collector, trackside, directory):
    directory = pathlib.Path(directory)
    received, port = directory / "received.jsonl", free_port()
    configuration = directory / "collector.yaml"
    configuration.write_text(COLLECTOR.format(port=port, file=received))
    running = []
    try:
        collecting = subprocess.Popen([collector, "--config", configuration])
        running.append(collecting)
        listens(port, collecting, "the Collector")
        arguments = ["--listen", "127.0.0.1:0", "--forward", f"http://127.0.0.1:{port}", "--durability", "forwarded"]
        receiving = subprocess.Popen([trackside, "receive", *arguments], stdout=subprocess.PIPE, text=True)
        running.append(receiving)
        place = receiving.stdout.readline().strip().removeprefix("listening at ")
        batches = asyncio.run(capnp.run(send(place)))
        stop(receiving, "trackside receive")
        for kind, (what, _) in REQUESTS.items():
            post(port, kind, what)
        stop(collecting, "the Collector")
    finally:
        for process in running:
            process.kill()
            process.wait()
    lines = received.read_text().splitlines()
    assert len(lines) == batches + len(REQUESTS), f"{len(lines)} requests"
    different = 0
    for posted in lines[batches:]:
        resources = next(iter(json.loads(posted)))
        sent = [line for line in lines[:batches] if next(iter(json.loads(line))) == resources]
        assert len(sent) == len(WAYS), f"{resources}: {len(sent)} requests"
        for name, line in zip(WAYS, sent):
            if line != posted:
                different += 1
                at = next((i for i, (a, b) in enumerate(zip(line, posted)) if a != b), min(len(line), len(posted)))
                around = slice(max(at - 100, 0), at + 100)
                print(f"{resources} as {name}: {line[around]!r}, and posted {posted[around]!r}")
    size = sum(map(len, lines[batches:]))
    print(f"pycapnp: {batches} batches, each equal to the same posted; {size} bytes of JSON compared {len(WAYS)} times")
    return different


sys.exit(1 if main(*sys.argv[1:]) else 0)
