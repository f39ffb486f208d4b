"""A receiver by pycapnp alone: what our exporter sends becomes OTLP/JSON, which a Collector is sent.

Started as `trackside receive` is: receive --listen HOST:PORT --forward URL (other arguments are not looked at).
"""

import argparse
import asyncio
import json
import signal
import sys
import urllib.request

import capnp
from rows import crc32c, ingest, read_rows


def send(url, kind, request):
    body = json.dumps(request).encode()
    headers = {"Content-Type": "application/json"}
    # No proxy is asked.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(f"{url}/v1/{kind}", body, headers)) as answer:
        assert answer.status == 200, answer.status


def items(request):
    """Spans, points or log records of a request."""
    if isinstance(request, dict):
        own = sum(len(request.get(name, ())) for name in ("spans", "dataPoints", "logRecords"))
        return own + sum(items(value) for value in request.values() if isinstance(value, (dict, list)))
    return sum(items(value) for value in request if isinstance(value, (dict, list)))


class Session(ingest.Session.Server):
    def __init__(self, forward):
        self.forward, self.accepted, self.last = forward, 0, {}

    async def export(self, batch, _context, **_):
        outcome = _context.results.init("outcome")
        outcome.durability = "forwarded"
        credit(outcome.init("credit"))
        frame = batch.body.frame
        data = bytes(frame.data)
        assert frame.crc32c == crc32c(data), "crc32c"
        assert (frame.format, frame.compression) == ("rowsStandard", "none"), frame.format
        assert frame.uncompressedBytes == len(data), "uncompressedBytes"
        exporter = (batch.exporterHigh, batch.exporterLow)
        assert batch.sequence == self.last.get(exporter, 0) + 1, "sequences count up from 1"
        self.last[exporter] = batch.sequence
        with ingest.Rows.from_bytes(data) as rows:
            kind, request = read_rows(rows)
        assert kind == batch.signal, f"announced as {batch.signal}, holds {kind}"
        assert items(request) == batch.itemCount, f"announced {batch.itemCount}"
        send(self.forward, kind, request)
        self.accepted += 1
        outcome.accepted = None

    async def ping(self, nonce, _context, **_):
        _context.results.nonce = nonce
        credit(_context.results.init("credit"))

    async def close(self, _context, **_):
        _context.results.acceptedBatches = self.accepted


class Gateway(ingest.Gateway.Server):
    def __init__(self, forward):
        self.forward = forward

    async def open(self, hello, credential, _context, **_):
        assert hello.name == "trackside" and credential.which() == "anonymous"
        _context.results.session = Session(self.forward)
        credit(_context.results.init("credit"))
        own = _context.results.init("hello")
        # As a receiver of a later version would.
        own.protocolMinor, own.name, own.version = 7, "pycapnp", capnp.__version__


def credit(to):
    to.maxInFlightBatches, to.maxInFlightBytes = 4, 8 << 20
    to.maxBatchBytes = to.maxUncompressedBytes = 16 << 20


async def main(host, port, forward):
    async def serve(stream):
        await capnp.TwoPartyServer(stream, bootstrap=Gateway(forward)).on_disconnect()

    server = await capnp.AsyncIoStream.create_server(serve, host, port)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        print(f"listening at capnp://{host}:{port}", flush=True)
        await stop.wait()


parser = argparse.ArgumentParser()
parser.add_argument("command", choices=["receive"])
parser.add_argument("--listen", required=True)
parser.add_argument("--forward", required=True)
given, _ = parser.parse_known_args()
host, _, port = given.listen.rpartition(":")
asyncio.run(capnp.run(main(host, int(port), given.forward)))
sys.exit(0)
