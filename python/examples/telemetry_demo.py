"""A small service with telemetry: spans, a log record, a metric, a call, and what became of them.

Run it with an endpoint: ``python telemetry_demo.py http://localhost:4318``; without one the ``OTEL_*`` variables say
where everything goes.
"""

from __future__ import annotations

import asyncio
import logging
import sys

import trackside

log = logging.getLogger("demo")
orders = trackside.counter("orders", unit="{order}", description="Orders taken.")


@trackside.service(package="shop")
class Cart:
    """What customers call."""

    @trackside.rpc.server("add", cls_id="Cart")
    @trackside.rpc.handler()
    async def add(self, item: str) -> int:
        """Put something in."""
        with trackside.rpc.storage("put"):
            await asyncio.sleep(0.001)
        orders.add(1, item=item)
        log.warning("sold the last %s", item, extra={"item": item})
        return 1


async def request(cart: Cart, headers: dict[str, str]) -> int:
    """A request of another process, whose trace goes on here."""
    with trackside.rpc.dispatch().with_parent(trackside.extract(headers)):
        return await cart.add("tea")


def main() -> None:
    """Serve one request."""
    trackside.enable_telemetry(endpoint=sys.argv[1] if len(sys.argv) > 1 else None)
    with trackside.span("customer") as span:
        headers = dict(trackside.inject())
        span.set("items", asyncio.run(request(Cart(), headers)))
    is_done = trackside.flush()
    status = trackside.status()
    print(f"delivered {status.traces.delivered} spans, {status.logs.delivered} log records")
    if not is_done:
        print(trackside.report())


if __name__ == "__main__":
    main()
